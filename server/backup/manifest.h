/**
 * What a backup says of itself, written last: a folder without one, or with one that does not fit,
 * is no backup. Its text comes from a disk that anybody may have held.
 */
#ifndef BT_SERVER_BACKUP_MANIFEST_H
#define BT_SERVER_BACKUP_MANIFEST_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"

#define BT_MANIFEST_NAME "manifest.json"
#define BT_MANIFEST_FORMAT 1

// A database, a list, and a few keys and certificates.
#define BT_MANIFEST_MAX_FILES 64
#define BT_MANIFEST_MAX_BYTES 65536
#define BT_MANIFEST_PATH_BYTES 128

struct bt_manifest_file {
    char path[BT_MANIFEST_PATH_BYTES];  // "bangtin.db", "blobs.txt", "keys/NAME", "tls/NAME"
    char sha256[BT_SHA256_HEX_BYTES];
    int64_t size;
};

struct bt_manifest {
    int64_t made_ms;
    int64_t blobs, blob_bytes;
    char engine[16];  // where it came from; the copy is SQLite
    struct bt_manifest_file files[BT_MANIFEST_MAX_FILES];
    size_t count;
};

// Hashes the file DIR/PATH and adds it.
int bt_manifest_add(struct bt_manifest *manifest, const char *dir, const char *path,
                    struct bt_error *err) BT_NODISCARD;
int bt_manifest_write(const struct bt_manifest *manifest, struct bt_buf *out) BT_NODISCARD;

// -EINVAL not one; every path is one of those above.
int bt_manifest_read(const char *text, size_t len, struct bt_manifest *out,
                     struct bt_error *err) BT_NODISCARD;

// Everything it names is there as it says: -EBADMSG.
int bt_manifest_check(const struct bt_manifest *manifest, const char *dir,
                      struct bt_error *err) BT_NODISCARD;

#endif

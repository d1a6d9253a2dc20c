/**
 * Content by hash: one face, two engines. The folder has it in DATA/blobs/ab/HASH. The store has it
 * in an S3-compatible store that several servers share, and what was asked for lately in a folder
 * of this machine (server/media/cache.h). No name from outside ever becomes a path. Thread-safe.
 *
 * What a reader gets is an open file. Its bytes were compared with the hash when they came here, so
 * a store can withhold content and cannot change it; what is open stays readable whatever happens
 * to its name.
 *
 * Errors beside the usual ones: -ENOENT there is no such blob, -EHOSTUNREACH the store does not
 * answer or lets us in no more, -EBADMSG it answers with other bytes.
 */
#ifndef BT_SERVER_MEDIA_BLOBS_H
#define BT_SERVER_MEDIA_BLOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct bt_blobs;
int bt_blobs_open(const char *dir, struct bt_blobs **out, struct bt_error *err) BT_NODISCARD;
void bt_blobs_destroy(struct bt_blobs *blobs);
BT_DEFINE_AUTO(bt_blobs)

// Takes a finished file in (the caller removes its own name), hashing it; durable when it returns.
int bt_blobs_adopt(struct bt_blobs *blobs, const char *path, struct bt_sha256 *out_sha256,
                   int64_t *out_size, struct bt_error *err) BT_NODISCARD;
int bt_blobs_put(struct bt_blobs *blobs, const void *bytes, size_t len,
                 struct bt_sha256 *out_sha256, struct bt_error *err) BT_NODISCARD;

// Opens it for reading; *out_fd is the caller's.
int bt_blobs_get(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                 struct bt_error *err) BT_NODISCARD;

// Reads it back from where it is kept: -EBADMSG unless it is `size` bytes with this hash.
int bt_blobs_check(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int64_t size,
                   struct bt_error *err) BT_NODISCARD;

// Gone, or never there.
int bt_blobs_remove(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                    struct bt_error *err) BT_NODISCARD;

#endif

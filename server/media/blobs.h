/**
 * Content by hash in DATA/blobs/ab/HASH. No name from outside ever becomes a path. Thread-safe.
 */
#ifndef BT_SERVER_MEDIA_BLOBS_H
#define BT_SERVER_MEDIA_BLOBS_H

#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct bt_blobs;
int bt_blobs_open(const char *dir, struct bt_blobs **out, struct bt_error *err) BT_NODISCARD;
void bt_blobs_destroy(struct bt_blobs *blobs);
BT_DEFINE_AUTO(bt_blobs)

// Takes a finished file in (linked, not copied; the caller removes its own name), hashing it;
// durable when it returns.
int bt_blobs_adopt(struct bt_blobs *blobs, const char *path, struct bt_sha256 *out_sha256,
                   int64_t *out_size, struct bt_error *err) BT_NODISCARD;
int bt_blobs_put(struct bt_blobs *blobs, const void *bytes, size_t len,
                 struct bt_sha256 *out_sha256, struct bt_error *err) BT_NODISCARD;

// -ENOENT when it is not there.
int bt_blobs_path(struct bt_blobs *blobs, const struct bt_sha256 *sha256, char *out, size_t size,
                  struct bt_error *err) BT_NODISCARD;
int bt_blobs_remove(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                    struct bt_error *err) BT_NODISCARD;

#endif

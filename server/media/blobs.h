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
#include "server/media/s3.h"

struct bt_blobs;
int bt_blobs_open(const char *dir, struct bt_blobs **out, struct bt_error *err) BT_NODISCARD;

struct bt_store_options {
    struct bt_s3_options s3;
    const char *cache;  // its folder
    int64_t cache_bytes;
};
// Waits for no answer of the store: it may be away.
int bt_blobs_open_store(const struct bt_store_options *options, struct bt_blobs **out,
                        struct bt_error *err) BT_NODISCARD;

// What is on its way from or to the store is given up, and nothing new begins. Who waits for a blob
// has been told when it returns: connections may end then.
void bt_blobs_close(struct bt_blobs *blobs);
void bt_blobs_destroy(struct bt_blobs *blobs);
BT_DEFINE_AUTO(bt_blobs)

// Takes a finished file in (the caller removes its own name), hashing it; durable when it returns.
int bt_blobs_adopt(struct bt_blobs *blobs, const char *path, struct bt_sha256 *out_sha256,
                   int64_t *out_size, struct bt_error *err) BT_NODISCARD;
int bt_blobs_put(struct bt_blobs *blobs, const void *bytes, size_t len,
                 struct bt_sha256 *out_sha256, struct bt_error *err) BT_NODISCARD;

// The store, for what is no blob; NULL of a folder. Several servers see the same.
struct bt_s3 *bt_blobs_store(struct bt_blobs *blobs);

// Opens it for reading, for the caller; waits until it is here.
int bt_blobs_get(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                 struct bt_error *err) BT_NODISCARD;

// The same without waiting: -EINPROGRESS it is not here.
int bt_blobs_look(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                  struct bt_error *err) BT_NODISCARD;

/**
 * Fetches what was not here. Calls `done` once, on any thread, perhaps before it returns, with 0 or
 * an error of bt_blobs_get; -EINPROGRESS it takes longer than somebody should be kept waiting, and
 * goes on. However many want the same, it is fetched once. -EAGAIN: too many wait already, `done`
 * is not called.
 */
int bt_blobs_fetch(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                   void (*done)(void *context, int code), void *context) BT_NODISCARD;

// Reads it back from where it is kept: -EBADMSG unless it is `size` bytes with this hash.
int bt_blobs_check(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int64_t size,
                   struct bt_error *err) BT_NODISCARD;

// Gone, or never there. -EHOSTUNREACH, -ECANCELED: nobody knows, it may go yet. After any other
// error it is still there.
int bt_blobs_remove(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                    struct bt_error *err) BT_NODISCARD;

#endif

/**
 * What of a store lies on this machine: whole blobs by hash in DIR/ab/HASH, up to so many bytes.
 * The folder itself is the list, a file's time of change when it was last asked for, so nothing is
 * lost with the process. What was asked for the longest ago goes first, and never what is open: who
 * reads holds a shared lock on the file until it is closed. Thread-safe.
 *
 * A cache forgets; so it is not the folder in which a server without a store keeps its content.
 */
#ifndef BT_SERVER_MEDIA_CACHE_H
#define BT_SERVER_MEDIA_CACHE_H

#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct bt_cache;

// Removes what fetching left there when it was killed. One process at a time has the folder.
int bt_cache_open(const char *dir, int64_t max_bytes, struct bt_cache **out,
                  struct bt_error *err) BT_NODISCARD;
void bt_cache_destroy(struct bt_cache *cache);
BT_DEFINE_AUTO(bt_cache)

// An open file for reading, the caller's; -ENOENT it is not here.
int bt_cache_get(struct bt_cache *cache, const struct bt_sha256 *sha256) BT_NODISCARD;

/**
 * A file for what comes from the store, open for writing; nobody sees it before it is kept.
 * `out_path` is for bt_cache_keep or bt_cache_drop, which close nothing and free it.
 */
int bt_cache_begin(struct bt_cache *cache, int *out_fd, char **out_path,
                   struct bt_error *err) BT_NODISCARD;
int bt_cache_keep(struct bt_cache *cache, char *path, const struct bt_sha256 *sha256,
                  struct bt_error *err) BT_NODISCARD;
void bt_cache_drop(char *path);

// A finished file gets a second name here where that is possible; otherwise nothing happens.
void bt_cache_adopt(struct bt_cache *cache, const char *path, const struct bt_sha256 *sha256);

void bt_cache_remove(struct bt_cache *cache, const struct bt_sha256 *sha256);

// Lets go what is too much, `more` bytes that are about to come counted.
void bt_cache_make_room(struct bt_cache *cache, int64_t more);
int64_t bt_cache_bytes(struct bt_cache *cache);

#endif

/**
 * The player's content store: immutable files named by their SHA-256, in
 * DIR/<first two hex digits>/<hash>. A file's size is checked whenever its path is asked for, its
 * content once per process before it is first used. Fetching, staging and eviction belong to
 * the sync room's issue.
 */
#ifndef BT_ASSETS_STORE_H
#define BT_ASSETS_STORE_H

#include "base/error.h"
#include "base/sha256.h"

struct bt_store;

// Errors: the errno of opening the directory.
int bt_store_open(const char *dir, struct bt_store **out, struct bt_error *err) BT_NODISCARD;
void bt_store_destroy(struct bt_store *store);
BT_DEFINE_AUTO(bt_store)

#define BT_STORE_PATH_BYTES 4096

/**
 * Where a file is, with its size checked and its content not: for opening it while it is being
 * verified. Nothing of it may be shown before bt_store_path has said yes.
 */
int bt_store_locate(struct bt_store *store, const struct bt_sha256 *sha256, int64_t size,
                    char *out_path, struct bt_error *err) BT_NODISCARD;

/**
 * The path of a verified file. The first call for a hash reads the whole file (not for the render
 * thread). Errors: -ENOENT missing, -EBADMSG its size or content is not what the hash says.
 * Thread-safe.
 */
int bt_store_path(struct bt_store *store, const struct bt_sha256 *sha256, int64_t size,
                  char *out_path, struct bt_error *err) BT_NODISCARD;

// Copies a file in, durably; does nothing when it is there already.
int bt_store_add(struct bt_store *store, const char *path, struct bt_sha256 *out_sha256,
                 int64_t *out_size, struct bt_error *err) BT_NODISCARD;

#endif

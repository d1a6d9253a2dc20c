/**
 * The player's content store: immutable files named by their SHA-256, in
 * DIR/<first two hex digits>/<hash>. A file's size is checked whenever its path is asked for, its
 * content once per process before it is first used. How files come in piece by piece is
 * assets/partial.h's.
 *
 * A disk is never filled: what is pinned stays, everything else goes, the least recently needed
 * first, when room is made. What was taken down is forbidden: it is gone from the disk, and is
 * neither given out nor taken in until the list of forbidden hashes leaves it out.
 */
#ifndef BT_ASSETS_STORE_H
#define BT_ASSETS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/**
 * What must stay, replacing the list before (copied). Files that leave it count as needed just now.
 */
void bt_store_set_pinned(struct bt_store *store, const struct bt_sha256 *hashes, size_t count);

/**
 * What was taken down, replacing the list before (copied): removed from the disk, also what was
 * fetched in part. A file that cannot be removed is still never given out; the error says so.
 */
int bt_store_set_forbidden(struct bt_store *store, const struct bt_sha256 *hashes, size_t count,
                           struct bt_error *err) BT_NODISCARD;
bool bt_store_forbids(struct bt_store *store, const struct bt_sha256 *sha256);

// Removes one file, whole or partial; fine when it is not there.
int bt_store_remove(struct bt_store *store, const struct bt_sha256 *sha256,
                    struct bt_error *err) BT_NODISCARD;

/**
 * Makes sure that `bytes` more fit and `reserve` bytes of the disk stay free after that, removing
 * unpinned files. -ENOSPC when that is not enough: then nothing more can be removed.
 */
int bt_store_make_room(struct bt_store *store, int64_t bytes, int64_t reserve,
                       struct bt_error *err) BT_NODISCARD;

// Free bytes of the disk, and bytes of the store's files (partial ones too).
int bt_store_usage(struct bt_store *store, int64_t *out_free, int64_t *out_used,
                   struct bt_error *err) BT_NODISCARD;

#endif

/**
 * A stick as the player reads it: a directory of unknown hands. Nothing below it is opened but
 * plain files, no link is followed, no other file system entered, and nothing is read beyond its
 * limit. Touches files, keeps nothing.
 */
#ifndef BT_SYNC_STICK_FILES_H
#define BT_SYNC_STICK_FILES_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// The folder on a stick in which everything lies.
#define BT_STICK_FOLDER "BANGTIN"

/**
 * Opens that folder of the stick mounted at `path`; to be closed. -ENOENT: it has none, so it is
 * nobody's business here.
 */
int bt_stick_files_open(const char *path, int *out_fd, struct bt_error *err) BT_NODISCARD;

/**
 * Opens a file below the folder: a plain one of at most `max_bytes`. Errors: -ENOENT there is none,
 * -ELOOP a link or another file system, -EINVAL no plain file, -EMSGSIZE too long, -EIO and the
 * like the stick is broken or gone.
 */
int bt_stick_files_find(int folder, const char *path, int64_t max_bytes, int *out_fd,
                        int64_t *out_size, struct bt_error *err) BT_NODISCARD;

// Opens a folder below it, for its names. Errors: as above.
int bt_stick_files_open_folder(int folder, const char *path, int *out_fd,
                               struct bt_error *err) BT_NODISCARD;

#endif

// Files that survive a power cut, and bounded reading.
#ifndef BT_BASE_FILE_H
#define BT_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

/**
 * Reads a whole file into `buf`, whose limit bounds it.
 * Errors: -EMSGSIZE longer than the limit, or the errno of opening and reading.
 */
int bt_file_read(const char *path, struct bt_buf *buf, struct bt_error *err) BT_NODISCARD;

// The rest of an open file; `name` is for the errors.
int bt_file_read_open(int fd, const char *name, struct bt_buf *buf,
                      struct bt_error *err) BT_NODISCARD;

/**
 * Replaces `path` with new content: written aside, synced, renamed, directory synced. After a
 * power cut the file has the old content or the new, never half.
 */
int bt_file_replace(const char *path, const void *bytes, size_t len,
                    struct bt_error *err) BT_NODISCARD;

// As bt_file_replace; the owner alone can ever read it.
int bt_file_replace_secret(const char *path, const void *bytes, size_t len,
                           struct bt_error *err) BT_NODISCARD;

// mkdir -p, mode 0755.
int bt_file_make_dirs(const char *path, struct bt_error *err) BT_NODISCARD;

// Copies a file durably (aside, sync, rename); refuses to follow a link at the destination.
int bt_file_copy(const char *from, const char *to, struct bt_error *err) BT_NODISCARD;

// Gives a finished file a second name within one file system, durably (sync, hard link, sync
// directory). What has that name already stays.
int bt_file_adopt(const char *from, const char *to, struct bt_error *err) BT_NODISCARD;

// The patience of a program that starts; a thread that serves others has none (0).
#define BT_LOCK_PATIENCE_NS (3 * INT64_C(1000000000))

/**
 * Locks an open file until it is closed. A process that was killed may have left a child that is
 * about to run another program and has the lock till then: so it is waited for, up to
 * `patience_ns`. Errors: -EBUSY another process has the lock; the errno of flock(2).
 */
int bt_file_lock(int fd, int64_t patience_ns) BT_NODISCARD;

#endif

/**
 * Errors: a negative errno for code, a sentence for people.
 *
 * A function that can fail returns 0 (or a count) or a negative errno, and writes what happened
 * into a caller's struct bt_error, which may be NULL. Lower layers say what, upper layers put
 * where in front: "zones[2]: 'width' is 0, outside 1..16384".
 */
#ifndef BT_BASE_ERROR_H
#define BT_BASE_ERROR_H

#include "base/compiler.h"

// Long enough for a path, a key and a reason; a longer message is cut at a character boundary.
#define BT_ERROR_MAX_BYTES 512

struct bt_error {
    char msg[BT_ERROR_MAX_BYTES];  // UTF-8, "" when nothing failed
};

// Writes the message and returns `code`, so that a failure is one line: return bt_fail(err, ...).
int bt_fail(struct bt_error *err, int code, const char *format, ...) BT_PRINTF(3, 4);

// Puts "where: " in front of the message that is already there and returns `code`.
int bt_fail_in(struct bt_error *err, int code, const char *format, ...) BT_PRINTF(3, 4);

// As bt_fail, ending in ": " and the text of errno; returns -errno.
int bt_fail_errno(struct bt_error *err, const char *format, ...) BT_PRINTF(2, 3);

#ifdef __clang_analyzer__  // cannot see across files that these return what they are given
#define bt_fail(err, code, ...) (bt_fail(err, code, __VA_ARGS__), (code))
#define bt_fail_in(err, code, ...) (bt_fail_in(err, code, __VA_ARGS__), (code))
#define bt_fail_errno(err, ...) (bt_fail_errno(err, __VA_ARGS__), -EIO)
#include <errno.h>
#endif

#endif

/**
 * What a player says of its frames while a new version is watched: a small file that it writes
 * every few seconds, {"start", "presented", "due", "missing"}, and "dark" without a display. The
 * player may be in wrong hands: the file is read with bounds, and worth no more than the word of
 * the version it is about. Pure.
 */
#ifndef BT_UPDATE_FRAMES_H
#define BT_UPDATE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define BT_FRAMES_MAX_BYTES 512

struct bt_frames {
    int64_t start;      // another one for each start of the process; 1 and more
    int64_t presented;  // since that start
    int64_t due;        // frames that were to be shown since then
    int64_t missing;    // of these, that were shown late or not at all
    bool dark;          // there is no display now
};

int bt_frames_parse(const char *text, size_t len, struct bt_frames *out,
                    struct bt_error *err) BT_NODISCARD;
int bt_frames_write(const struct bt_frames *frames, struct bt_buf *out) BT_NODISCARD;

#endif

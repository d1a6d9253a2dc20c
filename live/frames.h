/**
 * The frames of a live stream that are still to be shown, in a ring, and when each is due. Pure: no
 * thread, no clock; times are given. Inside live/ only.
 */
#ifndef BT_LIVE_FRAMES_H
#define BT_LIVE_FRAMES_H

#include <stdbool.h>

#include "media/frame.h"

#define BT_LIVE_FRAMES 6

struct bt_live_frames {
    struct bt_frame *ring[BT_LIVE_FRAMES];  // owned; pts_ns is the instant it is due
    size_t first, count;
    int64_t next_number;
};

void bt_live_frames_clear(struct bt_live_frames *frames);

// Takes it and numbers it. There must be room.
void bt_live_frames_add(struct bt_live_frames *frames, struct bt_frame *frame);

// Frees those whose successor is due at the instant.
void bt_live_frames_drop(struct bt_live_frames *frames, int64_t at_ns);

// When there will be room; 0: there is.
int64_t bt_live_frames_room_ns(const struct bt_live_frames *frames);

// The newest that is due and has a higher number; with -1 the first one. Borrowed, or NULL.
const struct bt_frame *bt_live_frames_find(const struct bt_live_frames *frames, int64_t at_ns,
                                           int64_t after);
const struct bt_frame *bt_live_frames_next(const struct bt_live_frames *frames, int64_t after);
const struct bt_frame *bt_live_frames_first(const struct bt_live_frames *frames);
const struct bt_frame *bt_live_frames_last(const struct bt_live_frames *frames);

#endif

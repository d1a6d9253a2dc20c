/**
 * The plan: what would play, when, in which zone and why. The same timeline that plays live, run
 * dry.
 */
#ifndef BT_PLAYLISTS_PLAN_H
#define BT_PLAYLISTS_PLAN_H

#include "base/buf.h"
#include "playlists/timeline.h"

// Gets the slots of all tracks ordered by start, tracks in their order; other than 0 stops the run.
typedef int (*bt_plan_fn)(void *context, size_t track, const struct bt_slot *slot);

/**
 * Starts a loop at `from` and gives every slot that starts before until_ns. Returns 0 or what
 * `take` stopped with.
 */
int bt_plan_run(const struct bt_show *show, struct bt_moment from, int64_t until_ns,
                bt_plan_fn take, void *context) BT_NODISCARD;

/**
 * Appends one line of JSON, with its line end: at, until (local time with offset; null: for ever),
 * zone, item, card, offset_ms (what of the card was shown before), campaign, publication, layer,
 * priority, rule, why, ends. What does not apply is null.
 * Errors: -EMSGSIZE, -ENOMEM as bt_buf_append.
 */
int bt_plan_write_line(struct bt_buf *buf, const struct bt_show *show, size_t track,
                       const struct bt_slot *slot) BT_NODISCARD;

#endif

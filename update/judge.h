/**
 * Does the new version play worse than the one before? Looked at again and again while it is
 * watched; the verdict comes as soon as it is clear, or when the time is over. Pure.
 *
 * Worse is: no present for 30 s, a third start of the process, or a share of missing frames that is
 * more than one hundredth above what it was before.
 */
#ifndef BT_UPDATE_JUDGE_H
#define BT_UPDATE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "update/frames.h"

// Why nothing was presented, when the player says so: walls are switched off, too.
#define BT_NO_DISPLAY "no-display"

#define BT_WATCH_MS INT64_C(600000)
#define BT_SILENCE_MS INT64_C(30000)

struct bt_judge_limits {
    int64_t watch_ms;    // how long all must be well
    int64_t silence_ms;  // without a present
    int64_t least_due;   // frames before their share says something
    int64_t starts;      // of the process, the first one included
};
extern const struct bt_judge_limits bt_judge_usual_limits;

enum bt_verdict { BT_VERDICT_WATCH, BT_VERDICT_KEEP, BT_VERDICT_BACK };

struct bt_judge {
    struct bt_judge_limits limits;
    struct bt_frames before;  // of the version before, at its end
    struct bt_frames last;    // of the new one; start 0: none yet
    int64_t began_ms, present_ms;
    int64_t starts, due, missing;  // over all its starts
};

// `before`: what the version before said last. Times are of one clock that never goes back.
void bt_judge_begin(struct bt_judge *judge, const struct bt_judge_limits *limits,
                    const struct bt_frames *before, int64_t now_ms);

// `frames` is what is said now, NULL when nothing can be read. *out_why is set with BACK: a word.
enum bt_verdict bt_judge_look(struct bt_judge *judge, const struct bt_frames *frames,
                              int64_t now_ms, const char **out_why);

#endif

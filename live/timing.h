/**
 * When the frames of a live stream are due. The stream's own times (bt_pace) are laid on the
 * monotonic clock so that what is read ahead lasts about BT_LIVE_AHEAD_NS; laid anew after a
 * silence, and moved by one frame every five seconds while too much or too little is ahead.
 *
 * Pure arithmetic. Inside live/ only.
 */
#ifndef BT_LIVE_TIMING_H
#define BT_LIVE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

// What the network may be late by without anybody seeing it.
#define BT_LIVE_AHEAD_NS (2 * INT64_C(1000000000))

struct bt_live_timing {
    bool laid;
    bool pushed;                // the sender says how fast: what waits here is our delay
    int64_t offset_ns;          // monotonic clock - the stream's time
    int64_t end_ns;             // where the frame before ends; 0 before the first
    int64_t window_ns;          // when the present look at what is ahead began
    int64_t least_ns, most_ns;  // ahead, in it
    int64_t skipped, repeated;  // frames, since ever
};

/**
 * When the frame is due that stands at `stream_ns` and lasts `frame_ns`, while `ahead_ns` more wait
 * behind it. *out_laid: the times were laid anew, what was before is over.
 */
int64_t bt_live_timing_next(struct bt_live_timing *timing, int64_t stream_ns, int64_t frame_ns,
                            int64_t ahead_ns, int64_t now_ns, bool *out_laid);

#endif

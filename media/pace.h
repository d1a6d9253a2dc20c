/**
 * Time stamps as they should be. Containers lie: clips start at 10 s or below zero, all stamps are
 * equal, some are missing, a broadcast jumps, a frame claims to last twenty hours. Out of whatever
 * comes this makes times that start at 0 and strictly increase, and durations that are sane.
 *
 * Pure arithmetic. Inside media/ and live/ only.
 */
#ifndef BT_MEDIA_PACE_H
#define BT_MEDIA_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define BT_PACE_UNKNOWN INT64_MIN

struct bt_pace {
    int64_t frame_ns;   // the usual frame's length
    int64_t offset_ns;  // container's time of our 0
    int64_t last_ns;    // our time of the frame before; -1 before the first
    int64_t next_ns;    // where the frame before ends
    bool anchored;      // offset_ns is known
    bool jumped;        // the next stamp is believed, wherever it lies
};

void bt_pace_init(struct bt_pace *pace, int64_t usual_frame_ns);

/**
 * The next frame: its container's time and length (BT_PACE_UNKNOWN and 0 when not said).
 * Returns its time; *out_duration_ns is at least 1 ms.
 */
int64_t bt_pace_next(struct bt_pace *pace, int64_t stamp_ns, int64_t duration_ns,
                     int64_t *out_duration_ns);

// The clip begins again: its first stamp continues where the last frame ended.
void bt_pace_restart(struct bt_pace *pace);

// The reader went somewhere else in the clip: the next stamp, if known, says where.
void bt_pace_jump(struct bt_pace *pace);

#endif

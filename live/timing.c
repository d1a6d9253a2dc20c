#include "live/timing.h"

#include "base/clock.h"
#include "base/compiler.h"

// So late, and there is no catching up.
#define LATE_NS (BT_NS_PER_S / 2)

#define WINDOW_NS (5 * BT_NS_PER_S)
#define TOO_LITTLE_NS (BT_LIVE_AHEAD_NS / 2)
#define TOO_MUCH_NS (2 * BT_LIVE_AHEAD_NS)

static void lay(struct bt_live_timing *timing, int64_t stream_ns, int64_t ahead_ns, int64_t now_ns)
{
    int64_t start_ns = now_ns + BT_MAX(BT_LIVE_AHEAD_NS - ahead_ns, 0);
    start_ns = BT_MAX(start_ns, timing->end_ns);
    timing->offset_ns = start_ns - stream_ns;
    timing->laid = true;
    timing->window_ns = now_ns;
    timing->least_ns = INT64_MAX;
    timing->most_ns = 0;
}

static void look(struct bt_live_timing *timing, int64_t frame_ns, int64_t ahead_ns, int64_t now_ns)
{
    timing->least_ns = BT_MIN(timing->least_ns, ahead_ns);
    timing->most_ns = BT_MAX(timing->most_ns, ahead_ns);
    if (now_ns - timing->window_ns < WINDOW_NS) {
        return;
    }
    if (timing->pushed && timing->most_ns < TOO_LITTLE_NS) {
        timing->offset_ns += frame_ns;
        timing->repeated++;
    } else if (timing->pushed && timing->least_ns > TOO_MUCH_NS) {
        timing->offset_ns -= frame_ns;
        timing->skipped++;
    }
    timing->window_ns = now_ns;
    timing->least_ns = INT64_MAX;
    timing->most_ns = 0;
}

int64_t bt_live_timing_next(struct bt_live_timing *timing, int64_t stream_ns, int64_t frame_ns,
                            int64_t ahead_ns, int64_t now_ns, bool *out_laid)
{
    *out_laid = !timing->laid || stream_ns + timing->offset_ns < now_ns - LATE_NS;
    if (*out_laid) {
        lay(timing, stream_ns, ahead_ns, now_ns);
    } else {
        look(timing, frame_ns, stream_ns + timing->offset_ns + ahead_ns - now_ns, now_ns);
    }
    int64_t due_ns = stream_ns + timing->offset_ns;
    timing->end_ns = due_ns + frame_ns;
    return due_ns;
}

#include "media/length.h"

#include <string.h>

#include "base/clock.h"
#include "media/av.h"
#include "media/pace.h"

// Packets come as they are decoded, frames are shown by time; no codec here looks further ahead.
#define REORDER 17

struct skim {
    struct bt_pace pace;
    bool has_begun;  // a key frame came; nothing before it can be decoded
    bool stamped;    // some packet had a time of presentation
    int64_t stamps_ns[REORDER], durations_ns[REORDER];  // by time
    int count;
};

static int64_t to_ns(int64_t stamp, AVRational base)
{
    return stamp == AV_NOPTS_VALUE ? BT_PACE_UNKNOWN
                                   : av_rescale_q(stamp, base, (AVRational){1, BT_NS_PER_S});
}

static void show_first(struct skim *skim)
{
    int64_t unused;
    (void)bt_pace_next(&skim->pace, skim->stamps_ns[0], skim->durations_ns[0], &unused);
    skim->count--;
    memmove(skim->stamps_ns, skim->stamps_ns + 1, (size_t)skim->count * sizeof(int64_t));
    memmove(skim->durations_ns, skim->durations_ns + 1, (size_t)skim->count * sizeof(int64_t));
}

static void put(struct skim *skim, int64_t stamp_ns, int64_t duration_ns)
{
    if (skim->count == REORDER) {
        show_first(skim);
    }
    int at = skim->count++;
    for (; at > 0 && skim->stamps_ns[at - 1] > stamp_ns; at--) {
        skim->stamps_ns[at] = skim->stamps_ns[at - 1];
        skim->durations_ns[at] = skim->durations_ns[at - 1];
    }
    skim->stamps_ns[at] = stamp_ns;
    skim->durations_ns[at] = duration_ns;
}

static void see(struct skim *skim, const AVPacket *packet, AVRational base)
{
    skim->has_begun |= (packet->flags & AV_PKT_FLAG_KEY) != 0;
    if (!skim->has_begun || (packet->flags & AV_PKT_FLAG_DISCARD) != 0) {
        return;
    }
    int64_t stamp = packet->pts;
    skim->stamped |= stamp != AV_NOPTS_VALUE;
    if (stamp == AV_NOPTS_VALUE && skim->stamped) {
        return;  // the other half of a picture
    }
    if (stamp == AV_NOPTS_VALUE) {
        stamp = packet->dts;
    }
    put(skim, to_ns(stamp, base), packet->duration > 0 ? to_ns(packet->duration, base) : 0);
}

int64_t bt_length_measure_ns(const char *path, const struct bt_input_options *options,
                             struct bt_error *err)
{
    BT_AUTO(bt_input) input = NULL;
    int r = bt_input_open(path, options, &input, err);
    if (r < 0) {
        return r;
    }
    struct skim skim = {0};
    bt_pace_init(&skim.pace, bt_input_frame_ns(input));
    while ((r = bt_input_read_packet(input, err)) > 0) {
        see(&skim, input->packet, input->stream->time_base);
    }
    if (r < 0) {
        return r;
    }
    while (skim.count > 0) {
        show_first(&skim);
    }
    return skim.pace.last_ns < 0 ? 0 : skim.pace.next_ns;
}

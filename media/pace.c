#include "media/pace.h"

#include "base/clock.h"
#include "base/compiler.h"

// A slide in a clip may stand for a minute; a longer wait between two frames is a jump.
#define LONGEST_WAIT_NS (60 * BT_NS_PER_S)
// The last frame's word is believed up to here: nothing after it proves it wrong.
#define LONGEST_FRAME_NS (10 * BT_NS_PER_S)
#define SHORTEST_FRAME_NS BT_NS_PER_MS
#define DEFAULT_FRAME_NS (40 * BT_NS_PER_MS)
// Stamps that go back this far belong to another stretch; less is disorder.
#define BACK_JUMP_NS BT_NS_PER_S
#define LONGEST_CLIP_NS (30 * 24 * 3600 * BT_NS_PER_S)

void bt_pace_init(struct bt_pace *pace, int64_t usual_frame_ns)
{
    *pace = (struct bt_pace){
        .frame_ns = usual_frame_ns > 0 ? usual_frame_ns : DEFAULT_FRAME_NS,
        .last_ns = -1,
    };
}

static int64_t sane_duration(const struct bt_pace *pace, int64_t duration_ns)
{
    if (duration_ns < SHORTEST_FRAME_NS || duration_ns > LONGEST_FRAME_NS) {
        return pace->frame_ns;
    }
    return duration_ns;
}

static void anchor(struct bt_pace *pace, int64_t stamp_ns)
{
    // An absurd stamp near the ends of 64 bits has no distance to anything.
    if (__builtin_sub_overflow(stamp_ns, pace->next_ns, &pace->offset_ns)) {
        pace->offset_ns = 0;
    }
    pace->anchored = true;
}

static int64_t place(struct bt_pace *pace, int64_t stamp_ns)
{
    if (stamp_ns == BT_PACE_UNKNOWN) {
        return pace->next_ns;
    }
    if (!pace->anchored) {
        anchor(pace, stamp_ns);
        return pace->next_ns;
    }
    int64_t at;
    if (__builtin_sub_overflow(stamp_ns, pace->offset_ns, &at)) {
        return pace->next_ns;
    }
    if (pace->jumped && at >= 0 && at < LONGEST_CLIP_NS) {
        return at;
    }
    if (at > pace->last_ns && at - pace->last_ns <= LONGEST_WAIT_NS) {
        return at;
    }
    if (at > pace->last_ns || pace->last_ns - at > BACK_JUMP_NS) {
        anchor(pace, stamp_ns);
    }
    return pace->next_ns;
}

int64_t bt_pace_next(struct bt_pace *pace, int64_t stamp_ns, int64_t duration_ns,
                     int64_t *out_duration_ns)
{
    int64_t at = place(pace, stamp_ns);
    *out_duration_ns = sane_duration(pace, duration_ns);
    pace->jumped = false;
    pace->last_ns = at;
    pace->next_ns = at + *out_duration_ns;
    return at;
}

void bt_pace_restart(struct bt_pace *pace)
{
    pace->anchored = false;
}

void bt_pace_jump(struct bt_pace *pace)
{
    pace->jumped = true;
}

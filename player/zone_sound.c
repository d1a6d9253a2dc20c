#include "player/zone_sound.h"

#include "base/clock.h"

// A voice is told of its beginning so long before it, so that it begins with its picture and the
// device is there by then.
#define CUE_NS BT_NS_PER_S

// Of two hours the quieter counts so long before one becomes the other: what is in a device's
// buffer then is still played, and a curfew begins on time.
#define HOUR_AHEAD_NS (BT_NS_PER_S / 2)

static enum bt_heard heard_at(const struct bt_zone_heard *heard, const struct bt_prepared *prepared,
                              int64_t at_ns, int64_t *out_milli)
{
    const struct bt_show *show = bt_running_order_show(heard->order);
    struct bt_moment moment;
    bt_running_order_look(heard->order, at_ns, &moment);
    int64_t utc_s = moment.wall_ns / BT_NS_PER_S;
    const struct bt_volume_time time = {bt_tz_to_local_s(bt_show_tz(show), utc_s), moment.trusted};
    return bt_volume(show, heard->track, &prepared->volume, &time, out_milli);
}

static enum bt_heard set_volume(const struct bt_zone_heard *heard,
                                const struct bt_prepared *prepared, int64_t at_ns)
{
    int64_t now, soon;
    if (prepared == NULL || prepared->volume.item_percent == 0) {
        return BT_HEARD_UNASKED;
    }
    enum bt_heard word = heard_at(heard, prepared, at_ns, &now);
    (void)heard_at(heard, prepared, at_ns + HOUR_AHEAD_NS, &soon);
    if (prepared->voice != NULL) {
        bt_voice_set_volume(prepared->voice, BT_MIN(now, soon));
    }
    return word;
}

// A live stream is on anyway, wherever it is shown: its voice keeps up with it before its picture
// is on the screen, and is told how loud it is then.
static bool is_live(const struct bt_prepared *prepared)
{
    return prepared->live != NULL;
}

static void play_from(const struct bt_prepared *prepared, int64_t start_ns)
{
    int64_t origin_ns =
        is_live(prepared) ? bt_live_shift_ns(prepared->live) : start_ns - prepared->offset_ns;
    bt_voice_play(prepared->voice, origin_ns);
}

static void cue_next(const struct bt_zone_heard *heard, int64_t at_ns)
{
    const struct bt_prepared *next = heard->next;
    if (next != NULL && next->voice != NULL && is_live(next)) {
        play_from(next, at_ns);
        return;
    }
    if (next == NULL || next->voice == NULL || next->immediate || heard->now->prepared == NULL) {
        return;
    }
    int64_t start_ns = BT_MIN(bt_shown_end_ns(heard->now), heard->now->planned_end_ns);
    if (start_ns - at_ns < CUE_NS && start_ns > at_ns) {
        (void)set_volume(heard, next, start_ns);
        play_from(next, start_ns);
    }
}

enum bt_heard bt_zone_sound_follow(const struct bt_zone_heard *heard, int64_t at_ns)
{
    const struct bt_shown *now = heard->now;
    enum bt_heard word = set_volume(heard, now->prepared, at_ns);
    if (now->prepared != NULL && now->prepared->voice != NULL) {
        play_from(now->prepared, now->start_ns);
        bt_voice_end_at(now->prepared->voice, bt_shown_end_ns(now));
    }
    if (heard->before->prepared != NULL && heard->before->prepared->voice != NULL) {
        bt_voice_end_at(heard->before->prepared->voice, now->start_ns);
    }
    cue_next(heard, at_ns);
    return word;
}

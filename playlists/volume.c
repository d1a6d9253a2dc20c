#include "playlists/volume.h"

#include <string.h>

#define DAY_S INT64_C(86400)
#define FULL 1000

void bt_volume_wish(const struct bt_publication *publication, const struct bt_item *item,
                    struct bt_volume_wish *out)
{
    *out = (struct bt_volume_wish){.item_percent = item->volume_percent};
    // The screen's own hours are asked of the show.
    if (publication->layer != BT_LAYER_SCREEN && publication->sound_count > 0) {
        memcpy(out->hours, publication->sound,
               publication->sound_count * sizeof(publication->sound[0]));
        out->hour_count = publication->sound_count;
    }
}

static bool holds_on_day(const struct bt_hours *hours, int64_t day_s, int64_t local_s)
{
    return (hours->weekdays >> bt_civil_weekday(day_s) & 1) != 0 &&
           local_s >= day_s + hours->from_s && local_s < day_s + hours->until_s;
}

static bool holds(const struct bt_hours *hours, int64_t local_s)
{
    int64_t day_s = local_s - ((local_s % DAY_S) + DAY_S) % DAY_S;
    return holds_on_day(hours, day_s, local_s) || holds_on_day(hours, day_s - DAY_S, local_s);
}

// The quietest that holds. None at all: nobody makes a difference. None that holds: silence.
static int64_t percent_at(const struct bt_hours *hours, size_t count,
                          const struct bt_volume_time *time)
{
    int64_t percent = 101;
    for (size_t i = 0; i < count && time->trusted; i++) {
        if (holds(&hours[i], time->local_s)) {
            percent = BT_MIN(percent, hours[i].volume_percent);
        }
    }
    return count == 0 ? 100 : percent > 100 ? 0 : percent;
}

static bool is_curfew(const struct bt_show *show, const struct bt_volume_time *time)
{
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        const struct bt_limits *limits = &bt_show_publication(show, i)->limits;
        if (percent_at(limits->sound_times, limits->sound_time_count, time) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t screen_percent(const struct bt_show *show, int64_t milli,
                              const struct bt_volume_time *time)
{
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        const struct bt_publication *publication = bt_show_publication(show, i);
        if (publication->layer == BT_LAYER_SCREEN) {
            milli = milli * percent_at(publication->sound, publication->sound_count, time) / 100;
        }
    }
    return milli;
}

enum bt_heard bt_volume(const struct bt_show *show, const struct bt_track *track,
                        const struct bt_volume_wish *wish, const struct bt_volume_time *time,
                        int64_t *out_milli)
{
    int64_t limit = bt_show_limits(show)->volume_percent * FULL / 100;
    int64_t milli = wish->item_percent * track->volume_percent * FULL / 10000;
    milli = milli * percent_at(wish->hours, wish->hour_count, time) / 100;
    milli = screen_percent(show, milli, time);
    *out_milli = 0;
    if (wish->item_percent == 0 || track->volume_percent == 0) {
        return BT_HEARD_UNASKED;
    }
    if (limit == 0) {
        return BT_HEARD_LIMITED;
    }
    if (milli == 0 || is_curfew(show, time)) {
        return BT_HEARD_CURFEW;
    }
    *out_milli = BT_MIN(milli, limit);
    return BT_HEARD;
}

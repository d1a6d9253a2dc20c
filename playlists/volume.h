/**
 * How loud an item is heard. Everybody has a word, and each can only make it quieter:
 *
 *     item × zone × hours of its publication × hours of the screen, at most what the screen allows
 *
 * An item says nothing by default and is not heard. A publication's hours ("sound") count for its
 * own items, those of the screen's layer for all; hours that a list does not name are silent, and
 * of several that hold the quietest counts. Outside the screen's "sound_times" nothing is heard at
 * all. While the clock is not trusted, whatever depends on the hour is silent.
 *
 * Pure: time is a parameter.
 */
#ifndef BT_PLAYLISTS_VOLUME_H
#define BT_PLAYLISTS_VOLUME_H

#include "playlists/show.h"

// What an item and its publication want; a copy, since what is shown may outlive its show.
struct bt_volume_wish {
    int64_t item_percent;
    struct bt_hours hours[BT_MAX_HOURS];
    size_t hour_count;
};

void bt_volume_wish(const struct bt_publication *publication, const struct bt_item *item,
                    struct bt_volume_wish *out);

enum bt_heard {
    BT_HEARD_UNASKED,  // nobody wants it heard: item, zone or hours say 0
    BT_HEARD,
    BT_HEARD_LIMITED,  // the screen allows no sound
    BT_HEARD_CURFEW,   // not at this hour; or nobody knows the hour
};

struct bt_volume_time {
    int64_t local_s;  // by the wall clock of the canvas's time zone
    bool trusted;
};

// Thousandths of the full volume.
enum bt_heard bt_volume(const struct bt_show *show, const struct bt_track *track,
                        const struct bt_volume_wish *wish, const struct bt_volume_time *time,
                        int64_t *out_milli);

#endif

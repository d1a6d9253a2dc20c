/**
 * What a zone shows, as it is heard: tells the voices of what is on, of what was before and of what
 * comes next where the picture is, and how loud they are to be. Main thread; nothing waits.
 */
#ifndef BT_PLAYER_ZONE_SOUND_H
#define BT_PLAYER_ZONE_SOUND_H

#include "player/running_order.h"
#include "player/shown.h"

struct bt_zone_heard {
    const struct bt_running_order *order;
    const struct bt_track *track;
    const struct bt_shown *before, *now;
    const struct bt_prepared *next;  // NULL: none yet
};

// To be called often; says whether what is on is heard.
enum bt_heard bt_zone_sound_follow(const struct bt_zone_heard *heard, int64_t at_ns);

#endif

/**
 * Whose turn it is in one playlist on one track: where each party stands in its own order, and
 * what it is owed.
 */
#ifndef BT_PLAYLISTS_ROTATION_H
#define BT_PLAYLISTS_ROTATION_H

#include "playlists/fair.h"
#include "playlists/lineup.h"

struct bt_rotation {
    struct bt_lineup *lineup;  // borrowed
    struct bt_party *parties;  // as in the lineup
    size_t *cursors;           // each party's next item
    int64_t *avoid_until_ns;   // per item: could not be shown
};

struct bt_rotation *bt_rotation_create(struct bt_lineup *lineup) BT_NODISCARD;
void bt_rotation_destroy(struct bt_rotation *rotation);
BT_DEFINE_AUTO(bt_rotation)

struct bt_stay {
    int64_t at_ns;
    int64_t opens_ns, closes_ns;  // the rule's window
    bool trusted;
    bool cut;  // also items that cannot finish
};

/**
 * The item whose turn it is, -1 for none. An item that cannot finish before its window and its
 * dates end is passed over, unless it is longer than all of them or `cut` is set.
 */
int bt_rotation_pick(struct bt_rotation *rotation, const struct bt_stay *stay);

// It starts: the next pick of its party is what follows.
void bt_rotation_take(struct bt_rotation *rotation, size_t item);

// It was shown for so long.
void bt_rotation_charge(struct bt_rotation *rotation, size_t item, int64_t ns);

#endif

#include "playlists/rotation.h"

#include <stdlib.h>

#include "base/mem.h"

struct bt_rotation *bt_rotation_create(struct bt_lineup *lineup)
{
    struct bt_rotation *rotation = BT_NEW(struct bt_rotation);
    size_t items = lineup->playlist->item_count;
    rotation->lineup = lineup;
    rotation->parties = BT_NEW_ARRAY(struct bt_party, lineup->party_count);
    rotation->cursors = BT_NEW_ARRAY(size_t, lineup->party_count);
    rotation->avoid_until_ns = BT_NEW_ARRAY(int64_t, items);
    for (size_t i = 0; i < lineup->party_count; i++) {
        rotation->cursors[i] = lineup->parties[i].first;
    }
    for (size_t i = 0; i < items; i++) {
        rotation->avoid_until_ns[i] = INT64_MIN;
    }
    return rotation;
}

void bt_rotation_destroy(struct bt_rotation *rotation)
{
    if (rotation == NULL) {
        return;
    }
    free(rotation->parties);
    free(rotation->cursors);
    free(rotation->avoid_until_ns);
    free(rotation);
}

static bool may_start(const struct bt_lineup_item *item, const struct bt_stay *stay)
{
    if (stay->cut || item->length_ns == INT64_MAX) {
        return true;
    }
    int64_t opens_ns = BT_MAX(stay->opens_ns, item->from_ns);
    int64_t closes_ns = BT_MIN(stay->closes_ns, item->until_ns);
    if (closes_ns == INT64_MAX || closes_ns - stay->at_ns >= item->length_ns) {
        return true;
    }
    return opens_ns != INT64_MIN && item->length_ns > closes_ns - opens_ns;
}

static int pick_of_party(const struct bt_rotation *rotation, size_t party,
                         const struct bt_stay *stay)
{
    size_t first = rotation->cursors[party], i = first;
    do {
        const struct bt_lineup_item *item = &rotation->lineup->items[i];
        if (bt_lineup_item_open(item, stay->at_ns, stay->trusted) &&
            rotation->avoid_until_ns[i] <= stay->at_ns && may_start(item, stay)) {
            return (int)i;
        }
        i = item->next;
    } while (i != first);
    return -1;
}

int bt_rotation_pick(struct bt_rotation *rotation, const struct bt_stay *stay)
{
    struct bt_lineup *lineup = rotation->lineup;
    bt_lineup_refresh(lineup, stay->at_ns, stay->trusted);
    int best = -1;
    for (size_t i = 0; i < lineup->party_count; i++) {
        const struct bt_lineup_party *party = &lineup->parties[i];
        rotation->parties[i].weight = party->open ? party->weight : 0;
        int item = party->open ? pick_of_party(rotation, i, stay) : -1;
        if (item < 0) {
            continue;
        }
        if (best < 0 || bt_fair_before(&rotation->parties[i], lineup->items[item].length_ns,
                                       &rotation->parties[lineup->items[best].party],
                                       lineup->items[best].length_ns)) {
            best = item;
        }
    }
    return best;
}

void bt_rotation_take(struct bt_rotation *rotation, size_t item)
{
    const struct bt_lineup_item *taken = &rotation->lineup->items[item];
    rotation->cursors[taken->party] = taken->next;
}

void bt_rotation_charge(struct bt_rotation *rotation, size_t item, int64_t ns)
{
    bt_fair_charge(rotation->parties, rotation->lineup->party_count,
                   rotation->lineup->items[item].party, ns);
}

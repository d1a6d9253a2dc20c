#include "player/awaited.h"

#include "base/clock.h"

// A stream stays connected so long behind its slot; in a playlist it comes again.
#define KEEP_NS (120 * BT_NS_PER_S)

static bool has_streams(const struct bt_publication *publication)
{
    for (size_t i = 0; i < publication->playlist_count; i++) {
        for (size_t j = 0; j < publication->playlists[i].item_count; j++) {
            if (publication->playlists[i].items[j].type == BT_ITEM_STREAM) {
                return true;
            }
        }
    }
    return false;
}

void bt_awaited_init(struct bt_awaited *awaited, const struct bt_show *show)
{
    *awaited = (struct bt_awaited){0};
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        awaited->has_streams = awaited->has_streams || has_streams(bt_show_publication(show, i));
    }
}

void bt_awaited_finish(struct bt_awaited *awaited)
{
    for (size_t i = 0; i < BT_MAX_KEPT; i++) {
        bt_live_unref(awaited->kept[i].live);
    }
    *awaited = (struct bt_awaited){0};
}

// The place of that stream; else a free one; else the one that would go next.
static size_t find_place(const struct bt_awaited *awaited, const struct bt_live *live)
{
    size_t place = 0;
    for (size_t i = 0; i < BT_MAX_KEPT; i++) {
        if (awaited->kept[i].live == live) {
            return i;
        }
        if (awaited->kept[i].until_ns < awaited->kept[place].until_ns) {
            place = i;
        }
    }
    return place;
}

static void let_go(struct bt_awaited *awaited, size_t place)
{
    struct bt_live *live = awaited->kept[place].live;
    awaited->missing = awaited->missing == live ? NULL : awaited->missing;
    awaited->missed = awaited->missed == live ? NULL : awaited->missed;
    awaited->asked = awaited->asked == live ? NULL : awaited->asked;
    awaited->kept[place].live = NULL;
    awaited->kept[place].until_ns = 0;
    bt_live_unref(live);
}

void bt_awaited_keep(struct bt_awaited *awaited, struct bt_live_house *house,
                     const struct bt_slot *slot, int64_t now_ns)
{
    struct bt_live *live = NULL;
    if (house == NULL || slot->item == NULL || slot->item->type != BT_ITEM_STREAM ||
        bt_live_hold(house, slot->item->live, &live, NULL) < 0) {
        return;
    }
    size_t place = find_place(awaited, live);
    if (awaited->kept[place].live == live) {
        bt_live_unref(live);  // held already
    } else {
        let_go(awaited, place);
        awaited->kept[place].live = live;
    }
    awaited->asked = live;
    int64_t length_ns = slot->end_ns == INT64_MAX ? 0 : slot->end_ns - slot->start_ns;
    awaited->kept[place].until_ns = now_ns + length_ns + KEEP_NS;
}

void bt_awaited_sweep(struct bt_awaited *awaited, int64_t now_ns)
{
    for (size_t i = 0; i < BT_MAX_KEPT; i++) {
        bool needed = awaited->kept[i].live == awaited->missed;
        if (awaited->kept[i].live != NULL && now_ns > awaited->kept[i].until_ns && !needed) {
            let_go(awaited, i);
        }
    }
}

void bt_awaited_wait(struct bt_awaited *awaited, const struct bt_slot *slot, int64_t offset_ns)
{
    awaited->waits = true;
    awaited->slot = *slot;
    awaited->offset_ns = offset_ns;
}

bool bt_awaited_waits(const struct bt_awaited *awaited)
{
    return awaited->waits;
}

bool bt_awaited_resume(struct bt_awaited *awaited, struct bt_slot *out, int64_t *out_offset_ns)
{
    *out = awaited->slot;
    *out_offset_ns = awaited->offset_ns;
    return bt_awaited_drop(awaited);
}

bool bt_awaited_drop(struct bt_awaited *awaited)
{
    bool waited = awaited->waits;
    awaited->waits = false;
    return waited;
}

void bt_awaited_miss(struct bt_awaited *awaited, const struct bt_slot *slot, int64_t offset_ns)
{
    if (awaited->missing != NULL && awaited->missing_priority >= slot->rule->priority) {
        return;
    }
    awaited->missing = awaited->asked;
    awaited->missing_priority = slot->rule->priority;
    awaited->missing_ns = slot->start_ns - offset_ns;
}

void bt_awaited_delivered(struct bt_awaited *awaited, const struct bt_prepared *prepared)
{
    int priority = prepared == NULL || prepared->empty ? -1 : prepared->priority;
    bool stands_in = awaited->missing != NULL && priority < awaited->missing_priority;
    // What is on the screen stands in for it, too: it need not wait for the next item's start.
    bool already = stands_in && awaited->missed == awaited->missing;
    awaited->missed_ns =
        already ? BT_MIN(awaited->missed_ns, awaited->missing_ns) : awaited->missing_ns;
    awaited->missed = stands_in ? awaited->missing : NULL;
    awaited->missing = NULL;
}

void bt_awaited_forget(struct bt_awaited *awaited)
{
    awaited->missed = awaited->missing = NULL;
}

bool bt_awaited_misses(const struct bt_awaited *awaited)
{
    return awaited->missed != NULL;
}

bool bt_awaited_relieves(const struct bt_awaited *awaited)
{
    return awaited->missed != NULL && bt_live_is_ready(awaited->missed);
}

int64_t bt_awaited_missed_ns(const struct bt_awaited *awaited)
{
    return awaited->missed_ns;
}

#include "playlists/fair.h"

#include "base/clock.h"
#include "base/compiler.h"

// Items count as no longer than this when they compete, so that products stay within 64 bits.
#define MAX_ITEM_US (31 * BT_MS_PER_DAY * 1000)

static int64_t total_weight(const struct bt_party *parties, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += parties[i].weight;
    }
    return total;
}

void bt_fair_charge(struct bt_party *parties, size_t count, size_t served, int64_t ns)
{
    int64_t total = total_weight(parties, count);
    if (total <= 0) {
        return;
    }
    int64_t owed_to_others = 0;
    for (size_t i = 0; i < count; i++) {
        if (i != served && parties[i].weight > 0) {
            int64_t owed = ns / total * parties[i].weight + ns % total * parties[i].weight / total;
            parties[i].lag_ns += owed;
            owed_to_others += owed;
        }
    }
    parties[served].lag_ns -= owed_to_others;
}

static int64_t due_us(const struct bt_party *party, int64_t item_ns)
{
    int64_t us = BT_MIN(item_ns / BT_NS_PER_US, MAX_ITEM_US) - party->lag_ns / BT_NS_PER_US;
    return BT_CLAMP(us, -MAX_ITEM_US, MAX_ITEM_US);
}

bool bt_fair_before(const struct bt_party *a, int64_t a_ns, const struct bt_party *b, int64_t b_ns)
{
    bool a_eligible = a->lag_ns >= 0, b_eligible = b->lag_ns >= 0;
    if (a_eligible != b_eligible) {
        return a_eligible;
    }
    if (a->weight == 0 || b->weight == 0) {
        return a->weight > b->weight;
    }
    return due_us(a, a_ns) * b->weight < due_us(b, b_ns) * a->weight;
}

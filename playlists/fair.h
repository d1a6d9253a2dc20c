/**
 * Sharing time by weight. Each party of a group is owed its part of all the time the group is
 * given; what it is owed and has not had yet is its lag, and the lags of a group add up to zero.
 *
 * To always serve the greatest lag would let a party with long items fall behind by many of them.
 * We do what packet networks do (worst-case fair queueing): among those that have not had too
 * much already, the next is the one whose item would end earliest if each played at its own steady
 * rate. No party is then ever ahead or behind by much more than one longest item.
 */
#ifndef BT_PLAYLISTS_FAIR_H
#define BT_PLAYLISTS_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_FAIR_MAX_WEIGHT 1000000  // of all parties together

struct bt_party {
    int64_t weight;  // 0: takes no part at present
    int64_t lag_ns;
};

// `ns` of time were given to parties[served]; all that take part are owed their share of it.
void bt_fair_charge(struct bt_party *parties, size_t count, size_t served, int64_t ns);

// Whether `a`, whose next item lasts a_ns, goes before `b`. Neither is then the lower index's turn.
bool bt_fair_before(const struct bt_party *a, int64_t a_ns, const struct bt_party *b, int64_t b_ns);

#endif

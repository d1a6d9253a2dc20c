/**
 * Gauges: what of a status somebody may have to act on soon, and how far each must move from what
 * was said last before it is worth saying at once. A table (gauges.c). Whoever is told decides what
 * is too much; the dead band keeps a needle that trembles from being said over and over.
 *
 * What does not move is said with the status of every ten minutes. Pure.
 */
#ifndef BT_SYNC_GAUGES_H
#define BT_SYNC_GAUGES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define BT_GAUGES 8

struct bt_gauges {
    struct {
        bool there;
        int64_t number;  // of a flag 0 or 1
        char word[16];
    } readings[BT_GAUGES];
};

// What a status says. Keys that it does not have are not there.
void bt_gauges_read(const cJSON *status, struct bt_gauges *out);

bool bt_gauges_moved(const struct bt_gauges *said, const struct bt_gauges *now);

/**
 * How often they may be said out of turn: a few times in a row, so that a beginning and an end are
 * both heard of at once, and then once a minute.
 */
#define BT_GAUGES_BURST 4
#define BT_GAUGES_REFILL_NS (60 * INT64_C(1000000000))
struct bt_gauge_pace {
    int64_t used;   // of the burst
    int64_t at_ns;  // when the first of them is given back; of none nothing
};
bool bt_gauge_pace_allows(struct bt_gauge_pace *pace, int64_t now_ns);  // takes one when it does

#endif

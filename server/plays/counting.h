/**
 * Counts deliveries: many in one transaction where nothing special happens, one by one where
 * something does (a new journal, a hole, a fork, something that is known already, another server
 * that was faster). Belongs to the ingest thread.
 *
 * The fast way trusts its memory of where journals stand, and the compare-and-set in the database
 * says whether that was right. The careful way reads everything anew in its own transaction.
 */
#ifndef BT_SERVER_PLAYS_COUNTING_H
#define BT_SERVER_PLAYS_COUNTING_H

#include "server/plays/standing.h"

struct bt_hub;

// What became of a delivery.
struct bt_counted {
    int result;  // 0, or a negative errno: nothing was changed, the player may send it again
    enum bt_verdict verdict;
    int64_t expected;  // GAP
    enum bt_standing_state state;
    int64_t last_seq;
    struct bt_sha256 last_hash;
};

struct bt_counting;
struct bt_counting *bt_counting_create(struct bt_db_pool *db, struct bt_hub *hub) BT_NODISCARD;
void bt_counting_destroy(struct bt_counting *counting);
BT_DEFINE_AUTO(bt_counting)

// When it returns, what was counted is on the disk.
void bt_counting_run(struct bt_counting *counting, struct bt_delivery *const *deliveries,
                     size_t count, struct bt_counted *out);

#endif

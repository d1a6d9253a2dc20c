/**
 * Daily heads: where every journal stood when a day was over, countersigned by the server and
 * chained to the document before (docs/evidence.md). Whoever keeps one can later tell whether plays
 * that had come home by then were taken out or changed, by us as well.
 *
 *     {"_type": "plays-heads", "format": 1, "day": "2026-11-20", "made_ms": …, "previous": HASH,
 *      "journals": [{"player", "screen", "unit", "public_key", "journal", "last_seq",
 * "last_hash"}]}
 */
#ifndef BT_SERVER_PLAYS_HEADS_H
#define BT_SERVER_PLAYS_HEADS_H

#include "base/error.h"
#include "server/db/db.h"
#include "server/server.h"

// Days end at midnight of Viet Nam.
#define BT_HEADS_OFFSET_MS (7 * 3600 * 1000LL)

// The players of a large province and their older journals; the document stays below 4 MiB.
#define BT_HEADS_MAX_JOURNALS 12000

// A journal that a newer one replaced stands in the documents this long after its last batch.
#define BT_HEADS_CLOSED_MS (40 * BT_MS_PER_DAY)

/**
 * Makes the document of the day that ended last, unless it is there; called by the housekeeper
 * every minute. Of days that nobody was awake for there is none. Has a transaction of its own;
 * -EAGAIN: another server is at it.
 */
int bt_heads_make(struct bt_server *server, struct bt_error *err) BT_NODISCARD;

#endif

/**
 * Keeps a lease (server/db/lease.h) for as long as a piece of work takes: a thread takes it again
 * in thirds of its length. A server that stood still for longer than that, or could not reach the
 * database, may have lost it; then another one is at work by now, and nothing of ours counts.
 */
#ifndef BT_SERVER_DB_KEEPER_H
#define BT_SERVER_DB_KEEPER_H

#include <stdbool.h>

#include "base/clock.h"
#include "server/db/db.h"

struct bt_keeper_options {
    struct bt_db_pool *pool;  // borrowed, as is the clock
    const struct bt_clock *clock;
    const char *name, *holder;  // of the lease, which is ours already; copied
    int64_t for_ms;
};

struct bt_keeper;
int bt_keeper_start(const struct bt_keeper_options *options, struct bt_keeper **out,
                    struct bt_error *err) BT_NODISCARD;
void bt_keeper_destroy(struct bt_keeper *keeper);  // joins; the lease stays until its end
BT_DEFINE_AUTO(bt_keeper)

bool bt_keeper_lost(struct bt_keeper *keeper);

// In the transaction that publishes what came of the work: nobody else does meanwhile. -ESTALE: it
// is another one's by now.
int bt_keeper_confirm(struct bt_keeper *keeper, struct bt_db *db,
                      struct bt_error *err) BT_NODISCARD;

#endif

#include "server/fleet/own_transaction.h"

#include <errno.h>

// As often as serialisation fails in a row before somebody should come again later.
#define MAX_TRIES 10

int bt_fleet_own_transaction(struct bt_call *call, bt_fleet_work_fn work, void *context,
                             struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int r = -EAGAIN;
    for (int i = 0; i < MAX_TRIES && r == -EAGAIN; i++) {
        r = bt_db_begin(db, true, err);
        if (r < 0) {
            continue;
        }
        r = work(call, context, err);
        r = r < 0 ? r : bt_db_commit(db, err);
        if (r < 0) {
            bt_db_rollback(db);
        }
    }
    return r;
}

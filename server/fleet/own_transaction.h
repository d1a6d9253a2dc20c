/**
 * A transaction of the handler's own, for routes with no_transaction: committed whatever is
 * answered, since a refusal is counted in it. Run again when the database asks for it, so `work`
 * changes nothing but the database and its context.
 */
#ifndef BT_SERVER_FLEET_OWN_TRANSACTION_H
#define BT_SERVER_FLEET_OWN_TRANSACTION_H

#include "server/http/call.h"

typedef int (*bt_fleet_work_fn)(struct bt_call *call, void *context, struct bt_error *err);

int bt_fleet_own_transaction(struct bt_call *call, bt_fleet_work_fn work, void *context,
                             struct bt_error *err) BT_NODISCARD;

#endif

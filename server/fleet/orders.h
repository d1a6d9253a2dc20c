/**
 * Orders to players (docs/protocol.md): numbered per player, kept until done, given to the stream
 * and to the poll.
 */
#ifndef BT_SERVER_FLEET_ORDERS_H
#define BT_SERVER_FLEET_ORDERS_H

#include <cjson/cJSON.h>

#include "server/http/call.h"

/**
 * Adds an order to every player of the screens (ids; borrowed), in the call's transaction, and
 * tells the hub after its commit. `body` (borrowed) has the kind's keys without "n" and "kind".
 * Screens without a player get it when they are paired, if the kind is lasting (takedown).
 * `reference` is the takedown's or emergency's id, or "".
 */
int bt_orders_give(struct bt_call *call, const char *const *screens, size_t count, const char *kind,
                   const cJSON *body, const char *reference, struct bt_error *err) BT_NODISCARD;

/**
 * For each screen: [{"screen", "name", "unit", "player", "n", "state":
 * "sent"|"waiting"|"done"|"refused"|"failed", "at_ms", "detail", "duty": {"name", "phone"}}]; what
 * became of the orders with that reference. For cJSON_Delete.
 */
int bt_orders_outcome(struct bt_db *db, const char *reference, cJSON **out,
                      struct bt_error *err) BT_NODISCARD;

#endif

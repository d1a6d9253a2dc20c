/**
 * Orders to players (docs/protocol.md): numbered per player, kept until done, given to the stream
 * and to the poll.
 */
#ifndef BT_SERVER_FLEET_ORDERS_H
#define BT_SERVER_FLEET_ORDERS_H

#include <cjson/cJSON.h>

#include "server/db/listed.h"
#include "server/http/call.h"

// Of one order's body. A takedown of 400 assets fits.
#define BT_ORDER_MAX_BYTES (32 * 1024)

/**
 * Adds an order to every player of the screens (ids; borrowed), in the call's transaction, and
 * tells the hub after its commit. `body` (borrowed) has the kind's keys without "n" and "kind".
 * Screens without a player get it when they are paired, if the kind is lasting (takedown,
 * emergency and its end, blank). `reference` is the takedown's, emergency's or command's id.
 * Screens that do not exist or are out of use are passed over.
 * Errors: -EINVAL no such kind, -EMSGSIZE the body, or the database's.
 */
int bt_orders_give(struct bt_call *call, const char *const *screens, size_t count, const char *kind,
                   const cJSON *body, const char *reference, struct bt_error *err) BT_NODISCARD;

// What stands for the screen, to its new player; in the call's transaction.
int bt_orders_give_standing(struct bt_call *call, const char *screen, const char *player,
                            struct bt_error *err) BT_NODISCARD;

/**
 * For each screen: [{"screen", "name", "unit", "player", "n", "state":
 * "sent"|"waiting"|"done"|"refused"|"failed", "at_ms", "detail", "duty": {"name", "phone"}}]; what
 * became of the orders with that reference. For cJSON_Delete. Of several orders of one kind to a
 * screen (it got a new player, a renewal) it is the newest that counts; "player" is null where
 * there is none, "at_ms" where there was no answer.
 */
int bt_orders_outcome(struct bt_db *db, const char *reference, cJSON **out,
                      struct bt_error *err) BT_NODISCARD;

// Open orders after n as they are sent, oldest first: rows for the functions below.
int bt_orders_open(struct bt_db *db, const char *player, int64_t after, int64_t limit,
                   struct bt_db_rows **out, struct bt_error *err) BT_NODISCARD;

// The same for many players, each with what it has already; player by player, `limit` in all.
int bt_orders_open_of(struct bt_db *db, const struct bt_paired *asked, int64_t limit,
                      struct bt_db_rows **out, struct bt_error *err) BT_NODISCARD;
const char *bt_orders_row_player(const struct bt_db_rows *row);  // of many players' rows alone

int64_t bt_orders_row_number(const struct bt_db_rows *row);
bool bt_orders_row_is_stale(const struct bt_db_rows *row, int64_t now_ms);  // not to be sent

// {"n": …, "kind": …, …} of such a row, as one line.
int bt_orders_append(const struct bt_db_rows *row, struct bt_buf *out) BT_NODISCARD;

// Up to these numbers they were written to these players.
int bt_orders_sent(struct bt_db *db, const struct bt_paired *sent,
                   struct bt_error *err) BT_NODISCARD;

/**
 * The player says it was already given `after`. When that is more than we gave, our database came
 * from a backup: open orders get numbers that lie after it, and so do all later ones. In a writing
 * transaction.
 */
int bt_orders_catch_up(struct bt_db *db, const char *player, int64_t after,
                       struct bt_error *err) BT_NODISCARD;

// What people are told of an order's state: adds "state", "at_ms" and "detail" to the object.
struct bt_order_view {
    const char *kind, *state, *detail;
    int64_t given_ms, at_ms;
    bool answered;  // at_ms is one
};
void bt_orders_describe(cJSON *object, const struct bt_order_view *order, int64_t now_ms);

#endif

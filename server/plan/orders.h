/**
 * Takedowns and emergencies, and when they stood: why what the schedule asked for could not be
 * shown, told from the signed orders themselves.
 *
 * A takedown stands from when it was given until it is first lifted; an emergency from when it was
 * given, or begins if that is later, until it ends, is ended, or is renewed, which then is an order
 * of its own with the same id. They hold on the screens below their units; of screens that have
 * moved since, the unit they are in now decides.
 */
#ifndef BT_SERVER_PLAN_ORDERS_H
#define BT_SERVER_PLAN_ORDERS_H

#include <stdbool.h>

#include "playlists/taken.h"
#include "server/db/db.h"
#include "server/ids.h"
#include "server/publications/activation.h"

enum bt_plan_order_kind { BT_ORDER_TAKEDOWN, BT_ORDER_EMERGENCY, BT_ORDER_KINDS };

struct bt_plan_order {
    enum bt_plan_order_kind kind;
    char id[BT_EMERGENCY_ID_BYTES];
    int64_t from_ms, until_ms;  // INT64_MAX: it stands
    struct bt_taken taken;      // of a takedown: what
    char (*units)[BT_UNIT_CODE_BYTES];
    size_t unit_count;
    char (*screens)[BT_SERVER_ID_BYTES];  // of an emergency: these alone; none: all
    size_t screen_count;
};

// All there are, sorted by when they began. {0} has none.
struct bt_plan_orders {
    struct bt_plan_order *list;
    size_t count, capacity;
};
void bt_plan_orders_finish(struct bt_plan_orders *orders);

// Those that stood at some time in [from_ms, until_ms). *out is for finish in either case.
int bt_plan_orders_load(struct bt_db *db, int64_t from_ms, int64_t until_ms,
                        struct bt_plan_orders *out, struct bt_error *err) BT_NODISCARD;

// `path` of the screen's unit: "/vn/92/c1/".
bool bt_plan_order_holds_on(const struct bt_plan_order *order, const char *screen,
                            const char *path);

// Did it keep this from being shown, had it begun at that moment?
bool bt_plan_order_forbids(const struct bt_plan_order *order,
                           const struct bt_publication *publication, const struct bt_item *item,
                           int64_t at_ms);

#endif

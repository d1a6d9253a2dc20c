/**
 * One day of one screen: which documents were in force when, and what they asked for.
 *
 * A loop starts when documents change, or on Monday at midnight, whichever is later, so that what
 * does not get its turn every day gets it on another, as it does on the wall. What begins on the
 * day is counted.
 */
#ifndef BT_SERVER_PLAN_DAY_H
#define BT_SERVER_PLAN_DAY_H

#include "server/plan/history.h"
#include "server/plan/memo.h"
#include "server/plan/orders.h"

// More changes in a day than people make; those after them are taken for none.
#define BT_PLAN_MAX_PIECES 64
// More orders than stand on a screen; what is beyond is not told from what else was not shown.
#define BT_PLAN_MAX_ORDERS 256

struct bt_plan_day {
    struct bt_plan_piece pieces[BT_PLAN_MAX_PIECES];  // the first may begin before the day
    size_t count;
    const struct bt_plan_order *orders[BT_PLAN_MAX_ORDERS];  // that stood on it; borrowed
    size_t order_count;
    int64_t from_ms, until_ms;         // of the day itself
    char inputs[BT_SHA256_HEX_BYTES];  // of all that goes in
};

// Midnight to midnight of a time zone; the week before is looked at.
struct bt_plan_bounds {
    int64_t week_ms, from_ms, until_ms;
};

struct bt_plan_screen {
    const char *id, *path;  // of its unit
    struct bt_plan_history *history;
    const struct bt_plan_orders *orders;  // of all screens
};
int bt_plan_day_look(const struct bt_plan_screen *screen, struct bt_db *db,
                     const struct bt_plan_bounds *bounds, struct bt_plan_day *out,
                     struct bt_error *err) BT_NODISCARD;

/**
 * What one of its pieces asked for, borrowed from the memo until the next call. Errors: -EINVAL,
 * -E2BIG, with what is wrong with the documents; those of the database.
 */
int bt_plan_day_ask(const struct bt_plan_day *day, size_t piece, struct bt_db *db,
                    struct bt_plan_memo *memo, const struct bt_asked **out,
                    struct bt_error *err) BT_NODISCARD;

#endif

/**
 * What kinds of orders there are and how each lives: whether a screen keeps it when its player
 * changes, whether it goes stale, what it makes void.
 */
#ifndef BT_SERVER_FLEET_ORDER_KIND_H
#define BT_SERVER_FLEET_ORDER_KIND_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// A transient order that reaches nobody for this long is not carried out any more: nobody wants the
// restart of last week.
#define BT_ORDER_STALE_MS (10 * 60 * 1000LL)

struct bt_order_kind_rule {
    const char *name;

    // The screen keeps it: a player that is paired later is given it first.
    bool standing;
    bool transient;  // see BT_ORDER_STALE_MS

    // Makes open orders of these kinds void (names; "" none), and takes them from what stands: all
    // of them, or those with the same reference.
    const char *replaces[2];
    bool same_reference;

    // What a person may order with POST /v1/screens/{screen}/orders; NULL: nothing. Reads the
    // body's keys and gives what is stored, for cJSON_Delete.
    int (*read)(const cJSON *body, cJSON **out, struct bt_error *err);
};

// NULL when there is no such kind.
const struct bt_order_kind_rule *bt_order_kind_find(const char *name);

bool bt_order_is_stale(const char *kind, int64_t given_ms, int64_t now_ms);

/**
 * A command's body {kind, …}: its rule and what is stored. Errors: -EINVAL with a sentence that
 * names the key.
 */
int bt_order_command_read(const cJSON *body, const struct bt_order_kind_rule **out_rule,
                          cJSON **out, struct bt_error *err) BT_NODISCARD;

#endif

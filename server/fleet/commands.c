// Commands of people to a screen, and what became of orders.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/order_kind.h"
#include "server/fleet/orders.h"
#include "server/fleet/player_view.h"
#include "server/ids.h"

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define MAX_NUMBER (1LL << 52)

static int has_player(struct bt_call *call, const char *screen, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT id FROM player WHERE screen = $1 AND state = 'active'", BT_TEXT(screen));
    return r < 0 ? r : bt_db_next(rows);
}

static int audit(struct bt_call *call, const char *screen, const char *reference, const char *kind,
                 const cJSON *body, struct bt_error *err)
{
    char object[64], unit[32];
    if (!bt_fleet_unit_of_screen(call, unit, sizeof(unit)) ||
        bt_format(object, sizeof(object), "screen/%s", screen) < 0) {
        return bt_fail(err, -EAGAIN, "The screen went away");
    }
    cJSON *details = cJSON_Duplicate(body, true);
    cJSON_AddStringToObject(details, "kind", kind);
    cJSON_AddStringToObject(details, "reference", reference);
    return bt_audit(call, "screen.order", object, unit, details, err);
}

static int give(struct bt_call *call, const char *screen, const struct bt_order_kind_rule *rule,
                const cJSON *body, struct bt_error *err)
{
    char reference[BT_SERVER_ID_BYTES];
    bt_server_id('o', reference);
    int r = bt_orders_give(call, &screen, 1, rule->name, body, reference, err);
    r = r < 0 ? r : audit(call, screen, reference, rule->name, body, err);
    if (r < 0) {
        return r;
    }
    cJSON *orders = NULL;
    r = bt_orders_outcome(bt_call_db(call), reference, &orders, err);
    if (r < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "reference", reference);
    cJSON_AddStringToObject(reply, "kind", rule->name);
    cJSON_AddItemToObject(reply, "orders", orders);
    return bt_call_json_reply(call, 201, reply);
}

int bt_handle_screen_orders_give(struct bt_call *call, struct bt_error *err)
{
    const char *screen = bt_call_path(call, "screen");
    const struct bt_order_kind_rule *rule;
    const cJSON *said = bt_call_json(call);
    BT_AUTOJSON *body = NULL;
    if (said == NULL) {
        return 0;
    }
    if (bt_order_command_read(said, &rule, &body, err) < 0) {
        return bt_fleet_bad_request(call, err);
    }
    int r = has_player(call, screen, err);
    if (r < 0) {
        return r;
    }
    if (r == 0 && !rule->standing) {
        return bt_call_problem(call, 409, "no-player",
                               "Màn hình này chưa có máy phát; không có ai nhận lệnh.",
                               "This screen has no player; nobody would get the order.");
    }
    return give(call, screen, rule, body, err);
}

static cJSON *order_json(const struct bt_db_rows *row, int64_t now_ms)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "player", bt_db_get_text(row, 0));
    cJSON_AddNumberToObject(json, "n", (double)bt_db_get_int(row, 1));
    cJSON_AddStringToObject(json, "kind", bt_db_get_text(row, 2));
    cJSON_AddStringToObject(json, "reference", bt_db_get_text(row, 3));
    cJSON_AddNumberToObject(json, "given_ms", (double)bt_db_get_int(row, 6));
    const struct bt_order_view view = {.kind = bt_db_get_text(row, 2),
                                       .state = bt_db_get_text(row, 4),
                                       .detail = bt_db_get_text(row, 5),
                                       .given_ms = bt_db_get_int(row, 6),
                                       .at_ms = bt_db_get_int(row, 7),
                                       .answered = !bt_db_is_null(row, 7)};
    bt_orders_describe(json, &view, now_ms);
    return json;
}

// Where a page ended: when the last order was given, and its number, "1795240000000-12".
struct cursor {
    int64_t given_ms, n;
};

static int read_cursor(const char *text, struct cursor *out, struct bt_error *err)
{
    *out = (struct cursor){.given_ms = MAX_NUMBER, .n = MAX_NUMBER};
    if (text == NULL) {
        return 0;
    }
    const char *hyphen = strchr(text, '-');
    char given[32] = "";
    if (hyphen == NULL || (size_t)(hyphen - text) >= sizeof(given)) {
        return bt_fail(err, -EINVAL, "'after' is not the 'next' of a page");
    }
    memcpy(given, text, (size_t)(hyphen - text));
    if (bt_parse_int(given, 0, MAX_NUMBER, &out->given_ms) < 0 ||
        bt_parse_int(hyphen + 1, 0, MAX_NUMBER, &out->n) < 0) {
        return bt_fail(err, -EINVAL, "'after' is not the 'next' of a page");
    }
    return 0;
}

// Of the row that ends a full page.
static cJSON *next_cursor(const struct bt_db_rows *row)
{
    char text[64];
    return bt_format(text, sizeof(text), "%lld-%lld", (long long)bt_db_get_int(row, 6),
                     (long long)bt_db_get_int(row, 1)) < 0
               ? cJSON_CreateNull()
               : cJSON_CreateString(text);
}

// Newest first; ?reference= for those of one takedown, emergency or command.
int bt_handle_screen_orders_list(struct bt_call *call, struct bt_error *err)
{
    int64_t limit;
    struct cursor after;
    const char *reference = bt_call_query(call, "reference");
    if (!bt_call_query_int(call, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &limit)) {
        return 0;
    }
    if (read_cursor(bt_call_query(call, "after"), &after, err) < 0) {
        return bt_fleet_bad_request(call, err);
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT player, n, kind, reference, state, detail, given_ms, at_ms"
                      " FROM player_order WHERE screen = $1"
                      " AND (given_ms < $2 OR (given_ms = $2 AND n < $5))"
                      " AND ($3 = '' OR reference = $3) ORDER BY given_ms DESC, n DESC LIMIT $4",
                      BT_TEXT(bt_call_path(call, "screen")), BT_INT(after.given_ms),
                      BT_TEXT(reference != NULL ? reference : ""), BT_INT(limit), BT_INT(after.n));
    if (r < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    bool full = (int64_t)bt_db_count(rows) == limit;
    cJSON *next = NULL;
    for (size_t i = 1; bt_db_next(rows); i++) {
        cJSON_AddItemToArray(items, order_json(rows, bt_call_now_ms(call)));
        if (full && i == bt_db_count(rows)) {
            next = next_cursor(rows);
        }
    }
    cJSON_AddItemToObject(reply, "next", next != NULL ? next : cJSON_CreateNull());
    return bt_call_json_reply(call, 200, reply);
}

// What became of orders: bt_orders_outcome.
#include "base/json.h"
#include "base/str.h"
#include "server/fleet/orders.h"

#define MAX_OUTCOME_ROWS 100000

static cJSON *add_screen(cJSON *list, const struct bt_db_rows *row)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "screen", bt_db_get_text(row, 0));
    cJSON_AddStringToObject(entry, "name", bt_db_get_text(row, 1));
    cJSON_AddStringToObject(entry, "unit", bt_db_get_text(row, 2));
    cJSON *duty = cJSON_AddObjectToObject(entry, "duty");
    cJSON_AddStringToObject(duty, "name", bt_db_get_text(row, 3));
    cJSON_AddStringToObject(duty, "phone", bt_db_get_text(row, 4));
    cJSON_AddItemToArray(list, entry);
    return entry;
}

// The newest of each screen; rows come by screen, newest first.
static int add_given(struct bt_db *db, const char *reference, cJSON *list, int64_t now_ms,
                     struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT s.id, s.name, s.unit, s.duty_name, s.duty_phone, o.player, o.n,"
                      " o.kind, o.state, o.detail, o.given_ms, o.at_ms"
                      " FROM player_order o JOIN screen s ON s.id = o.screen"
                      " WHERE o.reference = $1 ORDER BY s.id, o.given_ms DESC, o.n DESC LIMIT $2",
                      BT_TEXT(reference), BT_INT(MAX_OUTCOME_ROWS));
    const char *last = "";
    while (r == 0 && bt_db_next(rows)) {
        if (bt_str_equal(last, bt_db_get_text(rows, 0))) {
            continue;
        }
        last = bt_db_get_text(rows, 0);
        cJSON *entry = add_screen(list, rows);
        cJSON_AddStringToObject(entry, "player", bt_db_get_text(rows, 5));
        cJSON_AddNumberToObject(entry, "n", (double)bt_db_get_int(rows, 6));
        const struct bt_order_view view = {.kind = bt_db_get_text(rows, 7),
                                           .state = bt_db_get_text(rows, 8),
                                           .detail = bt_db_get_text(rows, 9),
                                           .given_ms = bt_db_get_int(rows, 10),
                                           .at_ms = bt_db_get_int(rows, 11),
                                           .answered = !bt_db_is_null(rows, 11)};
        bt_orders_describe(entry, &view, now_ms);
    }
    return r;
}

// Screens that have no player to give it to.
static int add_standing(struct bt_db *db, const char *reference, cJSON *list, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT s.id, s.name, s.unit, s.duty_name, s.duty_phone"
                      " FROM screen_standing t JOIN screen s ON s.id = t.screen"
                      " WHERE t.reference = $1 AND t.screen NOT IN (SELECT o.screen"
                      " FROM player_order o WHERE o.reference = $1) ORDER BY s.id LIMIT $2",
                      BT_TEXT(reference), BT_INT(MAX_OUTCOME_ROWS));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *entry = add_screen(list, rows);
        cJSON_AddNullToObject(entry, "player");
        cJSON_AddNumberToObject(entry, "n", 0);
        cJSON_AddStringToObject(entry, "state", "waiting");
        cJSON_AddNullToObject(entry, "at_ms");
        cJSON_AddStringToObject(entry, "detail", "");
    }
    return r;
}

int bt_orders_outcome(struct bt_db *db, const char *reference, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *list = cJSON_CreateArray();
    int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
    int r = add_given(db, reference, list, now_ms, err);
    r = r < 0 ? r : add_standing(db, reference, list, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(list);
    return 0;
}

#include "server/plan/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

// Orders are rare; so many would be thirty a day for a year.
#define MAX_ORDERS 10000

static void finish_order(struct bt_plan_order *order)
{
    bt_taken_finish(&order->taken);
    free(order->units);
    free(order->screens);
}

void bt_plan_orders_finish(struct bt_plan_orders *orders)
{
    for (size_t i = 0; i < orders->count; i++) {
        finish_order(&orders->list[i]);
    }
    free(orders->list);
    *orders = (struct bt_plan_orders){.count = 0};
}

static struct bt_plan_order *add(struct bt_plan_orders *orders, enum bt_plan_order_kind kind,
                                 const struct bt_db_rows *row)
{
    BT_GROW(orders->list, orders->capacity, orders->count + 1);
    struct bt_plan_order *order = &orders->list[orders->count++];
    *order = (struct bt_plan_order){
        .kind = kind,
        .from_ms = bt_db_get_int(row, 1),
        .until_ms = bt_db_is_null(row, 2) ? INT64_MAX : bt_db_get_int(row, 2),
    };
    bt_copy_cut(order->id, sizeof(order->id), bt_db_get_text(row, 0));
    return order;
}

/*
 * Takedowns.
 */

static const cJSON *text_in(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value : NULL;
}

// Both lists are our own text, written when the takedown was given.
static void read_assets(const char *text, struct bt_taken *taken)
{
    BT_AUTOJSON *list = NULL;
    if (bt_json_parse(text, strlen(text), &list, NULL) < 0) {
        return;
    }
    for (const cJSON *each = list->child; each != NULL; each = each->next) {
        struct bt_sha256 asset;
        if (cJSON_IsString(each) &&
            bt_unhex(each->valuestring, asset.bytes, sizeof(asset.bytes)) == 0) {
            bt_taken_add_asset(taken, &asset);
        }
    }
}

static void read_items(const char *text, struct bt_taken *taken)
{
    BT_AUTOJSON *list = NULL;
    if (bt_json_parse(text, strlen(text), &list, NULL) < 0) {
        return;
    }
    for (const cJSON *each = list->child; each != NULL; each = each->next) {
        const cJSON *publication = text_in(each, "publication"), *item = text_in(each, "item");
        if (publication != NULL && item != NULL) {
            bt_taken_add_item(taken, publication->valuestring, item->valuestring);
        }
    }
}

static int load_takedowns(struct bt_db *db, int64_t from_ms, int64_t until_ms,
                          struct bt_plan_orders *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT t.id, t.issued_ms, t.lifted_ms, t.unit, t.assets, t.items FROM"
                      " (SELECT id, issued_ms, (SELECT min(l.at_ms) FROM takedown_lift l"
                      " WHERE l.takedown = takedown.id) AS lifted_ms, unit, assets, items"
                      " FROM takedown) t WHERE t.issued_ms < $2"
                      " AND (t.lifted_ms IS NULL OR t.lifted_ms > $1)"
                      " ORDER BY t.issued_ms, t.id LIMIT $3",
                      BT_INT(from_ms), BT_INT(until_ms), BT_INT(MAX_ORDERS));
    while (r == 0 && bt_db_next(rows)) {
        struct bt_plan_order *order = add(out, BT_ORDER_TAKEDOWN, rows);
        order->units = bt_alloc(sizeof(order->units[0]));
        order->unit_count = 1;
        bt_copy_cut(order->units[0], BT_UNIT_CODE_BYTES, bt_db_get_text(rows, 3));
        read_assets(bt_db_get_text(rows, 4), &order->taken);
        read_items(bt_db_get_text(rows, 5), &order->taken);
    }
    return r;
}

/*
 * Emergencies.
 */

// What was activated says where; it was checked when it was.
static void read_scope(const char *text, struct bt_plan_order *order)
{
    BT_AUTOJSON *document = NULL;
    BT_AUTOFREE struct bt_activation *a = BT_NEW(struct bt_activation);
    if (bt_json_parse(text, strlen(text), &document, NULL) < 0 ||
        bt_activation_read(document, a, NULL) < 0) {
        return;
    }
    order->unit_count = a->scope_count;
    order->units = bt_alloc((a->scope_count + 1) * sizeof(order->units[0]));
    memcpy(order->units, a->scope, a->scope_count * sizeof(a->scope[0]));
    order->screen_count = a->screen_count;
    order->screens = bt_alloc((a->screen_count + 1) * sizeof(order->screens[0]));
    memcpy(order->screens, a->screens, a->screen_count * sizeof(a->screens[0]));
}

static int load_emergencies(struct bt_db *db, int64_t from_ms, int64_t until_ms,
                            struct bt_plan_orders *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT e.id, e.from_ms, e.until_ms, e.activation FROM"
                      " (SELECT id, CASE WHEN issued_ms > from_ms THEN issued_ms ELSE from_ms END"
                      " AS from_ms, CASE WHEN ended_ms < until_ms THEN ended_ms ELSE until_ms END"
                      " AS until_ms, activation FROM emergency UNION ALL"
                      " SELECT emergency, from_ms, until_ms, activation FROM emergency_before) e"
                      " WHERE e.from_ms < $2 AND e.until_ms > $1 AND e.from_ms < e.until_ms"
                      " ORDER BY e.from_ms, e.id LIMIT $3",
                      BT_INT(from_ms), BT_INT(until_ms), BT_INT(MAX_ORDERS));
    while (r == 0 && bt_db_next(rows)) {
        read_scope(bt_db_get_text(rows, 3), add(out, BT_ORDER_EMERGENCY, rows));
    }
    return r;
}

static int compare_orders(const void *a, const void *b)
{
    const struct bt_plan_order *first = a, *second = b;
    int order = (first->from_ms > second->from_ms) - (first->from_ms < second->from_ms);
    order = order != 0 ? order : (int)first->kind - (int)second->kind;
    return order != 0 ? order : strcmp(first->id, second->id);
}

int bt_plan_orders_load(struct bt_db *db, int64_t from_ms, int64_t until_ms,
                        struct bt_plan_orders *out, struct bt_error *err)
{
    *out = (struct bt_plan_orders){.count = 0};
    int r = load_takedowns(db, from_ms, until_ms, out, err);
    r = r < 0 ? r : load_emergencies(db, from_ms, until_ms, out, err);
    if (out->count > 1) {
        qsort(out->list, out->count, sizeof(out->list[0]), compare_orders);
    }
    return r;
}

/*
 * What they say.
 */

static bool is_below(const char *path, const char *unit)
{
    char part[BT_UNIT_CODE_BYTES + 2];
    return bt_format(part, sizeof(part), "/%s/", unit) == 0 && strstr(path, part) != NULL;
}

bool bt_plan_order_holds_on(const struct bt_plan_order *order, const char *screen, const char *path)
{
    bool named = order->screen_count == 0, below = false;
    for (size_t i = 0; i < order->screen_count && !named; i++) {
        named = strcmp(order->screens[i], screen) == 0;
    }
    for (size_t i = 0; i < order->unit_count && !below; i++) {
        below = is_below(path, order->units[i]);
    }
    return named && below;
}

bool bt_plan_order_forbids(const struct bt_plan_order *order,
                           const struct bt_publication *publication, const struct bt_item *item,
                           int64_t at_ms)
{
    return at_ms >= order->from_ms && at_ms < order->until_ms &&
           (order->kind == BT_ORDER_EMERGENCY || bt_taken_hits(&order->taken, publication, item));
}

#include "server/reports/incidents.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "server/plan/orders.h"
#include "server/reports/facts.h"
#include "server/reports/query.h"

// Of one takedown; its list of contents ends with "…" when it has more.
#define MAX_NAMED 5

struct incidents {
    struct bt_db *db;
    const struct bt_scope *scope;
    cJSON *object;
};

static void add_number(cJSON *object, const char *key, int64_t number)
{
    cJSON_AddNumberToObject(object, key, (double)number);
}

static void add_until(cJSON *object, int64_t until_ms)
{
    cJSON_AddItemToObject(object, "until_ms",
                          until_ms == INT64_MAX ? cJSON_CreateNull()
                                                : cJSON_CreateNumber((double)until_ms));
}

static int64_t count_screens(const struct bt_scope *scope, const struct bt_plan_order *order)
{
    int64_t count = 0;
    for (size_t i = 0; i < scope->count; i++) {
        const struct bt_scope_screen *screen = &scope->screens[i];
        count += bt_plan_order_holds_on(order, screen->id, screen->unit_path) ? 1 : 0;
    }
    return count;
}

/*
 * Takedowns.
 */

static int append_name(struct bt_buf *out, size_t number, const char *name)
{
    return number >= MAX_NAMED ? 0 : bt_buf_appendf(out, "%s%.120s", number == 0 ? "" : "; ", name);
}

static int append_asset(struct bt_db *db, const struct bt_sha256 *asset, size_t number,
                        struct bt_buf *out, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTO(bt_db_rows) rows = NULL;
    bt_hex(asset->bytes, sizeof(asset->bytes), hex);
    int r =
        bt_db_ask(db, &rows, err,
                  "SELECT title FROM media WHERE asset = $1 AND title <> '' ORDER BY id LIMIT 1",
                  BT_TEXT(hex));
    return r < 0 ? r : append_name(out, number, bt_db_next(rows) ? bt_db_get_text(rows, 0) : hex);
}

// "Tin bão; u.c1.bang/the-1 …"
static int name_taken(struct bt_db *db, const struct bt_taken *taken, struct bt_buf *out,
                      struct bt_error *err)
{
    size_t number = 0;
    int r = 0;
    for (size_t i = 0; i < taken->asset_count && number < MAX_NAMED && r == 0; i++) {
        r = append_asset(db, &taken->assets[i], number++, out, err);
    }
    for (size_t i = 0; i < taken->item_count && r == 0; i++) {
        BT_AUTOFREE char *name =
            bt_strf("%s/%s", taken->items[i].publication, taken->items[i].item);
        r = append_name(out, number++, name);
    }
    bool more = taken->asset_count + taken->item_count > MAX_NAMED;
    return r < 0 || !more ? r : bt_buf_appendf(out, " …");
}

static int ask_takedown(struct bt_db *db, const char *id, struct bt_db_rows **out,
                        struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT t.unit, u.name, t.reason, COALESCE(p.name, '') FROM takedown t"
                     " JOIN unit u ON u.code = t.unit LEFT JOIN user_account p"
                     " ON p.id = t.issued_by WHERE t.id = $1",
                     BT_TEXT(id));
}

// The newest title of the template.
static int ask_emergency(struct bt_db *db, const char *id, struct bt_db_rows **out,
                         struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT e.unit, u.name, COALESCE((SELECT d.title FROM publication d"
                     " WHERE d.target = e.template AND d.published_ms IS NOT NULL"
                     " AND d.title <> '' ORDER BY d.version DESC LIMIT 1), e.template),"
                     " COALESCE(p.name, ''), e.level FROM emergency e"
                     " JOIN unit u ON u.code = e.unit LEFT JOIN user_account p"
                     " ON p.id = e.issued_by WHERE e.id = $1",
                     BT_TEXT(id));
}

static int describe(const struct incidents *incidents, const struct bt_plan_order *order,
                    cJSON *item, struct bt_error *err)
{
    bool takedown = order->kind == BT_ORDER_TAKEDOWN;
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOBUF content;
    bt_buf_init(&content, 8192);
    int r = takedown ? ask_takedown(incidents->db, order->id, &rows, err)
                     : ask_emergency(incidents->db, order->id, &rows, err);
    r = r < 0 || !takedown ? r : name_taken(incidents->db, &order->taken, &content, err);
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    cJSON_AddStringToObject(item, "unit", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "unit_name", bt_db_get_text(rows, 1));
    if (takedown) {
        cJSON_AddStringToObject(item, "content", bt_buf_text(&content));
        cJSON_AddStringToObject(item, "reason", bt_db_get_text(rows, 2));
    } else {
        cJSON_AddStringToObject(item, "content", bt_db_get_text(rows, 2));
        add_number(item, "level", bt_db_get_int(rows, 4));
    }
    cJSON_AddStringToObject(item, "by", bt_db_get_text(rows, 3));
    return 0;
}

// A renewal goes on where the one before ended.
static bool continues(const cJSON *item, const struct bt_plan_order *order)
{
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "id"));
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(item, "until_ms");
    return bt_str_equal(id, order->id) && cJSON_IsNumber(until) &&
           until->valuedouble >= (double)order->from_ms;
}

static cJSON *find_renewed(const cJSON *list, const struct bt_plan_order *order)
{
    for (cJSON *item = list->child; item != NULL; item = item->next) {
        if (continues(item, order)) {
            return item;
        }
    }
    return NULL;
}

static void renew(cJSON *item, const struct bt_plan_order *order, int64_t screens)
{
    cJSON *known = cJSON_GetObjectItemCaseSensitive(item, "screens");
    cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "until_ms"),
                         (double)order->until_ms);
    cJSON_SetNumberValue(known, BT_MAX(known->valuedouble, (double)screens));
}

static int add_order(const struct incidents *incidents, const struct bt_plan_order *order,
                     cJSON *list, struct bt_error *err)
{
    int64_t screens = count_screens(incidents->scope, order);
    cJSON *before = find_renewed(list, order);
    if (before != NULL) {
        renew(before, order, screens);
        return 0;
    }
    BT_AUTOJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", order->id);
    add_number(item, "from_ms", order->from_ms);
    add_until(item, order->until_ms);
    add_number(item, "screens", screens);
    int r = describe(incidents, order, item, err);
    if (r == 0) {
        cJSON_AddItemToArray(list, BT_TAKE(item));
    }
    return r;
}

static int add_orders(const struct incidents *incidents, const struct bt_plan_orders *orders,
                      enum bt_plan_order_kind kind, const char *key, const char *more_key,
                      struct bt_error *err)
{
    cJSON *list = cJSON_AddArrayToObject(incidents->object, key);
    int64_t more = 0;
    int r = 0;
    for (size_t i = 0; i < orders->count && r == 0; i++) {
        const struct bt_plan_order *order = &orders->list[i];
        if (order->kind != kind || count_screens(incidents->scope, order) == 0) {
            continue;
        }
        if (cJSON_GetArraySize(list) == BT_REPORT_MAX_LISTED) {
            more++;
        } else {
            r = add_order(incidents, order, list, err);
        }
    }
    add_number(incidents->object, more_key, more);
    return r;
}

static int add_all_orders(const struct incidents *incidents, struct bt_error *err)
{
    BT_AUTOFINISH(bt_plan_orders_finish) struct bt_plan_orders orders = {.count = 0};
    int r = bt_plan_orders_load(incidents->db, incidents->scope->start_ms, incidents->scope->end_ms,
                                &orders, err);
    r = r < 0
            ? r
            : add_orders(incidents, &orders, BT_ORDER_TAKEDOWN, "takedowns", "takedowns_more", err);
    return r < 0 ? r
                 : add_orders(incidents, &orders, BT_ORDER_EMERGENCY, "emergencies",
                              "emergencies_more", err);
}

/*
 * What was wrong with screens: the alerts that people were told of.
 */

static void add_trouble(const struct bt_db_rows *rows, const struct bt_scope_screen *screen,
                        cJSON *list)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "kind", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "screen", screen->id);
    cJSON_AddStringToObject(item, "name", screen->name);
    cJSON_AddStringToObject(item, "unit_name", screen->unit_name);
    cJSON_AddStringToObject(item, "content", bt_db_get_text(rows, 2));
    add_number(item, "from_ms", bt_db_get_int(rows, 3));
    add_until(item, bt_db_is_null(rows, 4) ? INT64_MAX : bt_db_get_int(rows, 4));
    cJSON_AddItemToArray(list, item);
}

static int add_troubles(const struct incidents *incidents, struct bt_error *err)
{
    const struct bt_scope *scope = incidents->scope;
    BT_AUTO(bt_db_rows) rows = NULL;
    cJSON *list = cJSON_AddArrayToObject(incidents->object, "troubles");
    int64_t count = 0;
    int r = bt_db_ask(incidents->db, &rows, err,
                      "SELECT kind, screen, vi, since_ms, until_ms FROM alert"
                      " WHERE screen IS NOT NULL AND raised_ms IS NOT NULL AND since_ms < $2"
                      " AND (until_ms IS NULL OR until_ms >= $1)"
                      " ORDER BY since_ms, screen, kind, id LIMIT 50000",
                      BT_INT(scope->start_ms), BT_INT(scope->end_ms));
    while (r == 0 && bt_db_next(rows)) {
        int64_t at = bt_scope_find(scope, bt_db_get_text(rows, 1));
        if (at >= 0 && ++count <= BT_REPORT_MAX_LISTED) {
            add_trouble(rows, &scope->screens[at], list);
        }
    }
    add_number(incidents->object, "troubles_more", BT_MAX(count - BT_REPORT_MAX_LISTED, 0));
    return r;
}

/*
 * What was shown of emergencies.
 */

static int has_emergencies(struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT 1 FROM play_subject WHERE priority = 'emergency' LIMIT 1");
    return r < 0 ? r : bt_db_next(rows);
}

static int ask_shown(struct bt_db *db, const struct bt_report_params *params, const char *path,
                     struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTOQUERY query;
    struct bt_report_params all = *params;
    all.campaign[0] = '\0';
    all.item[0] = '\0';
    bt_report_query_begin(&query, &all, path);
    bt_report_query_add(&query, "SELECT CAST(COALESCE(sum(d.complete), 0) AS BIGINT),"
                                " CAST(COALESCE(sum(d.partial), 0) AS BIGINT),"
                                " CAST(COALESCE(sum(d.shown_ms), 0) AS BIGINT),"
                                " count(DISTINCT d.screen) FROM play_daily d CROSS JOIN place p");
    bt_report_query_where(&query, &all);
    bt_report_query_add(&query, " AND d.subject IN (SELECT id FROM play_subject"
                                " WHERE priority = 'emergency')");
    return bt_report_query_ask(&query, db, out, err);
}

static int add_shown(const struct incidents *incidents, const struct bt_report_params *params,
                     const char *path, struct bt_error *err)
{
    static const char *const keys[] = {"complete", "partial", "shown_ms", "screens"};
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = has_emergencies(incidents->db, err);
    bool any = r > 0;
    r = any ? ask_shown(incidents->db, params, path, &rows, err) : r;
    any = any && r == 0 && bt_db_next(rows);
    cJSON *shown = cJSON_AddObjectToObject(incidents->object, "emergency_plays");
    for (size_t i = 0; i < BT_ARRAY_LEN(keys); i++) {
        add_number(shown, keys[i], any ? bt_db_get_int(rows, (int)i) : 0);
    }
    return BT_MIN(r, 0);
}

int bt_report_incidents(struct bt_db *db, const struct bt_report_params *params, const char *path,
                        const struct bt_scope *scope, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *object = cJSON_CreateObject();
    const struct incidents incidents = {db, scope, object};
    int r = add_all_orders(&incidents, err);
    r = r < 0 ? r : add_troubles(&incidents, err);
    r = r < 0 ? r : add_shown(&incidents, params, path, err);
    if (r == 0) {
        *out = BT_TAKE(object);
    }
    return r;
}

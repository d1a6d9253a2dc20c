// Takedowns: one authorised person, at once, everywhere in the unit and below.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/orders.h"
#include "server/publications/handlers.h"
#include "server/publications/takedowns.h"

// An order stays far below what a stream takes at once.
#define MAX_NAMED 256
#define REASON_MAX_BYTES 1000

#define COLUMNS                                                                                    \
    "SELECT t.id, u.path, t.unit, t.assets, t.items, t.reason, t.issued_by, t.issued_ms"           \
    " FROM takedown t JOIN unit u ON u.code = t.unit"

static void add_stored(cJSON *object, const char *key, const char *text)
{
    cJSON *json = NULL;
    if (bt_json_parse(text, strlen(text), &json, NULL) < 0) {
        json = cJSON_CreateArray();
    }
    cJSON_AddItemToObject(object, key, json);
}

static cJSON *show(struct bt_db_rows *rows)
{
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddStringToObject(shown, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(shown, "unit", bt_db_get_text(rows, 2));
    add_stored(shown, "assets", bt_db_get_text(rows, 3));
    add_stored(shown, "items", bt_db_get_text(rows, 4));
    cJSON_AddStringToObject(shown, "reason", bt_db_get_text(rows, 5));
    cJSON_AddStringToObject(shown, "issued_by", bt_db_get_text(rows, 6));
    cJSON_AddNumberToObject(shown, "issued_ms", (double)bt_db_get_int(rows, 7));
    return shown;
}

static cJSON *show_row(struct bt_call *call, struct bt_db_rows *rows)
{
    (void)call;
    return show(rows);
}

int bt_handle_takedowns(struct bt_call *call, struct bt_error *err)
{
    return bt_desk_list(call, BT_DESK_LIST(COLUMNS, "t.id", ""), NULL, 0, show_row, err);
}

bool bt_unit_of_takedown(struct bt_call *call, char *out, size_t size)
{
    return bt_desk_unit_of_row(call, "SELECT unit FROM takedown WHERE id = $1", out, size);
}

static int add_lifts(struct bt_db *db, const char *id, cJSON *shown, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT target, version, at_ms FROM takedown_lift WHERE takedown = $1"
                      " ORDER BY at_ms, target LIMIT 1000",
                      BT_TEXT(id));
    cJSON *lifts = cJSON_AddArrayToObject(shown, "lifts");
    while (r == 0 && bt_db_next(rows)) {
        cJSON *lift = cJSON_CreateObject();
        cJSON_AddStringToObject(lift, "target", bt_db_get_text(rows, 0));
        cJSON_AddNumberToObject(lift, "version", (double)bt_db_get_int(rows, 1));
        cJSON_AddNumberToObject(lift, "at_ms", (double)bt_db_get_int(rows, 2));
        cJSON_AddItemToArray(lifts, lift);
    }
    return r;
}

static int answer_one(struct bt_call *call, const char *id, int status, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, COLUMNS " WHERE t.id = $1", BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_desk_not_found(call);
    }
    cJSON *shown = show(rows), *outcome = NULL;
    r = add_lifts(db, id, shown, err);
    r = r == 0 ? bt_orders_outcome(db, id, &outcome, err) : r;
    if (r < 0) {
        cJSON_Delete(shown);
        return r;
    }
    cJSON_AddItemToObject(shown, "screens", outcome);
    return bt_call_json_reply(call, status, shown);
}

int bt_handle_takedown(struct bt_call *call, struct bt_error *err)
{
    return answer_one(call, bt_call_path(call, "id"), 200, err);
}

static bool is_hash(const cJSON *value)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    return strlen(text) == BT_SHA256_HEX_BYTES - 1 && strspn(text, "0123456789abcdef") == 64;
}

static bool is_name(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) && value->valuestring[0] != '\0' &&
           strlen(value->valuestring) < BT_DOCUMENT_ID_BYTES;
}

static bool is_item(const cJSON *value)
{
    return cJSON_GetArraySize(value) == 2 && is_name(value, "publication") &&
           is_name(value, "item");
}

// A list of the body, copied; an empty one when it is absent.
static int take_list(const cJSON *body, const char *key, bool (*fits)(const cJSON *value),
                     const char *what, cJSON **out, struct bt_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, key);
    if (list == NULL) {
        *out = cJSON_CreateArray();
        return 0;
    }
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > MAX_NAMED) {
        return bt_fail(err, -EINVAL, "'%s' must be a list of at most %d", key, MAX_NAMED);
    }
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
        if (!fits(entry)) {
            return bt_fail(err, -EINVAL, "'%s': each must be %s", key, what);
        }
    }
    *out = cJSON_Duplicate(list, true);
    return 0;
}

struct takedown {
    char id[BT_SERVER_ID_BYTES];
    const char *unit, *reason;
    cJSON *assets, *items;
};

static void finish_takedown(struct takedown *takedown)
{
    cJSON_Delete(takedown->assets);
    cJSON_Delete(takedown->items);
}

static int read_takedown(const cJSON *body, struct takedown *out, struct bt_error *err)
{
    int r = take_list(body, "assets", is_hash, "a SHA-256 in lower-case hex", &out->assets, err);
    r = r == 0 ? take_list(body, "items", is_item, "{publication, item}", &out->items, err) : r;
    if (r == 0 && out->assets->child == NULL && out->items->child == NULL) {
        r = bt_fail(err, -EINVAL, "neither 'assets' nor 'items' names anything");
    }
    return r;
}

static int store(struct bt_call *call, const struct takedown *t, struct bt_error *err)
{
    BT_AUTOFREE char *assets = cJSON_PrintUnformatted(t->assets);
    BT_AUTOFREE char *items = cJSON_PrintUnformatted(t->items);
    int64_t changed = bt_db_run(
        bt_call_db(call), err,
        "INSERT INTO takedown (id, unit, assets, items, reason, issued_by, issued_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        BT_TEXT(t->id), BT_TEXT(t->unit), BT_TEXT(assets), BT_TEXT(items), BT_TEXT(t->reason),
        BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    return changed < 0 ? (int)changed : 0;
}

static int give(struct bt_call *call, const struct takedown *t, struct bt_error *err)
{
    BT_AUTOFINISH(bt_screen_list_finish) struct bt_screen_list screens = {0};
    BT_AUTOJSON *order = cJSON_CreateObject();
    cJSON_AddStringToObject(order, "id", t->id);
    cJSON_AddItemToObject(order, "assets", cJSON_Duplicate(t->assets, true));
    cJSON_AddItemToObject(order, "items", cJSON_Duplicate(t->items, true));
    cJSON_AddNumberToObject(order, "issued_ms", (double)bt_call_now_ms(call));
    int r = bt_screens_below(bt_call_db(call), t->unit, &screens, err);
    return r == 0 ? bt_orders_give(call, screens.pointers, screens.count, "takedown", order, t->id,
                                   err)
                  : r;
}

static int audit(struct bt_call *call, const struct takedown *t, struct bt_error *err)
{
    BT_AUTOFREE char *object = bt_strf("takedown/%s", t->id);
    cJSON *details = cJSON_CreateObject();
    cJSON_AddItemToObject(details, "assets", cJSON_Duplicate(t->assets, true));
    cJSON_AddItemToObject(details, "items", cJSON_Duplicate(t->items, true));
    cJSON_AddStringToObject(details, "reason", t->reason);
    return bt_audit(call, "takedown.issue", object, t->unit, details, err);
}

int bt_handle_takedown_issue(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOFINISH(finish_takedown) struct takedown takedown = {0};
    static const char *const keys[] = {"unit", "assets", "items", "reason", NULL};
    if (!bt_desk_keys(call, keys) ||
        !bt_desk_text(call, "unit", BT_UNIT_CODE_BYTES - 1, true, &takedown.unit) ||
        !bt_desk_text(call, "reason", REASON_MAX_BYTES, false, &takedown.reason)) {
        return 0;
    }
    int r = read_takedown(bt_call_json(call), &takedown, err);
    if (r < 0) {
        return bt_desk_refuse(call, r, "invalid", "Lệnh gỡ không hợp lệ.", err);
    }
    bt_server_id('t', takedown.id);
    r = store(call, &takedown, err);
    r = r == 0 ? give(call, &takedown, err) : r;
    r = r == 0 ? audit(call, &takedown, err) : r;
    if (r < 0) {
        return bt_desk_refuse(call, r, "invalid", "Lệnh gỡ quá dài; hãy chia ra.", err);
    }
    return answer_one(call, takedown.id, 201, err);
}

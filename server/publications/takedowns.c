#include "server/publications/takedowns.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

// Takedowns are rare; so many have been issued to one unit and those above it in all its years.
#define MAX_TAKEDOWNS 10000

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static const cJSON *list_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(value) ? value->child : NULL;
}

static bool has_text(const cJSON *first, const char *text)
{
    for (; first != NULL; first = first->next) {
        if (cJSON_IsString(first) && strcmp(first->valuestring, text) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_item(const cJSON *document, const char *id)
{
    for (const cJSON *p = list_of(document, "playlists"); p != NULL; p = p->next) {
        for (const cJSON *item = list_of(p, "items"); item != NULL; item = item->next) {
            if (strcmp(text_of(item, "id"), id) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool bt_takedown_hits(const cJSON *assets, const cJSON *items, const cJSON *document)
{
    for (const cJSON *asset = list_of(document, "assets"); asset != NULL; asset = asset->next) {
        if (cJSON_IsArray(assets) && has_text(assets->child, text_of(asset, "sha256"))) {
            return true;
        }
    }
    const cJSON *item = cJSON_IsArray(items) ? items->child : NULL;
    for (; item != NULL; item = item->next) {
        if (strcmp(text_of(item, "publication"), text_of(document, "id")) == 0 &&
            has_item(document, text_of(item, "item"))) {
            return true;
        }
    }
    return false;
}

bool bt_takedown_is_lifted(const cJSON *document, const char *id)
{
    return has_text(list_of(document, "lifts"), id);
}

// Our own text, written when the takedown was issued.
static cJSON *parse(const char *text)
{
    cJSON *json = NULL;
    return bt_json_parse(text, strlen(text), &json, NULL) < 0 ? cJSON_CreateArray() : json;
}

int bt_takedowns_check(struct bt_db *db, const struct bt_unit_facts *unit, const char *text,
                       struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOJSON *document = NULL;
    int r = bt_json_parse(text, strlen(text), &document, err);
    r = r == 0 ? bt_db_ask(db, &rows, err,
                           "SELECT t.id, t.assets, t.items FROM takedown t"
                           " JOIN unit u ON u.code = t.unit WHERE $1 LIKE u.path || '%'"
                           " ORDER BY t.issued_ms DESC LIMIT $2",
                           BT_TEXT(unit->path), BT_INT(MAX_TAKEDOWNS))
               : r;
    while (r == 0 && bt_db_next(rows)) {
        const char *id = bt_db_get_text(rows, 0);
        BT_AUTOJSON *assets = parse(bt_db_get_text(rows, 1));
        BT_AUTOJSON *items = parse(bt_db_get_text(rows, 2));
        if (bt_takedown_hits(assets, items, document) && !bt_takedown_is_lifted(document, id)) {
            r = bt_fail(err, -EINVAL,
                        "it shows what takedown %s removed; name that in 'lifts' to show it again",
                        id);
        }
    }
    return r;
}

static int lift_one(struct bt_db *db, int64_t now_ms, const char *id, const char *target,
                    int64_t version, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT id FROM takedown WHERE id = $1", BT_TEXT(id));
    if (r < 0 || !bt_db_next(rows)) {
        return r;  // of another server, or misspelt: it lifts nothing here
    }
    int64_t changed = bt_db_run(db, err,
                                "INSERT INTO takedown_lift (takedown, target, version, at_ms)"
                                " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                                BT_TEXT(id), BT_TEXT(target), BT_INT(version), BT_INT(now_ms));
    return changed < 0 ? (int)changed : 0;
}

int bt_takedowns_lift(struct bt_db *db, int64_t now_ms, const char *target, const char *text,
                      struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int64_t version = 0;
    int r = bt_json_parse(text, strlen(text), &document, err);
    if (r == 0) {
        r = bt_json_whole(cJSON_GetObjectItemCaseSensitive(document, "version"), 1,
                          INT64_C(1) << 53, &version);
    }
    for (const cJSON *id = list_of(document, "lifts"); r == 0 && id != NULL; id = id->next) {
        if (cJSON_IsString(id)) {
            r = lift_one(db, now_ms, id->valuestring, target, version, err);
        }
    }
    return r;
}

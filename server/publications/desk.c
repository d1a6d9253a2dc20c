#include "server/publications/desk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX 200
#define MAX_FILTERS 4
#define MAX_SCREENS 100000

int bt_unit_root(struct bt_db *db, char out[BT_UNIT_CODE_BYTES], struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT code, kind FROM unit WHERE kind = 'province' OR parent IS NULL"
                      " ORDER BY path LIMIT 3");
    if (r < 0) {
        return r;
    }
    size_t count = bt_db_count(rows);
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "there is no unit yet");
    }
    // The root comes first, since its path is the beginning of all others.
    if (count == 2 && strcmp(bt_db_get_text(rows, 1), "province") != 0) {
        (void)bt_db_next(rows);
    }
    bt_copy_cut(out, BT_UNIT_CODE_BYTES, bt_db_get_text(rows, 0));
    return 0;
}

int bt_unit_facts(struct bt_db *db, const char *code, struct bt_unit_facts *out,
                  struct bt_error *err)
{
    char root[BT_UNIT_CODE_BYTES];
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_unit_root(db, root, err);
    r = r == 0 ? bt_db_ask(db, &rows, err, "SELECT code, name, path FROM unit WHERE code = $1",
                           BT_TEXT(code))
               : r;
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "there is no unit '%.32s'", code);
    }
    *out = (struct bt_unit_facts){.root = strcmp(root, bt_db_get_text(rows, 0)) == 0};
    bt_copy_cut(out->code, sizeof(out->code), bt_db_get_text(rows, 0));
    bt_copy_cut(out->name, sizeof(out->name), bt_db_get_text(rows, 1));
    return bt_format(out->path, sizeof(out->path), "%s", bt_db_get_text(rows, 2)) < 0
               ? bt_fail(err, -EIO, "the path of unit '%s' is too long", out->code)
               : 0;
}

static bool is_ours(int code)
{
    return code == -EAGAIN || code == -EIO || code == -ENOMEM;
}

int bt_desk_refuse(struct bt_call *call, int code, const char *name, const char *vi,
                   struct bt_error *err)
{
    if (is_ours(code)) {
        return code;
    }
    int status = code == -ESTALE || code == -EEXIST || code == -EBUSY ? 409 : 422;
    BT_AUTOFREE char *detail = bt_strf("%s (%s)", vi, err->msg);
    return bt_call_problem(call, status, name, detail, err->msg);
}

int bt_desk_not_found(struct bt_call *call)
{
    return bt_call_problem(call, 404, "not-found", "Không tìm thấy.", "There is no such thing.");
}

bool bt_desk_keys(struct bt_call *call, const char *const *keys)
{
    const cJSON *body = bt_call_json(call);
    for (const cJSON *member = body == NULL ? NULL : body->child; member != NULL;
         member = member->next) {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], member->string) != 0) {
            i++;
        }
        if (keys[i] == NULL) {
            BT_AUTOFREE char *vi = bt_strf("Không có khóa '%.64s' ở đây.", member->string);
            BT_AUTOFREE char *en = bt_strf("The key '%.64s' is not known here.", member->string);
            bt_call_problem(call, 400, "invalid", vi, en);
            return false;
        }
    }
    return body != NULL;
}

bool bt_desk_busy(struct bt_call *call)
{
    bt_call_set_header(call, "Retry-After", "1");
    bt_call_problem(call, 503, "busy", "Máy chủ đang bận; hãy thử lại sau giây lát.",
                    "The server is busy; try again in a moment.");
    return false;
}

static void refuse_text(struct bt_call *call, const char *key, size_t max)
{
    BT_AUTOFREE char *vi = bt_strf("'%s' phải là chữ, tối đa %zu byte.", key, max);
    BT_AUTOFREE char *en = bt_strf("'%s' must be a text of at most %zu bytes.", key, max);
    bt_call_problem(call, 422, "invalid", vi, en);
}

bool bt_desk_text(struct bt_call *call, const char *key, size_t max, bool required,
                  const char **out)
{
    const cJSON *body = bt_call_json(call);
    if (body == NULL) {
        return false;
    }
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(body, key);
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    bool fits = strlen(text) <= max && (value == NULL || cJSON_IsString(value));
    if (!fits || (required && text[0] == '\0')) {
        refuse_text(call, key, max);
        return false;
    }
    *out = text;
    return true;
}

bool bt_desk_unit_of_body(struct bt_call *call, char *out, size_t size)
{
    const char *unit;
    if (!bt_desk_text(call, "unit", BT_UNIT_CODE_BYTES - 1, true, &unit)) {
        return false;
    }
    bt_copy_cut(out, size, unit);
    return true;
}

bool bt_desk_unit_of_row(struct bt_call *call, const char *sql, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err;
    struct bt_db_value id = BT_TEXT(bt_call_path(call, "id"));
    int r = bt_db_ask_values(bt_call_db(call), sql, &id, 1, &rows, &err);
    if (r < 0) {
        return bt_desk_busy(call);
    }
    if (!bt_db_next(rows)) {
        bt_desk_not_found(call);
        return false;
    }
    bt_copy_cut(out, size, bt_db_get_text(rows, 0));
    return true;
}

struct bt_db_value bt_desk_filter(struct bt_call *call, const char *name)
{
    const char *wanted = bt_call_query(call, name);
    return BT_TEXT(wanted == NULL ? "" : wanted);
}

// One row more was asked for than the page takes: it tells that there is a next one.
static cJSON *page_of(struct bt_call *call, struct bt_db_rows *rows,
                      cJSON *(*row)(struct bt_call *call, struct bt_db_rows *rows), int64_t limit)
{
    bool more = (int64_t)bt_db_count(rows) > limit;
    cJSON *page = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(page, "items");
    char last[64] = "";
    for (int64_t i = 0; i < limit && bt_db_next(rows); i++) {
        bt_copy_cut(last, sizeof(last), bt_db_get_text(rows, 0));
        cJSON_AddItemToArray(items, row(call, rows));
    }
    cJSON_AddItemToObject(page, "next", more ? cJSON_CreateString(last) : cJSON_CreateNull());
    return page;
}

int bt_desk_list(struct bt_call *call, const char *sql, const struct bt_db_value *filters,
                 size_t count, cJSON *(*row)(struct bt_call *call, struct bt_db_rows *rows),
                 struct bt_error *err)
{
    int64_t limit;
    if (!bt_call_query_int(call, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit)) {
        return 0;
    }
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(BT_ACTION_VIEW, who);
    struct bt_db_value values[4 + MAX_FILTERS] = {bt_desk_filter(call, "after"), BT_INT(limit + 1),
                                                  BT_TEXT(bt_call_caller(call)->user),
                                                  BT_TEXT(who)};
    assert(count <= MAX_FILTERS);
    for (size_t i = 0; i < count; i++) {
        values[4 + i] = filters[i];
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask_values(bt_call_db(call), sql, values, 4 + count, &rows, err);
    return r < 0 ? r : bt_call_json_reply(call, 200, page_of(call, rows, row, limit));
}

int bt_screens_below(struct bt_db *db, const char *unit, struct bt_screen_list *out,
                     struct bt_error *err)
{
    struct bt_unit_facts facts;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_unit_facts(db, unit, &facts, err);
    r = r == 0 ? bt_db_ask(db, &rows, err,
                           "SELECT s.id FROM screen s JOIN unit u ON u.code = s.unit"
                           " WHERE u.path LIKE $1 || '%' ORDER BY s.id LIMIT $2",
                           BT_TEXT(facts.path), BT_INT(MAX_SCREENS))
               : r;
    if (r < 0) {
        return r;
    }
    size_t capacity = out->count;
    BT_GROW(out->ids, capacity, out->count + bt_db_count(rows) + 1);
    while (bt_db_next(rows)) {
        bt_copy_cut(out->ids[out->count++], BT_SERVER_ID_BYTES, bt_db_get_text(rows, 0));
    }
    free(out->pointers);
    out->pointers = BT_NEW_ARRAY(const char *, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        out->pointers[i] = out->ids[i];
    }
    return 0;
}

void bt_screen_list_finish(struct bt_screen_list *list)
{
    free(list->ids);
    free(list->pointers);
    *list = (struct bt_screen_list){0};
}

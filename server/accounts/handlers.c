#include "server/accounts/handlers.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"

struct bt_db_value bt_time_value(int64_t ms)
{
    return ms == BT_NO_TIME ? BT_NULL : BT_INT(ms);
}

void bt_add_time(cJSON *object, const char *key, const struct bt_db_rows *rows, int column)
{
    if (bt_db_is_null(rows, column)) {
        cJSON_AddNullToObject(object, key);
    } else {
        cJSON_AddNumberToObject(object, key, (double)bt_db_get_int(rows, column));
    }
}

bool bt_page_read(struct bt_call *call, struct bt_page *out)
{
    const char *after = bt_call_query(call, "after");
    out->after = after != NULL ? after : "";
    return bt_call_query_int(call, "limit", 1, 200, 50, &out->limit);
}

// A cursor is a text, also when it is made of a number.
static void add_next(cJSON *reply, const cJSON *cursor)
{
    char number[24];
    if (cursor == NULL) {
        cJSON_AddNullToObject(reply, "next");
    } else if (cJSON_IsString(cursor)) {
        cJSON_AddStringToObject(reply, "next", cursor->valuestring);
    } else if (bt_format(number, sizeof(number), "%.0f", cursor->valuedouble) == 0) {
        cJSON_AddStringToObject(reply, "next", number);
    }
}

int bt_page_reply(struct bt_call *call, const struct bt_page *page, struct bt_db_rows *rows,
                  cJSON *(*add)(const struct bt_db_rows *rows), const char *cursor_key)
{
    cJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    bool more = bt_db_count(rows) > (size_t)page->limit;
    const cJSON *last = NULL;
    for (int64_t i = 0; i < page->limit && bt_db_next(rows); i++) {
        cJSON *item = add(rows);
        last = item;
        cJSON_AddItemToArray(items, item);
    }
    add_next(reply, more ? cJSON_GetObjectItemCaseSensitive(last, cursor_key) : NULL);
    return bt_call_json_reply(call, 200, reply);
}

int bt_not_found(struct bt_call *call)
{
    return bt_call_problem(call, 404, "not-found", "Không tìm thấy", "There is no such thing");
}

int bt_busy_or(struct bt_call *call, int r)
{
    if (r != -EBUSY) {
        return r;
    }
    bt_call_set_header(call, "Retry-After", "1");
    return bt_call_problem(call, 503, "busy", "Nhiều người đang đăng nhập cùng lúc; hãy thử lại",
                           "Many people are logging in at once; try again");
}

static bool copy_first(struct bt_call *call, int r, struct bt_db_rows *rows, char *out, size_t size)
{
    if (r == 0 && bt_db_next(rows) && bt_format(out, size, "%s", bt_db_get_text(rows, 0)) == 0) {
        return true;
    }
    bt_not_found(call);
    return false;
}

bool bt_unit_of_user(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT unit FROM user_account WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "user")));
    return copy_first(call, r, rows, out, size);
}

static bool unit_of_key(struct bt_call *call, const char *key, char *out, size_t size)
{
    const cJSON *body = bt_call_json(call);
    if (body == NULL) {
        return false;
    }
    const cJSON *unit = cJSON_GetObjectItemCaseSensitive(body, key);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = !cJSON_IsString(unit)
                ? -EINVAL
                : bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT code FROM unit WHERE code = $1",
                            BT_TEXT(unit->valuestring));
    if (r == 0 && bt_db_next(rows) && bt_format(out, size, "%s", bt_db_get_text(rows, 0)) == 0) {
        return true;
    }
    bt_call_problem(call, 400, "no-such-unit", "Không có đơn vị nêu trong yêu cầu",
                    "There is no such unit as the request names");
    return false;
}

bool bt_unit_in_body(struct bt_call *call, char *out, size_t size)
{
    return unit_of_key(call, "unit", out, size);
}

bool bt_parent_in_body(struct bt_call *call, char *out, size_t size)
{
    return unit_of_key(call, "parent", out, size);
}

int bt_other_administrator(struct bt_db *db, const char *user, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT 1 FROM role_grant g JOIN user_account u ON u.id = g.user_id"
                      " WHERE g.unit = $1 AND g.role = $2 AND u.state = 'active' AND u.id <> $3"
                      " LIMIT 1",
                      BT_TEXT(BT_ROOT_UNIT), BT_TEXT(bt_role_word(BT_ROLE_ADMINISTRATOR)),
                      BT_TEXT(user));
    return r < 0 ? r : bt_db_count(rows) > 0;
}

int bt_refuse_last_administrator(struct bt_call *call)
{
    return bt_call_problem(call, 409, "last-administrator",
                           "Đây là quản trị viên cuối cùng của toàn hệ thống",
                           "This is the last administrator of the whole system");
}

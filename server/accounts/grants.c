#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"

struct grant {
    char unit[BT_UNIT_CODE_BYTES];
    char role[32];
};

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct grant, unit, "unit", BT_JSON_STRING, .min = 1,
                  .max = BT_UNIT_CODE_BYTES - 1),
    BT_JSON_FIELD(struct grant, role, "role", BT_JSON_STRING, .min = 1, .max = 31),
};

static cJSON *grant_item(const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "unit", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "role", bt_db_get_text(rows, 1));
    cJSON_AddStringToObject(item, "granted_by", bt_db_get_text(rows, 2));
    cJSON_AddNumberToObject(item, "granted_ms", (double)bt_db_get_int(rows, 3));
    cJSON_AddStringToObject(item, "cursor", bt_db_get_text(rows, 4));
    return item;
}

int bt_handle_grants_list(struct bt_call *call, struct bt_error *err)
{
    struct bt_page page;
    if (!bt_page_read(call, &page)) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT unit, role, granted_by, granted_ms, unit || '/' || role"
                  " FROM role_grant WHERE user_id = $1 AND unit || '/' || role > $2"
                  " ORDER BY unit || '/' || role LIMIT $3",
                  BT_TEXT(bt_call_path(call, "user")), BT_TEXT(page.after), BT_INT(page.limit + 1));
    return r < 0 ? r : bt_page_reply(call, &page, rows, grant_item, "cursor");
}

static int note(struct bt_call *call, const char *verb, const struct grant *grant,
                struct bt_error *err)
{
    char object[64];
    if (bt_format(object, sizeof(object), "user/%.40s", bt_call_path(call, "user")) < 0) {
        return bt_fail(err, -EIO, "A user's id is too long");
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "role", grant->role);
    return bt_audit(call, verb, object, grant->unit, details, err);
}

static int user_exists(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err, "SELECT 1 FROM user_account WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "user")));
    return r < 0 ? r : bt_db_count(rows) > 0;
}

// Giving what is there already changes nothing and is no error.
int bt_handle_grants_add(struct bt_call *call, struct bt_error *err)
{
    struct grant grant = {0};
    enum bt_role role;
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &grant)) {
        return 0;
    }
    if (bt_role_parse(grant.role, &role) < 0) {
        return bt_call_problem(call, 400, "no-such-role", "Không có vai trò này",
                               "There is no such role");
    }
    int exists = user_exists(call, err);
    if (exists != 1) {
        return exists < 0 ? exists : bt_not_found(call);
    }
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "INSERT INTO role_grant(user_id, unit, role, granted_by, granted_ms)"
                          " VALUES($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                          BT_TEXT(bt_call_path(call, "user")), BT_TEXT(grant.unit),
                          BT_TEXT(bt_role_word(role)), BT_TEXT(bt_call_caller(call)->user),
                          BT_INT(bt_call_now_ms(call)));
    r = r <= 0 ? r : note(call, "grant.add", &grant, err);
    return r < 0 ? (int)r : bt_call_empty_reply(call, 204);
}

static bool is_top(const struct grant *grant)
{
    return strcmp(grant->unit, BT_ROOT_UNIT) == 0 &&
           strcmp(grant->role, bt_role_word(BT_ROLE_ADMINISTRATOR)) == 0;
}

int bt_handle_grant_remove(struct bt_call *call, struct bt_error *err)
{
    struct grant grant = {0};
    const char *user = bt_call_path(call, "user");
    if (bt_format(grant.unit, sizeof(grant.unit), "%s", bt_call_path(call, "unit")) < 0 ||
        bt_format(grant.role, sizeof(grant.role), "%s", bt_call_path(call, "role")) < 0) {
        return bt_not_found(call);
    }
    int other = is_top(&grant) ? bt_other_administrator(bt_call_db(call), user, err) : 1;
    if (other != 1) {
        return other < 0 ? other : bt_refuse_last_administrator(call);
    }
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "DELETE FROM role_grant WHERE user_id = $1 AND unit = $2 AND role = $3",
                          BT_TEXT(user), BT_TEXT(grant.unit), BT_TEXT(grant.role));
    if (r == 0) {
        return bt_not_found(call);
    }
    r = r < 0 ? r : note(call, "grant.remove", &grant, err);
    return r < 0 ? (int)r : bt_call_empty_reply(call, 204);
}

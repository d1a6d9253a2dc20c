#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"

// A former code or name of a unit, or a unit that was merged into it.
struct alias {
    char code[BT_UNIT_CODE_BYTES];
    char name[BT_NAME_BYTES];
    int64_t from_ms, until_ms;
};

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct alias, code, "code", BT_JSON_STRING, .min = 1,
                  .max = BT_UNIT_CODE_BYTES - 1),
    BT_JSON_FIELD(struct alias, name, "name", BT_JSON_STRING, .min = 1, .max = BT_NAME_BYTES - 1),
    BT_JSON_FIELD(struct alias, from_ms, "from_ms", BT_JSON_INT, .min = BT_TIME_MIN_MS,
                  .max = BT_TIME_MAX_MS, .optional = true),
    BT_JSON_FIELD(struct alias, until_ms, "until_ms", BT_JSON_INT, .min = BT_TIME_MIN_MS,
                  .max = BT_TIME_MAX_MS, .optional = true),
};

static cJSON *alias_item(const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "code", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "name", bt_db_get_text(rows, 1));
    bt_add_time(item, "from_ms", rows, 2);
    bt_add_time(item, "until_ms", rows, 3);
    return item;
}

int bt_handle_aliases_list(struct bt_call *call, struct bt_error *err)
{
    struct bt_page page;
    if (!bt_page_read(call, &page)) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT code, name, from_ms, until_ms FROM unit_alias"
                  " WHERE unit = $1 AND code > $2 ORDER BY code LIMIT $3",
                  BT_TEXT(bt_call_path(call, "unit")), BT_TEXT(page.after), BT_INT(page.limit + 1));
    return r < 0 ? r : bt_page_reply(call, &page, rows, alias_item, "code");
}

static int note(struct bt_call *call, const char *verb, const char *alias, struct bt_error *err)
{
    const char *unit = bt_call_path(call, "unit");
    char object[64];
    if (bt_format(object, sizeof(object), "unit/%.40s", unit) < 0) {
        return bt_fail(err, -EIO, "A unit's code is too long");
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "alias", alias);
    return bt_audit(call, verb, object, unit, details, err);
}

int bt_handle_aliases_add(struct bt_call *call, struct bt_error *err)
{
    struct alias alias = {.from_ms = BT_NO_TIME, .until_ms = BT_NO_TIME};
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &alias)) {
        return 0;
    }
    int64_t r =
        bt_db_run(bt_call_db(call), err,
                  "INSERT INTO unit_alias(unit, code, name, from_ms, until_ms)"
                  " VALUES($1, $2, $3, $4, $5) ON CONFLICT(unit, code) DO NOTHING",
                  BT_TEXT(bt_call_path(call, "unit")), BT_TEXT(alias.code), BT_TEXT(alias.name),
                  bt_time_value(alias.from_ms), bt_time_value(alias.until_ms));
    if (r == 0) {
        return bt_call_problem(call, 409, "alias-taken", "Đơn vị đã có tên cũ với mã này",
                               "The unit has an alias with this code already");
    }
    r = r < 0 ? r : note(call, "alias.add", alias.code, err);
    return r < 0 ? (int)r : bt_call_empty_reply(call, 204);
}

int bt_handle_alias_remove(struct bt_call *call, struct bt_error *err)
{
    const char *alias = bt_call_path(call, "alias");
    int64_t r =
        bt_db_run(bt_call_db(call), err, "DELETE FROM unit_alias WHERE unit = $1 AND code = $2",
                  BT_TEXT(bt_call_path(call, "unit")), BT_TEXT(alias));
    if (r == 0) {
        return bt_not_found(call);
    }
    r = r < 0 ? r : note(call, "alias.remove", alias, err);
    return r < 0 ? (int)r : bt_call_empty_reply(call, 204);
}

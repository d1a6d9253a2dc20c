// GET /v1/settings, GET and PUT /v1/settings/{name}; the unit is ?unit=, else the root.
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/settings/settings.h"

// One setting in one unit, as the database has it.
struct value {
    bool own;                           // said in the unit itself
    char text[BT_SETTING_VALUE_BYTES];  // what holds
    char from[32];                      // the unit that says so; "": nobody
    int64_t revision;                   // of the unit's own
};

static const char *unit_asked(struct bt_call *call)
{
    const char *unit = bt_call_query(call, "unit");
    return unit != NULL ? unit : BT_ROOT_UNIT;
}

static bool setting_unit(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT code FROM unit WHERE code = $1",
                      BT_TEXT(unit_asked(call)));
    if (r < 0 && r != -EINVAL) {
        bt_call_problem(call, 503, "busy", "Máy chủ đang bận, hãy thử lại",
                        "The server is busy, try again");
        return false;
    }
    if (r < 0 || !bt_db_next(rows) || bt_format(out, size, "%s", bt_db_get_text(rows, 0)) < 0) {
        bt_call_problem(call, 404, "no-such-unit", "Không có đơn vị này", "There is no such unit");
        return false;
    }
    return true;
}

// Everything that is said in the unit and above it, from the root down.
static int ask_all(struct bt_call *call, struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(bt_call_db(call), out, err,
                     "SELECT s.name, s.value, s.unit, s.revision FROM unit x JOIN unit u"
                     " ON substr(x.path, 1, length(u.path)) = u.path"
                     " JOIN setting s ON s.unit = u.code WHERE x.code = $1"
                     " ORDER BY length(u.path), s.name LIMIT 10000",
                     BT_TEXT(unit_asked(call)));
}

static void take(const struct bt_setting *setting, const struct bt_db_rows *rows, const char *unit,
                 struct value *value)
{
    bool own = strcmp(bt_db_get_text(rows, 2), unit) == 0;
    if (own) {
        value->revision = bt_db_get_int(rows, 3);
    }
    if (bt_db_is_null(rows, 1) || bt_setting_check(setting, bt_db_get_text(rows, 1), NULL) < 0) {
        return;
    }
    value->own = own;
    bt_copy_cut(value->text, sizeof(value->text), bt_db_get_text(rows, 1));
    bt_copy_cut(value->from, sizeof(value->from), bt_db_get_text(rows, 2));
}

static cJSON *words_of(const struct bt_setting *setting)
{
    cJSON *array = cJSON_CreateArray();
    for (const char *const *word = setting->words; word != NULL && *word != NULL; word++) {
        cJSON_AddItemToArray(array, cJSON_CreateString(*word));
    }
    return array;
}

static cJSON *item_of(const struct bt_setting *setting, const struct value *value)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", setting->name);
    cJSON_AddStringToObject(item, "kind", bt_setting_kind_word(setting->kind));
    cJSON_AddStringToObject(item, "value", value->text);
    cJSON_AddStringToObject(item, "from", value->from);
    cJSON_AddBoolToObject(item, "own", value->own);
    cJSON_AddNumberToObject(item, "revision", (double)value->revision);
    cJSON_AddStringToObject(item, "standard", setting->standard);
    cJSON_AddNumberToObject(item, "min", (double)setting->min);
    cJSON_AddNumberToObject(item, "max", (double)setting->max);
    cJSON_AddItemToObject(item, "words", words_of(setting));
    cJSON_AddBoolToObject(item, "top", setting->top);
    cJSON_AddStringToObject(item, "vi", setting->vi);
    cJSON_AddStringToObject(item, "en", setting->en);
    return item;
}

static int load_value(struct bt_call *call, const struct bt_setting *setting, struct value *out,
                      struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    *out = (struct value){.own = false};
    bt_copy_cut(out->text, sizeof(out->text), setting->standard);
    int r = ask_all(call, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        if (strcmp(bt_db_get_text(rows, 0), setting->name) == 0) {
            take(setting, rows, unit_asked(call), out);
        }
    }
    return r;
}

static int handle_list(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    for (size_t i = 0; i < bt_settings_count; i++) {
        struct value value;
        int r = load_value(call, &bt_settings[i], &value, err);
        if (r < 0) {
            return r;
        }
        cJSON_AddItemToArray(items, item_of(&bt_settings[i], &value));
    }
    cJSON_AddNullToObject(reply, "next");
    return bt_call_json_reply(call, 200, BT_TAKE(reply));
}

static int refuse_name(struct bt_call *call)
{
    return bt_call_problem(call, 404, "no-such-setting", "Không có thiết lập này",
                           "There is no such setting");
}

static int reply_one(struct bt_call *call, const struct bt_setting *setting, struct bt_error *err)
{
    struct value value;
    int r = load_value(call, setting, &value, err);
    if (r < 0) {
        return r;
    }
    bt_call_set_revision(call, value.revision);
    return bt_call_json_reply(call, 200, item_of(setting, &value));
}

static int handle_show(struct bt_call *call, struct bt_error *err)
{
    const struct bt_setting *setting = bt_setting_find(bt_call_path(call, "name"));
    return setting == NULL ? refuse_name(call) : reply_one(call, setting, err);
}

struct wanted {
    bool is_null;
    char value[BT_SETTING_VALUE_BYTES];
};

static int read_value(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct wanted *wanted = (struct wanted *)((char *)target - offsetof(struct wanted, value));
    wanted->is_null = cJSON_IsNull(value);
    if (wanted->is_null) {
        return 0;
    }
    if (!cJSON_IsString(value) ||
        bt_format(wanted->value, sizeof(wanted->value), "%s", value->valuestring) < 0) {
        return bt_fail(err, -EINVAL, "'value' is no text of at most %d bytes, nor null",
                       BT_SETTING_VALUE_BYTES - 1);
    }
    return 0;
}

static const struct bt_json_field wanted_fields[] = {
    BT_JSON_FIELD(struct wanted, value, "value", BT_JSON_CUSTOM, .optional = true,
                  .read = read_value),
};

static int note(struct bt_call *call, const struct bt_setting *setting, const struct wanted *wanted,
                struct bt_error *err)
{
    char object[64];
    int r = bt_format(object, sizeof(object), "setting/%s", setting->name);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    if (wanted->is_null) {
        cJSON_AddNullToObject(details, "value");
    } else {
        cJSON_AddStringToObject(details, "value", wanted->value);
    }
    return bt_audit(call, "setting.change", object, unit_asked(call), details, err);
}

static int store(struct bt_call *call, const struct bt_setting *setting,
                 const struct wanted *wanted, struct bt_error *err)
{
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "INSERT INTO setting(unit, name, value, revision, changed_by, changed_ms)"
                          " VALUES($1, $2, $3, 1, $4, $5) ON CONFLICT(unit, name) DO UPDATE SET"
                          " value = $3, revision = setting.revision + 1, changed_by = $4,"
                          " changed_ms = $5",
                          BT_TEXT(unit_asked(call)), BT_TEXT(setting->name),
                          BT_TEXT(wanted->is_null ? NULL : wanted->value),
                          BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    return r < 0 ? (int)r : note(call, setting, wanted, err);
}

// Answers itself when the value is none of the setting's, and returns false.
static bool value_fits(struct bt_call *call, const struct bt_setting *setting,
                       const struct wanted *wanted)
{
    struct bt_error why = {0};
    if (setting->top && strcmp(unit_asked(call), BT_ROOT_UNIT) != 0) {
        bt_call_problem(call, 409, "setting-of-the-server",
                        "Thiết lập này là của cả máy chủ, chỉ đặt ở cấp cao nhất",
                        "This is a setting of the whole server, made at the root alone");
        return false;
    }
    if (!wanted->is_null && bt_setting_check(setting, wanted->value, &why) < 0) {
        bt_call_problem(call, 400, "fields", why.msg, why.msg);
        return false;
    }
    return true;
}

static int handle_put(struct bt_call *call, struct bt_error *err)
{
    const struct bt_setting *setting = bt_setting_find(bt_call_path(call, "name"));
    struct wanted wanted = {.is_null = true};
    struct value value;
    if (setting == NULL) {
        return refuse_name(call);
    }
    if (!bt_call_read(call, wanted_fields, BT_ARRAY_LEN(wanted_fields), &wanted)) {
        return 0;
    }
    int r = load_value(call, setting, &value, err);
    if (r < 0 || !bt_call_check_revision(call, value.revision) ||
        !value_fits(call, setting, &wanted)) {
        return r;
    }
    r = store(call, setting, &wanted, err);
    return r < 0 ? r : reply_one(call, setting, err);
}

static const struct bt_route routes[] = {
    {"GET", "/v1/settings", .who = BT_WHO_USER, .action = BT_ACTION_VIEW, .unit = setting_unit,
     .handle = handle_list},
    {"GET", "/v1/settings/{name}", .who = BT_WHO_USER, .action = BT_ACTION_VIEW,
     .unit = setting_unit, .handle = handle_show},
    {"PUT", "/v1/settings/{name}", .who = BT_WHO_USER, .action = BT_ACTION_ADMINISTER,
     .unit = setting_unit, .body = BT_BODY_JSON, .max_body = 4096, .handle = handle_put},
};

const struct bt_route_table bt_setting_routes = {routes, BT_ARRAY_LEN(routes)};

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"

struct unit {
    char code[BT_UNIT_CODE_BYTES];
    char parent[BT_UNIT_CODE_BYTES];  // "": the root
    char kind[BT_UNIT_KIND_BYTES];
    char name[BT_NAME_BYTES];
    int64_t from_ms, until_ms;
};

static int read_time(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    int64_t *out = target;
    if (cJSON_IsNull(value)) {
        *out = BT_NO_TIME;
        return 0;
    }
    return bt_json_whole(value, BT_TIME_MIN_MS, BT_TIME_MAX_MS, out) < 0
               ? bt_fail(err, -EINVAL, "'%s' is no instant in milliseconds, nor null",
                         value->string)
               : 0;
}

#define FIELD_PARENT                                                                               \
    BT_JSON_FIELD(struct unit, parent, "parent", BT_JSON_STRING, .min = 1,                         \
                  .max = BT_UNIT_CODE_BYTES - 1)
#define FIELDS_BOTH                                                                                \
    BT_JSON_FIELD(struct unit, kind, "kind", BT_JSON_STRING, .min = 1,                             \
                  .max = BT_UNIT_KIND_BYTES - 1),                                                  \
        BT_JSON_FIELD(struct unit, name, "name", BT_JSON_STRING, .min = 1,                         \
                      .max = BT_NAME_BYTES - 1),                                                   \
        BT_JSON_FIELD(struct unit, from_ms, "from_ms", BT_JSON_CUSTOM, .optional = true,           \
                      .read = read_time),                                                          \
        BT_JSON_FIELD(struct unit, until_ms, "until_ms", BT_JSON_CUSTOM, .optional = true,         \
                      .read = read_time)

static const struct bt_json_field add_fields[] = {
    BT_JSON_FIELD(struct unit, code, "code", BT_JSON_STRING, .min = 1,
                  .max = BT_UNIT_CODE_BYTES - 1),
    FIELD_PARENT,
    FIELDS_BOTH,
};

static const struct bt_json_field edit_fields[] = {FIELD_PARENT, FIELDS_BOTH};
static const struct bt_json_field root_fields[] = {FIELDS_BOTH};  // has no parent

static const struct unit no_unit = {.from_ms = BT_NO_TIME, .until_ms = BT_NO_TIME};

#define COLUMNS "x.code, x.parent, x.kind, x.name, x.path, x.from_ms, x.until_ms, x.revision"

static cJSON *unit_item(const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "code", bt_db_get_text(rows, 0));
    if (bt_db_is_null(rows, 1)) {
        cJSON_AddNullToObject(item, "parent");
    } else {
        cJSON_AddStringToObject(item, "parent", bt_db_get_text(rows, 1));
    }
    cJSON_AddStringToObject(item, "kind", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(item, "name", bt_db_get_text(rows, 3));
    cJSON_AddStringToObject(item, "path", bt_db_get_text(rows, 4));
    bt_add_time(item, "from_ms", rows, 5);
    bt_add_time(item, "until_ms", rows, 6);
    cJSON_AddNumberToObject(item, "revision", (double)bt_db_get_int(rows, 7));
    return item;
}

// ?alias=CODE: the units that a former code stands for now.
int bt_handle_units_list(struct bt_call *call, struct bt_error *err)
{
    struct bt_page page;
    if (!bt_page_read(call, &page)) {
        return 0;
    }
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(BT_ACTION_VIEW, who);
    const char *alias = bt_call_query(call, "alias");
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT " COLUMNS " FROM unit x WHERE x.path > $1"
                      " AND ($2 = '' OR x.code IN (SELECT unit FROM unit_alias WHERE code = $2))"
                      " AND EXISTS (SELECT 1 FROM role_grant g JOIN unit u ON u.code = g.unit"
                      " WHERE g.user_id = $3 AND $4 LIKE '% ' || g.role || ' %'"
                      " AND substr(x.path, 1, length(u.path)) = u.path)"
                      " ORDER BY x.path LIMIT $5",
                      BT_TEXT(page.after), BT_TEXT(alias != NULL ? alias : ""),
                      BT_TEXT(bt_call_caller(call)->user), BT_TEXT(who), BT_INT(page.limit + 1));
    return r < 0 ? r : bt_page_reply(call, &page, rows, unit_item, "path");
}

static int ask_unit(struct bt_call *call, const char *code, struct bt_db_rows **out,
                    struct bt_error *err)
{
    return bt_db_ask(bt_call_db(call), out, err, "SELECT " COLUMNS " FROM unit x WHERE x.code = $1",
                     BT_TEXT(code));
}

static int reply_unit(struct bt_call *call, const char *code, int status, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_unit(call, code, &rows, err);
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_not_found(call);
    }
    bt_call_set_revision(call, bt_db_get_int(rows, 7));
    return bt_call_json_reply(call, status, unit_item(rows));
}

int bt_handle_unit_show(struct bt_call *call, struct bt_error *err)
{
    return reply_unit(call, bt_call_path(call, "unit"), 200, err);
}

static int note(struct bt_call *call, const char *verb, const struct unit *unit,
                struct bt_error *err)
{
    char object[48];
    int r = bt_format(object, sizeof(object), "unit/%s", unit->code);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "name", unit->name);
    cJSON_AddStringToObject(details, "parent", unit->parent);
    return bt_audit(call, verb, object, unit->code, details, err);
}

// Codes are parts of paths of files that players verify (docs/trust.md).
static bool is_code(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool times_fit(struct bt_call *call, const struct unit *unit)
{
    if (unit->until_ms == BT_NO_TIME || unit->from_ms < unit->until_ms) {
        return true;
    }
    bt_call_problem(call, 400, "fields", "Ngày kết thúc phải sau ngày bắt đầu",
                    "'until_ms' must be later than 'from_ms'");
    return false;
}

// What is the province's is decided by this word (server/publications/desk.h).
static bool is_province(const char *kind)
{
    return strcmp(kind, "province") == 0;
}

// Whose unit is the province, only who administers everything says. False: answered.
static bool kind_fits(struct bt_call *call, const char *before, const char *now)
{
    if (is_province(before) == is_province(now) ||
        bt_access_may(call, BT_ACTION_ADMINISTER, BT_ROOT_UNIT)) {
        return true;
    }
    bt_call_problem(call, 403, "not-allowed",
                    "Chỉ quản trị viên toàn hệ thống được đặt hay bỏ loại 'province'",
                    "Only an administrator of the whole system gives or takes the kind 'province'");
    return false;
}

static int refuse_depth(struct bt_call *call)
{
    return bt_call_problem(call, 409, "too-deep", "Cây đơn vị quá sâu",
                           "The tree of units would become too deep");
}

// The unit's path into `out`, "" when there is no such unit.
static int path_of(struct bt_call *call, const char *code, char *out, size_t size,
                   struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_unit(call, code, &rows, err);
    out[0] = '\0';
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    return bt_format(out, size, "%s", bt_db_get_text(rows, 4));
}

static int insert(struct bt_call *call, const struct unit *unit, const char *path,
                  struct bt_error *err)
{
    return (int)bt_db_run(bt_call_db(call), err,
                          "INSERT INTO unit(code, parent, kind, name, path, from_ms, until_ms,"
                          " revision) VALUES($1, $2, $3, $4, $5, $6, $7, 1)"
                          " ON CONFLICT(code) DO NOTHING",
                          BT_TEXT(unit->code), BT_TEXT(unit->parent), BT_TEXT(unit->kind),
                          BT_TEXT(unit->name), BT_TEXT(path), bt_time_value(unit->from_ms),
                          bt_time_value(unit->until_ms));
}

int bt_handle_units_add(struct bt_call *call, struct bt_error *err)
{
    struct unit unit = no_unit;
    char above[BT_UNIT_PATH_MAX_BYTES + 1], path[BT_UNIT_PATH_MAX_BYTES + 1];
    if (!bt_call_read(call, add_fields, BT_ARRAY_LEN(add_fields), &unit) ||
        !times_fit(call, &unit) || !kind_fits(call, "", unit.kind)) {
        return 0;
    }
    if (!is_code(unit.code)) {
        return bt_call_problem(call, 400, "unit-code",
                               "Mã đơn vị chỉ gồm chữ thường không dấu, số và -",
                               "A unit's code has small Latin letters, digits and - alone");
    }
    int r = path_of(call, unit.parent, above, sizeof(above), err);
    if (r < 0) {
        return r;
    }
    if (bt_format(path, sizeof(path), "%s%s/", above, unit.code) < 0) {
        return refuse_depth(call);
    }
    r = insert(call, &unit, path, err);
    if (r == 0) {
        return bt_call_problem(call, 409, "code-taken", "Mã đơn vị này đã có",
                               "This code of a unit is taken");
    }
    r = r < 0 ? r : note(call, "unit.create", &unit, err);
    return r < 0 ? r : reply_unit(call, unit.code, 201, err);
}

struct move {
    const char *from;                     // path now
    char to[BT_UNIT_PATH_MAX_BYTES + 1];  // path then
};

static int longest_below(struct bt_call *call, const char *path, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT max(length(path)) FROM unit WHERE substr(path, 1, length($1)) = $1",
                      BT_TEXT(path));
    if (r == 0 && bt_db_next(rows)) {
        *out = bt_db_get_int(rows, 0);
    }
    return r;
}

// Where the unit goes. 1 when it may, 0 when refused and answered.
static int plan_move(struct bt_call *call, const struct unit *unit, struct move *move,
                     struct bt_error *err)
{
    char above[BT_UNIT_PATH_MAX_BYTES + 1];
    int r = path_of(call, unit->parent, above, sizeof(above), err);
    if (r < 0) {
        return r;
    }
    if (above[0] == '\0' || bt_str_starts(above, move->from)) {
        bt_call_problem(call, 409, "parent-refused",
                        "Đơn vị cấp trên không tồn tại hoặc nằm trong chính đơn vị này",
                        "The parent does not exist or lies below the unit itself");
        return 0;
    }
    if (!bt_access_may(call, BT_ACTION_ADMINISTER, unit->parent)) {
        bt_call_problem(call, 403, "not-allowed", "Bạn không quản trị đơn vị cấp trên mới",
                        "You do not administer the new parent");
        return 0;
    }
    int64_t longest = 0;
    r = longest_below(call, move->from, &longest, err);
    int fits = bt_format(move->to, sizeof(move->to), "%s%s/", above, unit->code);
    int64_t grows = (int64_t)strlen(move->to) - (int64_t)strlen(move->from);
    if (r == 0 && (fits < 0 || longest + grows > BT_UNIT_PATH_MAX_BYTES)) {
        return refuse_depth(call);
    }
    return r < 0 ? r : 1;
}

// Everything below moves along; what has been shown under the old path stays in the audit log.
static int carry_out(struct bt_call *call, const struct move *move, struct bt_error *err)
{
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "UPDATE unit SET path = $2 || substr(path, length($1) + 1),"
                          " revision = revision + 1"
                          " WHERE substr(path, 1, length($1)) = $1 AND path <> $1",
                          BT_TEXT(move->from), BT_TEXT(move->to));
    r = r < 0 ? r
              : bt_db_run(bt_call_db(call), err, "UPDATE unit SET path = $2 WHERE path = $1",
                          BT_TEXT(move->from), BT_TEXT(move->to));
    return r < 0 ? (int)r : 0;
}

static int store(struct bt_call *call, const struct unit *unit, struct bt_error *err)
{
    int64_t r =
        bt_db_run(bt_call_db(call), err,
                  "UPDATE unit SET parent = $2, kind = $3, name = $4, from_ms = $5,"
                  " until_ms = $6, revision = revision + 1 WHERE code = $1",
                  BT_TEXT(unit->code), BT_TEXT(unit->parent[0] != '\0' ? unit->parent : NULL),
                  BT_TEXT(unit->kind), BT_TEXT(unit->name), bt_time_value(unit->from_ms),
                  bt_time_value(unit->until_ms));
    r = r < 0 ? r : note(call, "unit.edit", unit, err);
    return r < 0 ? (int)r : reply_unit(call, unit->code, 200, err);
}

static bool read_edit(struct bt_call *call, bool root, struct unit *out)
{
    return bt_call_read(call, root ? root_fields : edit_fields,
                        root ? BT_ARRAY_LEN(root_fields) : BT_ARRAY_LEN(edit_fields), out) &&
           times_fit(call, out);
}

int bt_handle_unit_edit(struct bt_call *call, struct bt_error *err)
{
    struct unit unit = no_unit;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_unit(call, bt_call_path(call, "unit"), &rows, err);
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_not_found(call);
    }
    bool root = bt_db_is_null(rows, 1);
    if (!bt_call_check_revision(call, bt_db_get_int(rows, 7)) || !read_edit(call, root, &unit) ||
        !kind_fits(call, bt_db_get_text(rows, 2), unit.kind)) {
        return 0;
    }
    bt_copy_cut(unit.code, sizeof(unit.code), bt_db_get_text(rows, 0));
    if (!root && strcmp(unit.parent, bt_db_get_text(rows, 1)) != 0) {
        struct move move = {.from = bt_db_get_text(rows, 4)};
        r = plan_move(call, &unit, &move, err);
        if (r != 1) {
            return r;
        }
        r = carry_out(call, &move, err);
    }
    return r < 0 ? r : store(call, &unit, err);
}

static int refuse_used(struct bt_call *call)
{
    return bt_call_problem(call, 409, "unit-used",
                           "Đơn vị còn được dùng; hãy đặt ngày kết thúc thay vì xóa",
                           "The unit is in use; give it an end date instead of removing it");
}

// For a unit made by mistake; those that lived are ended by their date.
int bt_handle_unit_remove(struct bt_call *call, struct bt_error *err)
{
    struct unit unit = no_unit;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_unit(call, bt_call_path(call, "unit"), &rows, err);
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_not_found(call);
    }
    if (!bt_call_check_revision(call, bt_db_get_int(rows, 7))) {
        return 0;
    }
    bt_copy_cut(unit.code, sizeof(unit.code), bt_db_get_text(rows, 0));
    bt_copy_cut(unit.parent, sizeof(unit.parent), bt_db_get_text(rows, 1));
    bt_copy_cut(unit.name, sizeof(unit.name), bt_db_get_text(rows, 3));
    if (bt_db_is_null(rows, 1)) {
        return refuse_used(call);
    }
    r = note(call, "unit.remove", &unit, err);
    int64_t removed = r < 0 ? r
                            : bt_db_run(bt_call_db(call), err, "DELETE FROM unit WHERE code = $1",
                                        BT_TEXT(unit.code));
    if (removed == -ESRCH) {
        return refuse_used(call);
    }
    return removed < 0 ? (int)removed : bt_call_empty_reply(call, 204);
}

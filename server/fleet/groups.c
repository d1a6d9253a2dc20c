/**
 * Groups: screens of one unit, or below it, that receive the same publications. Who edits a group
 * needs no right on each screen: being in a group shows nothing by itself.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/list.h"
#include "server/ids.h"

#define MAX_SCREENS 10000

struct group {
    char id[32], unit[32];
    char name[129];
    int64_t revision;
};

static const struct bt_json_field group_fields[] = {
    BT_JSON_FIELD(struct group, unit, "unit", BT_JSON_STRING, .min = 1, .max = 31),
    BT_JSON_FIELD(struct group, name, "name", BT_JSON_STRING, .min = 1, .max = 128),
};

static cJSON *group_json(const struct group *group)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", group->id);
    cJSON_AddStringToObject(json, "unit", group->unit);
    cJSON_AddStringToObject(json, "name", group->name);
    cJSON_AddNumberToObject(json, "revision", (double)group->revision);
    return json;
}

static void take_row(const struct bt_db_rows *row, struct group *out)
{
    bt_copy_cut(out->id, sizeof(out->id), bt_db_get_text(row, 0));
    bt_copy_cut(out->unit, sizeof(out->unit), bt_db_get_text(row, 1));
    bt_copy_cut(out->name, sizeof(out->name), bt_db_get_text(row, 2));
    out->revision = bt_db_get_int(row, 3);
}

static cJSON *row_json(const struct bt_db_rows *row)
{
    struct group group;
    take_row(row, &group);
    return group_json(&group);
}

static int ask_groups(struct bt_db *db, const char *path, const char *after, int64_t limit,
                      struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT g.id, g.unit, g.name, g.revision FROM screen_group g"
                     " JOIN unit u ON u.code = g.unit"
                     " WHERE substr(u.path, 1, length($1)) = $1 AND g.id > $2 ORDER BY g.id"
                     " LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

static const struct bt_fleet_list groups = {.ask = ask_groups, .row = row_json};

int bt_handle_groups_list(struct bt_call *call, struct bt_error *err)
{
    return bt_fleet_list_reply(call, BT_ACTION_VIEW, &groups, err);
}

// The gate has found its unit, so it is there.
static int find(struct bt_call *call, struct group *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT id, unit, name, revision FROM screen_group WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "group")));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -EAGAIN, "The group went away");
    }
    take_row(rows, out);
    return 0;
}

static int audit(struct bt_call *call, const char *verb, const struct group *group, cJSON *details,
                 struct bt_error *err)
{
    char object[64];
    int r = bt_format(object, sizeof(object), "group/%s", group->id);
    if (r < 0) {
        cJSON_Delete(details);
        return bt_fail(err, r, "A group's id is too long");
    }
    return bt_audit(call, verb, object, group->unit, details, err);
}

static int reply_with(struct bt_call *call, int status, const struct group *group)
{
    bt_call_set_revision(call, group->revision);
    return bt_call_json_reply(call, status, group_json(group));
}

int bt_handle_groups_add(struct bt_call *call, struct bt_error *err)
{
    struct group group = {.revision = 1};
    if (!bt_call_read(call, group_fields, BT_ARRAY_LEN(group_fields), &group)) {
        return 0;
    }
    bt_server_id('g', group.id);
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "INSERT INTO screen_group(id, unit, name, revision, created_ms)"
                          " VALUES($1, $2, $3, 1, $4)",
                          BT_TEXT(group.id), BT_TEXT(group.unit), BT_TEXT(group.name),
                          BT_INT(bt_call_now_ms(call)));
    if (r < 0) {
        return (int)r;
    }
    int audited = audit(call, "group.create", &group, group_json(&group), err);
    return audited < 0 ? audited : reply_with(call, 201, &group);
}

int bt_handle_group_show(struct bt_call *call, struct bt_error *err)
{
    struct group group;
    int r = find(call, &group, err);
    return r < 0 ? r : reply_with(call, 200, &group);
}

static int save(struct bt_call *call, struct group *group, struct bt_error *err)
{
    group->revision++;
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "UPDATE screen_group SET name = $2, revision = $3 WHERE id = $1",
                          BT_TEXT(group->id), BT_TEXT(group->name), BT_INT(group->revision));
    return r < 0 ? (int)r : 0;
}

int bt_handle_group_edit(struct bt_call *call, struct bt_error *err)
{
    struct group group, edited = {.revision = 0};
    int r = find(call, &group, err);
    if (r < 0) {
        return r;
    }
    if (!bt_call_check_revision(call, group.revision) ||
        !bt_call_read(call, group_fields, BT_ARRAY_LEN(group_fields), &edited)) {
        return 0;
    }
    if (!bt_str_equal(group.unit, edited.unit)) {
        return bt_call_problem(call, 409, "group-stays",
                               "Nhóm không chuyển được sang đơn vị khác; hãy lập nhóm mới.",
                               "A group cannot move to another unit; make a new one.");
    }
    memcpy(group.name, edited.name, sizeof(group.name));
    r = save(call, &group, err);
    r = r < 0 ? r : audit(call, "group.edit", &group, group_json(&group), err);
    return r < 0 ? r : reply_with(call, 200, &group);
}

static int clear(struct bt_call *call, const struct group *group, struct bt_error *err)
{
    int64_t r =
        bt_db_run(bt_call_db(call), err, "DELETE FROM screen_group_member WHERE group_id = $1",
                  BT_TEXT(group->id));
    return r < 0 ? (int)r : 0;
}

int bt_handle_group_remove(struct bt_call *call, struct bt_error *err)
{
    struct group group;
    int r = find(call, &group, err);
    if (r < 0) {
        return r;
    }
    if (!bt_call_check_revision(call, group.revision)) {
        return 0;
    }
    r = clear(call, &group, err);
    int64_t gone = r < 0 ? r
                         : bt_db_run(bt_call_db(call), err,
                                     "DELETE FROM screen_group WHERE id = $1", BT_TEXT(group.id));
    r = gone < 0 ? (int)gone : audit(call, "group.remove", &group, NULL, err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

static int reply_screens(struct bt_call *call, const struct group *group, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT screen FROM screen_group_member WHERE group_id = $1 ORDER BY screen"
                      " LIMIT $2",
                      BT_TEXT(group->id), BT_INT(MAX_SCREENS));
    if (r < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(reply, "screens");
    while (bt_db_next(rows)) {
        cJSON_AddItemToArray(list, cJSON_CreateString(bt_db_get_text(rows, 0)));
    }
    bt_call_set_revision(call, group->revision);
    return bt_call_json_reply(call, 200, reply);
}

int bt_handle_group_screens(struct bt_call *call, struct bt_error *err)
{
    struct group group;
    int r = find(call, &group, err);
    return r < 0 ? r : reply_screens(call, &group, err);
}

// 1 when it was added; 0 when there is no such screen in the group's unit or below it.
static int add_screen(struct bt_call *call, const struct group *group, const char *screen,
                      struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT s.id FROM screen s JOIN unit su ON su.code = s.unit, unit gu"
                      " WHERE s.id = $1 AND s.retired_ms IS NULL AND gu.code = $2"
                      " AND substr(su.path, 1, length(gu.path)) = gu.path",
                      BT_TEXT(screen), BT_TEXT(group->unit));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    int64_t added = bt_db_run(bt_call_db(call), err,
                              "INSERT INTO screen_group_member(group_id, screen) VALUES($1, $2)"
                              " ON CONFLICT (group_id, screen) DO NOTHING",
                              BT_TEXT(group->id), BT_TEXT(screen));
    return added < 0 ? (int)added : 1;
}

static int refuse_screen(struct bt_call *call, const char *screen)
{
    BT_AUTOFREE char *vi = bt_strf("Màn hình '%.40s' không thuộc đơn vị của nhóm.", screen);
    BT_AUTOFREE char *en = bt_strf("The screen '%.40s' is not in the group's unit.", screen);
    bt_utf8_drop_invalid(vi);
    bt_utf8_drop_invalid(en);
    return bt_call_problem(call, 409, "screen-elsewhere", vi, en);
}

static int set_screens(struct bt_call *call, struct group *group, const cJSON *list,
                       struct bt_error *err)
{
    int r = clear(call, group, err);
    for (const cJSON *entry = list->child; r == 0 && entry != NULL; entry = entry->next) {
        const char *screen = cJSON_IsString(entry) ? entry->valuestring : "";
        r = add_screen(call, group, screen, err);
        if (r == 0) {
            return refuse_screen(call, screen);  // nothing is committed then
        }
        r = r < 0 ? r : 0;
    }
    r = r < 0 ? r : save(call, group, err);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddItemToObject(details, "screens", cJSON_Duplicate(list, true));
    r = audit(call, "group.screens", group, details, err);
    return r < 0 ? r : reply_screens(call, group, err);
}

int bt_handle_group_set_screens(struct bt_call *call, struct bt_error *err)
{
    struct group group;
    int r = find(call, &group, err);
    if (r < 0) {
        return r;
    }
    const cJSON *body = bt_call_json(call);
    if (body == NULL || !bt_call_check_revision(call, group.revision)) {
        return 0;
    }
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "screens");
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > MAX_SCREENS) {
        bt_fail(err, -EINVAL, "'screens' must be a list of at most %d", MAX_SCREENS);
        return bt_fleet_bad_request(call, err);
    }
    return set_screens(call, &group, list, err);
}

// Screens: listed, added, shown, edited, taken out of use.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/list.h"
#include "server/fleet/screen.h"
#include "server/ids.h"

static const struct bt_fleet_list screens = {.ask = bt_screen_rows, .row = bt_screen_row_json};

int bt_handle_screens_list(struct bt_call *call, struct bt_error *err)
{
    return bt_fleet_list_reply(call, BT_ACTION_VIEW, &screens, err);
}

static int audit(struct bt_call *call, const char *verb, const struct bt_screen *screen,
                 struct bt_error *err)
{
    char object[64];
    int r = bt_format(object, sizeof(object), "screen/%s", screen->id);
    if (r < 0) {
        return bt_fail(err, r, "A screen's id is too long");
    }
    return bt_audit(call, verb, object, screen->unit, bt_screen_json(screen), err);
}

static int reply_with(struct bt_call *call, int status, const char *id, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_screen_row(bt_call_db(call), id, &rows, err);
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_call_problem(call, 404, "not-found", "Không có màn hình này.",
                               "There is no such screen.");
    }
    cJSON *json = bt_screen_row_json(rows);
    const cJSON *revision = cJSON_GetObjectItemCaseSensitive(json, "revision");
    bt_call_set_revision(call, (int64_t)revision->valuedouble);
    return bt_call_json_reply(call, status, json);
}

int bt_handle_screens_add(struct bt_call *call, struct bt_error *err)
{
    struct bt_screen screen = {.revision = 1};
    if (!bt_screen_read(call, &screen)) {
        return 0;
    }
    bt_server_id('s', screen.id);
    int r = bt_screen_insert(bt_call_db(call), &screen, bt_call_now_ms(call), err);
    r = r < 0 ? r : audit(call, "screen.create", &screen, err);
    return r < 0 ? r : reply_with(call, 201, screen.id, err);
}

int bt_handle_screen_show(struct bt_call *call, struct bt_error *err)
{
    return reply_with(call, 200, bt_call_path(call, "screen"), err);
}

static int active_player(struct bt_call *call, const char *screen, char *out, size_t size,
                         struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT id FROM player WHERE screen = $1 AND state = 'active'", BT_TEXT(screen));
    bt_copy_cut(out, size, r == 0 && bt_db_next(rows) ? bt_db_get_text(rows, 0) : "");
    return r;
}

// A player pinned its unit when it was paired: a screen that has one stays where it is.
static int check_move(struct bt_call *call, const struct bt_screen *screen, bool *out_refused,
                      struct bt_error *err)
{
    char player[32], path[BT_UNIT_PATH_BYTES];
    *out_refused = true;
    int r = active_player(call, screen->id, player, sizeof(player), err);
    r = r < 0 ? r : bt_fleet_unit_path(call, screen->unit, path, sizeof(path), err);
    if (r < 0) {
        return r;
    }
    if (player[0] != '\0') {
        return bt_call_problem(call, 409, "player-attached",
                               "Màn hình đang có máy phát; hãy gỡ máy phát trước khi chuyển đơn vị,"
                               " rồi ghép nối lại.",
                               "The screen has a player; remove it before the screen moves to"
                               " another unit, and pair it anew.");
    }
    if (path[0] == '\0' || !bt_access_may(call, BT_ACTION_INSTALL, screen->unit)) {
        return bt_call_problem(call, 403, "forbidden", "Không có quyền ở đơn vị mới.",
                               "Not allowed in the new unit.");
    }
    *out_refused = false;
    return 0;
}

int bt_handle_screen_edit(struct bt_call *call, struct bt_error *err)
{
    struct bt_screen screen;
    int r = bt_screen_find(bt_call_db(call), bt_call_path(call, "screen"), &screen, err);
    if (r < 0) {
        return r;
    }
    char unit[sizeof(screen.unit)];
    memcpy(unit, screen.unit, sizeof(unit));
    if (!bt_call_check_revision(call, screen.revision) || !bt_screen_read(call, &screen)) {
        return 0;
    }
    bool refused = false;
    if (!bt_str_equal(unit, screen.unit)) {
        r = check_move(call, &screen, &refused, err);
    }
    if (r < 0 || refused) {
        return r;
    }
    screen.revision++;
    r = bt_screen_update(bt_call_db(call), &screen, err);
    r = r < 0 ? r : audit(call, "screen.edit", &screen, err);
    return r < 0 ? r : reply_with(call, 200, screen.id, err);
}

static int retire(struct bt_call *call, const struct bt_screen *screen, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    char player[32];
    int r = active_player(call, screen->id, player, sizeof(player), err);
    if (r == 0 && player[0] != '\0') {
        r = bt_fleet_end_player(db, player, "revoked", bt_call_now_ms(call), err);
        r = r < 0 ? r : bt_fleet_forget_after_commit(call, player, err);
    }
    if (r < 0) {
        return r;
    }
    int64_t changed = bt_db_run(db, err, "DELETE FROM screen_group_member WHERE screen = $1",
                                BT_TEXT(screen->id));
    changed = changed < 0 ? changed
                          : bt_db_run(db, err,
                                      "UPDATE screen SET retired_ms = $2, revision = revision + 1"
                                      " WHERE id = $1",
                                      BT_TEXT(screen->id), BT_INT(bt_call_now_ms(call)));
    return changed < 0 ? (int)changed : 0;
}

int bt_handle_screen_retire(struct bt_call *call, struct bt_error *err)
{
    struct bt_screen screen;
    int r = bt_screen_find(bt_call_db(call), bt_call_path(call, "screen"), &screen, err);
    if (r < 0) {
        return r;
    }
    if (!bt_call_check_revision(call, screen.revision)) {
        return 0;
    }
    r = retire(call, &screen, err);
    r = r < 0 ? r : audit(call, "screen.retire", &screen, err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

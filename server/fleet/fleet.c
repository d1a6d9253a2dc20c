#include "server/fleet/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/enrolment.h"
#include "server/fleet/hub.h"

int bt_fleet_bad_request(struct bt_call *call, const struct bt_error *err)
{
    BT_AUTOFREE char *vi = bt_strf("Nội dung gửi lên không hợp lệ: %s", err->msg);
    return bt_call_problem(call, 400, "invalid-body", vi, err->msg);
}

bool bt_fleet_read(struct bt_call *call, const struct bt_json_field *fields, size_t count,
                   void *target)
{
    const cJSON *body = bt_call_json(call);
    struct bt_error err;
    if (body == NULL) {
        return false;
    }
    if (bt_json_read(body, fields, count, target, NULL, &err) < 0) {
        bt_fleet_bad_request(call, &err);
        return false;
    }
    return true;
}

static bool refuse_missing(struct bt_call *call)
{
    bt_call_problem(call, 404, "not-found", "Không có đối tượng này.", "There is no such thing.");
    return false;
}

// The first column of what was asked, as the unit; 404 when there is no row.
// What `sql` says of the thing $1. Answers itself, and false, when there is none.
static bool ask_unit(struct bt_call *call, const char *sql, const char *id, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    if (bt_db_ask(bt_call_db(call), &rows, NULL, sql, BT_TEXT(id)) < 0) {
        bt_call_problem(call, 503, "busy", "Máy chủ đang bận, hãy thử lại.",
                        "The server is busy; try again.");
        return false;
    }
    if (!bt_db_next(rows)) {
        return refuse_missing(call);
    }
    bt_copy_cut(out, size, bt_db_get_text(rows, 0));
    return true;
}

#define UNIT_OF_SCREEN "SELECT unit FROM screen WHERE id = $1 AND retired_ms IS NULL"

bool bt_fleet_unit_of_screen(struct bt_call *call, char *out, size_t size)
{
    return ask_unit(call, UNIT_OF_SCREEN, bt_call_path(call, "screen"), out, size);
}

bool bt_fleet_unit_of_group(struct bt_call *call, char *out, size_t size)
{
    return ask_unit(call, "SELECT unit FROM screen_group WHERE id = $1",
                    bt_call_path(call, "group"), out, size);
}

bool bt_fleet_unit_of_player(struct bt_call *call, char *out, size_t size)
{
    return ask_unit(call,
                    "SELECT s.unit FROM player p JOIN screen s ON s.id = p.screen"
                    " WHERE p.id = $1",
                    bt_call_path(call, "player"), out, size);
}

bool bt_fleet_unit_of_enrolment(struct bt_call *call, char *out, size_t size)
{
    return ask_unit(call,
                    "SELECT s.unit FROM enrolment e JOIN screen s ON s.id = e.screen"
                    " WHERE e.id = $1",
                    bt_call_path(call, "enrolment"), out, size);
}

static const char *text_in_body(struct bt_call *call, const char *key)
{
    const cJSON *body = bt_call_json(call);
    if (body == NULL) {
        return NULL;  // 400 was answered
    }
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(body, key);
    if (!cJSON_IsString(value)) {
        struct bt_error err;
        bt_fail(&err, -EINVAL, "'%s' is missing or no text", key);
        bt_fleet_bad_request(call, &err);
        return NULL;
    }
    return value->valuestring;
}

bool bt_fleet_unit_in_body(struct bt_call *call, char *out, size_t size)
{
    const char *unit = text_in_body(call, "unit");
    return unit != NULL && ask_unit(call, "SELECT code FROM unit WHERE code = $1", unit, out, size);
}

bool bt_fleet_screen_in_body(struct bt_call *call, char *out, size_t size)
{
    const char *screen = text_in_body(call, "screen");
    return screen != NULL && ask_unit(call, UNIT_OF_SCREEN, screen, out, size);
}

int bt_fleet_unit_path(struct bt_call *call, const char *unit, char *out, size_t size,
                       struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err, "SELECT path FROM unit WHERE code = $1",
                      BT_TEXT(unit));
    if (r < 0) {
        return r;
    }
    bt_copy_cut(out, size, bt_db_next(rows) ? bt_db_get_text(rows, 0) : "");
    return 0;
}

struct telling {
    char path[BT_UNIT_PATH_BYTES];
    char event[32];
    char *data;
};

static void tell(struct bt_server *server, void *context)
{
    const struct telling *telling = context;
    bt_hub_tell(server->hub, telling->path, telling->event, telling->data);
}

static void free_telling(void *context)
{
    struct telling *telling = context;
    free(telling->data);
    free(telling);
}

int bt_fleet_tell(struct bt_call *call, const char *unit, const char *event, cJSON *data,
                  struct bt_error *err)
{
    struct telling *telling = BT_NEW(struct telling);
    bt_copy_cut(telling->event, sizeof(telling->event), event);
    telling->data = cJSON_PrintUnformatted(data);
    cJSON_Delete(data);
    int r = telling->data == NULL
                ? bt_fail(err, -ENOMEM, "No memory for an event")
                : bt_fleet_unit_path(call, unit, telling->path, sizeof(telling->path), err);
    if (r < 0) {
        free_telling(telling);
        return r;
    }
    bt_call_after_commit(call, tell, telling, free_telling);
    return 0;
}

int bt_fleet_clean(struct bt_db *db, int64_t now_ms, struct bt_error *err)
{
    int64_t r =
        bt_db_run(db, err, "DELETE FROM player_session WHERE expires_ms < $1", BT_INT(now_ms));
    r = r < 0
            ? r
            : bt_db_run(db, err, "DELETE FROM player_nonce WHERE expires_ms < $1", BT_INT(now_ms));
    r = r < 0 ? r : bt_db_run(db, err, "DELETE FROM pairing WHERE expires_ms < $1", BT_INT(now_ms));
    r = r < 0 ? r
              : bt_db_run(db, err, "DELETE FROM pairing_block WHERE until_ms < $1", BT_INT(now_ms));
    return r < 0 ? (int)r : bt_enrolment_clean(db, now_ms, err);
}

static void forget(struct bt_server *server, void *context)
{
    bt_hub_forget(server->hub, context);
}

int bt_fleet_forget_after_commit(struct bt_call *call, const char *player, struct bt_error *err)
{
    bt_call_after_commit(call, forget, bt_strdup(player), free);
    return bt_hub_notify_forget(bt_call_db(call), player, err);
}

int bt_fleet_end_player(struct bt_db *db, const char *player, const char *state, int64_t now_ms,
                        struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "UPDATE player SET state = $2, ended_ms = $3 WHERE id = $1"
                          " AND state = 'active'",
                          BT_TEXT(player), BT_TEXT(state), BT_INT(now_ms));
    r = r < 0 ? r
              : bt_db_run(db, err, "DELETE FROM player_session WHERE player = $1", BT_TEXT(player));
    return r < 0 ? (int)r : 0;
}

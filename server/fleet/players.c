// Players as people see them: which drives which screen, whether it obeys; and revoking one.
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/list.h"
#include "server/fleet/player_view.h"

#define COLUMNS                                                                                    \
    "p.id, p.channel, p.channel_ms, p.seen_ms, p.model, p.version, t.timestamp_version,"           \
    " t.troubles, p.screen, s.unit, p.state, p.public_key, p.paired_ms, p.paired_by, p.ended_ms"
#define FROM                                                                                       \
    " FROM player p JOIN screen s ON s.id = p.screen"                                              \
    " LEFT JOIN player_status t ON t.player = p.id"

static cJSON *row_json(const struct bt_db_rows *row)
{
    cJSON *json = bt_player_view_json(row, 0);
    cJSON_AddStringToObject(json, "screen", bt_db_get_text(row, 8));
    cJSON_AddStringToObject(json, "unit", bt_db_get_text(row, 9));
    cJSON_AddStringToObject(json, "pairing", bt_db_get_text(row, 10));
    cJSON_AddStringToObject(json, "public_key", bt_db_get_text(row, 11));
    cJSON_AddNumberToObject(json, "paired_ms", (double)bt_db_get_int(row, 12));
    cJSON_AddStringToObject(json, "paired_by", bt_db_get_text(row, 13));
    cJSON_AddItemToObject(json, "ended_ms", bt_number_or_null(row, 14));
    return json;
}

static int ask_players(struct bt_db *db, const char *path, const char *after, int64_t limit,
                       struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT " COLUMNS FROM " JOIN unit u ON u.code = s.unit"
                     " WHERE substr(u.path, 1, length($1)) = $1 AND p.id > $2 ORDER BY p.id"
                     " LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

static const struct bt_fleet_list players = {.ask = ask_players, .row = row_json};

int bt_handle_players_list(struct bt_call *call, struct bt_error *err)
{
    return bt_fleet_list_reply(call, BT_ACTION_VIEW, &players, err);
}

static int ask_player(struct bt_call *call, struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(bt_call_db(call), out, err, "SELECT " COLUMNS FROM " WHERE p.id = $1",
                     BT_TEXT(bt_call_path(call, "player")));
}

static int refuse_missing(struct bt_call *call)
{
    return bt_call_problem(call, 404, "not-found", "Không có máy phát này.",
                           "There is no such player.");
}

int bt_handle_player_show(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_player(call, &rows, err);
    if (r < 0) {
        return r;
    }
    return bt_db_next(rows) ? bt_call_json_reply(call, 200, row_json(rows)) : refuse_missing(call);
}

static int remove_player(struct bt_call *call, const char *player, const char *unit,
                         const char *screen, struct bt_error *err)
{
    char object[64];
    int r = bt_format(object, sizeof(object), "player/%s", player);
    r = r < 0 ? bt_fail(err, r, "A player's id is too long")
              : bt_fleet_end_player(bt_call_db(call), player, "revoked", bt_call_now_ms(call), err);
    r = r < 0 ? r : bt_fleet_forget_after_commit(call, player, err);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "screen", screen);
    return bt_audit(call, "player.revoke", object, unit, details, err);
}

// Taking away is easy: no revision is asked for, and doing it twice is fine.
int bt_handle_player_remove(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_player(call, &rows, err);
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return refuse_missing(call);
    }
    if (bt_str_equal(bt_db_get_text(rows, 10), "active")) {
        r = remove_player(call, bt_db_get_text(rows, 0), bt_db_get_text(rows, 9),
                          bt_db_get_text(rows, 8), err);
    }
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

// Who has reported how far, for people: by screen, by player; and settling a fork.
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/list.h"
#include "server/fleet/player_view.h"
#include "server/plays/handlers.h"

// A journal is replaced when its file is lost; losses are one for each trouble.
#define MAX_JOURNALS 200
#define MAX_LOSSES 1000
#define MAX_KEPT_ASIDE 100

#define REASON_MAX_BYTES 1024

static int ask_screens(struct bt_db *db, const char *path, const char *after, int64_t limit,
                       struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(
        db, out, err,
        "SELECT s.id, s.name, s.unit, p.id, (SELECT max(j.known_ms) FROM play_journal j"
        " WHERE j.screen = s.id), (SELECT max(j.received_ms) FROM play_journal j"
        " WHERE j.screen = s.id), (SELECT count(*) FROM play_journal j WHERE j.screen = s.id"
        " AND j.state = 'forked' AND j.resolved_ms IS NULL), (SELECT count(*) FROM play_loss l"
        " WHERE l.screen = s.id), (SELECT CAST(coalesce(sum(l.plays), 0) AS BIGINT)"
        " FROM play_loss l WHERE l.screen = s.id) FROM screen s JOIN unit u ON u.code = s.unit"
        " LEFT JOIN player p ON p.screen = s.id AND p.state = 'active'"
        " WHERE substr(u.path, 1, length($1)) = $1 AND s.id > $2 AND s.retired_ms IS NULL"
        " ORDER BY s.id LIMIT $3",
        BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

static cJSON *text_or_null(const struct bt_db_rows *row, int column)
{
    return bt_db_is_null(row, column) ? cJSON_CreateNull()
                                      : cJSON_CreateString(bt_db_get_text(row, column));
}

static cJSON *screen_json(const struct bt_db_rows *row)
{
    bool never = bt_db_is_null(row, 4), forked = bt_db_get_int(row, 6) > 0;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "screen", bt_db_get_text(row, 0));
    cJSON_AddStringToObject(json, "name", bt_db_get_text(row, 1));
    cJSON_AddStringToObject(json, "unit", bt_db_get_text(row, 2));
    cJSON_AddItemToObject(json, "player", text_or_null(row, 3));
    cJSON_AddStringToObject(json, "state", forked ? "forked" : never ? "never" : "reporting");
    cJSON_AddItemToObject(json, "known_ms", bt_number_or_null(row, 4));
    cJSON_AddItemToObject(json, "received_ms", bt_number_or_null(row, 5));
    cJSON_AddNumberToObject(json, "losses", (double)bt_db_get_int(row, 7));
    cJSON_AddNumberToObject(json, "lost_plays", (double)bt_db_get_int(row, 8));
    return json;
}

static const struct bt_fleet_list screens = {.ask = ask_screens, .row = screen_json};

int bt_handle_plays_journals(struct bt_call *call, struct bt_error *err)
{
    return bt_fleet_list_reply(call, BT_ACTION_REPORT, &screens, err);
}

static int add_journals(struct bt_call *call, cJSON *reply, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT journal, screen, unit, state, last_seq, last_hash, first_ms,"
                      " received_ms, known_ms, stopped, resolved_ms FROM play_journal"
                      " WHERE player = $1 ORDER BY first_ms DESC, journal LIMIT $2",
                      BT_TEXT(bt_call_path(call, "player")), BT_INT(MAX_JOURNALS));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "journal", bt_db_get_text(rows, 0));
        cJSON_AddStringToObject(item, "screen", bt_db_get_text(rows, 1));
        cJSON_AddStringToObject(item, "unit", bt_db_get_text(rows, 2));
        cJSON_AddStringToObject(item, "state", bt_db_get_text(rows, 3));
        cJSON_AddNumberToObject(item, "last", (double)bt_db_get_int(rows, 4));
        cJSON_AddStringToObject(item, "hash", bt_db_get_text(rows, 5));
        cJSON_AddNumberToObject(item, "first_ms", (double)bt_db_get_int(rows, 6));
        cJSON_AddNumberToObject(item, "received_ms", (double)bt_db_get_int(rows, 7));
        cJSON_AddNumberToObject(item, "known_ms", (double)bt_db_get_int(rows, 8));
        cJSON_AddBoolToObject(item, "stopped", bt_db_get_int(rows, 9) != 0);
        cJSON_AddItemToObject(item, "resolved_ms", bt_number_or_null(rows, 10));
        cJSON_AddItemToArray(items, item);
    }
    return r;
}

static int add_losses(struct bt_call *call, cJSON *reply, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    cJSON *items = cJSON_AddArrayToObject(reply, "losses");
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT journal, seq, plays, cause, start_ms, end_ms, clock FROM play_loss"
                      " WHERE player = $1 ORDER BY end_ms DESC, journal, seq, cause LIMIT $2",
                      BT_TEXT(bt_call_path(call, "player")), BT_INT(MAX_LOSSES));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "journal", bt_db_get_text(rows, 0));
        cJSON_AddNumberToObject(item, "seq", (double)bt_db_get_int(rows, 1));
        cJSON_AddNumberToObject(item, "plays", (double)bt_db_get_int(rows, 2));
        cJSON_AddStringToObject(item, "cause", bt_db_get_text(rows, 3));
        cJSON_AddNumberToObject(item, "start_ms", (double)bt_db_get_int(rows, 4));
        cJSON_AddNumberToObject(item, "end_ms", (double)bt_db_get_int(rows, 5));
        cJSON_AddStringToObject(item, "clock", bt_db_get_text(rows, 6));
        cJSON_AddItemToArray(items, item);
    }
    return r;
}

int bt_handle_plays_player(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOJSON *reply = cJSON_CreateObject();
    int r = add_journals(call, reply, err);
    r = r < 0 ? r : add_losses(call, reply, err);
    return r < 0 ? r : bt_call_json_reply(call, 200, BT_TAKE(reply));
}

int bt_handle_plays_quarantine(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT id, first_seq, last_seq, received_ms, reason, length(body)"
                      " FROM play_quarantine WHERE player = $1 AND journal = $2"
                      " ORDER BY received_ms, id LIMIT $3",
                      BT_TEXT(bt_call_path(call, "player")), BT_TEXT(bt_call_path(call, "journal")),
                      BT_INT(MAX_KEPT_ASIDE));
    if (r < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    while (bt_db_next(rows)) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "sha256", bt_db_get_text(rows, 0));
        cJSON_AddNumberToObject(item, "first", (double)bt_db_get_int(rows, 1));
        cJSON_AddNumberToObject(item, "last", (double)bt_db_get_int(rows, 2));
        cJSON_AddNumberToObject(item, "received_ms", (double)bt_db_get_int(rows, 3));
        cJSON_AddStringToObject(item, "reason", bt_db_get_text(rows, 4));
        cJSON_AddNumberToObject(item, "bytes", (double)bt_db_get_int(rows, 5));
        cJSON_AddItemToArray(items, item);
    }
    return bt_call_json_reply(call, 200, reply);
}

/*
 * Settling a fork: what was counted stays, what comes after it is said to be lost up to now, and a
 * new journal of the player counts from here on.
 */

struct wish {
    char reason[REASON_MAX_BYTES + 1];
};

static const struct bt_json_field wish_fields[] = {
    BT_JSON_FIELD(struct wish, reason, "reason", BT_JSON_STRING, .min = 1, .max = REASON_MAX_BYTES),
};

static int write_resolution(struct bt_call *call, const struct bt_db_rows *row,
                            const struct wish *wish, struct bt_error *err)
{
    const char *player = bt_call_path(call, "player"), *journal = bt_call_path(call, "journal");
    struct bt_db *db = bt_call_db(call);
    int64_t now_ms = bt_call_now_ms(call);
    int64_t r = bt_db_run(db, err,
                          "UPDATE play_journal SET resolved_ms = $3 WHERE player = $1"
                          " AND journal = $2",
                          BT_TEXT(player), BT_TEXT(journal), BT_INT(now_ms));
    r = r < 0 ? r
              : bt_db_run(db, err,
                          "INSERT INTO play_loss(player, journal, seq, screen, unit, plays, cause,"
                          " start_ms, end_ms, clock) VALUES($1, $2, $3, $4, $5, 0,"
                          " 'journal forked', $6, $7, 'server')"
                          " ON CONFLICT (player, journal, seq, cause) DO NOTHING",
                          BT_TEXT(player), BT_TEXT(journal), BT_INT(bt_db_get_int(row, 3) + 1),
                          BT_TEXT(bt_db_get_text(row, 1)), BT_TEXT(bt_db_get_text(row, 2)),
                          BT_INT(bt_db_get_int(row, 4)), BT_INT(now_ms));
    char object[128];
    if (r < 0 || bt_format(object, sizeof(object), "journal/%s/%s", player, journal) < 0) {
        return r < 0 ? (int)r : bt_fail(err, -EMSGSIZE, "A journal's name is too long");
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "reason", wish->reason);
    return bt_audit(call, "plays.resolve", object, bt_db_get_text(row, 2), details, err);
}

int bt_handle_plays_resolve(struct bt_call *call, struct bt_error *err)
{
    struct wish wish = {.reason = ""};
    BT_AUTO(bt_db_rows) rows = NULL;
    if (!bt_call_read(call, wish_fields, BT_ARRAY_LEN(wish_fields), &wish)) {
        return 0;
    }
    int r =
        bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT state, screen, unit, last_seq, known_ms, resolved_ms FROM play_journal"
                  " WHERE player = $1 AND journal = $2",
                  BT_TEXT(bt_call_path(call, "player")), BT_TEXT(bt_call_path(call, "journal")));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_call_problem(call, 404, "not-found", "Không có sổ lượt phát này.",
                               "There is no such journal.");
    }
    if (!bt_str_equal(bt_db_get_text(rows, 0), "forked")) {
        return bt_call_problem(call, 409, "not-forked", "Sổ lượt phát này không bị tách nhánh.",
                               "This journal is not forked.");
    }
    r = bt_db_is_null(rows, 5) ? write_resolution(call, rows, &wish, err) : 0;
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

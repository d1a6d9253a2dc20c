// A player's status comes in and is shown; screenshots likewise.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/fleet/fleet.h"
#include "server/fleet/player_status.h"

// 64 troubles with codes of 32 bytes.
#define MAX_TROUBLE_BYTES 4096

static int64_t number_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static int store_status(struct bt_call *call, const cJSON *status, struct bt_error *err)
{
    const char *player = bt_call_caller(call)->player;
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(status);
    BT_AUTOBUF troubles;
    bt_buf_init(&troubles, MAX_TROUBLE_BYTES);
    if (text == NULL || bt_player_status_troubles(status, &troubles) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for a status");
    }
    int64_t r = bt_db_run(
        bt_call_db(call), err,
        "INSERT INTO player_status(player, received_ms, timestamp_version, troubles, body)"
        " VALUES($1, $2, $3, $4, $5) ON CONFLICT (player) DO UPDATE SET"
        " received_ms = excluded.received_ms, timestamp_version = excluded.timestamp_version,"
        " troubles = excluded.troubles, body = excluded.body",
        BT_TEXT(player), BT_INT(bt_call_now_ms(call)), BT_INT(number_of(status, "timestamp")),
        BT_TEXT(bt_buf_text(&troubles)), BT_TEXT(text));
    const char *version = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "version"));
    r = r < 0 ? r
              : bt_db_run(bt_call_db(call), err,
                          "UPDATE player SET seen_ms = $2, version = CASE WHEN $3 = '' THEN version"
                          " ELSE $3 END WHERE id = $1",
                          BT_TEXT(player), BT_INT(bt_call_now_ms(call)),
                          BT_TEXT(version != NULL ? version : ""));
    return r < 0 ? (int)r : 0;
}

static int tell(struct bt_call *call, const char *event, struct bt_error *err)
{
    const struct bt_caller *caller = bt_call_caller(call);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "screen", caller->screen);
    cJSON_AddStringToObject(data, "player", caller->player);
    return bt_fleet_tell(call, caller->unit, event, data, err);
}

int bt_handle_player_status(struct bt_call *call, struct bt_error *err)
{
    const cJSON *body = bt_call_json(call);
    BT_AUTOJSON *status = NULL;
    if (body == NULL) {
        return 0;
    }
    if (bt_player_status_read(body, &status, err) < 0) {
        return bt_fleet_bad_request(call, err);
    }
    int r = store_status(call, status, err);
    r = r < 0 ? r : tell(call, "status", err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

int bt_handle_screen_status(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT p.id, p.channel, p.channel_ms, t.received_ms, t.body FROM player p"
                      " LEFT JOIN player_status t ON t.player = p.id"
                      " WHERE p.screen = $1 AND p.state = 'active'",
                      BT_TEXT(bt_call_path(call, "screen")));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_call_problem(call, 409, "no-player", "Màn hình này chưa có máy phát.",
                               "This screen has no player.");
    }
    cJSON *status = NULL;
    const char *body = bt_db_get_text(rows, 4);
    if (!bt_db_is_null(rows, 4) && (r = bt_json_parse(body, strlen(body), &status, err)) < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "player", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(reply, "state", bt_db_get_text(rows, 1));
    cJSON_AddNumberToObject(reply, "since_ms", (double)bt_db_get_int(rows, 2));
    cJSON_AddItemToObject(reply, "received_ms",
                          bt_db_is_null(rows, 3)
                              ? cJSON_CreateNull()
                              : cJSON_CreateNumber((double)bt_db_get_int(rows, 3)));
    cJSON_AddItemToObject(reply, "status", status != NULL ? status : cJSON_CreateNull());
    return bt_call_json_reply(call, 200, reply);
}

// By what the bytes begin with; NULL when they are neither.
static const char *picture_type(const char *bytes, size_t len)
{
    static const char png[] = "\x89PNG\r\n\x1a\n", jpeg[] = "\xff\xd8\xff";
    if (len > sizeof(png) - 1 && memcmp(bytes, png, sizeof(png) - 1) == 0) {
        return "image/png";
    }
    return len > sizeof(jpeg) - 1 && memcmp(bytes, jpeg, sizeof(jpeg) - 1) == 0 ? "image/jpeg"
                                                                                : NULL;
}

// 1 when we asked this player for it.
static int was_ordered(struct bt_call *call, int64_t n, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT n FROM player_order WHERE player = $1 AND n = $2"
                      " AND kind = 'screenshot'",
                      BT_TEXT(bt_call_caller(call)->player), BT_INT(n));
    return r < 0 ? r : bt_db_next(rows);
}

static int store_screenshot(struct bt_call *call, int64_t n, const char *type, struct bt_error *err)
{
    size_t len;
    const char *bytes = bt_call_body(call, &len);
    struct bt_sha256 hash = bt_sha256_of(bytes, len);
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    const struct bt_caller *caller = bt_call_caller(call);
    int64_t r =
        bt_db_run(bt_call_db(call), err,
                  "INSERT INTO screenshot(screen, player, n, received_ms, type, sha256, body)"
                  " VALUES($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (screen) DO UPDATE SET"
                  " player = excluded.player, n = excluded.n, received_ms = excluded.received_ms,"
                  " type = excluded.type, sha256 = excluded.sha256, body = excluded.body",
                  BT_TEXT(caller->screen), BT_TEXT(caller->player), BT_INT(n),
                  BT_INT(bt_call_now_ms(call)), BT_TEXT(type), BT_TEXT(hex), BT_BLOB(bytes, len));
    return r < 0 ? (int)r : 0;
}

int bt_handle_player_screenshot(struct bt_call *call, struct bt_error *err)
{
    int64_t n;
    size_t len;
    const char *bytes = bt_call_body(call, &len);
    const char *type = picture_type(bytes, len);
    int r =
        bt_parse_int(bt_call_path(call, "n"), 1, 1LL << 52, &n) < 0 ? 0 : was_ordered(call, n, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        return bt_call_problem(call, 404, "not-ordered", "Không có lệnh chụp màn hình này.",
                               "There is no such order for a screenshot.");
    }
    if (type == NULL) {
        return bt_call_problem(call, 415, "not-a-picture", "Ảnh phải là PNG hoặc JPEG.",
                               "The picture must be PNG or JPEG.");
    }
    r = store_screenshot(call, n, type, err);
    r = r < 0 ? r : tell(call, "screenshot", err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

int bt_handle_screen_screenshot(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT n, received_ms, type, sha256, body FROM screenshot WHERE screen = $1",
                      BT_TEXT(bt_call_path(call, "screen")));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_call_problem(call, 404, "no-screenshot", "Chưa có ảnh chụp của màn hình này.",
                               "There is no screenshot of this screen yet.");
    }
    char number[32], received[32], etag[BT_SHA256_HEX_BYTES + 2];
    if (bt_format(number, sizeof(number), "%lld", (long long)bt_db_get_int(rows, 0)) < 0 ||
        bt_format(received, sizeof(received), "%lld", (long long)bt_db_get_int(rows, 1)) < 0 ||
        bt_format(etag, sizeof(etag), "\"%s\"", bt_db_get_text(rows, 3)) < 0) {
        return bt_fail(err, -EIO, "A screenshot's row is damaged");
    }
    bt_call_set_header(call, "X-Bangtin-Order", number);
    bt_call_set_header(call, "X-Bangtin-Received-Ms", received);
    bt_call_set_header(call, "ETag", etag);
    bt_call_set_header(call, "Cache-Control", "private, no-cache");
    size_t len;
    const void *bytes = bt_db_get_blob(rows, 4, &len);
    return bt_call_bytes_reply(call, 200, bt_db_get_text(rows, 2), bytes, len);
}

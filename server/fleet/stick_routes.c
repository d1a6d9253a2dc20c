// What a player says of itself on a stick (docs/usb.md): how it was then, and which takedowns it
// had carried out. Sealed to us and signed by the player, whoever brings it.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/player_status.h"
#include "server/publications/issuer.h"
#include "trust/stick.h"

#define MAX_TROUBLE_BYTES 4096

// Said on a stick, opened and believed.
struct said {
    char player[32], unit[32];
    cJSON *status;  // read; owned
    int64_t at_ms;  // never later than now
};

static void finish_said(struct said *said)
{
    cJSON_Delete(said->status);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

// Who signs must be a player that is or was ours, and whose key was not revoked.
static int check_sender(struct bt_db *db, struct said *said, const struct bt_buf *text,
                        struct bt_error *err)
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOBUF bytes = {0};
    int r = bt_db_ask(db, &rows, err,
                      "SELECT public_key, unit FROM player WHERE id = $1 AND state <> 'revoked'",
                      BT_TEXT(said->player));
    if (r < 0) {
        return r;
    }
    bt_buf_init(&bytes, BT_STICK_STATUS_MAX_BYTES + sizeof(BT_STICK_STATUS_PREFIX));
    if (!bt_db_next(rows) || bt_unhex(bt_db_get_text(rows, 0), key, sizeof(key)) < 0 ||
        bt_buf_append(&bytes, BT_STICK_STATUS_PREFIX, sizeof(BT_STICK_STATUS_PREFIX) - 1) < 0 ||
        bt_buf_append(&bytes, text->data + crypto_sign_BYTES, text->len - crypto_sign_BYTES) < 0 ||
        crypto_sign_verify_detached((const uint8_t *)text->data, (const uint8_t *)bytes.data,
                                    bytes.len, key) != 0) {
        return bt_fail(err, -EACCES, "not signed by a player of this server");
    }
    bt_copy_cut(said->unit, sizeof(said->unit), bt_db_get_text(rows, 1));
    return 0;
}

static int read_said(struct bt_call *call, struct said *said, struct bt_error *err)
{
    size_t len;
    const char *box = bt_call_body(call, &len);
    BT_AUTOBUF text;
    BT_AUTOJSON *json = NULL;
    bt_buf_init(&text, BT_STICK_STATUS_MAX_BYTES + crypto_sign_BYTES);
    int r = bt_issuer_unseal(bt_call_server(call)->issuer, box, len, &text, err);
    if (r == 0 && text.len <= crypto_sign_BYTES) {
        r = bt_fail(err, -EINVAL, "too short");
    }
    r = r < 0 ? r
              : bt_json_parse(bt_buf_text(&text) + crypto_sign_BYTES, text.len - crypto_sign_BYTES,
                              &json, err);
    if (r < 0) {
        return -EINVAL;
    }
    bt_copy_cut(said->player, sizeof(said->player), text_of(json, "player"));
    r = check_sender(bt_call_db(call), said, &text, err);
    r = r < 0 ? r
              : bt_player_status_read(cJSON_GetObjectItemCaseSensitive(json, "status"),
                                      &said->status, err);
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(said->status, "at_ms");
    said->at_ms =
        cJSON_IsNumber(at) ? BT_CLAMP((int64_t)at->valuedouble, 0, bt_call_now_ms(call)) : 0;
    return r;
}

// The order of the network finds that it was carried out already; the first answer counts.
static int acknowledge(struct bt_db *db, const struct said *said, int64_t *out_count,
                       struct bt_error *err)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(said->status, "takedowns"))
    {
        const char *id = cJSON_GetStringValue(each);
        int64_t changed =
            bt_db_run(db, err,
                      "UPDATE player_order SET state = 'done', at_ms = $3,"
                      " detail = 'USB' WHERE player = $1 AND kind = 'takedown'"
                      " AND reference = $2 AND state IN ('waiting', 'sent')",
                      BT_TEXT(said->player), BT_TEXT(id != NULL ? id : ""), BT_INT(said->at_ms));
        if (changed < 0) {
            return (int)changed;
        }
        *out_count += changed;
    }
    return 0;
}

// How it was then, if nothing newer is known.
static int store(struct bt_db *db, const struct said *said, struct bt_error *err)
{
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(said->status);
    const cJSON *timestamp = cJSON_GetObjectItemCaseSensitive(said->status, "timestamp");
    BT_AUTOBUF troubles;
    bt_buf_init(&troubles, MAX_TROUBLE_BYTES);
    if (text == NULL || bt_player_status_troubles(said->status, &troubles) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for a status");
    }
    int64_t r = bt_db_run(
        db, err,
        "INSERT INTO player_status(player, received_ms, timestamp_version, troubles, body)"
        " VALUES($1, $2, $3, $4, $5) ON CONFLICT (player) DO UPDATE SET"
        " received_ms = excluded.received_ms, timestamp_version = excluded.timestamp_version,"
        " troubles = excluded.troubles, body = excluded.body"
        " WHERE player_status.received_ms < excluded.received_ms",
        BT_TEXT(said->player), BT_INT(said->at_ms),
        BT_INT(cJSON_IsNumber(timestamp) ? (int64_t)timestamp->valuedouble : 0),
        BT_TEXT(bt_buf_text(&troubles)), BT_TEXT(text));
    return r < 0 ? (int)r : 0;
}

static int refuse(struct bt_call *call, int r, const struct bt_error *err)
{
    return r == -EINVAL || r == -EACCES
               ? bt_call_problem(call, 422, "status-refused",
                                 "Trạng thái trên USB không phải của máy phát nào ở đây.", err->msg)
               : r;
}

int bt_handle_stick_status(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOFINISH(finish_said) struct said said = {.status = NULL};
    int64_t count = 0;
    int r = read_said(call, &said, err);
    if (r < 0) {
        return refuse(call, r, err);
    }
    r = acknowledge(bt_call_db(call), &said, &count, err);
    r = r < 0 ? r : store(bt_call_db(call), &said, err);
    BT_AUTOFREE char *object = bt_strf("player/%s", said.player);
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "takedowns", (double)count);
    cJSON_AddNumberToObject(details, "at_ms", (double)said.at_ms);
    if (r < 0) {
        cJSON_Delete(details);
        return r;
    }
    r = bt_audit(call, "stick.return", object, said.unit, details, err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

#include "server/fleet/session.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/fleet/fleet.h"
#include "server/fleet/nonce.h"
#include "server/fleet/player_key.h"

#define TOKEN_RAW_BYTES 32
#define TOKEN_BYTES (2 * TOKEN_RAW_BYTES + 1)
#define SESSION_S 3600

// A player has one; the others are from connections it has forgotten.
#define MAX_SESSIONS 4

#define ID_MAX_BYTES 31

struct request {
    char player[ID_MAX_BYTES + 1];
    char nonce[BT_NONCE_BYTES];
    char signature[BT_PLAYER_SIGNATURE_BYTES];
    bool plays;  // it wants to bring home its plays, nothing else
};

static const struct bt_json_field challenge_fields[] = {
    BT_JSON_FIELD(struct request, player, "player", BT_JSON_STRING, .min = 1, .max = ID_MAX_BYTES),
};

static const struct bt_json_field session_fields[] = {
    BT_JSON_FIELD(struct request, player, "player", BT_JSON_STRING, .min = 1, .max = ID_MAX_BYTES),
    BT_JSON_FIELD(struct request, nonce, "nonce", BT_JSON_STRING, .min = 1,
                  .max = BT_NONCE_BYTES - 1),
    BT_JSON_FIELD(struct request, signature, "signature", BT_JSON_STRING, .min = 1,
                  .max = BT_PLAYER_SIGNATURE_BYTES - 1),
    BT_JSON_FIELD(struct request, plays, "plays", BT_JSON_BOOL, .optional = true),
};

static void hash_text(const char *text, char out[BT_SHA256_HEX_BYTES])
{
    struct bt_sha256 hash = bt_sha256_of(text, strlen(text));
    bt_hex(hash.bytes, sizeof(hash.bytes), out);
}

int bt_handle_challenge(struct bt_call *call, struct bt_error *err)
{
    struct request request;
    if (!bt_fleet_read(call, challenge_fields, BT_ARRAY_LEN(challenge_fields), &request)) {
        return 0;
    }
    struct bt_db *db = bt_call_db(call);
    if (db == NULL) {
        return bt_fail(err, -EAGAIN, "The database cannot be reached");
    }
    uint8_t secret[BT_FLEET_SECRET_BYTES];
    int r = bt_fleet_secret(db, "nonce", secret, err);
    if (r < 0) {
        return r;
    }
    // Players that do not exist get one as well: whether they do is nobody's business.
    char nonce[BT_NONCE_BYTES];
    bt_nonce_make(secret, request.player, bt_call_now_ms(call), nonce);
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "nonce", nonce);
    return bt_call_json_reply(call, 200, reply);
}

static bool signs(const struct request *request, const char *public_key)
{
    char text[160];
    return bt_format(text, sizeof(text), "bangtin-session\n%s\n%s", request->nonce,
                     request->player) == 0 &&
           bt_player_key_verifies(public_key, text, request->signature);
}

// 1 when the request proves to be the player's, 0 when not.
static int prove(struct bt_call *call, const struct request *request, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    uint8_t secret[BT_FLEET_SECRET_BYTES];
    int r = bt_fleet_secret(db, "nonce", secret, err);
    if (r < 0) {
        return r;
    }
    int64_t now_ms = bt_call_now_ms(call);
    if (bt_nonce_check(secret, request->player, now_ms, request->nonce) < 0) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    r = bt_db_ask(db, &rows, err,
                  "SELECT public_key FROM player WHERE id = $1 AND (state = 'active' OR $2 = 1"
                  " AND state = 'replaced')",
                  BT_TEXT(request->player), BT_INT(request->plays));
    if (r < 0 || !bt_db_next(rows) || !signs(request, bt_db_get_text(rows, 0))) {
        return r;
    }
    char hash[BT_SHA256_HEX_BYTES];
    hash_text(request->nonce, hash);
    int64_t fresh = bt_db_run(db, err,
                              "INSERT INTO player_nonce(sha256, expires_ms) VALUES($1, $2)"
                              " ON CONFLICT (sha256) DO NOTHING",
                              BT_TEXT(hash), BT_INT(now_ms + BT_NONCE_LIVES_MS));
    return (int)fresh;
}

static int forget_older(struct bt_db *db, const char *player, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "DELETE FROM player_session WHERE player = $1 AND token_sha256 NOT IN"
                          " (SELECT token_sha256 FROM player_session WHERE player = $1"
                          " ORDER BY created_ms DESC, token_sha256 LIMIT $2)",
                          BT_TEXT(player), BT_INT(MAX_SESSIONS));
    return r < 0 ? (int)r : 0;
}

static int add_session(struct bt_call *call, const char *player, const char *token,
                       struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int64_t now_ms = bt_call_now_ms(call);
    char hash[BT_SHA256_HEX_BYTES];
    hash_text(token, hash);
    int64_t r = bt_db_run(db, err,
                          "INSERT INTO player_session(token_sha256, player, created_ms, expires_ms)"
                          " VALUES($1, $2, $3, $4)",
                          BT_TEXT(hash), BT_TEXT(player), BT_INT(now_ms),
                          BT_INT(now_ms + SESSION_S * 1000LL));
    r = r < 0 ? r
              : bt_db_run(db, err, "UPDATE player SET seen_ms = $2 WHERE id = $1", BT_TEXT(player),
                          BT_INT(now_ms));
    return r < 0 ? (int)r : forget_older(db, player, err);
}

// For new versions of the player, which are not tried while people look.
static int add_hours(struct bt_call *call, const char *player, cJSON *reply, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT s.open_min, s.close_min FROM player p JOIN screen s"
                      " ON s.id = p.screen WHERE p.id = $1",
                      BT_TEXT(player));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    cJSON *hours = cJSON_AddObjectToObject(reply, "hours");
    cJSON_AddNumberToObject(hours, "from_min", (double)bt_db_get_int(rows, 0));
    cJSON_AddNumberToObject(hours, "until_min", (double)bt_db_get_int(rows, 1));
    return 0;
}

int bt_handle_session(struct bt_call *call, struct bt_error *err)
{
    struct request request = {.plays = false};
    if (!bt_fleet_read(call, session_fields, BT_ARRAY_LEN(session_fields), &request)) {
        return 0;
    }
    int r = prove(call, &request, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        return bt_call_problem(call, 401, "session-refused",
                               "Chữ ký không đúng, mã đã hết hạn hoặc máy phát không còn hiệu lực.",
                               "The signature is wrong, the nonce has expired, or the player is no"
                               " longer valid.");
    }
    uint8_t raw[TOKEN_RAW_BYTES];
    char token[TOKEN_BYTES];
    randombytes_buf(raw, sizeof(raw));
    bt_hex(raw, sizeof(raw), token);
    r = add_session(call, request.player, token, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "token", token);
    cJSON_AddNumberToObject(reply, "expires_s", SESSION_S);
    cJSON_AddNumberToObject(reply, "now_ms", (double)bt_call_now_ms(call));
    r = add_hours(call, request.player, reply, err);
    return r < 0 ? r : bt_call_json_reply(call, 200, BT_TAKE(reply));
}

static bool refuse(struct bt_call *call)
{
    bt_call_set_header(call, "WWW-Authenticate", "Bearer");
    bt_call_problem(call, 401, "no-session",
                    "Máy phát chưa có phiên làm việc hoặc phiên đã hết hạn.",
                    "The player has no session, or it has expired.");
    return false;
}

bool bt_fleet_authenticate(struct bt_call *call, bool former)
{
    const char *header = bt_call_header(call, "Authorization");
    if (header == NULL || !bt_str_starts(header, "Bearer ") ||
        strlen(header) != strlen("Bearer ") + TOKEN_BYTES - 1) {
        return refuse(call);
    }
    struct bt_caller *caller = bt_call_caller_mutable(call);
    char hash[BT_SHA256_HEX_BYTES];
    hash_text(header + strlen("Bearer "), hash);
    struct bt_error err;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, &err,
                      "SELECT p.id, p.unit, p.screen FROM player_session s"
                      " JOIN player p ON p.id = s.player WHERE s.token_sha256 = $1"
                      " AND s.expires_ms > $2 AND (p.state = 'active' OR $3 = 1"
                      " AND p.state = 'replaced')",
                      BT_TEXT(hash), BT_INT(bt_call_now_ms(call)), BT_INT(former));
    if (r < 0) {
        bt_call_problem(call, 503, "busy", "Máy chủ đang bận, hãy thử lại.",
                        "The server is busy; try again.");
        return false;
    }
    if (!bt_db_next(rows)) {
        return refuse(call);
    }
    bt_copy_cut(caller->player, sizeof(caller->player), bt_db_get_text(rows, 0));
    bt_copy_cut(caller->unit, sizeof(caller->unit), bt_db_get_text(rows, 1));
    bt_copy_cut(caller->screen, sizeof(caller->screen), bt_db_get_text(rows, 2));
    bt_copy_cut(caller->session, sizeof(caller->session), hash);
    return true;
}

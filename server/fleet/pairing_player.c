// The player's side of pairing: it shows a code and asks until somebody has claimed it.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/accounts/secret.h"
#include "server/fleet/enrolment.h"
#include "server/fleet/fleet.h"
#include "server/fleet/pairing.h"
#include "server/fleet/server_entry.h"
#include "server/http/listen.h"
#include "server/ids.h"

#define POLL_S 3

// A commune's office behind one address may set up all its screens at once; anybody may send these.
#define MAX_FROM_ADDRESS 50
#define MAX_PAIRINGS 20000

struct begin {
    char public_key[BT_PLAYER_KEY_BYTES];
    char signature[BT_PLAYER_SIGNATURE_BYTES];
    char model[65], version[33];
    char token[BT_SECRET_BYTES];            // of an enrolment; "": somebody will claim the code
    char root_sha256[BT_SHA256_HEX_BYTES];  // the one it was told; "": the newest will do
    bool newer;                             // it walks on from there before it shows its words
};

static const struct bt_json_field begin_fields[] = {
    BT_JSON_FIELD(struct begin, public_key, "public_key", BT_JSON_STRING,
                  .min = BT_PLAYER_KEY_BYTES - 1, .max = BT_PLAYER_KEY_BYTES - 1),
    BT_JSON_FIELD(struct begin, signature, "signature", BT_JSON_STRING,
                  .min = BT_PLAYER_SIGNATURE_BYTES - 1, .max = BT_PLAYER_SIGNATURE_BYTES - 1),
    BT_JSON_FIELD(struct begin, model, "model", BT_JSON_STRING, .max = 64, .optional = true),
    BT_JSON_FIELD(struct begin, version, "version", BT_JSON_STRING, .max = 32, .optional = true),
    BT_JSON_FIELD(struct begin, token, "token", BT_JSON_STRING, .max = BT_SECRET_BYTES - 1,
                  .optional = true),
    BT_JSON_FIELD(struct begin, root_sha256, "root_sha256", BT_JSON_STRING,
                  .min = BT_SHA256_HEX_BYTES - 1, .max = BT_SHA256_HEX_BYTES - 1, .optional = true),
    BT_JSON_FIELD(struct begin, newer, "newer", BT_JSON_BOOL, .optional = true),
};

static bool is_lower_hex(const char *text)
{
    return text[strspn(text, "0123456789abcdef")] == '\0';
}

static bool proves_its_key(const struct begin *begin)
{
    char text[128];
    return is_lower_hex(begin->public_key) &&
           bt_format(text, sizeof(text), "bangtin-pairing\n%s", begin->public_key) == 0 &&
           bt_player_key_verifies(begin->public_key, text, begin->signature);
}

static int count(struct bt_db *db, const char *remote, int64_t *out_all, int64_t *out_here,
                 struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT (SELECT count(*) FROM pairing),"
                      " (SELECT count(*) FROM pairing WHERE remote = $1)",
                      BT_TEXT(remote));
    if (r == 0 && bt_db_next(rows)) {
        *out_all = bt_db_get_int(rows, 0);
        *out_here = bt_db_get_int(rows, 1);
    }
    return r;
}

// What is over makes room; 1 when there is some.
static int make_room(struct bt_call *call, const char *public_key, struct bt_error *err)
{
    char network[BT_NETWORK_BYTES];
    bt_address_network(bt_call_remote(call), network);
    struct bt_db *db = bt_call_db(call);
    int64_t all = 0, here = 0;
    int64_t gone =
        bt_db_run(db, err, "DELETE FROM pairing WHERE expires_ms < $1 OR public_key = $2",
                  BT_INT(bt_call_now_ms(call)), BT_TEXT(public_key));
    int r = gone < 0 ? (int)gone : count(db, network, &all, &here, err);
    return r < 0 ? r : all < MAX_PAIRINGS && here < MAX_FROM_ADDRESS;
}

struct root {
    char sha256[BT_SHA256_HEX_BYTES];
    int64_t version;
    cJSON *text;
};

// Of a few KiB each, made once a year and when a holder changes. A player that is further behind
// than that is given none, and needs a new card.
#define MAX_NEWER_ROOTS 64

// The newest, or that of this hash: from there the player walks on to the newest by itself.
static int find_root(struct bt_db *db, const char *sha256, struct root *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT body, sha256, version FROM tuf_metadata WHERE role = 'root'"
                      " AND (sha256 = $1 OR $2 = 0) ORDER BY version DESC LIMIT 1",
                      BT_TEXT(sha256), BT_INT(sha256[0] != '\0'));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "There is no such root metadata");
    }
    bt_copy_cut(out->sha256, sizeof(out->sha256), bt_db_get_text(rows, 1));
    out->version = bt_db_get_int(rows, 2);
    out->text = cJSON_CreateString(bt_db_get_text(rows, 0));
    return 0;
}

/*
 * The roots after `root`, oldest first, into *out: the words are of the last one then. NULL, and
 * `words_of` as it was, when there are none or too many.
 */
static int find_newer(struct bt_db *db, const struct root *root, cJSON **out,
                      char words_of[BT_SHA256_HEX_BYTES], struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOJSON *list = cJSON_CreateArray();
    char last[BT_SHA256_HEX_BYTES] = "";
    int r = bt_db_ask(db, &rows, err,
                      "SELECT body, sha256 FROM tuf_metadata WHERE role = 'root' AND version > $1"
                      " ORDER BY version LIMIT $2",
                      BT_INT(root->version), BT_INT(MAX_NEWER_ROOTS + 1));
    while (r == 0 && bt_db_next(rows)) {
        cJSON_AddItemToArray(list, cJSON_CreateString(bt_db_get_text(rows, 0)));
        bt_copy_cut(last, sizeof(last), bt_db_get_text(rows, 1));
    }
    int count = cJSON_GetArraySize(list);
    if (r == 0 && count > 0 && count <= MAX_NEWER_ROOTS) {
        bt_copy_cut(words_of, BT_SHA256_HEX_BYTES, last);
        *out = BT_TAKE(list);
    }
    return r;
}

static int add_pairing(struct bt_call *call, const struct begin *begin, const char *root_sha256,
                       char id[BT_SERVER_ID_BYTES], char code[BT_PAIRING_CODE_BYTES],
                       struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int64_t now_ms = bt_call_now_ms(call);
    uint8_t secret[BT_FLEET_SECRET_BYTES];
    char hash[BT_SHA256_HEX_BYTES], network[BT_NETWORK_BYTES];
    bt_address_network(bt_call_remote(call), network);
    int r = bt_fleet_secret(db, "pairing", secret, err);
    if (r < 0) {
        return r;
    }
    bt_server_id('i', id);
    bt_pairing_code_make(code);
    bt_pairing_code_hash(code, secret, hash);
    int64_t added = bt_db_run(
        db, err,
        "INSERT INTO pairing(id, code_hash, public_key, model, version, root_sha256, remote,"
        " created_ms, expires_ms) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        BT_TEXT(id), BT_TEXT(hash), BT_TEXT(begin->public_key), BT_TEXT(begin->model),
        BT_TEXT(begin->version), BT_TEXT(root_sha256), BT_TEXT(network), BT_INT(now_ms),
        BT_INT(now_ms + BT_PAIRING_LIVES_S * 1000LL));
    return added < 0 ? (int)added : 0;
}

// 1: it has its screen. 0: the token was refused, which is answered.
static int enrol(struct bt_call *call, const struct begin *begin, const char *id,
                 const char *root_sha256, struct bt_error *err)
{
    struct bt_pairing pairing = {.expires_ms = 0};
    bool used;
    bt_copy_cut(pairing.id, sizeof(pairing.id), id);
    bt_copy_cut(pairing.public_key, sizeof(pairing.public_key), begin->public_key);
    bt_copy_cut(pairing.model, sizeof(pairing.model), begin->model);
    bt_copy_cut(pairing.version, sizeof(pairing.version), begin->version);
    bt_copy_cut(pairing.root_sha256, sizeof(pairing.root_sha256), root_sha256);
    int r = bt_enrolment_use(call, begin->token, &pairing, &used, err);
    if (r < 0 || used) {
        return r < 0 ? r : 1;
    }
    return bt_call_problem(call, 403, "token-refused",
                           "Mã đăng ký sẵn đã dùng, hết hạn hoặc không đúng.",
                           "The enrolment token was used, has expired or is wrong.");
}

// Before anything is used: the player takes no other root, and its token is good for one answer.
static int refuse_root(struct bt_call *call, const struct begin *begin)
{
    if (begin->root_sha256[0] != '\0') {
        return bt_call_problem(call, 409, "no-root",
                               "Máy chủ không có khoá gốc mà máy phát này được giao.",
                               "The server does not have the root this player was told.");
    }
    return bt_call_problem(call, 409, "no-root",
                           "Máy chủ chưa có khoá gốc của tỉnh, chưa ghép nối được máy phát.",
                           "The server has no root metadata yet; players cannot be paired.");
}

static int answer_begin(struct bt_call *call, const struct begin *begin, struct bt_error *err)
{
    struct root root = {.text = NULL};
    int r = find_root(bt_call_db(call), begin->root_sha256, &root, err);
    if (r == -ENOENT) {
        return refuse_root(call, begin);
    }
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *text = root.text, *newer = NULL;
    char id[BT_SERVER_ID_BYTES], code[BT_PAIRING_CODE_BYTES], words_of[BT_SHA256_HEX_BYTES];
    bt_copy_cut(words_of, sizeof(words_of), root.sha256);
    if (begin->newer && (r = find_newer(bt_call_db(call), &root, &newer, words_of, err)) < 0) {
        return r;
    }
    r = add_pairing(call, begin, words_of, id, code, err);
    if (r < 0 || (begin->token[0] != '\0' && (r = enrol(call, begin, id, words_of, err)) <= 0)) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "pairing", id);
    cJSON_AddStringToObject(reply, "code", code);
    cJSON_AddNumberToObject(reply, "expires_s", BT_PAIRING_LIVES_S);
    cJSON_AddNumberToObject(reply, "poll_s", POLL_S);
    cJSON_AddItemToObject(reply, "root", BT_TAKE(text));
    cJSON_AddStringToObject(reply, "root_sha256", root.sha256);
    if (newer != NULL) {
        cJSON_AddItemToObject(reply, "newer", BT_TAKE(newer));
    }
    return bt_call_json_reply(call, 201, reply);
}

int bt_handle_pairing_begin(struct bt_call *call, struct bt_error *err)
{
    struct begin begin = {0};
    if (!bt_fleet_read(call, begin_fields, BT_ARRAY_LEN(begin_fields), &begin)) {
        return 0;
    }
    if (!proves_its_key(&begin)) {
        return bt_call_problem(call, 400, "signature-wrong", "Chữ ký của máy phát không đúng.",
                               "The player's signature is wrong.");
    }
    int r = make_room(call, begin.public_key, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        bt_call_set_header(call, "Retry-After", "600");
        return bt_call_problem(call, 429, "too-many-pairings",
                               "Đang có quá nhiều yêu cầu ghép nối. Hãy thử lại sau 10 phút.",
                               "Too many pairings are under way. Try again in 10 minutes.");
    }
    return answer_begin(call, &begin, err);
}

struct state {
    char signature[BT_PLAYER_SIGNATURE_BYTES];
};

static const struct bt_json_field state_fields[] = {
    BT_JSON_FIELD(struct state, signature, "signature", BT_JSON_STRING,
                  .min = BT_PLAYER_SIGNATURE_BYTES - 1, .max = BT_PLAYER_SIGNATURE_BYTES - 1),
};

static bool signs_id(const struct state *state, const char *id, const char *public_key)
{
    char text[128];
    return bt_format(text, sizeof(text), "bangtin-pairing-state\n%s", id) == 0 &&
           bt_player_key_verifies(public_key, text, state->signature);
}

static int answer_state(struct bt_call *call, const struct bt_db_rows *row, struct bt_error *err)
{
    BT_AUTOJSON *reply = cJSON_CreateObject();
    if (bt_db_is_null(row, 1)) {
        cJSON_AddStringToObject(reply, "state", "waiting");
        return bt_call_json_reply(call, 200, BT_TAKE(reply));
    }
    cJSON *server = NULL;
    int r = bt_fleet_server_entry(bt_call_db(call), &server, err);
    if (r < 0) {
        return r;
    }
    cJSON_AddStringToObject(reply, "state", "claimed");
    cJSON_AddStringToObject(reply, "player", bt_db_get_text(row, 1));
    cJSON_AddStringToObject(reply, "unit", bt_db_get_text(row, 2));
    cJSON_AddStringToObject(reply, "screen", bt_db_get_text(row, 3));
    cJSON_AddItemToObject(reply, "server", server);
    return bt_call_json_reply(call, 200, BT_TAKE(reply));
}

int bt_handle_pairing_state(struct bt_call *call, struct bt_error *err)
{
    struct state state;
    if (!bt_fleet_read(call, state_fields, BT_ARRAY_LEN(state_fields), &state)) {
        return 0;
    }
    const char *id = bt_call_path(call, "pairing");
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT g.public_key, p.id, p.unit, p.screen FROM pairing g"
                      " LEFT JOIN player p ON p.id = g.player"
                      " WHERE g.id = $1 AND g.expires_ms > $2",
                      BT_TEXT(id), BT_INT(bt_call_now_ms(call)));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows) || !signs_id(&state, id, bt_db_get_text(rows, 0))) {
        return bt_call_problem(call, 404, "no-such-pairing",
                               "Không có lần ghép nối này, hoặc đã hết hạn.",
                               "There is no such pairing, or it has expired.");
    }
    return answer_state(call, rows, err);
}

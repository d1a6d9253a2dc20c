#include "sync/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/metadata.h"
#include "trust/tuf_root.h"
#include "trust/words.h"

#define SIGNATURE_HEX_BYTES (2 * BT_SIGNATURE_MAX_BYTES + 1)
#define NONCE_BYTES 257

int bt_identity_key(const char *path, struct bt_private_key **out, struct bt_error *err)
{
    int r = bt_private_key_load(path, NULL, out, err);
    if (r != -ENOENT) {
        return r;
    }
    BT_AUTO(bt_private_key) key = NULL;
    r = bt_private_key_generate(BT_PRIVATE_ED25519, &key, err);
    if (r < 0) {
        return r;
    }
    bt_private_key_set_holder(key, "player", BT_KEY_FILE, "");
    r = bt_private_key_save(key, path, NULL, err);
    if (r == 0) {
        *out = BT_TAKE(key);
    }
    return r;
}

bool bt_id_is_plain(const char *id)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t len = strlen(id);
    return len > 0 && id[0] != '.' && strspn(id, plain) == len;
}

int bt_identity_public(const struct bt_private_key *key, char out[BT_PLAYER_HEX_BYTES],
                       struct bt_error *err)
{
    BT_AUTOJSON *object = bt_private_key_public(key);
    const cJSON *keyval = cJSON_GetObjectItemCaseSensitive(object, "keyval");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(keyval, "public");
    if (!cJSON_IsString(value) ||
        bt_format(out, BT_PLAYER_HEX_BYTES, "%s", value->valuestring) < 0) {
        return bt_fail(err, -EINVAL, "The player's key is not Ed25519");
    }
    return 0;
}

static int sign_hex(const struct bt_private_key *key, const char *message, char *out,
                    struct bt_error *err)
{
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    size_t len;
    int r = bt_private_key_sign(key, message, strlen(message), signature, &len, err);
    if (r == 0) {
        bt_hex(signature, len, out);
    }
    return r;
}

static int append_member(struct bt_buf *out, const char *before, const char *key, const char *value)
{
    int r = bt_buf_appendf(out, "%s\"%s\": ", before, key);
    return r < 0 ? r : bt_json_append_string(out, value);
}

static int close_object(struct bt_buf *out, int r, struct bt_error *err)
{
    r = r < 0 ? r : bt_buf_append(out, "}", 1);
    return r < 0 ? bt_fail(err, r, "The request is too long") : 0;
}

int bt_pairing_write(const struct bt_private_key *key, const struct bt_pairing_request *request,
                     struct bt_buf *out, struct bt_error *err)
{
    char hex[BT_PLAYER_HEX_BYTES], signature[SIGNATURE_HEX_BYTES], message[128];
    int r = bt_identity_public(key, hex, err);
    r = r < 0 ? r : bt_format(message, sizeof(message), "bangtin-pairing\n%s", hex);
    r = r < 0 ? r : sign_hex(key, message, signature, err);
    if (r < 0) {
        return r;
    }
    r = append_member(out, "{", "public_key", hex);
    r = r < 0 ? r : append_member(out, ", ", "signature", signature);
    r = r < 0 ? r : append_member(out, ", ", "model", request->model);
    r = r < 0 ? r : append_member(out, ", ", "version", request->version);
    if (r >= 0 && request->token[0] != '\0') {
        r = append_member(out, ", ", "token", request->token);
    }
    if (r >= 0 && request->root_sha256[0] != '\0') {
        r = append_member(out, ", ", "root_sha256", request->root_sha256);
    }
    if (r >= 0 && request->newer) {
        r = bt_buf_appendf(out, ", \"newer\": true");
    }
    return close_object(out, r, err);
}

struct pairing_answer {
    char id[64], code[16], root_sha256[BT_SHA256_HEX_BYTES];
    int64_t expires_s, poll_s;
};

static const struct bt_json_field pairing_fields[] = {
    BT_JSON_FIELD(struct pairing_answer, id, "pairing", BT_JSON_STRING, .min = 1, .max = 63),
    BT_JSON_FIELD(struct pairing_answer, code, "code", BT_JSON_STRING, .min = 4, .max = 15),
    BT_JSON_FIELD(struct pairing_answer, root_sha256, "root_sha256", BT_JSON_STRING, .min = 64,
                  .max = 64),
    BT_JSON_FIELD(struct pairing_answer, expires_s, "expires_s", BT_JSON_INT, .min = 1,
                  .max = 86400),
    BT_JSON_FIELD(struct pairing_answer, poll_s, "poll_s", BT_JSON_INT, .min = 1, .max = 600),
};

static void hash_of(const char *text, char out[BT_SHA256_HEX_BYTES])
{
    struct bt_sha256 sha256 = bt_sha256_of(text, strlen(text));
    bt_hex(sha256.bytes, BT_SHA256_BYTES, out);
}

// `told`: whoever prepared the player may have told it the province's root.
static int check_root(const cJSON *root, const char *expected, const char *told,
                      struct bt_error *err)
{
    if (!cJSON_IsString(root)) {
        return bt_fail(err, -EINVAL, "'root' must be a text");
    }
    char hex[BT_SHA256_HEX_BYTES];
    hash_of(root->valuestring, hex);
    if (strcmp(hex, expected) != 0) {
        return bt_fail(err, -EBADMSG, "'root' has another hash");
    }
    return told[0] == '\0' || strcmp(hex, told) == 0
               ? 0
               : bt_fail(err, -EACCES, "The server's root is not the one to pair with");
}

/*
 * From the root it was told the player walks to the newest, each vouched for by the one before, and
 * people compare words of that one: both must hold. So a root that was replaced, whose keys may
 * have been lost, is not what a player begins with, and nobody has another one put in its place.
 * Servers that know nothing of this give none; the words are then of the root that was told.
 */
static int walk(const cJSON *newer, const char **root, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) now = NULL;
    int r = bt_tuf_root_read(*root, strlen(*root), &now, err);
    const cJSON *each;
    cJSON_ArrayForEach(each, newer)
    {
        BT_AUTO(bt_tuf_document) next = NULL;
        if (r == 0 && !cJSON_IsString(each)) {
            r = bt_fail(err, -EINVAL, "'newer' must be a list of texts");
        }
        if (r < 0 || (r = bt_tuf_root_next(now, each->valuestring, strlen(each->valuestring), &next,
                                           err)) < 0) {
            return bt_fail_in(err, r, "A root after the one that was told");
        }
        bt_tuf_document_destroy(now);
        now = BT_TAKE(next);
        *root = each->valuestring;
    }
    return r;
}

// It is drawn on the wall before anybody can be believed: a code, and no server's words.
static bool is_code(const char *text)
{
    static const char signs[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
    return strlen(text) == 9 && strspn(text, signs) == 4 && text[4] == '-' &&
           strspn(text + 5, signs) == 4;
}

int bt_pairing_read(const struct bt_private_key *key, const struct bt_pairing_request *request,
                    const char *text, size_t len, struct bt_pairing *out, struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    struct pairing_answer answer = {0};
    char hex[BT_PLAYER_HEX_BYTES], sha256[BT_SHA256_HEX_BYTES];
    int r = bt_json_parse(text, len, &json, err);
    r = r < 0
            ? r
            : bt_json_read(json, pairing_fields, BT_ARRAY_LEN(pairing_fields), &answer, NULL, err);
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(json, "root");
    const cJSON *newer = cJSON_GetObjectItemCaseSensitive(json, "newer");
    r = r < 0 ? r : check_root(given, answer.root_sha256, request->root_sha256, err);
    const char *root = r == 0 ? given->valuestring : "";
    r = r == 0 && request->newer && newer != NULL ? walk(newer, &root, err) : r;
    r = r < 0 ? r : bt_identity_public(key, hex, err);
    if (r == 0 && !bt_id_is_plain(answer.id)) {
        r = bt_fail(err, -EINVAL, "'pairing' is not an id");
    }
    if (r == 0 && !is_code(answer.code)) {
        r = bt_fail(err, -EINVAL, "'code' is not a code like K7WQ-2MXB");
    }
    if (r < 0) {
        return bt_fail_in(err, r, "The answer to pairing");
    }
    *out = (struct bt_pairing){.expires_s = answer.expires_s,
                               .poll_s = answer.poll_s,
                               .root = bt_strdup(root),
                               .root_len = strlen(root)};
    hash_of(root, sha256);
    bt_copy_cut(out->id, sizeof(out->id), answer.id);
    bt_copy_cut(out->code, sizeof(out->code), answer.code);
    r = bt_words(hex, sha256, answer.code, out->words);
    return r < 0 ? bt_fail(err, r, "The words of pairing cannot be worked out") : 0;
}

void bt_pairing_finish(struct bt_pairing *pairing)
{
    free(pairing->root);
    *pairing = (struct bt_pairing){0};
}

int bt_claim_write(const struct bt_private_key *key, const char *pairing, struct bt_buf *out,
                   struct bt_error *err)
{
    char signature[SIGNATURE_HEX_BYTES], message[128];
    int r = bt_format(message, sizeof(message), "bangtin-pairing-state\n%s", pairing);
    r = r < 0 ? r : sign_hex(key, message, signature, err);
    r = r < 0 ? r : append_member(out, "{", "signature", signature);
    return close_object(out, r, err);
}

static const struct bt_json_field identity_fields[] = {
    BT_JSON_FIELD(struct bt_identity, player, "player", BT_JSON_STRING, .min = 1, .max = 63),
    BT_JSON_FIELD(struct bt_identity, unit, "unit", BT_JSON_STRING, .min = 1, .max = 24),
    BT_JSON_FIELD(struct bt_identity, screen, "screen", BT_JSON_STRING, .min = 1, .max = 63),
};

static int read_claimed(const cJSON *json, struct bt_claim *out, struct bt_error *err)
{
    int r = bt_json_read(json, identity_fields, BT_ARRAY_LEN(identity_fields), &out->identity, NULL,
                         err);
    const cJSON *server = cJSON_GetObjectItemCaseSensitive(json, "server");
    if (r == 0 && server != NULL && !cJSON_IsNull(server)) {
        r = bt_address_read(server, 0, &out->server, err);
    }
    if (r == 0 && (!bt_id_is_plain(out->identity.player) || !bt_id_is_plain(out->identity.unit) ||
                   !bt_id_is_plain(out->identity.screen))) {
        r = bt_fail(err, -EINVAL, "player, unit or screen is not an id");
    }
    return r;
}

int bt_claim_read(const char *text, size_t len, struct bt_claim *out, struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    struct bt_claim claim = {0};
    int r = bt_json_parse(text, len, &json, err);
    if (r < 0) {
        return r;
    }
    const cJSON *state = cJSON_GetObjectItemCaseSensitive(json, "state");
    const char *word = cJSON_IsString(state) ? state->valuestring : "";
    claim.claimed = strcmp(word, "claimed") == 0;
    if (claim.claimed) {
        r = read_claimed(json, &claim, err);
    } else if (strcmp(word, "waiting") != 0) {
        r = bt_fail(err, -EINVAL, "'state' is '%.40s'", word);
    }
    if (r == 0) {
        *out = claim;
    }
    return r;
}

int bt_challenge_write(const char *player, struct bt_buf *out, struct bt_error *err)
{
    return close_object(out, append_member(out, "{", "player", player), err);
}

int bt_session_write(const struct bt_private_key *key, const char *player, const char *challenge,
                     size_t challenge_len, struct bt_buf *out, struct bt_error *err)
{
    struct nonce {
        char text[NONCE_BYTES];
    } nonce = {0};
    static const struct bt_json_field fields[] = {
        BT_JSON_FIELD(struct nonce, text, "nonce", BT_JSON_STRING, .min = 16,
                      .max = NONCE_BYTES - 1),
    };
    char signature[SIGNATURE_HEX_BYTES], message[512];
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(challenge, challenge_len, &json, err);
    r = r < 0 ? r : bt_json_read(json, fields, BT_ARRAY_LEN(fields), &nonce, NULL, err);
    if (r < 0) {
        return bt_fail_in(err, r, "The challenge");
    }
    r = bt_format(message, sizeof(message), "bangtin-session\n%s\n%s", nonce.text, player);
    r = r < 0 ? r : sign_hex(key, message, signature, err);
    r = r < 0 ? r : append_member(out, "{", "player", player);
    r = r < 0 ? r : append_member(out, ", ", "nonce", nonce.text);
    r = r < 0 ? r : append_member(out, ", ", "signature", signature);
    return close_object(out, r, err);
}

static const struct bt_json_field hours_fields[] = {
    BT_JSON_FIELD(struct bt_session, open_from, "from_min", BT_JSON_INT, .min = 0, .max = 1440),
    BT_JSON_FIELD(struct bt_session, open_until, "until_min", BT_JSON_INT, .min = 0, .max = 1440),
};

static int read_hours(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_json_read(value, hours_fields, BT_ARRAY_LEN(hours_fields), target, context, err);
}

int bt_session_read(const char *text, size_t len, struct bt_session *out, struct bt_error *err)
{
    static const struct bt_json_field fields[] = {
        BT_JSON_FIELD(struct bt_session, token, "token", BT_JSON_STRING, .min = 16,
                      .max = BT_TOKEN_BYTES - 1),
        BT_JSON_FIELD(struct bt_session, expires_s, "expires_s", BT_JSON_INT, .min = 1,
                      .max = 7 * 86400),
        BT_JSON_FIELD(struct bt_session, now_ms, "now_ms", BT_JSON_INT, .min = 0,
                      .max = INT64_C(1) << 53),
        {.key = "hours",
         .kind = BT_JSON_CUSTOM,
         .offset = 0,
         .size = sizeof(struct bt_session),
         .read = read_hours,
         .optional = true},
    };
    BT_AUTOJSON *json = NULL;
    struct bt_session session = {0};
    int r = bt_json_parse(text, len, &json, err);
    r = r < 0 ? r : bt_json_read(json, fields, BT_ARRAY_LEN(fields), &session, NULL, err);
    if (r < 0) {
        return bt_fail_in(err, r, "The session");
    }
    *out = session;
    return 0;
}

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"
#include "server/accounts/secret.h"
#include "server/http/transaction.h"
#include "server/ids.h"

#define MAX_TOKENS 50
#define MAX_DAYS 366
#define SCOPES_BYTES 160

struct token {
    char id[BT_SERVER_ID_BYTES];
    char name[BT_NAME_BYTES];
    char scopes[SCOPES_BYTES];
    int64_t days;
    int64_t expires_ms;
    char secret[BT_SECRET_BYTES];
};

static int add_scope(struct token *token, const char *word, struct bt_error *err)
{
    if (bt_scopes_parse(word) == 0 || strchr(word, ' ') != NULL) {
        return bt_fail(err, -EINVAL, "There is no scope '%.32s'", word);
    }
    size_t len = strlen(token->scopes);
    return bt_format(token->scopes + len, SCOPES_BYTES - len, "%s%s", len > 0 ? " " : "", word) < 0
               ? bt_fail(err, -EINVAL, "'scopes' names one twice")
               : 0;
}

static int read_scopes(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct token *token = (struct token *)((char *)target - offsetof(struct token, scopes));
    const cJSON *word;
    int r = cJSON_IsArray(value) && cJSON_GetArraySize(value) > 0
                ? 0
                : bt_fail(err, -EINVAL, "'scopes' is no list with actions");
    cJSON_ArrayForEach(word, value)
    {
        r = r < 0                  ? r
            : cJSON_IsString(word) ? add_scope(token, word->valuestring, err)
                                   : bt_fail(err, -EINVAL, "'scopes' is no list of words");
    }
    return r;
}

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct token, name, "name", BT_JSON_STRING, .min = 1, .max = BT_NAME_BYTES - 1),
    BT_JSON_FIELD(struct token, scopes, "scopes", BT_JSON_CUSTOM, .read = read_scopes),
    BT_JSON_FIELD(struct token, days, "days", BT_JSON_INT, .min = 1, .max = MAX_DAYS),
};

static void add_words(cJSON *object, const char *words)
{
    cJSON *array = cJSON_AddArrayToObject(object, "scopes");
    uint64_t scopes = bt_scopes_parse(words);
    for (int i = 0; i < BT_ACTION_COUNT; i++) {
        if ((scopes & UINT64_C(1) << i) != 0) {
            cJSON_AddItemToArray(array, cJSON_CreateString(bt_action_word((enum bt_action)i)));
        }
    }
}

static cJSON *token_item(const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "name", bt_db_get_text(rows, 1));
    add_words(item, bt_db_get_text(rows, 2));
    cJSON_AddNumberToObject(item, "created_ms", (double)bt_db_get_int(rows, 3));
    cJSON_AddNumberToObject(item, "expires_ms", (double)bt_db_get_int(rows, 4));
    bt_add_time(item, "seen_ms", rows, 5);
    return item;
}

int bt_handle_tokens_list(struct bt_call *call, struct bt_error *err)
{
    struct bt_page page;
    if (!bt_page_read(call, &page)) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT id, name, scopes, created_ms, expires_ms, seen_ms FROM api_token"
                  " WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",
                  BT_TEXT(bt_call_caller(call)->user), BT_TEXT(page.after), BT_INT(page.limit + 1));
    return r < 0 ? r : bt_page_reply(call, &page, rows, token_item, "id");
}

static int note(struct bt_call *call, const char *verb, const char *id, const char *scopes,
                struct bt_error *err)
{
    char object[64];
    if (bt_format(object, sizeof(object), "token/%.40s", id) < 0) {
        return bt_fail(err, -EIO, "A token's id is too long");
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "scopes", scopes);
    return bt_audit(call, verb, object, "", details, err);
}

static int count_tokens(struct bt_call *call, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t now_ms = bt_call_now_ms(call);
    int64_t r = bt_db_run(bt_call_db(call), err, "DELETE FROM api_token WHERE expires_ms <= $1",
                          BT_INT(now_ms));
    r = r < 0 ? r
              : bt_db_ask(bt_call_db(call), &rows, err,
                          "SELECT count(*) FROM api_token WHERE user_id = $1",
                          BT_TEXT(bt_call_caller(call)->user));
    if (r == 0 && bt_db_next(rows)) {
        *out = bt_db_get_int(rows, 0);
    }
    return r < 0 ? (int)r : 0;
}

static int add(struct bt_call *call, void *context, struct bt_error *err)
{
    struct token *token = context;
    int64_t count = 0;
    int r = count_tokens(call, &count, err);
    if (r < 0) {
        return r;
    }
    if (count >= MAX_TOKENS) {
        bt_call_problem(call, 409, "too-many-tokens", "Đã có quá nhiều mã truy cập; hãy bỏ bớt",
                        "There are too many tokens; remove some");
        return 1;
    }
    char hash[BT_SHA256_HEX_BYTES];
    bt_server_id('k', token->id);
    bt_secret_make(token->secret);
    bt_secret_hash(token->secret, hash);
    int64_t now_ms = bt_call_now_ms(call);
    token->expires_ms = now_ms + token->days * BT_MS_PER_DAY;
    int64_t added = bt_db_run(bt_call_db(call), err,
                              "INSERT INTO api_token(id, secret_sha256, user_id, name, scopes,"
                              " created_ms, expires_ms, seen_ms)"
                              " VALUES($1, $2, $3, $4, $5, $6, $7, NULL)",
                              BT_TEXT(token->id), BT_TEXT(hash),
                              BT_TEXT(bt_call_caller(call)->user), BT_TEXT(token->name),
                              BT_TEXT(token->scopes), BT_INT(now_ms), BT_INT(token->expires_ms));
    return added < 0 ? (int)added : note(call, "token.create", token->id, token->scopes, err);
}

// Without a transaction around it, so that no copy of the answer is kept for its idempotency key.
int bt_handle_tokens_add(struct bt_call *call, struct bt_error *err)
{
    struct token token = {0};
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &token)) {
        return 0;
    }
    int r = bt_call_write(call, add, &token, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "id", token.id);
    cJSON_AddStringToObject(reply, "name", token.name);
    add_words(reply, token.scopes);
    cJSON_AddNumberToObject(reply, "expires_ms", (double)token.expires_ms);
    cJSON_AddStringToObject(reply, "token", token.secret);
    bt_call_set_header(call, "Cache-Control", "no-store");
    return bt_call_json_reply(call, 201, reply);
}

int bt_handle_token_remove(struct bt_call *call, struct bt_error *err)
{
    const char *id = bt_call_path(call, "token");
    int64_t r =
        bt_db_run(bt_call_db(call), err, "DELETE FROM api_token WHERE id = $1 AND user_id = $2",
                  BT_TEXT(id), BT_TEXT(bt_call_caller(call)->user));
    if (r == 0) {
        return bt_not_found(call);
    }
    r = r < 0 ? r : note(call, "token.remove", id, "", err);
    return r < 0 ? (int)r : bt_call_empty_reply(call, 204);
}

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/accounts.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"
#include "server/accounts/session.h"
#include "server/http/transaction.h"

static int add_grants(struct bt_db *db, const char *user, cJSON *array, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT g.unit, g.role, u.name, u.path FROM role_grant g"
                      " JOIN unit u ON u.code = g.unit WHERE g.user_id = $1"
                      " ORDER BY u.path, g.role LIMIT 1000",
                      BT_TEXT(user));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *grant = cJSON_CreateObject();
        cJSON_AddStringToObject(grant, "unit", bt_db_get_text(rows, 0));
        cJSON_AddStringToObject(grant, "role", bt_db_get_text(rows, 1));
        cJSON_AddStringToObject(grant, "name", bt_db_get_text(rows, 2));
        cJSON_AddStringToObject(grant, "path", bt_db_get_text(rows, 3));
        cJSON_AddItemToArray(array, grant);
    }
    return r;
}

static void add_scopes(cJSON *object, uint64_t scopes)
{
    cJSON *array = cJSON_AddArrayToObject(object, "scopes");
    for (int i = BT_ACTION_NONE + 1; i < BT_ACTION_COUNT; i++) {
        if ((scopes & UINT64_C(1) << i) != 0) {
            cJSON_AddItemToArray(array, cJSON_CreateString(bt_action_word((enum bt_action)i)));
        }
    }
}

int bt_handle_me(struct bt_call *call, struct bt_error *err)
{
    const struct bt_caller *caller = bt_call_caller(call);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT login, name, phone, unit, password_given FROM user_account"
                      " WHERE id = $1",
                      BT_TEXT(caller->user));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_not_found(call);
    }
    BT_AUTOJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "id", caller->user);
    cJSON_AddStringToObject(reply, "login", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(reply, "name", bt_db_get_text(rows, 1));
    cJSON_AddStringToObject(reply, "phone", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(reply, "unit", bt_db_get_text(rows, 3));
    cJSON_AddBoolToObject(reply, "change_password", bt_db_get_int(rows, 4) != 0);
    add_scopes(reply, caller->scopes);
    char token[65];
    if (bt_session_by_cookie(call) && bt_session_token(call, token)) {
        cJSON_AddStringToObject(reply, "token", token);
    }
    r = add_grants(bt_call_db(call), caller->user, cJSON_AddArrayToObject(reply, "grants"), err);
    if (r < 0) {
        return r;
    }
    bt_call_set_header(call, "Cache-Control", "no-store");
    return bt_call_json_reply(call, 200, BT_TAKE(reply));
}

struct change {
    char old[BT_PASSWORD_MAX_BYTES + 1];
    char password[BT_PASSWORD_MAX_BYTES + 1];
    char hash[BT_PASSWORD_HASH_BYTES];
};

static void wipe(struct change *change)
{
    sodium_memzero(change, sizeof(*change));
}

static const struct bt_json_field change_fields[] = {
    BT_JSON_FIELD(struct change, old, "old", BT_JSON_STRING, .min = 1,
                  .max = BT_PASSWORD_MAX_BYTES),
    BT_JSON_FIELD(struct change, password, "password", BT_JSON_STRING, .min = BT_PASSWORD_MIN_BYTES,
                  .max = BT_PASSWORD_MAX_BYTES),
};

static int find_hash(struct bt_call *call, char out[BT_PASSWORD_HASH_BYTES], struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    if (db == NULL) {
        return bt_fail(err, -EAGAIN, "The database cannot be reached");
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT password FROM user_account WHERE id = $1",
                      BT_TEXT(bt_call_caller(call)->user));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : -EACCES;
    }
    return bt_format(out, BT_PASSWORD_HASH_BYTES, "%s", bt_db_get_text(rows, 0));
}

static int store_change(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct change *change = context;
    const struct bt_caller *caller = bt_call_caller(call);
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "UPDATE user_account SET password = $2, password_given = 0,"
                          " revision = revision + 1 WHERE id = $1",
                          BT_TEXT(caller->user), BT_TEXT(change->hash));
    r = r < 0 ? r : bt_session_end_others(bt_call_db(call), caller->user, caller->session, err);
    char object[48];
    r = r < 0 ? r : bt_format(object, sizeof(object), "user/%s", caller->user);
    return r < 0 ? (int)r : bt_audit(call, "user.password", object, "", NULL, err);
}

// Guessing the old password here counts like guessing it at the door.
int bt_handle_my_password(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOFINISH(wipe) struct change change = {0};
    if (!bt_call_read(call, change_fields, BT_ARRAY_LEN(change_fields), &change)) {
        return 0;
    }
    struct bt_accounts *accounts = bt_call_server(call)->accounts;
    const char *user = bt_call_caller(call)->user;
    int64_t now_ns = bt_clock_mono_ns(bt_call_server(call)->clock);
    struct bt_guess guess;
    if (!bt_guess_take(accounts->guesses, bt_call_remote(call), user, now_ns, &guess)) {
        bt_call_set_header(call, "Retry-After", "20");
        return bt_call_problem(call, 429, "too-many-tries",
                               "Thử quá nhiều lần; hãy đợi rồi thử lại",
                               "Too many tries; wait and try again");
    }
    char known[BT_PASSWORD_HASH_BYTES];
    int r = find_hash(call, known, err);
    r = r < 0 ? r : bt_password_verify(accounts->passwords, known, change.old, err);
    if (r == -EACCES) {
        return bt_call_problem(call, 403, "password-wrong", "Mật khẩu cũ không đúng",
                               "The old password is wrong");
    }
    bt_guess_return(accounts->guesses, &guess);
    r = r < 0 ? r : bt_password_hash(accounts->passwords, change.password, change.hash, err);
    r = r < 0 ? r : bt_call_write(call, store_change, &change, err);
    return r < 0 ? bt_busy_or(call, r) : bt_call_empty_reply(call, 204);
}

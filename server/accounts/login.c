#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/accounts.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"
#include "server/accounts/secret.h"
#include "server/accounts/session.h"
#include "server/http/transaction.h"
#include "server/ids.h"

static const struct bt_log login_log = {"server/accounts"};

// One request of somebody who wants in, or who makes the first account.
struct attempt {
    char login[BT_LOGIN_BYTES];
    char password[BT_PASSWORD_MAX_BYTES + 1];
    char name[BT_NAME_BYTES];
    char secret[BT_FIRST_SECRET_BYTES];
    char user[BT_SERVER_ID_BYTES];
    char unit[BT_UNIT_CODE_BYTES];
    char hash[BT_PASSWORD_HASH_BYTES];
    char session[65];
    bool bearer;  // the session travels in Authorization, not in a cookie
};

static void wipe(struct attempt *attempt)
{
    sodium_memzero(attempt, sizeof(*attempt));
}
#define AUTO_ATTEMPT BT_AUTOFINISH(wipe) struct attempt

static const struct bt_json_field login_fields[] = {
    BT_JSON_FIELD(struct attempt, login, "login", BT_JSON_STRING, .min = 1,
                  .max = BT_LOGIN_BYTES - 1),
    BT_JSON_FIELD(struct attempt, password, "password", BT_JSON_STRING, .min = 1,
                  .max = BT_PASSWORD_MAX_BYTES),
    BT_JSON_FIELD(struct attempt, bearer, "bearer", BT_JSON_BOOL, .optional = true),
};

static const struct bt_json_field first_fields[] = {
    BT_JSON_FIELD(struct attempt, secret, "secret", BT_JSON_STRING, .min = 1,
                  .max = BT_FIRST_SECRET_BYTES - 1),
    BT_JSON_FIELD(struct attempt, login, "login", BT_JSON_STRING, .min = 1,
                  .max = BT_LOGIN_BYTES - 1),
    BT_JSON_FIELD(struct attempt, name, "name", BT_JSON_STRING, .min = 1, .max = BT_NAME_BYTES - 1),
    BT_JSON_FIELD(struct attempt, password, "password", BT_JSON_STRING,
                  .min = BT_PASSWORD_MIN_BYTES, .max = BT_PASSWORD_MAX_BYTES),
};

static struct bt_accounts *accounts_of(struct bt_call *call)
{
    return bt_call_server(call)->accounts;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    }
}

// A guess at the account, when there is one, or at the secret. Answers 429 itself.
static bool take_guess(struct bt_call *call, const char *login, struct bt_guess *out)
{
    int64_t now_ns = bt_clock_mono_ns(bt_call_server(call)->clock);
    if (bt_guess_take(accounts_of(call)->guesses, bt_call_remote(call), login, now_ns, out)) {
        return true;
    }
    bt_call_set_header(call, "Retry-After", "20");
    bt_call_problem(call, 429, "too-many-tries", "Thử đăng nhập quá nhiều lần; hãy đợi rồi thử lại",
                    "Too many tries to log in; wait and try again");
    return false;
}

// Another site's page must not log a browser in.
static bool from_elsewhere(struct bt_call *call)
{
    bool browser =
        bt_call_header(call, "Origin") != NULL || bt_call_header(call, "Sec-Fetch-Site") != NULL;
    if (!browser || bt_call_same_origin(call)) {
        return false;
    }
    bt_call_problem(call, 403, "other-origin", "Yêu cầu đến từ trang web khác",
                    "The request comes from another site's page");
    return true;
}

static int find_user(struct bt_call *call, struct attempt *attempt, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    if (db == NULL) {
        return bt_fail(err, -EAGAIN, "The database cannot be reached");
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, password, unit FROM user_account WHERE login = $1"
                      " AND state = 'active'",
                      BT_TEXT(attempt->login));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    r = bt_format(attempt->user, sizeof(attempt->user), "%s", bt_db_get_text(rows, 0));
    r = r < 0 ? r : bt_format(attempt->hash, sizeof(attempt->hash), "%s", bt_db_get_text(rows, 1));
    r = r < 0 ? r : bt_format(attempt->unit, sizeof(attempt->unit), "%s", bt_db_get_text(rows, 2));
    return r < 0 ? bt_fail(err, -EIO, "An account is not as we wrote it") : 0;
}

static int note(struct bt_call *call, const struct attempt *attempt, const char *verb,
                struct bt_error *err)
{
    char actor[48], object[48];
    if (bt_format(actor, sizeof(actor), "user/%s", attempt->user) < 0 ||
        bt_format(object, sizeof(object), "user/%s", attempt->user) < 0) {
        return bt_fail(err, -EIO, "A user's id is too long");
    }
    const struct bt_audit_entry entry = {.at_ms = bt_call_now_ms(call),
                                         .actor = actor,
                                         .from = bt_call_remote(call),
                                         .verb = verb,
                                         .object = object,
                                         .unit = attempt->unit};
    return bt_audit_write(bt_call_db(call), &entry, NULL, err);
}

static int open_session(struct bt_call *call, void *context, struct bt_error *err)
{
    struct attempt *attempt = context;
    int r = bt_session_open(bt_call_db(call), attempt->user, bt_call_now_ms(call), attempt->session,
                            err);
    return r < 0 ? r : note(call, attempt, "session.open", err);
}

static int reply_session(struct bt_call *call, const struct attempt *attempt, int status)
{
    char token[65] = "";
    if (attempt->bearer) {
        bt_copy_cut(token, sizeof(token), attempt->session);
    } else {
        bt_session_token_of(attempt->session, token);
        bt_session_set_cookie(call, attempt->session);
    }
    bt_call_set_header(call, "Cache-Control", "no-store");
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "user", attempt->user);
    cJSON_AddStringToObject(reply, "token", token);
    cJSON_AddNumberToObject(reply, "idle_s", BT_SESSION_IDLE_S);
    cJSON_AddNumberToObject(reply, "expires_s", BT_SESSION_MAX_S);
    return bt_call_json_reply(call, status, reply);
}

// What was typed as a login may be a password in the wrong place: it is not written down.
static int refuse_login(struct bt_call *call, const struct attempt *attempt)
{
    bt_log_warn(&login_log, "A wrong login or password for account '%s' from '%s'; refused",
                attempt->user[0] != '\0' ? attempt->user : "(unknown)", bt_call_remote(call));
    return bt_call_problem(call, 401, "login-refused", "Tên đăng nhập hoặc mật khẩu không đúng",
                           "Login or password is wrong");
}

int bt_handle_login(struct bt_call *call, struct bt_error *err)
{
    AUTO_ATTEMPT attempt = {0};
    if (!bt_call_read(call, login_fields, BT_ARRAY_LEN(login_fields), &attempt)) {
        return 0;
    }
    // Without a cookie there is nothing another page could misuse.
    if (!attempt.bearer && from_elsewhere(call)) {
        return 0;
    }
    struct bt_guess guess;
    lower(attempt.login);
    if (!take_guess(call, attempt.login, &guess)) {
        return 0;
    }
    int r = find_user(call, &attempt, err);
    if (r < 0) {
        return r;
    }
    r = bt_password_verify(accounts_of(call)->passwords,
                           attempt.user[0] != '\0' ? attempt.hash : NULL, attempt.password, err);
    if (r == -EACCES) {
        return refuse_login(call, &attempt);
    }
    bt_guess_return(accounts_of(call)->guesses, &guess);
    r = r < 0 ? r : bt_call_write(call, open_session, &attempt, err);
    return r < 0 ? bt_busy_or(call, r) : reply_session(call, &attempt, 200);
}

int bt_handle_logout(struct bt_call *call, struct bt_error *err)
{
    const struct bt_caller *caller = bt_call_caller(call);
    int64_t r =
        bt_db_run(bt_call_db(call), err, "DELETE FROM user_session WHERE secret_sha256 = $1",
                  BT_TEXT(caller->session));
    r = r < 0 ? r : bt_audit(call, "session.end", "session", "", NULL, err);
    if (r < 0) {
        return (int)r;
    }
    bt_session_set_cookie(call, "");
    return bt_call_empty_reply(call, 204);
}

static int spend_secret(struct bt_call *call, const struct attempt *attempt, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    char hash[BT_SHA256_HEX_BYTES];
    bt_secret_hash(attempt->secret, hash);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT 1 FROM user_account LIMIT 1");
    if (r < 0) {
        return r;
    }
    int64_t spent = bt_db_next(rows)
                        ? 0
                        : bt_db_run(db, err, "DELETE FROM first_secret WHERE secret_sha256 = $1",
                                    BT_TEXT(hash));
    if (spent != 0) {
        return spent < 0 ? (int)spent : 0;
    }
    bt_call_problem(call, 403, "secret-refused",
                    "Mã dùng một lần không đúng, đã dùng hoặc đã được thay bằng mã mới",
                    "The one-time secret is wrong, used, or was replaced by a newer one");
    return 1;
}

static int make_first(struct bt_call *call, void *context, struct bt_error *err)
{
    struct attempt *attempt = context;
    int refused = spend_secret(call, attempt, err);
    if (refused != 0) {
        return refused;
    }
    struct bt_db *db = bt_call_db(call);
    bt_server_id('u', attempt->user);
    bt_copy_cut(attempt->unit, sizeof(attempt->unit), BT_ROOT_UNIT);
    int64_t r =
        bt_db_run(db, err,
                  "INSERT INTO user_account(id, login, name, phone, unit, password,"
                  " password_given, state, created_ms, revision)"
                  " VALUES($1, $2, $3, '', $4, $5, 0, 'active', $6, 1)",
                  BT_TEXT(attempt->user), BT_TEXT(attempt->login), BT_TEXT(attempt->name),
                  BT_TEXT(BT_ROOT_UNIT), BT_TEXT(attempt->hash), BT_INT(bt_call_now_ms(call)));
    r = r < 0
            ? r
            : bt_db_run(db, err,
                        "INSERT INTO role_grant(user_id, unit, role, granted_by, granted_ms)"
                        " VALUES($1, $2, $3, $1, $4)",
                        BT_TEXT(attempt->user), BT_TEXT(BT_ROOT_UNIT),
                        BT_TEXT(bt_role_word(BT_ROLE_ADMINISTRATOR)), BT_INT(bt_call_now_ms(call)));
    r = r < 0 ? r : note(call, attempt, "user.first", err);
    return r < 0 ? (int)r : open_session(call, attempt, err);
}

int bt_handle_first_administrator(struct bt_call *call, struct bt_error *err)
{
    AUTO_ATTEMPT attempt = {0};
    struct bt_guess guess;
    if (from_elsewhere(call) ||
        !bt_call_read(call, first_fields, BT_ARRAY_LEN(first_fields), &attempt) ||
        !take_guess(call, NULL, &guess)) {
        return 0;
    }
    lower(attempt.login);
    int r = bt_password_hash(accounts_of(call)->passwords, attempt.password, attempt.hash, err);
    r = r < 0 ? r : bt_call_write(call, make_first, &attempt, err);
    if (r != 0) {
        return r < 0 ? bt_busy_or(call, r) : 0;
    }
    bt_guess_return(accounts_of(call)->guesses, &guess);
    return reply_session(call, &attempt, 201);
}

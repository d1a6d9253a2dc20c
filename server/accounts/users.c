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
#include "server/ids.h"

enum state { STATE_ACTIVE, STATE_DISABLED };
static const char *const states[] = {"active", "disabled", NULL};

struct user {
    char id[BT_SERVER_ID_BYTES];
    char login[BT_LOGIN_BYTES];
    char name[BT_NAME_BYTES];
    char phone[BT_PHONE_BYTES];
    char unit[BT_UNIT_CODE_BYTES];
    char password[BT_PASSWORD_MAX_BYTES + 1];
    char hash[BT_PASSWORD_HASH_BYTES];
    int state;
};

static void wipe(struct user *user)
{
    sodium_memzero(user, sizeof(*user));
}
#define AUTO_USER BT_AUTOFINISH(wipe) struct user

#define FIELD_NAME                                                                                 \
    BT_JSON_FIELD(struct user, name, "name", BT_JSON_STRING, .min = 1, .max = BT_NAME_BYTES - 1)
#define FIELD_PHONE                                                                                \
    BT_JSON_FIELD(struct user, phone, "phone", BT_JSON_STRING, .max = BT_PHONE_BYTES - 1,          \
                  .optional = true)
#define FIELD_UNIT                                                                                 \
    BT_JSON_FIELD(struct user, unit, "unit", BT_JSON_STRING, .min = 1,                             \
                  .max = BT_UNIT_CODE_BYTES - 1)
#define FIELD_PASSWORD                                                                             \
    BT_JSON_FIELD(struct user, password, "password", BT_JSON_STRING, .min = BT_PASSWORD_MIN_BYTES, \
                  .max = BT_PASSWORD_MAX_BYTES)

static const struct bt_json_field add_fields[] = {
    BT_JSON_FIELD(struct user, login, "login", BT_JSON_STRING, .min = 1, .max = BT_LOGIN_BYTES - 1),
    FIELD_NAME,
    FIELD_PHONE,
    FIELD_UNIT,
    FIELD_PASSWORD,
};

static const struct bt_json_field edit_fields[] = {
    FIELD_NAME,
    FIELD_PHONE,
    FIELD_UNIT,
    BT_JSON_FIELD(struct user, state, "state", BT_JSON_ENUM, .words = states),
};

static const struct bt_json_field password_fields[] = {FIELD_PASSWORD};

#define COLUMNS "x.id, x.login, x.name, x.phone, x.unit, x.state, x.created_ms, x.revision"

static cJSON *user_item(const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "login", bt_db_get_text(rows, 1));
    cJSON_AddStringToObject(item, "name", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(item, "phone", bt_db_get_text(rows, 3));
    cJSON_AddStringToObject(item, "unit", bt_db_get_text(rows, 4));
    cJSON_AddStringToObject(item, "state", bt_db_get_text(rows, 5));
    cJSON_AddNumberToObject(item, "created_ms", (double)bt_db_get_int(rows, 6));
    cJSON_AddNumberToObject(item, "revision", (double)bt_db_get_int(rows, 7));
    return item;
}

int bt_handle_users_list(struct bt_call *call, struct bt_error *err)
{
    struct bt_page page;
    if (!bt_page_read(call, &page)) {
        return 0;
    }
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(BT_ACTION_ADMINISTER, who);
    const char *unit = bt_call_query(call, "unit");
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT " COLUMNS " FROM user_account x JOIN unit h ON h.code = x.unit"
                      " WHERE x.login > $1 AND ($2 = '' OR x.unit = $2) AND EXISTS"
                      " (SELECT 1 FROM role_grant g JOIN unit u ON u.code = g.unit"
                      " WHERE g.user_id = $3 AND $4 LIKE '% ' || g.role || ' %'"
                      " AND substr(h.path, 1, length(u.path)) = u.path)"
                      " ORDER BY x.login LIMIT $5",
                      BT_TEXT(page.after), BT_TEXT(unit != NULL ? unit : ""),
                      BT_TEXT(bt_call_caller(call)->user), BT_TEXT(who), BT_INT(page.limit + 1));
    return r < 0 ? r : bt_page_reply(call, &page, rows, user_item, "login");
}

// The user of the path, standing on its row; 404 answered when there is none and *out stays NULL.
static int find(struct bt_call *call, struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT " COLUMNS " FROM user_account x WHERE x.id = $1",
                      BT_TEXT(bt_call_path(call, "user")));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_not_found(call);
    }
    *out = BT_TAKE(rows);
    return 0;
}

static void add_ended(cJSON *object, const struct bt_ended *ended)
{
    cJSON *counts = cJSON_AddObjectToObject(object, "ended");
    cJSON_AddNumberToObject(counts, "sessions", (double)ended->sessions);
    cJSON_AddNumberToObject(counts, "tokens", (double)ended->tokens);
}

// `ended`: what ended with the change, or NULL.
static int reply_user(struct bt_call *call, const char *id, int status,
                      const struct bt_ended *ended, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT " COLUMNS " FROM user_account x WHERE x.id = $1", BT_TEXT(id));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_not_found(call);
    }
    bt_call_set_revision(call, bt_db_get_int(rows, 7));
    cJSON *item = user_item(rows);
    if (ended != NULL) {
        add_ended(item, ended);
    }
    return bt_call_json_reply(call, status, item);
}

int bt_handle_user_show(struct bt_call *call, struct bt_error *err)
{
    return reply_user(call, bt_call_path(call, "user"), 200, NULL, err);
}

// People type it on telephones: small Latin letters, digits, and what e-mail addresses have.
static bool is_login(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._@-")] == '\0';
}

static int insert(struct bt_call *call, const struct user *user, struct bt_error *err)
{
    return (int)bt_db_run(bt_call_db(call), err,
                          "INSERT INTO user_account(id, login, name, phone, unit, password,"
                          " password_given, state, created_ms, revision)"
                          " VALUES($1, $2, $3, $4, $5, $6, 1, 'active', $7, 1)"
                          " ON CONFLICT(login) DO NOTHING",
                          BT_TEXT(user->id), BT_TEXT(user->login), BT_TEXT(user->name),
                          BT_TEXT(user->phone), BT_TEXT(user->unit), BT_TEXT(user->hash),
                          BT_INT(bt_call_now_ms(call)));
}

static int note(struct bt_call *call, const char *verb, const struct user *user,
                const struct bt_ended *ended, struct bt_error *err)
{
    char object[48];
    int r = bt_format(object, sizeof(object), "user/%s", user->id);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "name", user->name);
    if (user->login[0] != '\0') {
        cJSON_AddStringToObject(details, "login", user->login);
    }
    cJSON_AddStringToObject(details, "state", states[user->state]);
    if (ended != NULL) {
        add_ended(details, ended);
    }
    return bt_audit(call, verb, object, user->unit, details, err);
}

static int add(struct bt_call *call, void *context, struct bt_error *err)
{
    struct user *user = context;
    bt_server_id('u', user->id);
    int r = insert(call, user, err);
    if (r == 0) {
        bt_call_problem(call, 409, "login-taken", "Tên đăng nhập này đã có người dùng",
                        "This login is taken");
        return 1;
    }
    r = r < 0 ? r : note(call, "user.create", user, NULL, err);
    return r < 0 ? r : reply_user(call, user->id, 201, NULL, err);
}

int bt_handle_users_add(struct bt_call *call, struct bt_error *err)
{
    AUTO_USER user = {0};
    if (!bt_call_read(call, add_fields, BT_ARRAY_LEN(add_fields), &user)) {
        return 0;
    }
    if (!is_login(user.login)) {
        return bt_call_problem(call, 400, "login-letters",
                               "Tên đăng nhập chỉ gồm chữ thường không dấu, chữ số và . _ @ -",
                               "A login has small Latin letters, digits and . _ @ - alone");
    }
    struct bt_accounts *accounts = bt_call_server(call)->accounts;
    int r = bt_password_hash(accounts->passwords, user.password, user.hash, err);
    r = r < 0 ? r : bt_call_write(call, add, &user, err);
    return r < 0 ? bt_busy_or(call, r) : 0;
}

/*
 * Whoever may give an account another password can become its user. So it takes being an
 * administrator wherever that user may do anything. 1 when the caller is, 0 when refused.
 */
static int stands_above(struct bt_call *call, const char *user, struct bt_error *err)
{
    const struct bt_caller *caller = bt_call_caller(call);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT DISTINCT unit FROM role_grant WHERE user_id = $1 LIMIT 1000",
                      BT_TEXT(user));
    int may = r < 0 ? r : 1;
    while (may == 1 && bt_db_next(rows)) {
        may = bt_access_ask(bt_call_db(call), caller->user, caller->scopes, BT_ACTION_ADMINISTER,
                            bt_db_get_text(rows, 0), err);
    }
    if (may == 0) {
        bt_call_problem(call, 403, "not-allowed",
                        "Người này có quyền ở đơn vị mà tài khoản của bạn không quản trị",
                        "This user has roles in a unit that you do not administer");
    }
    return may;
}

static int may_edit(struct bt_call *call, const struct user *user, struct bt_error *err)
{
    int may = stands_above(call, user->id, err);
    if (may == 1 && !bt_access_may(call, BT_ACTION_ADMINISTER, user->unit)) {
        bt_call_problem(call, 403, "not-allowed", "Bạn không quản trị đơn vị mới của người này",
                        "You do not administer this user's new unit");
        return 0;
    }
    if (may != 1 || user->state == STATE_ACTIVE) {
        return may;
    }
    int other = bt_other_administrator(bt_call_db(call), user->id, err);
    if (other == 0) {
        bt_refuse_last_administrator(call);
    }
    return other;
}

static int store(struct bt_call *call, const struct user *user, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int64_t r = bt_db_run(db, err,
                          "UPDATE user_account SET name = $2, phone = $3, unit = $4, state = $5,"
                          " revision = revision + 1 WHERE id = $1",
                          BT_TEXT(user->id), BT_TEXT(user->name), BT_TEXT(user->phone),
                          BT_TEXT(user->unit), BT_TEXT(states[user->state]));
    bool disabled = user->state == STATE_DISABLED;
    struct bt_ended counts;
    if (r >= 0 && disabled) {
        r = bt_session_end_all(db, user->id, bt_call_now_ms(call), &counts, err);
    }
    const struct bt_ended *ended = disabled ? &counts : NULL;
    r = r < 0 ? r : note(call, "user.edit", user, ended, err);
    return r < 0 ? (int)r : reply_user(call, user->id, 200, ended, err);
}

int bt_handle_user_edit(struct bt_call *call, struct bt_error *err)
{
    AUTO_USER user = {0};
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = find(call, &rows, err);
    if (r < 0 || rows == NULL || !bt_call_check_revision(call, bt_db_get_int(rows, 7)) ||
        !bt_call_read(call, edit_fields, BT_ARRAY_LEN(edit_fields), &user)) {
        return r;
    }
    bt_copy_cut(user.id, sizeof(user.id), bt_db_get_text(rows, 0));
    r = may_edit(call, &user, err);
    return r == 1 ? store(call, &user, err) : r;
}

static int store_password(struct bt_call *call, void *context, struct bt_error *err)
{
    struct user *user = context;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = find(call, &rows, err);
    if (r < 0 || rows == NULL || !bt_call_check_revision(call, bt_db_get_int(rows, 7))) {
        return r < 0 ? r : 1;
    }
    bt_copy_cut(user->id, sizeof(user->id), bt_db_get_text(rows, 0));
    bt_copy_cut(user->name, sizeof(user->name), bt_db_get_text(rows, 2));
    bt_copy_cut(user->unit, sizeof(user->unit), bt_db_get_text(rows, 4));
    user->state = strcmp(bt_db_get_text(rows, 5), "active") == 0 ? STATE_ACTIVE : STATE_DISABLED;
    r = stands_above(call, user->id, err);
    if (r != 1) {
        return r < 0 ? r : 1;
    }
    int64_t changed = bt_db_run(bt_call_db(call), err,
                                "UPDATE user_account SET password = $2, password_given = 1,"
                                " revision = revision + 1 WHERE id = $1",
                                BT_TEXT(user->id), BT_TEXT(user->hash));
    struct bt_ended ended;
    r = changed < 0
            ? (int)changed
            : bt_session_end_all(bt_call_db(call), user->id, bt_call_now_ms(call), &ended, err);
    r = r < 0 ? r : note(call, "user.password", user, &ended, err);
    return r < 0 ? r : reply_user(call, user->id, 200, &ended, err);
}

int bt_handle_user_password(struct bt_call *call, struct bt_error *err)
{
    AUTO_USER user = {0};
    if (!bt_call_read(call, password_fields, BT_ARRAY_LEN(password_fields), &user)) {
        return 0;
    }
    struct bt_accounts *accounts = bt_call_server(call)->accounts;
    int r = bt_password_hash(accounts->passwords, user.password, user.hash, err);
    r = r < 0 ? r : bt_call_write(call, store_password, &user, err);
    return r < 0 ? bt_busy_or(call, r) : 0;
}

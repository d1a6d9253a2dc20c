#include "server/accounts/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/secret.h"

static const struct bt_log session_log = {"server/accounts"};

#define IDLE_MS (BT_SESSION_IDLE_S * 1000LL)
#define MAX_MS (BT_SESSION_MAX_S * 1000LL)

// A person has a few browsers and programs.
#define MAX_SESSIONS 20

// Writing down each request would make every reader a writer.
#define SEEN_EVERY_MS 60000

static const char *cookie_of(const struct bt_call *call)
{
    const char *secret = bt_call_cookie(call, bt_call_secure(call) ? "__Host-bangtin" : "bangtin");
    return secret != NULL && strlen(secret) == BT_SECRET_BYTES - 1 ? secret : NULL;
}

static const char *bearer_of(const struct bt_call *call)
{
    const char *header = bt_call_header(call, "Authorization");
    bool bearer = header != NULL && bt_str_starts(header, "Bearer ");
    return bearer ? header + strlen("Bearer ") : NULL;
}

bool bt_session_by_cookie(const struct bt_call *call)
{
    return bearer_of(call) == NULL && cookie_of(call) != NULL;
}

void bt_session_token_of(const char *secret, char out[65])
{
    char text[128];
    if (bt_format(text, sizeof(text), "bangtin-token\n%s", secret) == 0) {
        bt_secret_hash(text, out);
    }
}

bool bt_session_token(const struct bt_call *call, char out[65])
{
    const char *secret = cookie_of(call);
    if (secret != NULL) {
        bt_session_token_of(secret, out);
    }
    return secret != NULL;
}

struct seen {
    const char *sql;
    int64_t now_ms;
    char hash[BT_SHA256_HEX_BYTES];
};

static void write_seen(struct bt_server *server, void *context)
{
    const struct seen *seen = context;
    struct bt_error err = {0};
    struct bt_db *db = NULL;
    int64_t r = bt_db_acquire(server->db, &db, &err);
    if (r == 0) {
        r = bt_db_run_values(db, seen->sql,
                             (struct bt_db_value[]){BT_TEXT(seen->hash), BT_INT(seen->now_ms)}, 2,
                             &err);
        bt_db_release(db);
    }
    if (r < 0) {
        bt_log_warn(&session_log, "Cannot note that a session is used: %s; it may end early",
                    err.msg);
    }
}

static void note_seen(struct bt_call *call, const char *sql, const char *hash, int64_t seen_ms)
{
    int64_t now_ms = bt_call_now_ms(call);
    if (now_ms - seen_ms < SEEN_EVERY_MS) {
        return;
    }
    struct seen *seen = BT_NEW(struct seen);
    *seen = (struct seen){.sql = sql, .now_ms = now_ms};
    bt_copy_cut(seen->hash, sizeof(seen->hash), hash);
    bt_call_after_commit(call, write_seen, seen, free);
}

static void fill_caller(struct bt_call *call, const char *user, const char *hash, uint64_t scopes)
{
    struct bt_caller *caller = bt_call_caller_mutable(call);
    bt_copy_cut(caller->user, sizeof(caller->user), user);
    bt_copy_cut(caller->session, sizeof(caller->session), hash);
    caller->scopes = scopes;
}

static int identify_session(struct bt_call *call, const char *secret, struct bt_error *err)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_secret_hash(secret, hash);
    int64_t now_ms = bt_call_now_ms(call);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT s.user_id, s.seen_ms FROM user_session s"
                      " JOIN user_account u ON u.id = s.user_id WHERE s.secret_sha256 = $1"
                      " AND s.created_ms > $2 AND s.seen_ms > $3 AND u.state = 'active'",
                      BT_TEXT(hash), BT_INT(now_ms - MAX_MS), BT_INT(now_ms - IDLE_MS));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    fill_caller(call, bt_db_get_text(rows, 0), hash, BT_SCOPES_ALL);
    note_seen(call, "UPDATE user_session SET seen_ms = $2 WHERE secret_sha256 = $1", hash,
              bt_db_get_int(rows, 1));
    return 1;
}

static int identify_token(struct bt_call *call, const char *secret, struct bt_error *err)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_secret_hash(secret, hash);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT t.user_id, t.scopes, t.seen_ms FROM api_token t"
                      " JOIN user_account u ON u.id = t.user_id WHERE t.secret_sha256 = $1"
                      " AND t.expires_ms > $2 AND u.state = 'active'",
                      BT_TEXT(hash), BT_INT(bt_call_now_ms(call)));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    fill_caller(call, bt_db_get_text(rows, 0), hash, bt_scopes_parse(bt_db_get_text(rows, 1)));
    note_seen(call, "UPDATE api_token SET seen_ms = $2 WHERE secret_sha256 = $1", hash,
              bt_db_get_int(rows, 2));
    return 1;
}

int bt_session_identify(struct bt_call *call, struct bt_error *err)
{
    const char *bearer = bearer_of(call);
    if (bearer != NULL) {
        int r = identify_token(call, bearer, err);
        return r == 0 ? identify_session(call, bearer, err) : r;
    }
    const char *secret = cookie_of(call);
    return secret != NULL ? identify_session(call, secret, err) : 0;
}

static int64_t end_old(struct bt_db *db, const char *user, int64_t now_ms, struct bt_error *err)
{
    int64_t r =
        bt_db_run(db, err, "DELETE FROM user_session WHERE created_ms <= $1 OR seen_ms <= $2",
                  BT_INT(now_ms - MAX_MS), BT_INT(now_ms - IDLE_MS));
    return r < 0 ? r
                 : bt_db_run(db, err,
                             "DELETE FROM user_session WHERE user_id = $1 AND secret_sha256 NOT IN"
                             " (SELECT secret_sha256 FROM user_session WHERE user_id = $1"
                             " ORDER BY seen_ms DESC, secret_sha256 LIMIT $2)",
                             BT_TEXT(user), BT_INT(MAX_SESSIONS - 1));
}

int bt_session_open(struct bt_db *db, const char *user, int64_t now_ms, char out_secret[65],
                    struct bt_error *err)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_secret_make(out_secret);
    bt_secret_hash(out_secret, hash);
    int64_t r = end_old(db, user, now_ms, err);
    r = r < 0 ? r
              : bt_db_run(db, err,
                          "INSERT INTO user_session(secret_sha256, user_id, created_ms, seen_ms)"
                          " VALUES($1, $2, $3, $3)",
                          BT_TEXT(hash), BT_TEXT(user), BT_INT(now_ms));
    return r < 0 ? (int)r : 0;
}

int bt_session_end_others(struct bt_db *db, const char *user, const char *spared_sha256,
                          struct bt_error *err)
{
    int64_t r =
        bt_db_run(db, err, "DELETE FROM user_session WHERE user_id = $1 AND secret_sha256 <> $2",
                  BT_TEXT(user), BT_TEXT(spared_sha256));
    return r < 0 ? (int)r : 0;
}

int bt_session_end_all(struct bt_db *db, const char *user, int64_t now_ms, struct bt_ended *out,
                       struct bt_error *err)
{
    // What had ended by itself is not counted.
    int64_t r = bt_db_run(db, err,
                          "DELETE FROM user_session WHERE user_id = $1"
                          " AND (created_ms <= $2 OR seen_ms <= $3)",
                          BT_TEXT(user), BT_INT(now_ms - MAX_MS), BT_INT(now_ms - IDLE_MS));
    r = r < 0 ? r
              : bt_db_run(db, err, "DELETE FROM api_token WHERE user_id = $1 AND expires_ms <= $2",
                          BT_TEXT(user), BT_INT(now_ms));
    int64_t sessions =
        r < 0 ? r
              : bt_db_run(db, err, "DELETE FROM user_session WHERE user_id = $1", BT_TEXT(user));
    int64_t tokens = sessions < 0 ? sessions
                                  : bt_db_run(db, err, "DELETE FROM api_token WHERE user_id = $1",
                                              BT_TEXT(user));
    if (tokens < 0) {
        return (int)tokens;
    }
    *out = (struct bt_ended){.sessions = sessions, .tokens = tokens};
    return 0;
}

void bt_session_set_cookie(struct bt_call *call, const char *secret)
{
    bool secure = bt_call_secure(call);
    char cookie[192];
    if (bt_format(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                  secure ? "__Host-bangtin" : "bangtin", secret, secure ? "; Secure" : "",
                  secret[0] == '\0' ? "; Max-Age=0" : "") == 0) {
        bt_call_set_header(call, "Set-Cookie", cookie);
    }
}

/**
 * Sessions and API tokens of people: who stands behind a cookie or an "Authorization: Bearer".
 * A session ends 30 minutes after its last request and 12 hours after its first.
 */
#ifndef BT_SERVER_ACCOUNTS_SESSION_H
#define BT_SERVER_ACCOUNTS_SESSION_H

#include "server/http/call.h"

#define BT_SESSION_IDLE_S (30 * 60)
#define BT_SESSION_MAX_S (12 * 3600)

// caller.scopes of a session: everything its user may.
#define BT_SCOPES_ALL UINT64_MAX

/**
 * Fills in the caller (user, session, scopes) when the request carries a valid session or token.
 * 1 when it does, 0 when not; an error only from the database.
 */
int bt_session_identify(struct bt_call *call, struct bt_error *err) BT_NODISCARD;

// Is the request made in a session, by its cookie?
bool bt_session_by_cookie(const struct bt_call *call);

// The value that X-Bangtin-Token must have: derived from the session's secret, so that only whoever
// has seen an answer of ours can send it.
bool bt_session_token(const struct bt_call *call, char out[65]);

/**
 * In a writing transaction: a new session of the user; the older ones beyond 20 end. *out_secret
 * goes into the cookie.
 */
int bt_session_open(struct bt_db *db, const char *user, int64_t now_ms, char out_secret[65],
                    struct bt_error *err) BT_NODISCARD;

// Ends all sessions of the user but the one with this hash ("" spares none).
int bt_session_end_others(struct bt_db *db, const char *user, const char *spared_sha256,
                          struct bt_error *err) BT_NODISCARD;

struct bt_ended {
    int64_t sessions, tokens;  // those that were still good
};

// In a writing transaction: ends all that lets the user in without a password.
int bt_session_end_all(struct bt_db *db, const char *user, int64_t now_ms, struct bt_ended *out,
                       struct bt_error *err) BT_NODISCARD;

// Puts the cookie into the answer; "" takes it back.
void bt_session_set_cookie(struct bt_call *call, const char *secret);

// The token that belongs to a secret.
void bt_session_token_of(const char *secret, char out[65]);

#endif

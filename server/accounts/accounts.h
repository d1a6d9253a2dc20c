/**
 * What logging in needs besides the database, in memory: how many passwords are hashed at once, and
 * how often who may try. One for the process (struct bt_server's `accounts`).
 */
#ifndef BT_SERVER_ACCOUNTS_ACCOUNTS_H
#define BT_SERVER_ACCOUNTS_ACCOUNTS_H

#include "server/accounts/guesses.h"
#include "server/accounts/password.h"
#include "server/db/db.h"

struct bt_accounts {
    struct bt_passwords *passwords;
    struct bt_guesses *guesses;
};

struct bt_accounts *bt_accounts_create(void) BT_NODISCARD;
void bt_accounts_destroy(struct bt_accounts *accounts);
BT_DEFINE_AUTO(bt_accounts)

#define BT_FIRST_SECRET_BYTES 65  // with the NUL

/**
 * For main, at each start of the server whose lease_holder (server/db/lease.h) this is: while
 * nobody has an account, makes a new one-time secret for POST /v1/first-administrator and returns
 * BT_FIRST_MADE; it replaces the one before. Of several servers one has it: as long as that runs,
 * the others are told BT_FIRST_ELSEWHERE. BT_FIRST_OVER: there are accounts.
 */
enum bt_first { BT_FIRST_OVER, BT_FIRST_MADE, BT_FIRST_ELSEWHERE };
int bt_accounts_first_secret(struct bt_db_pool *pool, const char *holder, int64_t now_ms,
                             char out[BT_FIRST_SECRET_BYTES], struct bt_error *err) BT_NODISCARD;

// At the end: the next server that starts may make one.
void bt_accounts_leave_first_secret(struct bt_db_pool *pool, const char *holder);

#endif

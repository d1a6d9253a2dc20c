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
 * For main, at each start: while nobody has an account, makes a new one-time secret for POST
 * /v1/first-administrator and returns 1; it replaces the one before. 0 when there are accounts.
 */
int bt_accounts_first_secret(struct bt_db_pool *pool, char out[BT_FIRST_SECRET_BYTES],
                             struct bt_error *err) BT_NODISCARD;

#endif

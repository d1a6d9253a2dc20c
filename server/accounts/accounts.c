#include "server/accounts/accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/accounts/secret.h"
#include "server/db/lease.h"

#define LEASE "first administrator"
#define LEASE_MS 60000  // long before it ends the server has said that it lives
#define TRIES 8

struct bt_accounts *bt_accounts_create(void)
{
    struct bt_accounts *accounts = BT_NEW(struct bt_accounts);
    accounts->passwords = bt_passwords_create();
    accounts->guesses = bt_guesses_create();
    return accounts;
}

void bt_accounts_destroy(struct bt_accounts *accounts)
{
    if (accounts == NULL) {
        return;
    }
    bt_passwords_destroy(accounts->passwords);
    bt_guesses_destroy(accounts->guesses);
    free(accounts);
}

// 1: whoever has the secret, it is ours now. It stays another server's for a while, and then for as
// long as that one keeps the lease that says that it lives (server/fleet/hub_elsewhere.c).
static int take_lease(struct bt_db *db, const char *holder, int64_t now_ms, struct bt_error *err)
{
    int64_t r =
        bt_db_run(db, err,
                  "INSERT INTO care_lease(name, holder, until_ms) VALUES($1, $2, $4)"
                  " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                  " until_ms = excluded.until_ms"
                  " WHERE care_lease.holder = excluded.holder OR (care_lease.until_ms <= $3"
                  " AND NOT EXISTS (SELECT 1 FROM care_lease l WHERE l.until_ms > $3"
                  " AND l.name = 'hub ' || care_lease.holder))",
                  BT_TEXT(LEASE), BT_TEXT(holder), BT_INT(now_ms), BT_INT(now_ms + LEASE_MS));
    return r < 0 ? (int)r : r > 0;
}

static int replace_secret(struct bt_db *db, const char *hash, const char *holder, int64_t now_ms,
                          struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT 1 FROM user_account LIMIT 1");
    if (r < 0 || bt_db_next(rows)) {
        return r < 0 ? r : BT_FIRST_OVER;
    }
    r = take_lease(db, holder, now_ms, err);
    if (r <= 0) {
        return r < 0 ? r : BT_FIRST_ELSEWHERE;
    }
    int64_t changed = bt_db_run(db, err,
                                "INSERT INTO first_secret(id, secret_sha256) VALUES(1, $1)"
                                " ON CONFLICT(id) DO UPDATE SET secret_sha256 = $1",
                                BT_TEXT(hash));
    return changed < 0 ? (int)changed : BT_FIRST_MADE;
}

static int replace_once(struct bt_db *db, const char *hash, const char *holder, int64_t now_ms,
                        struct bt_error *err)
{
    int r = bt_db_begin(db, true, err);
    int what = r < 0 ? r : replace_secret(db, hash, holder, now_ms, err);
    r = what < 0 ? what : bt_db_commit(db, err);
    bt_db_rollback(db);
    return r < 0 ? r : what;
}

int bt_accounts_first_secret(struct bt_db_pool *pool, const char *holder, int64_t now_ms,
                             char out[BT_FIRST_SECRET_BYTES], struct bt_error *err)
{
    struct bt_db *db = NULL;
    int r = bt_db_acquire(pool, &db, err);
    if (r < 0) {
        return r;
    }
    char secret[BT_FIRST_SECRET_BYTES], hash[BT_SHA256_HEX_BYTES];
    bt_secret_make(secret);
    bt_secret_hash(secret, hash);
    r = -EAGAIN;  // others may start at the same time
    for (int i = 0; r == -EAGAIN && i < TRIES; i++) {
        r = replace_once(db, hash, holder, now_ms, err);
    }
    bt_db_release(db);
    if (r == BT_FIRST_MADE) {
        memcpy(out, secret, sizeof(secret));
    }
    return r;
}

void bt_accounts_leave_first_secret(struct bt_db_pool *pool, const char *holder)
{
    struct bt_db *db = NULL;
    if (bt_db_acquire(pool, &db, NULL) == 0) {
        bt_lease_leave(db, LEASE, holder);
        bt_db_release(db);
    }
}

#include "server/accounts/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/accounts/secret.h"

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

static int replace_secret(struct bt_db *db, const char *hash, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT 1 FROM user_account LIMIT 1");
    if (r < 0 || bt_db_next(rows)) {
        return r;
    }
    int64_t changed = bt_db_run(db, err,
                                "INSERT INTO first_secret(id, secret_sha256) VALUES(1, $1)"
                                " ON CONFLICT(id) DO UPDATE SET secret_sha256 = $1",
                                BT_TEXT(hash));
    return changed < 0 ? (int)changed : 1;
}

int bt_accounts_first_secret(struct bt_db_pool *pool, char out[BT_FIRST_SECRET_BYTES],
                             struct bt_error *err)
{
    struct bt_db *db = NULL;
    int r = bt_db_acquire(pool, &db, err);
    if (r < 0) {
        return r;
    }
    char secret[BT_FIRST_SECRET_BYTES], hash[BT_SHA256_HEX_BYTES];
    bt_secret_make(secret);
    bt_secret_hash(secret, hash);
    r = bt_db_begin(db, true, err);
    int made = r < 0 ? r : replace_secret(db, hash, err);
    r = made < 0 ? made : bt_db_commit(db, err);
    bt_db_release(db);
    if (r == 0 && made == 1) {
        memcpy(out, secret, sizeof(secret));
    }
    return r < 0 ? r : made;
}

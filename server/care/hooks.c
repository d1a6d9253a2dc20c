#include "server/care/hooks.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/str.h"
#include "server/fleet/secret.h"

int bt_hook_secret(struct bt_db *db, const char *id, char out[BT_HOOK_SECRET_HEX_BYTES],
                   struct bt_error *err)
{
    uint8_t key[BT_FLEET_SECRET_BYTES], secret[crypto_auth_hmacsha256_BYTES];
    int r = bt_fleet_secret(db, "webhook", key, err);
    if (r == 0) {
        crypto_auth_hmacsha256(secret, (const uint8_t *)id, strlen(id), key);
        bt_hex(secret, sizeof(secret), out);
    }
    sodium_memzero(key, sizeof(key));
    return r;
}

int bt_hook_load(struct bt_db *db, const char *id, struct bt_hook *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT url FROM webhook WHERE id = $1", BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "The webhook is gone");
    }
    bt_copy_cut(out->url, sizeof(out->url), bt_db_get_text(rows, 0));
    return bt_hook_secret(db, id, out->secret, err);
}

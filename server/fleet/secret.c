#include "server/fleet/secret.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

static int find(struct bt_db *db, const char *name, uint8_t out[BT_FLEET_SECRET_BYTES],
                struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT secret FROM fleet_secret WHERE name = $1", BT_TEXT(name));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "There is no secret '%s' yet", name);
    }
    size_t len;
    const void *secret = bt_db_get_blob(rows, 0, &len);
    if (len != BT_FLEET_SECRET_BYTES) {
        return bt_fail(err, -EIO, "The secret '%s' has %zu bytes", name, len);
    }
    memcpy(out, secret, len);
    return 0;
}

int bt_fleet_secret(struct bt_db *db, const char *name, uint8_t out[BT_FLEET_SECRET_BYTES],
                    struct bt_error *err)
{
    int r = find(db, name, out, err);
    if (r != -ENOENT) {
        return r;
    }
    uint8_t fresh[BT_FLEET_SECRET_BYTES];
    randombytes_buf(fresh, sizeof(fresh));
    int64_t added = bt_db_run(db, err,
                              "INSERT INTO fleet_secret(name, secret) VALUES($1, $2)"
                              " ON CONFLICT (name) DO NOTHING",
                              BT_TEXT(name), BT_BLOB(fresh, sizeof(fresh)));
    return added < 0 ? (int)added : find(db, name, out, err);
}

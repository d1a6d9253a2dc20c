#include "server/db/lease.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"

#define MACHINE_ID "/etc/machine-id"
#define MACHINE_ID_MAX_BYTES 256

void bt_lease_holder(const char *data_dir, char out[BT_LEASE_HOLDER_BYTES])
{
    char host[256] = "";
    struct stat about = {0};
    BT_AUTOBUF machine;
    bt_buf_init(&machine, MACHINE_ID_MAX_BYTES);
    if (bt_file_read(MACHINE_ID, &machine, NULL) < 0) {
        bt_buf_clear(&machine);
    }
    (void)!gethostname(host, sizeof(host) - 1);
    (void)!stat(data_dir, &about);
    const struct bt_lease_place place = {.machine = bt_buf_text(&machine),
                                         .host = host,
                                         .device = about.st_dev,
                                         .inode = about.st_ino};
    bt_lease_holder_of(&place, out);
}

void bt_lease_holder_of(const struct bt_lease_place *place, char out[BT_LEASE_HOLDER_BYTES])
{
    BT_AUTOFREE char *name =
        bt_strf("%s %s %llu %llu", place->machine, place->host, (unsigned long long)place->device,
                (unsigned long long)place->inode);
    struct bt_sha256 hash = bt_sha256_of(name, strlen(name));
    bt_hex(hash.bytes, (BT_LEASE_HOLDER_BYTES - 1) / 2, out);
}

int bt_lease_take(struct bt_db *db, const char *name, const char *holder, int64_t now_ms,
                  int64_t for_ms, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "INSERT INTO care_lease(name, holder, until_ms) VALUES($1, $2, $4)"
                          " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                          " until_ms = excluded.until_ms"
                          " WHERE care_lease.holder = excluded.holder OR care_lease.until_ms <= $3",
                          BT_TEXT(name), BT_TEXT(holder), BT_INT(now_ms), BT_INT(now_ms + for_ms));
    return r < 0 ? (int)r : r > 0;
}

void bt_lease_leave(struct bt_db *db, const char *name, const char *holder)
{
    int64_t r = bt_db_run(db, NULL, "DELETE FROM care_lease WHERE name = $1 AND holder = $2",
                          BT_TEXT(name), BT_TEXT(holder));
    (void)r;  // it ends by itself
}

// The same as server/backup/shelf.h, where one of the two is a store (server/media/s3.h).
#ifndef BT_SERVER_BACKUP_STORE_SHELF_H
#define BT_SERVER_BACKUP_STORE_SHELF_H

#include "server/backup/shelf.h"
#include "server/media/s3.h"

int bt_store_shelf_list(struct bt_s3 *s3, struct bt_blob_list *out,
                        struct bt_error *err) BT_NODISCARD;

// From the store into the folder; what is there with the same size stays. -EBADMSG: the store has
// other bytes, and nothing was put there.
int bt_store_shelf_fetch(struct bt_s3 *s3, const char *to, const struct bt_blob_entry *entry,
                         struct bt_error *err) BT_NODISCARD;

// Before the store's own goes: what lies in the folder is what it has to be, and stays there when
// the power goes. -EBADMSG: it was not, and is removed.
int bt_store_shelf_hold(const char *to, const struct bt_blob_entry *entry,
                        struct bt_error *err) BT_NODISCARD;

// From the folder into the store, unless that has it; read back from there in any case.
int bt_store_shelf_send(const char *from, struct bt_s3 *s3, const struct bt_blob_entry *entry,
                        struct bt_error *err) BT_NODISCARD;

int bt_store_shelf_remove(struct bt_s3 *s3, const struct bt_sha256 *sha256,
                          struct bt_error *err) BT_NODISCARD;

#endif

// Webhooks as they are kept; a hook's secret follows from its id and a key of the server.
#ifndef BT_SERVER_CARE_HOOKS_H
#define BT_SERVER_CARE_HOOKS_H

#include "server/care/courier.h"

// In a writing transaction the first time.
int bt_hook_secret(struct bt_db *db, const char *id, char out[BT_HOOK_SECRET_HEX_BYTES],
                   struct bt_error *err) BT_NODISCARD;

// -ENOENT when it is gone.
int bt_hook_load(struct bt_db *db, const char *id, struct bt_hook *out,
                 struct bt_error *err) BT_NODISCARD;

#endif

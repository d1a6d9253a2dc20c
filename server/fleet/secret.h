// Keys that the fleet needs and that all servers on one database share; made at the first use.
#ifndef BT_SERVER_FLEET_SECRET_H
#define BT_SERVER_FLEET_SECRET_H

#include <stdint.h>

#include "server/db/db.h"

#define BT_FLEET_SECRET_BYTES 32

// In a writing transaction, or outside of one: then no writer is waited for once it is made. Names:
// "pairing", "nonce".
int bt_fleet_secret(struct bt_db *db, const char *name, uint8_t out[BT_FLEET_SECRET_BYTES],
                    struct bt_error *err) BT_NODISCARD;

#endif

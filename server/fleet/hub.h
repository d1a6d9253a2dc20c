/**
 * The hub: open hint streams by player. Hints and orders are written to them after the transaction
 * that made them; several servers on one PostgreSQL hear of each other's through NOTIFY.
 * Thread-safe.
 */
#ifndef BT_SERVER_FLEET_HUB_H
#define BT_SERVER_FLEET_HUB_H

#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"

struct bt_hub;

enum bt_urgency { BT_URGENCY_NORMAL, BT_URGENCY_NOW, BT_URGENCY_EMERGENCY };

// To all: the timestamp role has this version. NORMAL is spread over some seconds.
void bt_hub_hint(struct bt_hub *hub, int64_t timestamp_version, enum bt_urgency urgency);

// To one: it has new orders (server/fleet/orders.h); they are read from the database and written.
void bt_hub_orders(struct bt_hub *hub, const char *player);

#endif

// Where players find servers: the published servers.json (docs/protocol.md, "Targets").
#ifndef BT_SERVER_FLEET_SERVER_ENTRY_H
#define BT_SERVER_FLEET_SERVER_ENTRY_H

#include <cjson/cJSON.h>

#include "server/db/db.h"

// Its first entry {url, pins}, or a JSON null when nothing usable is published; for cJSON_Delete.
int bt_fleet_server_entry(struct bt_db *db, cJSON **out, struct bt_error *err) BT_NODISCARD;

#endif

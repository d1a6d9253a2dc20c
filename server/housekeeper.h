/**
 * The housekeeper: one thread that does what must be done from time to time without being asked,
 * once at the start and then every minute. Its chores stand in a table in housekeeper.c; one that
 * fails is logged and tried again a minute later.
 */
#ifndef BT_SERVER_HOUSEKEEPER_H
#define BT_SERVER_HOUSEKEEPER_H

#include "base/error.h"
#include "server/server.h"

struct bt_housekeeper;
int bt_housekeeper_start(struct bt_server *server, struct bt_housekeeper **out,
                         struct bt_error *err) BT_NODISCARD;
void bt_housekeeper_close(struct bt_housekeeper *housekeeper);    // the running chore is the last
void bt_housekeeper_destroy(struct bt_housekeeper *housekeeper);  // joins
BT_DEFINE_AUTO(bt_housekeeper)

#endif

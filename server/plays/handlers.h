// The handlers' names for the table in routes.c.
#ifndef BT_SERVER_PLAYS_HANDLERS_H
#define BT_SERVER_PLAYS_HANDLERS_H

#include "server/http/call.h"

int bt_handle_player_plays(struct bt_call *call, struct bt_error *err);
int bt_handle_player_plays_send(struct bt_call *call, struct bt_error *err);
int bt_handle_stick_plays(struct bt_call *call, struct bt_error *err);

int bt_handle_plays_journals(struct bt_call *call, struct bt_error *err);
int bt_handle_plays_player(struct bt_call *call, struct bt_error *err);
int bt_handle_plays_quarantine(struct bt_call *call, struct bt_error *err);
int bt_handle_plays_resolve(struct bt_call *call, struct bt_error *err);

#endif

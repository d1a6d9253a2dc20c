/**
 * A player's session: the bearer token it got for signing a nonce with its own key
 * (docs/protocol.md, "A player's identity").
 */
#ifndef BT_SERVER_FLEET_SESSION_H
#define BT_SERVER_FLEET_SESSION_H

#include <stdbool.h>

#include "server/http/call.h"

/**
 * For the gate, on routes with BT_WHO_PLAYER: fills in the caller's player, unit, screen and
 * session from "Authorization: Bearer …". Without a valid token of an active player it answers 401
 * itself (503 when the database cannot be asked) and returns false. `former`: a replaced player
 * will do, which has plays to bring home. Reads the call's database, in a transaction or outside of
 * one.
 */
bool bt_fleet_authenticate(struct bt_call *call, bool former);

#endif

/**
 * The servers a player may talk to, in order, and the one it talks to now. The list comes from
 * servers.json, or from pairing until that is there; one that fails makes room for the next.
 * Thread-safe.
 */
#ifndef BT_SYNC_SERVERS_H
#define BT_SYNC_SERVERS_H

#include "sync/address.h"
#include "sync/state.h"

struct bt_servers;

// Loads what was kept; `first` is where to begin when nothing is, and may be NULL.
struct bt_servers *bt_servers_create(struct bt_state *state,
                                     const struct bt_address *first) BT_NODISCARD;
void bt_servers_destroy(struct bt_servers *servers);
BT_DEFINE_AUTO(bt_servers)

// False when none is known.
bool bt_servers_now(struct bt_servers *servers, struct bt_address *out);

// That one did not answer: the next, unless somebody else has moved on already.
void bt_servers_failed(struct bt_servers *servers, const struct bt_address *address);

/**
 * The list of servers.json: kept, and used from the next request on. True when the one of now is
 * not in it, or has other pins: then connections are made anew.
 */
bool bt_servers_set(struct bt_servers *servers, const struct bt_addresses *addresses,
                    struct bt_error *err);

#endif

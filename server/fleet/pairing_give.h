// A screen gets the player that waits: the end of every pairing, whoever may claim it and however.
#ifndef BT_SERVER_FLEET_PAIRING_GIVE_H
#define BT_SERVER_FLEET_PAIRING_GIVE_H

#include "server/fleet/pairing.h"
#include "server/ids.h"

struct bt_pairing_gift {
    char screen[32];
    const char *by;     // user id, borrowed
    const char *actor;  // of the audit log, "enrolment/f-…"; NULL: the call's caller
    // What came of it.
    char unit[32];  // "": there is no such screen, and nothing happened
    char player[BT_SERVER_ID_BYTES];
    char replaced[32], moved[32];  // players that ended with it; "" none
};

/**
 * Ends the screen's player and whoever had this key elsewhere, and makes the new one. In a writing
 * transaction; after its commit bt_pairing_forget_others.
 */
int bt_pairing_give(struct bt_call *call, const struct bt_pairing *pairing,
                    struct bt_pairing_gift *gift, struct bt_error *err) BT_NODISCARD;

void bt_pairing_forget_others(struct bt_hub *hub, const struct bt_pairing_gift *gift);

#endif

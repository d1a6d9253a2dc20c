/**
 * Pairings that wait for a technician, as the handlers of both sides see them. In the call's
 * transaction; db.h's errors.
 */
#ifndef BT_SERVER_FLEET_PAIRING_H
#define BT_SERVER_FLEET_PAIRING_H

#include <stdbool.h>

#include "base/sha256.h"
#include "server/fleet/pairing_code.h"
#include "server/fleet/player_key.h"
#include "server/http/call.h"
#include "trust/words.h"

#define BT_PAIRING_LIVES_S 600
#define BT_PAIRING_MAX_WRONG 5

struct bt_pairing {
    char id[32];
    char public_key[BT_PLAYER_KEY_BYTES];
    char model[65], version[33];
    char player[32];  // once claimed
    char words[BT_WORDS_BYTES];
    char root_sha256[BT_SHA256_HEX_BYTES];
    int64_t expires_ms;
};

enum bt_pairing_found {
    BT_PAIRING_FOUND,
    BT_PAIRING_WRONG,    // no such code; it was counted
    BT_PAIRING_BLOCKED,  // too many wrong ones from this address
};

// Looks a typed code up for the call's address, counting wrong ones.
int bt_pairing_find(struct bt_call *call, const char *typed, enum bt_pairing_found *out_found,
                    struct bt_pairing *out, struct bt_error *err) BT_NODISCARD;

int bt_pairing_count_wrong(struct bt_call *call, struct bt_error *err) BT_NODISCARD;

// The answers for WRONG and BLOCKED. Return 0.
int bt_pairing_refuse(struct bt_call *call, enum bt_pairing_found found);

#endif

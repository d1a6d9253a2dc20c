/**
 * Nonces that a player signs to open a session. They are not kept anywhere: a nonce carries its
 * expiry and a keyed hash over it and the player's id, so that asking for one costs nothing and
 * nobody can use up another player's. That each is used once is the caller's.
 */
#ifndef BT_SERVER_FLEET_NONCE_H
#define BT_SERVER_FLEET_NONCE_H

#include <stdint.h>

#include "base/error.h"
#include "server/fleet/secret.h"

#define BT_NONCE_BYTES 81  // lower-case hex and the NUL
#define BT_NONCE_LIVES_MS 60000

void bt_nonce_make(const uint8_t secret[BT_FLEET_SECRET_BYTES], const char *player, int64_t now_ms,
                   char out[BT_NONCE_BYTES]);

// -EINVAL not one of ours for this player, -ETIME expired.
int bt_nonce_check(const uint8_t secret[BT_FLEET_SECRET_BYTES], const char *player, int64_t now_ms,
                   const char *nonce) BT_NODISCARD;

#endif

// A player's public key: Ed25519, as hex.
#ifndef BT_SERVER_FLEET_PLAYER_KEY_H
#define BT_SERVER_FLEET_PLAYER_KEY_H

#include <stdbool.h>

#define BT_PLAYER_KEY_BYTES 65         // lower-case hex and the NUL
#define BT_PLAYER_SIGNATURE_BYTES 129  // likewise

// True when it is the key's signature over exactly this text. Anything malformed is false.
bool bt_player_key_verifies(const char *public_key, const char *text, const char *signature);

#endif

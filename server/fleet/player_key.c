#include "server/fleet/player_key.h"

#include <sodium.h>
#include <string.h>

#include "base/str.h"

bool bt_player_key_verifies(const char *public_key, const char *text, const char *signature)
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES], bytes[crypto_sign_BYTES];
    return bt_unhex(public_key, key, sizeof(key)) == 0 &&
           bt_unhex(signature, bytes, sizeof(bytes)) == 0 &&
           crypto_sign_verify_detached(bytes, (const uint8_t *)text, strlen(text), key) == 0;
}

/**
 * Pairing codes: eight characters that people read out and type, "K7WQ-2MXB". 31^8 of them live ten
 * minutes each; the database keeps a keyed hash.
 */
#ifndef BT_SERVER_FLEET_PAIRING_CODE_H
#define BT_SERVER_FLEET_PAIRING_CODE_H

#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "server/fleet/secret.h"

#define BT_PAIRING_CODE_BYTES 10  // with the hyphen and the NUL

void bt_pairing_code_make(char out[BT_PAIRING_CODE_BYTES]);

/**
 * What somebody typed as it is shown: small letters, spaces and a missing hyphen are forgiven.
 * -EINVAL when it cannot be a code.
 */
int bt_pairing_code_read(const char *typed, char out[BT_PAIRING_CODE_BYTES]) BT_NODISCARD;

void bt_pairing_code_hash(const char *code, const uint8_t secret[BT_FLEET_SECRET_BYTES],
                          char out[BT_SHA256_HEX_BYTES]);

#endif

/**
 * Pins of public keys as libcurl takes them: "sha256//" and base64 of the hash of a certificate's
 * SubjectPublicKeyInfo.
 */
#ifndef BT_BASE_PIN_H
#define BT_BASE_PIN_H

#include <stdbool.h>

#define BT_PIN_PREFIX "sha256//"
#define BT_PIN_BYTES (sizeof(BT_PIN_PREFIX) - 1 + 44 + 1)  // with a NUL, or a ';' before the next

bool bt_is_pin(const char *text);

#endif

// Secrets that people and programs carry: 256 random bits in hex, of which only the hash is kept.
#ifndef BT_SERVER_ACCOUNTS_SECRET_H
#define BT_SERVER_ACCOUNTS_SECRET_H

#include <stdbool.h>

#include "base/sha256.h"

#define BT_SECRET_BYTES 65  // with the NUL

void bt_secret_make(char out[BT_SECRET_BYTES]);

// SHA-256 of the text in hex.
void bt_secret_hash(const char *secret, char out[BT_SHA256_HEX_BYTES]);

// Compares without telling by its time where the two differ.
bool bt_secret_equal(const char *a, const char *b);

#endif

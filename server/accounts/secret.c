#include "server/accounts/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/str.h"

void bt_secret_make(char out[BT_SECRET_BYTES])
{
    uint8_t bytes[(BT_SECRET_BYTES - 1) / 2];
    randombytes_buf(bytes, sizeof(bytes));
    bt_hex(bytes, sizeof(bytes), out);
}

void bt_secret_hash(const char *secret, char out[BT_SHA256_HEX_BYTES])
{
    struct bt_sha256 hash = bt_sha256_of(secret, strlen(secret));
    bt_hex(hash.bytes, sizeof(hash.bytes), out);
}

bool bt_secret_equal(const char *a, const char *b)
{
    size_t len = strlen(a);
    return strlen(b) == len && sodium_memcmp(a, b, len) == 0;
}

#include "server/fleet/nonce.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/str.h"

#define RANDOM_BYTES 16
#define TIME_BYTES 8
#define MAC_BYTES 16
#define RAW_BYTES (RANDOM_BYTES + TIME_BYTES + MAC_BYTES)

static_assert(BT_NONCE_BYTES == 2 * RAW_BYTES + 1, "a nonce is its bytes in hex");

static void seal(const uint8_t secret[BT_FLEET_SECRET_BYTES], const char *player,
                 const uint8_t raw[RAW_BYTES], uint8_t out[MAC_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, secret, BT_FLEET_SECRET_BYTES, MAC_BYTES);
    crypto_generichash_update(&state, raw, RANDOM_BYTES + TIME_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)player, strlen(player));
    crypto_generichash_final(&state, out, MAC_BYTES);
}

void bt_nonce_make(const uint8_t secret[BT_FLEET_SECRET_BYTES], const char *player, int64_t now_ms,
                   char out[BT_NONCE_BYTES])
{
    uint8_t raw[RAW_BYTES];
    randombytes_buf(raw, RANDOM_BYTES);
    uint64_t expires_ms = (uint64_t)(now_ms + BT_NONCE_LIVES_MS);
    for (size_t i = 0; i < TIME_BYTES; i++) {
        raw[RANDOM_BYTES + i] = (uint8_t)(expires_ms >> (8 * (TIME_BYTES - 1 - i)));
    }
    seal(secret, player, raw, raw + RANDOM_BYTES + TIME_BYTES);
    bt_hex(raw, RAW_BYTES, out);
}

int bt_nonce_check(const uint8_t secret[BT_FLEET_SECRET_BYTES], const char *player, int64_t now_ms,
                   const char *nonce)
{
    uint8_t raw[RAW_BYTES], mac[MAC_BYTES];
    if (strlen(nonce) != BT_NONCE_BYTES - 1 || bt_unhex(nonce, raw, RAW_BYTES) < 0) {
        return -EINVAL;
    }
    seal(secret, player, raw, mac);
    if (sodium_memcmp(mac, raw + RANDOM_BYTES + TIME_BYTES, MAC_BYTES) != 0) {
        return -EINVAL;
    }
    uint64_t expires_ms = 0;
    for (size_t i = 0; i < TIME_BYTES; i++) {
        expires_ms = expires_ms << 8 | raw[RANDOM_BYTES + i];
    }
    return (int64_t)expires_ms < now_ms ? -ETIME : 0;
}

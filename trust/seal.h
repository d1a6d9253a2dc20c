/**
 * Sealed boxes (libsodium's crypto_box_seal): what a player puts on a stick for the server, which
 * alone can open it. Whoever finds the stick reads nothing; who sealed it, the box does not say:
 * its content is signed. Pure.
 */
#ifndef BT_TRUST_SEAL_H
#define BT_TRUST_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "trust/private_key.h"

#define BT_SEAL_KEY_BYTES 32
#define BT_SEAL_EXTRA_BYTES 48  // a sealed box is so much longer

// Appends the box.
int bt_seal(const uint8_t public_key[BT_SEAL_KEY_BYTES], const void *bytes, size_t len,
            struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

/**
 * The pair of a server, from its Ed25519 key: a secret that only who has that key can work out, so
 * that there is no further file to keep, to copy and to lose.
 */
struct bt_seal_pair {
    uint8_t public_key[BT_SEAL_KEY_BYTES], secret[BT_SEAL_KEY_BYTES];
};
int bt_seal_pair_of(const struct bt_private_key *key, struct bt_seal_pair *out,
                    struct bt_error *err) BT_NODISCARD;

// Appends the content. -EBADMSG: not sealed to this pair, or changed.
int bt_seal_open(const struct bt_seal_pair *pair, const void *box, size_t len, struct bt_buf *out,
                 struct bt_error *err) BT_NODISCARD;

#endif

#include "trust/seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/sha256.h"

_Static_assert(BT_SEAL_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "X25519");
_Static_assert(BT_SEAL_KEY_BYTES == crypto_box_SECRETKEYBYTES, "X25519");
_Static_assert(BT_SEAL_EXTRA_BYTES == crypto_box_SEALBYTES, "a sealed box");

// Signed by nobody else for nobody: what is signed otherwise begins with '{' or "bangtin-" and the
// type of a document. Ed25519 gives the same signature every time.
static const char origin[] = "bangtin seal of sticks, version 1";

int bt_seal(const uint8_t public_key[BT_SEAL_KEY_BYTES], const void *bytes, size_t len,
            struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOFREE uint8_t *box = bt_alloc(len + BT_SEAL_EXTRA_BYTES);
    if (sodium_init() < 0 || crypto_box_seal(box, bytes, len, public_key) != 0) {
        return bt_fail(err, -EINVAL, "Cannot seal to this key");
    }
    int r = bt_buf_append(out, box, len + BT_SEAL_EXTRA_BYTES);
    return r < 0 ? bt_fail(err, r, "Too long to be sealed") : 0;
}

int bt_seal_pair_of(const struct bt_private_key *key, struct bt_seal_pair *out,
                    struct bt_error *err)
{
    uint8_t signature[BT_SIGNATURE_MAX_BYTES], again[BT_SIGNATURE_MAX_BYTES];
    size_t len = 0, again_len = 0;
    int r = bt_private_key_sign(key, origin, sizeof(origin) - 1, signature, &len, err);
    r = r < 0 ? r : bt_private_key_sign(key, origin, sizeof(origin) - 1, again, &again_len, err);
    if (r < 0) {
        return r;
    }
    if (sodium_init() < 0 || len != again_len || memcmp(signature, again, len) != 0) {
        return bt_fail(err, -ENOTSUP, "The key makes another signature every time");
    }
    struct bt_sha256 seed = bt_sha256_of((const char *)signature, len);
    crypto_box_seed_keypair(out->public_key, out->secret, seed.bytes);
    sodium_memzero(signature, sizeof(signature));
    sodium_memzero(again, sizeof(again));
    sodium_memzero(&seed, sizeof(seed));
    return 0;
}

int bt_seal_open(const struct bt_seal_pair *pair, const void *box, size_t len, struct bt_buf *out,
                 struct bt_error *err)
{
    if (len < BT_SEAL_EXTRA_BYTES) {
        return bt_fail(err, -EBADMSG, "Too short for a sealed box");
    }
    BT_AUTOFREE uint8_t *content = bt_alloc(len);
    if (crypto_box_seal_open(content, box, len, pair->public_key, pair->secret) != 0) {
        return bt_fail(err, -EBADMSG, "Sealed to another server, or changed on the way");
    }
    int r = bt_buf_append(out, content, len - BT_SEAL_EXTRA_BYTES);
    return r < 0 ? bt_fail(err, r, "What was sealed is too long") : 0;
}

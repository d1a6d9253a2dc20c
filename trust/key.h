/**
 * Public keys as TUF metadata carry them, and verifying with them (OpenSSL).
 *
 * Schemes: ed25519, ecdsa-sha2-nistp256, rsassa-pss-sha256, rsa-pkcs1v15-sha256. RSA below 2048
 * bits is refused. Everything is thread-safe once read.
 */
#ifndef BT_TRUST_KEY_H
#define BT_TRUST_KEY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BT_KEYID_BYTES 65    // lower-case hex and the NUL
#define BT_HOLDER_BYTES 128  // as publications' names of people, with the NUL

// Longest signature: RSA of 8192 bits.
#define BT_SIGNATURE_MAX_BYTES 1024

enum bt_key_class { BT_KEY_FILE, BT_KEY_BROWSER, BT_KEY_TOKEN };

struct bt_key;

/**
 * Reads a key object {keytype, scheme, keyval, x-holder?, x-class?}. The key id is the one the
 * metadata calls it by (TUF: clients must not recompute it).
 * Ed25519 is 64 hex digits, the others are PEM ("PUBLIC KEY").
 * Errors: -EINVAL not a key, -EPROTONOSUPPORT a scheme we do not have; such a key counts nothing.
 */
int bt_key_read(const cJSON *object, const char *keyid, struct bt_key **out,
                struct bt_error *err) BT_NODISCARD;
void bt_key_destroy(struct bt_key *key);
BT_DEFINE_AUTO(bt_key)

const char *bt_key_id(const struct bt_key *key);
const char *bt_key_holder(const struct bt_key *key);  // the key id when none is named
enum bt_key_class bt_key_class(const struct bt_key *key);

// The same key, whatever ids, schemes and holders it goes by.
bool bt_key_same(const struct bt_key *a, const struct bt_key *b);

// True when the signature over exactly these bytes is the key's.
bool bt_key_verifies(const struct bt_key *key, const void *bytes, size_t len,
                     const uint8_t *signature, size_t signature_len);

// The key id our own tools give: SHA-256 of the canonical {keytype, scheme, keyval}.
int bt_key_id_of(const cJSON *object, char out[BT_KEYID_BYTES], struct bt_error *err) BT_NODISCARD;

#endif

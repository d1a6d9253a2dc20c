/**
 * Private keys: made, kept in key files (docs/trust.md), and signed with. Ed25519 and ECDSA P-256.
 * Secrets are wiped when destroyed and never appear in messages.
 */
#ifndef BT_TRUST_PRIVATE_KEY_H
#define BT_TRUST_PRIVATE_KEY_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trust/key.h"

struct bt_private_key;

enum bt_private_kind { BT_PRIVATE_ED25519, BT_PRIVATE_P256 };

int bt_private_key_generate(enum bt_private_kind kind, struct bt_private_key **out,
                            struct bt_error *err) BT_NODISCARD;
void bt_private_key_destroy(struct bt_private_key *key);
BT_DEFINE_AUTO(bt_private_key)

const char *bt_private_key_id(const struct bt_private_key *key);

// {keytype, scheme, keyval, x-holder, x-class}; for cJSON_Delete.
cJSON *bt_private_key_public(const struct bt_private_key *key) BT_NODISCARD;

// Who holds it, written into the file and the public part.
void bt_private_key_set_holder(struct bt_private_key *key, const char *holder,
                               enum bt_key_class key_class, const char *label);

/**
 * Signs exactly these bytes.  *out_len is at most BT_SIGNATURE_MAX_BYTES.
 */
int bt_private_key_sign(const struct bt_private_key *key, const void *bytes, size_t len,
                        uint8_t *out, size_t *out_len, struct bt_error *err) BT_NODISCARD;

// Key files. `passphrase` NULL: not protected. load: -EACCES wrong passphrase, -EPERM others can
// read it.
int bt_private_key_save(const struct bt_private_key *key, const char *path, const char *passphrase,
                        struct bt_error *err) BT_NODISCARD;
int bt_private_key_load(const char *path, const char *passphrase, struct bt_private_key **out,
                        struct bt_error *err) BT_NODISCARD;

#endif

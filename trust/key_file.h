/**
 * The form of key files (docs/trust.md): JSON whose secret is encrypted with AES-256-GCM under a
 * key that PBKDF2-SHA256 makes of the passphrase; what WebCrypto has, too. Used by
 * trust/private_key.c alone.
 */
#ifndef BT_TRUST_KEY_FILE_H
#define BT_TRUST_KEY_FILE_H

#include <cjson/cJSON.h>

#include "trust/private_key.h"

// PKCS#8 of P-256 has 138 bytes, of Ed25519 48.
#define BT_KEY_SECRET_MAX_BYTES 1024

// In the order of enum bt_key_class; ends with NULL.
extern const char *const bt_key_class_words[];

// Reads a key file's text; secrets are to be readable by their owner alone (-EPERM).
int bt_key_file_fetch(const char *path, bool secret, struct bt_buf *out,
                      struct bt_error *err) BT_NODISCARD;
void bt_key_file_wipe(struct bt_buf *text);  // overwrites and finishes it

/**
 * Checks the open part and fills in `facts`, whose key id is computed from the public key, not
 * believed. *out_file is the document, for cJSON_Delete.
 */
int bt_key_file_read(const char *text, size_t len, cJSON **out_file, struct bt_key_facts *facts,
                     struct bt_error *err) BT_NODISCARD;

// Adds "protection" and "secret" to the open part.
int bt_key_file_seal(cJSON *file, const uint8_t *secret, size_t len, const char *passphrase,
                     struct bt_error *err) BT_NODISCARD;

// Decrypts the secret into `out` (BT_KEY_SECRET_MAX_BYTES).
int bt_key_file_open(const cJSON *file, const char *passphrase, uint8_t *out, size_t *out_len,
                     struct bt_error *err) BT_NODISCARD;

int bt_key_file_write(const cJSON *file, const char *path, struct bt_error *err) BT_NODISCARD;

#endif

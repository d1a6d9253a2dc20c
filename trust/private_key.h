/**
 * Private keys: made, kept in key files (docs/trust.md), and signed with. Ed25519 and ECDSA P-256.
 * Secrets are wiped when destroyed and never appear in messages.
 */
#ifndef BT_TRUST_PRIVATE_KEY_H
#define BT_TRUST_PRIVATE_KEY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "trust/key.h"

#define BT_KEY_LABEL_BYTES 128  // with the NUL
#define BT_KEY_FILE_MAX_BYTES (16 * 1024)

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

/**
 * Key files. `passphrase` is UTF-8 in normal form C (so that every keyboard and the browser's page
 * give the same bytes); NULL: not protected.
 * load: -EACCES wrong passphrase or changed file, -ENOKEY it is protected and there is none, -EPERM
 * others can read it, -EINVAL not a key file, or the errno of reading.
 */
int bt_private_key_save(const struct bt_private_key *key, const char *path, const char *passphrase,
                        struct bt_error *err) BT_NODISCARD;
int bt_private_key_load(const char *path, const char *passphrase, struct bt_private_key **out,
                        struct bt_error *err) BT_NODISCARD;

// As load, of a key file's text; for fuzzing and for keys that come over a pipe.
int bt_private_key_parse(const char *text, size_t len, const char *passphrase,
                         struct bt_private_key **out, struct bt_error *err) BT_NODISCARD;

/**
 * What a key file says openly, without its passphrase: for lists, and for handing the public part
 * to whoever enrols it. Public files (no "protection", no "secret") are read as well.
 */
struct bt_key_facts {
    char keyid[BT_KEYID_BYTES];
    char holder[BT_HOLDER_BYTES];
    int key_class;  // enum bt_key_class
    char label[BT_KEY_LABEL_BYTES];
    bool has_secret, is_protected;
    cJSON *public_key;  // {keytype, scheme, keyval, x-holder, x-class}
};
void bt_key_facts_finish(struct bt_key_facts *facts);
int bt_key_facts_load(const char *path, struct bt_key_facts *out,
                      struct bt_error *err) BT_NODISCARD;

// The public file of a key: {format, keyid, holder, class, label, public}.
int bt_private_key_export(const struct bt_private_key *key, struct bt_buf *out,
                          struct bt_error *err) BT_NODISCARD;

#endif

#include "trust/key.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "trust/canonical.h"

// A public RSA key of 8192 bits as PEM has 1.5 KiB.
#define MAX_PEM_BYTES 8192
#define MAX_KEY_JSON_BYTES (2 * MAX_PEM_BYTES)

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192
#define ED25519_BYTES 32

enum scheme { ED25519, ECDSA_P256, RSA_PSS, RSA_PKCS1 };

static const struct {
    const char *keytype, *name;
    enum scheme scheme;
} schemes[] = {
    {"ed25519", "ed25519", ED25519},
    {"ecdsa", "ecdsa-sha2-nistp256", ECDSA_P256},
    // Written so by older tools.
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", ECDSA_P256},
    {"rsa", "rsassa-pss-sha256", RSA_PSS},
    {"rsa", "rsa-pkcs1v15-sha256", RSA_PKCS1},
};

struct bt_key {
    char *id;
    char *holder;
    enum bt_key_class key_class;
    enum scheme scheme;
    EVP_PKEY *pkey;
};

static int fail_openssl(struct bt_error *err, int code, const char *what)
{
    char reason[160];
    unsigned long error = ERR_get_error();
    ERR_clear_error();
    if (error == 0) {
        return bt_fail(err, code, "%s", what);
    }
    ERR_error_string_n(error, reason, sizeof(reason));
    return bt_fail(err, code, "%s: %s", what, reason);
}

static int find_scheme(const char *keytype, const char *name, enum scheme *out,
                       struct bt_error *err)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(schemes); i++) {
        if (strcmp(schemes[i].keytype, keytype) == 0 && strcmp(schemes[i].name, name) == 0) {
            *out = schemes[i].scheme;
            return 0;
        }
    }
    return bt_fail(err, -EPROTONOSUPPORT, "Keys of type '%.40s', scheme '%.40s' are not supported",
                   keytype, name);
}

static int read_ed25519(const char *hex, EVP_PKEY **out, struct bt_error *err)
{
    uint8_t raw[ED25519_BYTES];
    if (strlen(hex) != 2 * sizeof(raw) || bt_unhex(hex, raw, sizeof(raw)) < 0) {
        return bt_fail(err, -EINVAL, "A public Ed25519 key is 64 hex digits");
    }
    *out = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw));
    return *out == NULL ? fail_openssl(err, -EINVAL, "Not a public Ed25519 key") : 0;
}

/*
 * Taken apart by hand: OpenSSL's own reader would ask the terminal for a passphrase when the text
 * claims to be encrypted, and would read private keys, too.
 */
static EVP_PKEY *read_pem(const char *pem)
{
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    EVP_PKEY *pkey = NULL;
    BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
    if (bio != NULL && PEM_read_bio(bio, &name, &header, &der, &len) == 1 &&
        strcmp(name, PEM_STRING_PUBLIC) == 0 && header[0] == '\0') {
        const unsigned char *at = der;
        pkey = d2i_PUBKEY(NULL, &at, len);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    return pkey;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32] = "";
    size_t len = 0;
    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static bool is_good_rsa(const EVP_PKEY *pkey)
{
    int bits = EVP_PKEY_get_bits(pkey);
    return EVP_PKEY_is_a(pkey, "RSA") && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
}

static int read_public(const char *text, enum scheme scheme, EVP_PKEY **out, struct bt_error *err)
{
    if (scheme == ED25519) {
        return read_ed25519(text, out, err);
    }
    if (strlen(text) > MAX_PEM_BYTES || (*out = read_pem(text)) == NULL) {
        return fail_openssl(err, -EINVAL, "Not a public key in PEM");
    }
    if (scheme == ECDSA_P256 && !is_p256(*out)) {
        return bt_fail(err, -EINVAL, "Not a P-256 key");
    }
    if (scheme != ECDSA_P256 && !is_good_rsa(*out)) {
        return bt_fail(err, -EINVAL, "Not an RSA key of %d to %d bits", RSA_MIN_BITS, RSA_MAX_BITS);
    }
    return 0;
}

static const char *text_member(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int read_holder(const cJSON *object, struct bt_key *key, struct bt_error *err)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, "x-holder");
    const char *holder = value == NULL ? key->id : cJSON_GetStringValue(value);
    if (holder == NULL || holder[0] == '\0' ||
        (value != NULL && strlen(holder) >= BT_HOLDER_BYTES)) {
        return bt_fail(err, -EINVAL, "'x-holder' must be a text of 1..%d bytes",
                       BT_HOLDER_BYTES - 1);
    }
    key->holder = bt_strdup(holder);
    return 0;
}

static int read_class(const cJSON *object, struct bt_key *key, struct bt_error *err)
{
    static const char *const names[] = {"file", "browser", "token"};
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, "x-class");
    const char *name = value == NULL ? names[BT_KEY_FILE] : cJSON_GetStringValue(value);
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        if (bt_str_equal(name, names[i])) {
            key->key_class = (enum bt_key_class)i;
            return 0;
        }
    }
    return bt_fail(err, -EINVAL, "'x-class' must be file, browser or token");
}

int bt_key_read(const cJSON *object, const char *keyid, struct bt_key **out, struct bt_error *err)
{
    const char *keytype = text_member(object, "keytype");
    const char *scheme = text_member(object, "scheme");
    const char *public = text_member(cJSON_GetObjectItemCaseSensitive(object, "keyval"), "public");
    if (keytype == NULL || scheme == NULL || public == NULL || keyid[0] == '\0') {
        return bt_fail(err, -EINVAL, "A key needs 'keytype', 'scheme' and 'keyval.public'");
    }
    BT_AUTO(bt_key) key = BT_NEW(struct bt_key);
    key->id = bt_strdup(keyid);
    int r = find_scheme(keytype, scheme, &key->scheme, err);
    if (r == 0) {
        r = read_public(public, key->scheme, &key->pkey, err);
    }
    if (r == 0) {
        r = read_holder(object, key, err);
    }
    if (r == 0) {
        r = read_class(object, key, err);
    }
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(key);
    return 0;
}

void bt_key_destroy(struct bt_key *key)
{
    if (key == NULL) {
        return;
    }
    EVP_PKEY_free(key->pkey);
    free(key->holder);
    free(key->id);
    free(key);
}

const char *bt_key_id(const struct bt_key *key)
{
    return key->id;
}

const char *bt_key_holder(const struct bt_key *key)
{
    return key->holder;
}

enum bt_key_class bt_key_class(const struct bt_key *key)
{
    return key->key_class;
}

bool bt_key_same(const struct bt_key *a, const struct bt_key *b)
{
    return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

static bool set_padding(EVP_PKEY_CTX *context, enum scheme scheme)
{
    if (scheme == RSA_PKCS1) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    // TUF's tools sign with a salt as long as the hash or as long as fits.
    return scheme != RSA_PSS ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) == 1);
}

bool bt_key_verifies(const struct bt_key *key, const void *bytes, size_t len,
                     const uint8_t *signature, size_t signature_len)
{
    EVP_PKEY_CTX *context = NULL;  // belongs to the digest's context
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    const EVP_MD *hash = key->scheme == ED25519 ? NULL : EVP_sha256();
    bool valid =
        digest != NULL && signature_len <= BT_SIGNATURE_MAX_BYTES &&
        EVP_DigestVerifyInit(digest, &context, hash, NULL, key->pkey) == 1 &&
        set_padding(context, key->scheme) &&
        EVP_DigestVerify(digest, signature, signature_len, (const unsigned char *)bytes, len) == 1;
    EVP_MD_CTX_free(digest);
    ERR_clear_error();
    return valid;
}

int bt_key_id_of(const cJSON *object, char out[BT_KEYID_BYTES], struct bt_error *err)
{
    static const char *const members[] = {"keytype", "keyval", "scheme"};
    BT_AUTOJSON *bare = cJSON_CreateObject();
    for (size_t i = 0; i < BT_ARRAY_LEN(members); i++) {
        cJSON *value = cJSON_GetObjectItemCaseSensitive(object, members[i]);
        if (value == NULL || !cJSON_AddItemReferenceToObject(bare, members[i], value)) {
            return bt_fail(err, -EINVAL, "A key needs '%s'", members[i]);
        }
    }
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_KEY_JSON_BYTES);
    int r = bt_canonical_json(bare, &text, err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 hash = bt_sha256_of(text.data, text.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), out);
    return 0;
}

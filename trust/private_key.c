#include "trust/private_key.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/key_file.h"

struct bt_private_key {
    EVP_PKEY *pkey;
    enum bt_private_kind kind;
    char keyid[BT_KEYID_BYTES];
    char holder[BT_HOLDER_BYTES];
    char label[BT_KEY_LABEL_BYTES];
    enum bt_key_class key_class;
};

enum { ED25519_BYTES = 32 };

static const struct {
    const char *openssl, *curve, *keytype, *scheme;
} kinds[] = {
    [BT_PRIVATE_ED25519] = {"ED25519", NULL, "ed25519", "ed25519"},
    [BT_PRIVATE_P256] = {"EC", "P-256", "ecdsa", "ecdsa-sha2-nistp256"},
};

static int fail_openssl(struct bt_error *err, int code, const char *what)
{
    char reason[160] = "no reason given";
    unsigned long error = ERR_get_error();
    if (error != 0) {
        ERR_error_string_n(error, reason, sizeof(reason));
    }
    ERR_clear_error();
    return bt_fail(err, code, "%s: %s", what, reason);
}

void bt_private_key_destroy(struct bt_private_key *key)
{
    if (key == NULL) {
        return;
    }
    EVP_PKEY_free(key->pkey);  // wipes the secret
    OPENSSL_cleanse(key, sizeof(*key));
    free(key);
}

// The public key as TUF writes it: hex of 32 bytes, or PEM.
static char *public_text(const struct bt_private_key *key)
{
    if (key->kind == BT_PRIVATE_ED25519) {
        uint8_t raw[ED25519_BYTES];
        size_t len = sizeof(raw);
        if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) != 1 || len != sizeof(raw)) {
            return NULL;
        }
        char *hex = bt_alloc(2 * sizeof(raw) + 1);
        bt_hex(raw, sizeof(raw), hex);
        return hex;
    }
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *data;
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        text = bt_strndup(data, (size_t)len);
    }
    BIO_free(bio);
    return text;
}

static cJSON *bare_public(const struct bt_private_key *key)
{
    BT_AUTOFREE char *text = public_text(key);
    if (text == NULL) {
        return NULL;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "keytype", kinds[key->kind].keytype);
    cJSON_AddStringToObject(object, "scheme", kinds[key->kind].scheme);
    cJSON *value = cJSON_AddObjectToObject(object, "keyval");
    cJSON_AddStringToObject(value, "public", text);
    return object;
}

// Takes the key from OpenSSL and finds what it is called. `pkey` is taken.
static int adopt(EVP_PKEY *pkey, struct bt_private_key **out, struct bt_error *err)
{
    BT_AUTO(bt_private_key) key = BT_NEW(struct bt_private_key);
    key->pkey = pkey;
    key->kind = BT_PRIVATE_ED25519;
    if (EVP_PKEY_is_a(pkey, "EC")) {
        char curve[32] = "";
        key->kind = BT_PRIVATE_P256;
        if (EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL) != 1 ||
            strcmp(curve, "prime256v1") != 0) {
            return bt_fail(err, -EINVAL, "A key of the curve '%s'; P-256 is needed", curve);
        }
    } else if (!EVP_PKEY_is_a(pkey, "ED25519")) {
        return bt_fail(err, -EINVAL, "A private key that is neither Ed25519 nor P-256");
    }
    BT_AUTOJSON *object = bare_public(key);
    if (object == NULL) {
        return fail_openssl(err, -EINVAL, "Cannot read the public half of a key");
    }
    int r = bt_key_id_of(object, key->keyid, err);
    if (r == 0) {
        *out = BT_TAKE(key);
    }
    return r;
}

int bt_private_key_generate(enum bt_private_kind kind, struct bt_private_key **out,
                            struct bt_error *err)
{
    EVP_PKEY *pkey = kinds[kind].curve == NULL
                         ? EVP_PKEY_Q_keygen(NULL, NULL, kinds[kind].openssl)
                         : EVP_PKEY_Q_keygen(NULL, NULL, kinds[kind].openssl, kinds[kind].curve);
    if (pkey == NULL) {
        return fail_openssl(err, -EIO, "Cannot make a key");
    }
    return adopt(pkey, out, err);
}

const char *bt_private_key_id(const struct bt_private_key *key)
{
    return key->keyid;
}

static void describe(cJSON *object, const char *holder, enum bt_key_class key_class)
{
    if (holder[0] != '\0') {
        cJSON_AddStringToObject(object, "x-holder", holder);
    }
    cJSON_AddStringToObject(object, "x-class", bt_key_class_words[key_class]);
}

cJSON *bt_private_key_public(const struct bt_private_key *key)
{
    cJSON *object = bare_public(key);
    if (object != NULL) {
        describe(object, key->holder, key->key_class);
    }
    return object;
}

void bt_private_key_set_holder(struct bt_private_key *key, const char *holder,
                               enum bt_key_class key_class, const char *label)
{
    bt_copy_cut(key->holder, sizeof(key->holder), holder);
    bt_copy_cut(key->label, sizeof(key->label), label != NULL ? label : "");
    key->key_class = key_class;
}

int bt_private_key_sign(const struct bt_private_key *key, const void *bytes, size_t len,
                        uint8_t *out, size_t *out_len, struct bt_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = key->kind == BT_PRIVATE_P256 ? EVP_sha256() : NULL;
    size_t room = BT_SIGNATURE_MAX_BYTES;
    bool good = context != NULL && EVP_DigestSignInit(context, NULL, hash, NULL, key->pkey) == 1 &&
                EVP_DigestSign(context, out, &room, bytes, len) == 1;
    EVP_MD_CTX_free(context);
    if (!good) {
        return fail_openssl(err, -EIO, "Cannot sign");
    }
    *out_len = room;
    return 0;
}

// The private key as PKCS#8; *out is for OPENSSL_clear_free.
static int to_pkcs8(const struct bt_private_key *key, uint8_t **out, size_t *out_len,
                    struct bt_error *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    uint8_t *der = NULL;
    int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0) {
        return fail_openssl(err, -EIO, "Cannot write a key as PKCS#8");
    }
    *out = der;
    *out_len = (size_t)len;
    return 0;
}

static int from_pkcs8(const uint8_t *der, size_t len, struct bt_private_key **out,
                      struct bt_error *err)
{
    const uint8_t *at = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)len);
    EVP_PKEY *pkey = info != NULL && at == der + len ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (pkey == NULL) {
        return fail_openssl(err, -EINVAL, "'secret' is not a private key (PKCS#8)");
    }
    return adopt(pkey, out, err);
}

// The open part that key files and public files share.
static cJSON *open_part(const struct bt_private_key *key)
{
    cJSON *file = cJSON_CreateObject();
    cJSON_AddNumberToObject(file, "format", 1);
    cJSON_AddStringToObject(file, "keyid", key->keyid);
    cJSON_AddStringToObject(file, "holder", key->holder);
    cJSON_AddStringToObject(file, "class", bt_key_class_words[key->key_class]);
    cJSON_AddStringToObject(file, "label", key->label);
    cJSON_AddItemToObject(file, "public", bare_public(key));
    return file;
}

static int append_printed(const cJSON *file, struct bt_buf *out, struct bt_error *err)
{
    char *text = cJSON_Print(file);
    int r = text != NULL ? bt_buf_appendf(out, "%s\n", text) : -ENOMEM;
    if (text != NULL) {
        OPENSSL_cleanse(text, strlen(text));
    }
    cJSON_free(text);
    return r < 0 ? bt_fail(err, r, "A key file is longer than %zu bytes", out->limit) : 0;
}

int bt_private_key_export(const struct bt_private_key *key, struct bt_buf *out,
                          struct bt_error *err)
{
    BT_AUTOJSON *file = open_part(key);
    return append_printed(file, out, err);
}

int bt_private_key_save(const struct bt_private_key *key, const char *path, const char *passphrase,
                        struct bt_error *err)
{
    uint8_t *der = NULL;
    size_t len = 0;
    int r = to_pkcs8(key, &der, &len, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *file = open_part(key);
    r = bt_key_file_seal(file, der, len, passphrase, err);
    OPENSSL_clear_free(der, len);
    return r < 0 ? bt_fail_in(err, r, "'%s'", path) : bt_key_file_write(file, path, err);
}

// The open part must be what the secret says; whoever changed it fools nobody.
static int check_open_part(const struct bt_private_key *key, const struct bt_key_facts *facts,
                           struct bt_error *err)
{
    if (strcmp(key->keyid, facts->keyid) != 0) {
        return bt_fail(err, -EACCES, "The key file was changed: its secret belongs to another key");
    }
    return 0;
}

int bt_private_key_parse(const char *text, size_t len, const char *passphrase,
                         struct bt_private_key **out, struct bt_error *err)
{
    BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0};
    BT_AUTOJSON *file = NULL;
    uint8_t secret[BT_KEY_SECRET_MAX_BYTES];
    size_t secret_len;
    int r = bt_key_file_read(text, len, &file, &facts, err);
    if (r == 0) {
        r = bt_key_file_open(file, passphrase, secret, &secret_len, err);
    }
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_private_key) key = NULL;
    r = from_pkcs8(secret, secret_len, &key, err);
    OPENSSL_cleanse(secret, sizeof(secret));
    if (r < 0 || (r = check_open_part(key, &facts, err)) < 0) {
        return r;
    }
    bt_private_key_set_holder(key, facts.holder, (enum bt_key_class)facts.key_class, facts.label);
    *out = BT_TAKE(key);
    return 0;
}

int bt_private_key_load(const char *path, const char *passphrase, struct bt_private_key **out,
                        struct bt_error *err)
{
    struct bt_buf text;
    bt_buf_init(&text, BT_KEY_FILE_MAX_BYTES);
    int r = bt_key_file_fetch(path, true, &text, err);
    if (r == 0) {
        r = bt_private_key_parse(bt_buf_text(&text), text.len, passphrase, out, err);
        r = r < 0 ? bt_fail_in(err, r, "'%s'", path) : 0;
    }
    bt_key_file_wipe(&text);
    return r;
}

void bt_key_facts_finish(struct bt_key_facts *facts)
{
    cJSON_Delete(facts->public_key);
    *facts = (struct bt_key_facts){0};
}

int bt_key_facts_load(const char *path, struct bt_key_facts *out, struct bt_error *err)
{
    BT_AUTOJSON *file = NULL;
    struct bt_buf text;
    bt_buf_init(&text, BT_KEY_FILE_MAX_BYTES);
    int r = bt_key_file_fetch(path, false, &text, err);
    if (r == 0) {
        r = bt_key_file_read(bt_buf_text(&text), text.len, &file, out, err);
        r = r < 0 ? bt_fail_in(err, r, "'%s'", path) : 0;
    }
    bt_key_file_wipe(&text);
    if (r == 0) {
        describe(out->public_key, out->holder, (enum bt_key_class)out->key_class);
    }
    return r;
}

#include "trust/key_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    KEY_BYTES = 32,
    SALT_BYTES = 16,
    IV_BYTES = 12,
    TAG_BYTES = 16,
    ITERATIONS = 600000,
    MIN_ITERATIONS = 100000,
    MAX_ITERATIONS = 10000000,  // some seconds of a slow machine, not minutes
};

const char *const bt_key_class_words[] = {"file", "browser", "token", NULL};

int bt_key_file_fetch(const char *path, bool secret, struct bt_buf *out, struct bt_error *err)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    if (secret && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return bt_fail(err, -EPERM,
                       "'%s' can be read by others; take that away (chmod 600) and think of the "
                       "key as known",
                       path);
    }
    return bt_file_read(path, out, err);
}

void bt_key_file_wipe(struct bt_buf *text)
{
    if (text->data != NULL) {
        OPENSSL_cleanse(text->data, text->len);
    }
    bt_buf_finish(text);
}

static const struct bt_json_field fact_fields[] = {
    BT_JSON_FIELD(struct bt_key_facts, keyid, "keyid", BT_JSON_STRING, .min = 64, .max = 64),
    BT_JSON_FIELD(struct bt_key_facts, holder, "holder", BT_JSON_STRING, .max = 127),
    BT_JSON_FIELD(struct bt_key_facts, label, "label", BT_JSON_STRING, .max = 127,
                  .optional = true),
    BT_JSON_FIELD(struct bt_key_facts, key_class, "class", BT_JSON_ENUM,
                  .words = bt_key_class_words),
};

static int read_facts(const cJSON *file, struct bt_key_facts *facts, struct bt_error *err)
{
    int64_t format;
    if (!cJSON_IsObject(file) ||
        bt_json_whole(cJSON_GetObjectItemCaseSensitive(file, "format"), 1, 1, &format) < 0) {
        return bt_fail(err, -EINVAL, "Not a key file of format 1");
    }
    int r = bt_json_read(file, fact_fields, BT_ARRAY_LEN(fact_fields), facts, NULL, err);
    if (r < 0) {
        return r;
    }
    char computed[BT_KEYID_BYTES];
    const cJSON *public_key = cJSON_GetObjectItemCaseSensitive(file, "public");
    if ((r = bt_key_id_of(public_key, computed, err)) < 0) {
        return bt_fail_in(err, r, "'public'");
    }
    if (strcmp(computed, facts->keyid) != 0) {
        return bt_fail(err, -EINVAL, "'keyid' is not that of the public key");
    }
    facts->has_secret = cJSON_HasObjectItem(file, "secret");
    facts->is_protected = cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(file, "protection"));
    return 0;
}

int bt_key_file_read(const char *text, size_t len, cJSON **out_file, struct bt_key_facts *facts,
                     struct bt_error *err)
{
    BT_AUTOJSON *file = NULL;
    int r = bt_json_parse(text, len, &file, err);
    if (r == 0) {
        r = read_facts(file, facts, err);
    }
    if (r < 0) {
        return r;
    }
    facts->public_key = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(file, "public"), true);
    // Holder and class are what the file says outside; said twice, nobody could read the metadata.
    cJSON_DeleteItemFromObjectCaseSensitive(facts->public_key, "x-holder");
    cJSON_DeleteItemFromObjectCaseSensitive(facts->public_key, "x-class");
    *out_file = BT_TAKE(file);
    return 0;
}

// What a passphrase is turned into a key with.
struct protection {
    char kdf[32], cipher[32];
    int64_t iterations;
    char salt_hex[2 * SALT_BYTES + 1], iv_hex[2 * IV_BYTES + 1];
    uint8_t salt[SALT_BYTES], iv[IV_BYTES];
};

static const struct bt_json_field protection_fields[] = {
    BT_JSON_FIELD(struct protection, kdf, "kdf", BT_JSON_STRING, .max = 31),
    BT_JSON_FIELD(struct protection, iterations, "iterations", BT_JSON_INT, .min = MIN_ITERATIONS,
                  .max = MAX_ITERATIONS),
    BT_JSON_FIELD(struct protection, salt_hex, "salt", BT_JSON_STRING, .min = 2 * SALT_BYTES,
                  .max = 2 * SALT_BYTES),
    BT_JSON_FIELD(struct protection, cipher, "cipher", BT_JSON_STRING, .max = 31),
    BT_JSON_FIELD(struct protection, iv_hex, "iv", BT_JSON_STRING, .min = 2 * IV_BYTES,
                  .max = 2 * IV_BYTES),
};

static int read_protection(const cJSON *object, struct protection *out, struct bt_error *err)
{
    int r =
        bt_json_read(object, protection_fields, BT_ARRAY_LEN(protection_fields), out, NULL, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'protection'");
    }
    if (strcmp(out->kdf, "PBKDF2-SHA256") != 0 || strcmp(out->cipher, "AES-256-GCM") != 0) {
        return bt_fail(err, -EINVAL, "'protection' is '%s' with '%s', which this program has not",
                       out->kdf, out->cipher);
    }
    if (bt_unhex(out->salt_hex, out->salt, SALT_BYTES) < 0 ||
        bt_unhex(out->iv_hex, out->iv, IV_BYTES) < 0) {
        return bt_fail(err, -EINVAL, "'protection': 'salt' and 'iv' are hex");
    }
    return 0;
}

static int derive(const char *passphrase, const struct protection *how, uint8_t key[KEY_BYTES],
                  struct bt_error *err)
{
    int good = PKCS5_PBKDF2_HMAC(passphrase, (int)strlen(passphrase), how->salt, SALT_BYTES,
                                 (int)how->iterations, EVP_sha256(), KEY_BYTES, key);
    return good == 1 ? 0 : bt_fail(err, -EIO, "PBKDF2 failed");
}

// Encrypts `len` bytes; the tag follows.
static bool encrypt_secret(const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t len,
                           uint8_t *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int part = 0, rest = 0;
    bool good = context != NULL &&
                EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
                EVP_EncryptUpdate(context, out, &part, in, (int)len) == 1 &&
                EVP_EncryptFinal_ex(context, out + part, &rest) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + len) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

// The other way; false when passphrase or bytes are not the ones.
static bool decrypt(const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t len,
                    uint8_t *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t tag[TAG_BYTES];
    int part = 0, rest = 0;
    memcpy(tag, in + len, TAG_BYTES);
    bool good = context != NULL &&
                EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
                EVP_DecryptUpdate(context, out, &part, in, (int)len) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                EVP_DecryptFinal_ex(context, out + part, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

static void add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t len)
{
    char hex[2 * (BT_KEY_SECRET_MAX_BYTES + TAG_BYTES) + 1];
    bt_hex(bytes, len, hex);
    cJSON_AddStringToObject(object, name, hex);
    OPENSSL_cleanse(hex, sizeof(hex));
}

static void add_protection(cJSON *file, const struct protection *how)
{
    cJSON *object = cJSON_AddObjectToObject(file, "protection");
    cJSON_AddStringToObject(object, "kdf", "PBKDF2-SHA256");
    cJSON_AddNumberToObject(object, "iterations", (double)how->iterations);
    add_hex(object, "salt", how->salt, SALT_BYTES);
    cJSON_AddStringToObject(object, "cipher", "AES-256-GCM");
    add_hex(object, "iv", how->iv, IV_BYTES);
}

int bt_key_file_seal(cJSON *file, const uint8_t *secret, size_t len, const char *passphrase,
                     struct bt_error *err)
{
    if (len > BT_KEY_SECRET_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "A secret of %zu bytes", len);
    }
    if (passphrase == NULL) {
        cJSON_AddNullToObject(file, "protection");
        add_hex(file, "secret", secret, len);
        return 0;
    }
    struct protection how = {.iterations = ITERATIONS};
    uint8_t key[KEY_BYTES], sealed[BT_KEY_SECRET_MAX_BYTES + TAG_BYTES];
    if (RAND_bytes(how.salt, SALT_BYTES) != 1 || RAND_bytes(how.iv, IV_BYTES) != 1) {
        return bt_fail(err, -EIO, "No random numbers");
    }
    int r = derive(passphrase, &how, key, err);
    if (r == 0 && !encrypt_secret(key, how.iv, secret, len, sealed)) {
        r = bt_fail(err, -EIO, "Cannot encrypt the key");
    }
    OPENSSL_cleanse(key, sizeof(key));
    if (r == 0) {
        add_protection(file, &how);
        add_hex(file, "secret", sealed, len + TAG_BYTES);
    }
    return r;
}

static int open_protected(const cJSON *protection, const char *passphrase, const uint8_t *sealed,
                          size_t len, uint8_t *out, struct bt_error *err)
{
    struct protection how = {0};
    uint8_t key[KEY_BYTES];
    int r = read_protection(protection, &how, err);
    if (r < 0) {
        return r;
    }
    if (passphrase == NULL) {
        return bt_fail(err, -ENOKEY, "The key is protected; its passphrase is needed");
    }
    r = derive(passphrase, &how, key, err);
    if (r == 0 && !decrypt(key, how.iv, sealed, len, out)) {
        r = bt_fail(err, -EACCES, "Wrong passphrase, or the file was changed");
    }
    OPENSSL_cleanse(key, sizeof(key));
    return r;
}

int bt_key_file_open(const cJSON *file, const char *passphrase, uint8_t *out, size_t *out_len,
                     struct bt_error *err)
{
    uint8_t bytes[BT_KEY_SECRET_MAX_BYTES + TAG_BYTES];
    const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "secret"));
    size_t len = hex != NULL ? strlen(hex) / 2 : 0;
    if (len <= TAG_BYTES || len > sizeof(bytes) || bt_unhex(hex, bytes, len) < 0) {
        return bt_fail(err, -EINVAL, "'secret' is not there, or not hex of its length");
    }
    const cJSON *protection = cJSON_GetObjectItemCaseSensitive(file, "protection");
    int r = 0;
    if (cJSON_IsNull(protection)) {
        if (len > BT_KEY_SECRET_MAX_BYTES) {
            return bt_fail(err, -EINVAL, "'secret' is too long");
        }
        memcpy(out, bytes, len);
    } else {
        len -= TAG_BYTES;
        r = open_protected(protection, passphrase, bytes, len, out, err);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    *out_len = len;
    return r;
}

int bt_key_file_write(const cJSON *file, const char *path, struct bt_error *err)
{
    char *text = cJSON_Print(file);
    if (text == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for '%s'", path);
    }
    size_t len = strlen(text);
    text[len] = '\n';  // in the place of the NUL: files end with a line
    int r = bt_file_replace_secret(path, text, len + 1, err);
    OPENSSL_cleanse(text, len);
    cJSON_free(text);
    return r;
}

#include "trust/key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_BYTES (1024 * 1024)

// Keys and signatures of this text made by the openssl command.
static const char message[] = "bảng tin";

static const char p256_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6LmtZHn6AZmtUs+Ul9eGbkvj0kT8\n"
                               "OM4WDngoPu7VgMiPwv2mZV8E7Lt9LuAUeFVyxbtHJeIKzk/JvK7iSjvl+Q==\n"
                               "-----END PUBLIC KEY-----\n";

// The same point, compressed.
static const char p256_compressed_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAD6LmtZHn6AZmtUs+Ul9eGbkvj0kT8\n"
    "OM4WDngoPu7VgMg=\n"
    "-----END PUBLIC KEY-----\n";

static const char p384_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE+pdiW1pbXrPCsposMB0Fs4uZ3r6zTh4+\n"
                               "Shb9jAda0S5JJQZtozpljx2dYqoPKoZyapB6TchkInojFmIXrsUrFYWwKKPOzT9j\n"
                               "KgJFo3tPD8j2umUxGJldV7g+Ba1GP+DJ\n"
                               "-----END PUBLIC KEY-----\n";

static const char rsa_1024_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDgL/XsjGpMrILc35DanvsJ3T9P\n"
    "tV07MUtjzTKCPqlNzbgm/gR3/2mLaWcpYlVgNQX8g5V7CXm7/REaMMQuZhJLh5Zc\n"
    "rOVPW6xm1HrAx+PxMqmTrfA4xXJ0m+p4i47o+m6eWaO7XsJlqKD6EzpTsQAz6e4m\n"
    "RodatA/KmkUJ7faV5QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static const char rsa_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuoZEtEGs4WA4zFsDAvgz\n"
                              "YUu9lwuf+2JbNYziVrrYP4SUq2zB5vyEYzRTqaMfsCCd/p1zI0CaxQRS5LGimmkk\n"
                              "90TxrucnWOC012qC8mngb+u4NwPlrolZ9KQyY2iiaB9C82k0sY/SA0q7f8Pyzy5l\n"
                              "+BPSglTau3utqnvTibICLU555DX/yMTquSwOmoaFE4e1RmJcOH85EPlnCBocCTN7\n"
                              "FmFAihHqvEXcdBwEx+rqlvX8OEjoVbRv8MeBu6cFeM6pNj3mDzKC7qrTmpHkftyz\n"
                              "Q3zQb032BK/Yo2fzCqs7y+f6LLDt2qB7762Sm9DVnEJ9xIW6oJGfymcNhjWEz+eK\n"
                              "9QIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";

static const char p256_private_pem[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIPm7D/Gh7GOuksqgPOZI0BZuTCmiDFwOENCd5QS2s4qQoAoGCCqGSM49\n"
    "AwEHoUQDQgAE6LmtZHn6AZmtUs+Ul9eGbkvj0kT8OM4WDngoPu7VgMiPwv2mZV8E\n"
    "7Lt9LuAUeFVyxbtHJeIKzk/JvK7iSjvl+Q==\n"
    "-----END EC PRIVATE KEY-----\n";

static const char p256_signature[] =
    "3045022100e4807d82c3e933c13f272248e65deb532bddbd2f18221e5df5de6b991fe93ec8022002982489c2"
    "06471931492ee2417dea7c7a282a1d8b4b513a77b8d14db294e2c7";

static const char pkcs1_signature[] =
    "a38ea770baff6b0da8ba7355d0c9aca61b3ff437e82edb6dc626c24f2c70d9c0dd534c138cb5a360c2823285"
    "5fa5882f057ec2e8c51fae1be5525b14005c19e6988f358d54aa4bfd586eeae309d5f41b0971283604592c8a"
    "05ca4d59325c666116cc4227303e84f4ace7afc82459bf2a279090fc1f698006b14348cc528eb537176af88d"
    "d2921dce03844337ebe7b2b0414b705410c860bac3ff3c970ef9b065f4f5be24414278d8b2fb7a5bc892fc0d"
    "4c1c11726124f7e961227f5cd443e72347248ace73c6109ed60499c178c4704df23a8bb381e8a735dc940f2e"
    "d511fea146fdf51ed86d696bf6aaf31e64f0c258829b880369ef854e859414e2c927d294";

// Salt of 32 bytes, and as long as fits.
static const char pss_signature[] =
    "af91206339a74848b0c78506595b7d2b15e752548eb006045757b0a8483fa0a2f40cea9539457666972776e6"
    "05fe8dfe8a07f3d847d9c890d0fd6f769b16c034952d9aef272d29f6be63f143e9845c78f10f33ff6c99bf16"
    "f351688573e6d0aac54e6ff630d28c9879b2fc545de31939566d500937c116dd0e1ce14b2f8c408191368d6b"
    "dc91568e1c11f2b9dab7efdddb66bd592e270fc92ef5979561516e030d21e7aff43edee61087fd29dadae71b"
    "16c1686eab5226d57d66e7960a7a435381df58c30c86915fbeff4ecada6ef9e65ed605fc051a78254d466c7d"
    "7642f96c438d04703cd29e205f81fc5253cd8bad93a77c44f3531bbe193d307cf2015988";
static const char pss_max_signature[] =
    "4e21836245f09b745fd9ea32a519743ea2b44ead8eb28591342a7d6ddf60bb9b175dc85dd2c8d08969d2bb4e"
    "878a9c9630c9e4655620b6e032db5f81b5653a86f42eac7d2f86f865f4c6542c4c8558c2313c988153af8193"
    "65e6b07d906c7f73de737d5e212ee4242955f93c2ae131018b6eef9a66654f6fc8229b7e5640f04d33d0ebb9"
    "7ce5a7df5b35faa78bd79fa3f3d25ee224f92e15dcd97f88e683221bb8e166d1150ee006e4015cdee4c2bb63"
    "aae7fd459fcaed66b7b9f2463e917d403466cb7f66281c7389de4d318b0441d4bb2a6f99d3b32938d1b2eda1"
    "c1d0d9f0856ac70219f002856aa7d6ebd4bbb915ff49236a72eb4fd320c4ef51f4d26b51";

#define ED25519_PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static cJSON *key_object(const char *keytype, const char *scheme, const char *public)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "keytype", keytype);
    cJSON_AddStringToObject(object, "scheme", scheme);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "keyval"), "public", public);
    return object;
}

static int read_key(const char *keytype, const char *scheme, const char *public,
                    struct bt_key **out)
{
    struct bt_error err = {""};
    BT_AUTOJSON *object = key_object(keytype, scheme, public);
    int r = bt_key_read(object, "k", out, &err);
    assert_true((r < 0) == (err.msg[0] != '\0'));
    return r;
}

static bool verifies(const struct bt_key *key, const char *text, const char *signature_hex)
{
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    size_t len = strlen(signature_hex) / 2;
    assert_int_equal(bt_unhex(signature_hex, signature, len), 0);
    return bt_key_verifies(key, text, strlen(text), signature, len);
}

static void each_scheme_verifies_its_own_signatures_alone(void **state)
{
    static const struct {
        const char *keytype, *scheme, *public, *signature;
    } cases[] = {
        {"ecdsa", "ecdsa-sha2-nistp256", p256_pem, p256_signature},
        {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", p256_pem, p256_signature},
        {"ecdsa", "ecdsa-sha2-nistp256", p256_compressed_pem, p256_signature},
        {"rsa", "rsa-pkcs1v15-sha256", rsa_pem, pkcs1_signature},
        {"rsa", "rsassa-pss-sha256", rsa_pem, pss_signature},
        {"rsa", "rsassa-pss-sha256", rsa_pem, pss_max_signature},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_key) key = NULL;
        assert_int_equal(read_key(cases[i].keytype, cases[i].scheme, cases[i].public, &key), 0);
        for (size_t j = 0; j < BT_ARRAY_LEN(cases); j++) {
            bool own = strcmp(cases[i].public, cases[j].public) == 0
                           ? strcmp(cases[i].scheme, cases[j].scheme) == 0
                           : cases[i].signature == cases[j].signature;
            assert_int_equal(verifies(key, message, cases[j].signature), own);
            assert_false(verifies(key, "another text", cases[j].signature));
        }
    }
}

static void keys_that_cannot_be_used_are_refused(void **state)
{
    static const struct {
        const char *keytype, *scheme, *public;
        int code;
    } cases[] = {
        {"ed25519", "ed25519", "", -EINVAL},
        {"ed25519", "ed25519", "zz5a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
         -EINVAL},
        {"ed25519", "ed25519", ED25519_PUBLIC "00", -EINVAL},
        {"ed25519", "ed25519", p256_pem, -EINVAL},
        {"ecdsa", "ecdsa-sha2-nistp256", p384_pem, -EINVAL},
        {"ecdsa", "ecdsa-sha2-nistp256", rsa_pem, -EINVAL},
        {"ecdsa", "ecdsa-sha2-nistp256", p256_private_pem, -EINVAL},
        {"ecdsa", "ecdsa-sha2-nistp256", ED25519_PUBLIC, -EINVAL},
        {"rsa", "rsassa-pss-sha256", rsa_1024_pem, -EINVAL},
        {"rsa", "rsassa-pss-sha256", p256_pem, -EINVAL},
        {"rsa", "rsassa-pss-sha256",
         "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
         "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END PUBLIC KEY-----\n",
         -EINVAL},
        {"rsa", "ed25519", rsa_pem, -EPROTONOSUPPORT},
        {"ecdsa", "ecdsa-sha2-nistp384", p384_pem, -EPROTONOSUPPORT},
        {"sphincs", "sphincs-shake", "x", -EPROTONOSUPPORT},
        {"", "", "", -EPROTONOSUPPORT},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_key *key = NULL;
        int r = read_key(cases[i].keytype, cases[i].scheme, cases[i].public, &key);
        assert_int_equal(r, cases[i].code);
        assert_null(key);
    }
}

static int read_text(const char *text, struct bt_key **out)
{
    BT_AUTOJSON *object = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &object, NULL), 0);
    return bt_key_read(object, "the-id", out, NULL);
}

#define ED25519_KEY                                                                                \
    "\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"" ED25519_PUBLIC "\"" \
    "}"

static void a_key_says_who_holds_it_and_how(void **state)
{
    (void)state;
    BT_AUTO(bt_key) key = NULL;
    BT_AUTO(bt_key) plain = NULL;
    assert_int_equal(
        read_text("{" ED25519_KEY ",\"x-holder\":\"nguyen-van-a\",\"x-class\":\"browser\"}", &key),
        0);
    assert_string_equal(bt_key_id(key), "the-id");
    assert_string_equal(bt_key_holder(key), "nguyen-van-a");
    assert_int_equal(bt_key_class(key), BT_KEY_BROWSER);
    assert_int_equal(read_text("{" ED25519_KEY "}", &plain), 0);
    assert_string_equal(bt_key_holder(plain), "the-id");
    assert_int_equal(bt_key_class(plain), BT_KEY_FILE);
    assert_true(bt_key_same(key, plain));
}

static void odd_shapes_are_refused(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "1",
        "{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\"}",
        "{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":1}}",
        "{" ED25519_KEY ",\"x-holder\":1}",
        "{" ED25519_KEY ",\"x-holder\":\"\"}",
        "{" ED25519_KEY ",\"x-class\":\"phone\"}",
        "{" ED25519_KEY ",\"x-class\":null}",
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        struct bt_key *key = NULL;
        assert_int_equal(read_text(texts[i], &key), -EINVAL);
        assert_null(key);
    }
}

static void the_same_key_is_known_in_every_form(void **state)
{
    (void)state;
    BT_AUTO(bt_key) point = NULL;
    BT_AUTO(bt_key) compressed = NULL;
    BT_AUTO(bt_key) pss = NULL;
    BT_AUTO(bt_key) pkcs1 = NULL;
    assert_int_equal(read_key("ecdsa", "ecdsa-sha2-nistp256", p256_pem, &point), 0);
    assert_int_equal(read_key("ecdsa", "ecdsa-sha2-nistp256", p256_compressed_pem, &compressed), 0);
    assert_int_equal(read_key("rsa", "rsassa-pss-sha256", rsa_pem, &pss), 0);
    assert_int_equal(read_key("rsa", "rsa-pkcs1v15-sha256", rsa_pem, &pkcs1), 0);
    assert_true(bt_key_same(point, compressed));
    assert_true(bt_key_same(pss, pkcs1));
    assert_false(bt_key_same(point, pss));
}

// printf '{"keytype":"ed25519","keyval":{"public":"d75a…511a"},"scheme":"ed25519"}' | sha256sum
static void the_id_is_of_the_bare_key(void **state)
{
    char id[BT_KEYID_BYTES];
    (void)state;
    BT_AUTOJSON *object = key_object("ed25519", "ed25519", ED25519_PUBLIC);
    cJSON_AddStringToObject(object, "x-holder", "ai do");
    assert_int_equal(bt_key_id_of(object, id, NULL), 0);
    assert_string_equal(id, "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916");
    cJSON_DeleteItemFromObject(object, "scheme");
    assert_int_equal(bt_key_id_of(object, id, NULL), -EINVAL);
}

static cJSON *load_wycheproof(void)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    const char *media = getenv("BT_MEDIA");
    cJSON *json = NULL;
    BT_AUTOFREE char *path = bt_strf("%s/ed25519/wycheproof_ed25519_test.json", media);
    if (media == NULL || bt_file_read(path, &text, NULL) < 0) {
        return NULL;
    }
    assert_int_equal(bt_json_parse(bt_buf_text(&text), text.len, &json, NULL), 0);
    return json;
}

static bool verifies_vector(const struct bt_key *key, const cJSON *test)
{
    const char *msg = cJSON_GetObjectItem(test, "msg")->valuestring;
    const char *sig = cJSON_GetObjectItem(test, "sig")->valuestring;
    BT_AUTOFREE uint8_t *bytes = bt_alloc(strlen(msg) / 2 + 1);
    BT_AUTOFREE uint8_t *signature = bt_alloc(strlen(sig) / 2 + 1);
    assert_int_equal(bt_unhex(msg, bytes, strlen(msg) / 2), 0);
    assert_int_equal(bt_unhex(sig, signature, strlen(sig) / 2), 0);
    return bt_key_verifies(key, bytes, strlen(msg) / 2, signature, strlen(sig) / 2);
}

static void wycheproof_agrees(void **state)
{
    (void)state;
    int tried = 0;
    BT_AUTOJSON *json = load_wycheproof();
    if (json == NULL) {
        skip();
    }
    const cJSON *group, *test;
    cJSON_ArrayForEach(group, cJSON_GetObjectItem(json, "testGroups"))
    {
        const cJSON *public = cJSON_GetObjectItem(cJSON_GetObjectItem(group, "publicKey"), "pk");
        BT_AUTO(bt_key) key = NULL;
        assert_int_equal(read_key("ed25519", "ed25519", public->valuestring, &key), 0);
        cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests"))
        {
            const char *result = cJSON_GetObjectItem(test, "result")->valuestring;
            if (verifies_vector(key, test) != (strcmp(result, "valid") == 0)) {
                fail_msg("vector %d", cJSON_GetObjectItem(test, "tcId")->valueint);
            }
            tried++;
        }
    }
    assert_int_equal(tried, cJSON_GetObjectItem(json, "numberOfTests")->valueint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scheme_verifies_its_own_signatures_alone),
        cmocka_unit_test(keys_that_cannot_be_used_are_refused),
        cmocka_unit_test(a_key_says_who_holds_it_and_how),
        cmocka_unit_test(odd_shapes_are_refused),
        cmocka_unit_test(the_same_key_is_known_in_every_form),
        cmocka_unit_test(the_id_is_of_the_bare_key),
        cmocka_unit_test(wycheproof_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

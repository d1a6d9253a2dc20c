#include "sync/activation.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/canonical.h"
#include "trust/private_key.h"

#define NOW_MS INT64_C(1795240000000)
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct signer {
    struct bt_private_key *key;
    struct bt_keyring ring;
};

static int make_signer(void **state)
{
    struct signer *signer = BT_NEW(struct signer);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &signer->key, NULL), 0);
    BT_AUTOJSON *object = bt_private_key_public(signer->key);
    signer->ring =
        (struct bt_keyring){.keys = BT_NEW_ARRAY(struct bt_key *, 1), .count = 1, .threshold = 1};
    assert_int_equal(
        bt_key_read(object, bt_private_key_id(signer->key), &signer->ring.keys[0], NULL), 0);
    *state = signer;
    return 0;
}

static int free_signer(void **state)
{
    struct signer *signer = *state;
    bt_private_key_destroy(signer->key);
    bt_keyring_finish(&signer->ring);
    free(signer);
    return 0;
}

// The members of "signed" with ' for "; what comes out is signed.
static char *sign(const struct signer *signer, const char *scope, const char *template_target,
                  int64_t from_ms, int64_t until_ms)
{
    BT_AUTOFREE char *body = bt_strf(
        "{\"_type\": \"emergency\", \"format\": 1, \"id\": \"e-1\", \"template\": \"%s\","
        " \"template_sha256\": \"" HASH "\", \"scope\": [%s], \"screens\": [], \"level\": 3,"
        " \"from_ms\": %lld, \"until_ms\": %lld, \"fields\": {\"ten\": \"Bão\"}}",
        template_target, scope, (long long)from_ms, (long long)until_ms);
    BT_AUTOJSON *json = NULL;
    BT_AUTOBUF canonical;
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    size_t len;
    char hex[2 * BT_SIGNATURE_MAX_BYTES + 1];
    bt_buf_init(&canonical, 8192);
    assert_int_equal(bt_json_parse(body, strlen(body), &json, NULL), 0);
    assert_int_equal(bt_canonical_json(json, &canonical, NULL), 0);
    assert_int_equal(bt_private_key_sign(signer->key, bt_buf_text(&canonical), canonical.len,
                                         signature, &len, NULL),
                     0);
    bt_hex(signature, len, hex);
    return bt_strf("{\"signed\": %s, \"signatures\": [{\"keyid\": \"%s\", \"sig\": \"%s\"}]}", body,
                   bt_private_key_id(signer->key), hex);
}

static int judge(const struct signer *signer, const char *text)
{
    struct bt_activation activation;
    int r = bt_activation_parse(text, strlen(text), &activation, NULL);
    return r < 0
               ? r
               : bt_activation_verify(text, strlen(text), &activation, &signer->ring, NOW_MS, NULL);
}

static void a_duty_officers_signature_is_believed(void **state)
{
    BT_AUTOFREE char *text =
        sign(*state, "\"31333\"", "u/31333/template-bao", NOW_MS, NOW_MS + 1000);
    struct bt_activation activation;
    assert_int_equal(judge(*state, text), 0);
    assert_int_equal(bt_activation_parse(text, strlen(text), &activation, NULL), 0);
    assert_true(bt_activation_concerns(&activation, "31333", "s-1"));
    assert_false(bt_activation_concerns(&activation, "31334", "s-1"));
    assert_string_equal(activation.fields[0].value, "Bão");
}

static void a_changed_byte_is_not(void **state)
{
    BT_AUTOFREE char *text =
        sign(*state, "\"31333\"", "u/31333/template-bao", NOW_MS, NOW_MS + 1000);
    char *level = strstr(text, "\"level\": 3");
    level[9] = '5';
    assert_int_equal(judge(*state, text), -EACCES);
}

static void a_unit_speaks_for_itself_alone(void **state)
{
    const int64_t until_ms = NOW_MS + 1000;
    BT_AUTOFREE char *both =
        sign(*state, "\"31333\", \"31334\"", "u/31333/template-bao", NOW_MS, until_ms);
    assert_int_equal(judge(*state, both), -EACCES);
    BT_AUTOFREE char *province =
        sign(*state, "\"31333\", \"31334\"", "p/template-bao", NOW_MS, until_ms);
    assert_int_equal(judge(*state, province), 0);
    BT_AUTOFREE char *none = sign(*state, "\"31333\"", "u/31333/bao", NOW_MS, until_ms);
    assert_int_equal(judge(*state, none), -EINVAL);
}

static void it_lasts_a_day_and_begins_within_one(void **state)
{
    static const struct {
        int64_t from_ms, until_ms;
        int r;
    } cases[] = {
        {0, BT_ACTIVATION_MAX_MS, 0},
        {0, BT_ACTIVATION_MAX_MS + 1, -EINVAL},
        {0, 0, -EINVAL},
        {1000, 0, -EINVAL},
        {BT_ACTIVATION_MAX_MS, BT_ACTIVATION_MAX_MS + 1000, 0},
        {BT_ACTIVATION_MAX_MS + 1, BT_ACTIVATION_MAX_MS + 1000, -EINVAL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *text = sign(*state, "\"31333\"", "u/31333/template-bao",
                                      NOW_MS + cases[i].from_ms, NOW_MS + cases[i].until_ms);
        assert_int_equal(judge(*state, text), cases[i].r);
    }
}

static void what_is_too_long_is_not_even_read(void **state)
{
    (void)state;
    struct bt_activation activation;
    BT_AUTOFREE char *text = bt_alloc(5001);
    for (size_t i = 0; i < 5000; i++) {
        text[i] = ' ';
    }
    assert_int_equal(bt_activation_parse(text, 5000, &activation, NULL), -EMSGSIZE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_signer, free_signer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_duty_officers_signature_is_believed), TEST(a_changed_byte_is_not),
        TEST(a_unit_speaks_for_itself_alone),        TEST(it_lasts_a_day_and_begins_within_one),
        TEST(what_is_too_long_is_not_even_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "trust/countersign.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants those four first.
#include <cmocka.h>

#include "base/json.h"
#include "trust/signing.h"

struct signer {
    struct bt_private_key *key;
    struct bt_keyring ring;
};

static void read_ring(struct signer *signer)
{
    struct bt_error err;
    BT_AUTOJSON *keys = cJSON_CreateObject();
    BT_AUTOJSON *role = cJSON_CreateObject();
    const char *id = bt_private_key_id(signer->key);
    cJSON_AddItemToObject(keys, id, bt_private_key_public(signer->key));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(role, "keyids"), cJSON_CreateString(id));
    cJSON_AddNumberToObject(role, "threshold", 1);
    assert_int_equal(bt_keyring_read(role, keys, &signer->ring, &err), 0);
}

static int open_signer(void **state)
{
    static struct signer signer;
    struct bt_error err;
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &signer.key, &err), 0);
    read_ring(&signer);
    *state = &signer;
    return 0;
}

static int close_signer(void **state)
{
    struct signer *signer = *state;
    bt_keyring_finish(&signer->ring);
    bt_private_key_destroy(signer->key);
    return 0;
}

static void sign(const struct signer *signer, const char *body, struct bt_buf *out)
{
    struct bt_error err = {0};
    BT_AUTOJSON *json = cJSON_Parse(body);
    bt_buf_init(out, 4096);
    assert_int_equal(bt_countersign(json, signer->key, out, &err), 0);
}

static int check(const struct signer *signer, const char *text, size_t len)
{
    struct bt_error err;
    BT_AUTOJSON *document = NULL;
    int r = bt_countersigned_read(text, len, "plays-heads", &document, &err);
    return r < 0 ? r : bt_countersigned_check(document, &signer->ring, &err);
}

static void what_was_signed_is_read_again(void **state)
{
    const struct signer *signer = *state;
    BT_AUTOBUF text;
    sign(signer, "{\"day\":\"2026-11-21\",\"_type\":\"plays-heads\"}", &text);
    assert_int_equal(check(signer, text.data, text.len), 0);
    struct bt_error err;
    BT_AUTOJSON *document = NULL;
    assert_int_equal(bt_countersigned_read(text.data, text.len, "plays-evidence", &document, &err),
                     -EINVAL);
}

static void every_changed_bit_is_found(void **state)
{
    const struct signer *signer = *state;
    BT_AUTOBUF text;
    sign(signer, "{\"day\":\"2026-11-21\",\"_type\":\"plays-heads\"}", &text);
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
        assert_true(check(signer, text.data, text.len) < 0);
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
    }
}

static void metadata_and_documents_do_not_pass_for_each_other(void **state)
{
    const struct signer *signer = *state;
    struct bt_error err;
    BT_AUTOBUF text;
    sign(signer, "{\"_type\":\"plays-heads\"}", &text);
    BT_AUTOJSON *document = cJSON_Parse(text.data);
    assert_int_equal(bt_signatures_check(document, &signer->ring, &err), -EACCES);
    assert_int_equal(bt_signing_sign(document, signer->key, &err), 0);
    assert_int_equal(bt_signatures_check(document, &signer->ring, &err), 0);
    assert_int_equal(bt_countersigned_check(document, &signer->ring, &err), -EACCES);
}

static void a_type_is_needed(void **state)
{
    const struct signer *signer = *state;
    static const char *const bodies[] = {"{}", "{\"_type\":\"\"}", "{\"_type\":\"a\\nb\"}",
                                         "{\"_type\":1}"};
    for (size_t i = 0; i < BT_ARRAY_LEN(bodies); i++) {
        struct bt_error err;
        BT_AUTOBUF text;
        BT_AUTOJSON *body = cJSON_Parse(bodies[i]);
        bt_buf_init(&text, 4096);
        assert_int_equal(bt_countersign(body, signer->key, &text, &err), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_is_read_again),
        cmocka_unit_test(every_changed_bit_is_found),
        cmocka_unit_test(metadata_and_documents_do_not_pass_for_each_other),
        cmocka_unit_test(a_type_is_needed),
    };
    return cmocka_run_group_tests_name("trust/countersign", tests, open_signer, close_signer);
}

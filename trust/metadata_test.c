#include "trust/metadata.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define PUBLIC_1 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define KEY_1                                                                                      \
    "{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"" PUBLIC_1 "\"}}"

static cJSON *parse(const char *text)
{
    struct bt_error err;
    cJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, &err), 0);
    return json;
}

static int read_ring(const char *role, const char *keys, struct bt_keyring *out)
{
    struct bt_error err = {""};
    BT_AUTOJSON *role_json = parse(role);
    BT_AUTOJSON *keys_json = parse(keys);
    int r = bt_keyring_read(role_json, keys_json, out, &err);
    assert_true((r < 0) == (err.msg[0] != '\0'));
    return r;
}

static void roles_of_no_good_shape_are_refused(void **state)
{
    static const char *const roles[] = {
        "{}",
        "[]",
        "{\"keyids\":[],\"threshold\":0}",
        "{\"keyids\":[],\"threshold\":-1}",
        "{\"keyids\":[],\"threshold\":1.5}",
        "{\"keyids\":[],\"threshold\":\"1\"}",
        "{\"keyids\":[],\"threshold\":9007199254740993}",
        "{\"threshold\":1}",
        "{\"keyids\":{},\"threshold\":1}",
        "{\"keyids\":[1],\"threshold\":1}",
        "{\"keyids\":[\"a\",\"b\",\"a\"],\"threshold\":1}",
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(roles); i++) {
        struct bt_keyring ring = {0};
        assert_int_equal(read_ring(roles[i], "{\"a\":" KEY_1 "}", &ring), -EINVAL);
        assert_null(ring.keys);
    }
    struct bt_keyring ring = {0};
    assert_int_equal(read_ring("{\"keyids\":[],\"threshold\":1}", "[]", &ring), -EINVAL);
}

static void keys_that_cannot_be_used_are_left_out(void **state)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    (void)state;
    assert_int_equal(read_ring("{\"keyids\":[\"a\",\"gone\",\"odd\",\"bad\"],\"threshold\":2}",
                               "{\"a\":" KEY_1 ",\"unused\":" KEY_1
                               ",\"odd\":{\"keytype\":\"x\",\"scheme\":\"y\",\"keyval\":{"
                               "\"public\":\"\"}},\"bad\":7}",
                               &ring),
                     0);
    assert_int_equal(ring.count, 1);
    assert_int_equal(ring.threshold, 2);
    assert_string_equal(bt_key_id(ring.keys[0]), "a");
}

static int count(const char *document, int64_t *out)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    assert_int_equal(read_ring("{\"keyids\":[\"a\"],\"threshold\":1}", "{\"a\":" KEY_1 "}", &ring),
                     0);
    BT_AUTOJSON *json = parse(document);
    return bt_signatures_count(json, &ring, out, NULL);
}

static void documents_of_no_good_shape_are_refused(void **state)
{
    static const char *const documents[] = {
        "{}",
        "[]",
        "{\"signed\":[],\"signatures\":[]}",
        "{\"signed\":{}}",
        "{\"signed\":{},\"signatures\":{}}",
        "{\"signed\":{},\"signatures\":[1]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":\"a\"}]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":\"a\",\"sig\":1}]}",
        "{\"signed\":{},\"signatures\":[{\"sig\":\"\"}]}",
        ("{\"signed\":{},\"signatures\":[{\"keyid\":\"b\",\"sig\":\"\"},"
         "{\"keyid\":\"b\",\"sig\":\"\"}]}"),
        "{\"signed\":{\"a\":0.5},\"signatures\":[]}",
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(documents); i++) {
        int64_t valid = -7;
        assert_int_equal(count(documents[i], &valid), -EINVAL);
        assert_int_equal(valid, -7);
    }
}

static void signatures_that_are_none_count_nothing(void **state)
{
    static const char *const documents[] = {
        "{\"signed\":{},\"signatures\":[]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":\"a\",\"sig\":\"\"}]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":\"a\",\"sig\":\"zz\"}]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":\"a\",\"sig\":\"abc\"}]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":\"b\",\"sig\":\"00\"}]}",
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(documents); i++) {
        int64_t valid = -7;
        assert_int_equal(count(documents[i], &valid), 0);
        assert_int_equal(valid, 0);
    }
}

static void what_is_missing_is_said(void **state)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    struct bt_error err = {""};
    (void)state;
    assert_int_equal(read_ring("{\"keyids\":[\"a\"],\"threshold\":2}", "{\"a\":" KEY_1 "}", &ring),
                     0);
    BT_AUTOJSON *json = parse("{\"signed\":{},\"signatures\":[]}");
    assert_int_equal(bt_signatures_check(json, &ring, &err), -EACCES);
    assert_string_equal(err.msg, "2 signatures needed, 0 valid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_of_no_good_shape_are_refused),
        cmocka_unit_test(keys_that_cannot_be_used_are_left_out),
        cmocka_unit_test(documents_of_no_good_shape_are_refused),
        cmocka_unit_test(signatures_that_are_none_count_nothing),
        cmocka_unit_test(what_is_missing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

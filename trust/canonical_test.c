#include "trust/canonical.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define LIMIT 4096

static int canonical(const char *text, struct bt_buf *out)
{
    struct bt_error err;
    BT_AUTOJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, &err), 0);
    return bt_canonical_json(json, out, &err);
}

// What OLPC's rules say, worked out by hand.
static void the_same_value_gives_the_same_bytes(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {" { } ", "{}"},
        {"[ 1 , -2, 0, -0 ]", "[1,-2,0,0]"},
        {"{\"b\":1,\"a\":2,\"B\":3,\"aa\":4,\"\":5}", "{\"\":5,\"B\":3,\"a\":2,\"aa\":4,\"b\":1}"},
        {"{\"é\":1,\"z\":2,\"ê\":3}", "{\"z\":2,\"é\":1,\"ê\":3}"},
        {"\"a\\\"b\\\\c\\/d\"", "\"a\\\"b\\\\c/d\""},
        {"\"\\u0042\\u1ea3ng\\n\\t\"", "\"B\xe1\xba\xa3ng\n\t\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"[true,false,null]", "[true,false,null]"},
        {"9007199254740992", "9007199254740992"},
        {"-9007199254740992", "-9007199254740992"},
        {"{\"a\":{\"d\":[{}],\"c\":[]}}", "{\"a\":{\"c\":[],\"d\":[{}]}}"},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOBUF out;
        bt_buf_init(&out, LIMIT);
        assert_int_equal(canonical(cases[i].text, &out), 0);
        assert_string_equal(bt_buf_text(&out), cases[i].wanted);
    }
}

static void numbers_that_are_not_whole_are_refused(void **state)
{
    static const char *const texts[] = {"1.5", "[-0.1]", "{\"a\":9007199254740994}", "1e300"};
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        BT_AUTOBUF out;
        bt_buf_init(&out, LIMIT);
        assert_int_equal(canonical(texts[i], &out), -EINVAL);
    }
}

// Whatever piece is the one that does not fit any more.
static void the_limit_holds_at_every_byte(void **state)
{
    static const char text[] = "{\"a\":[1,\"b\\\"\",{\"c\":null}],\"d\":true}";
    (void)state;
    for (size_t limit = 0; limit < sizeof(text) - 1; limit++) {
        BT_AUTOBUF out;
        bt_buf_init(&out, limit);
        assert_int_equal(canonical(text, &out), -EMSGSIZE);
        assert_true(out.len <= limit);
    }
    BT_AUTOBUF out;
    bt_buf_init(&out, sizeof(text) - 1);
    assert_int_equal(canonical(text, &out), 0);
    assert_string_equal(bt_buf_text(&out), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_value_gives_the_same_bytes),
        cmocka_unit_test(numbers_that_are_not_whole_are_refused),
        cmocka_unit_test(the_limit_holds_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include "base/compiler.h"
#include "server/http/range.h"
#include <cmocka.h>

struct range_case {
    const char *text;
    int64_t size;
    bool part, beyond;
    int64_t offset, length;
};

static void ranges_are_read_as_rfc_9110_says(void **state)
{
    (void)state;
    static const struct range_case cases[] = {
        {"bytes=0-0", 100, true, false, 0, 1},
        {"bytes=10-19", 100, true, false, 10, 10},
        {"bytes=10-", 100, true, false, 10, 90},
        {"bytes=99-500", 100, true, false, 99, 1},
        {"bytes=-10", 100, true, false, 90, 10},
        {"bytes=-500", 100, true, false, 0, 100},
        {"Bytes= 5-6 ", 100, true, false, 5, 2},
        {"bytes=100-", 100, false, true, 0, 0},
        {"bytes=99999999999999999999-", 100, false, true, 0, 0},
        {"bytes=0-99999999999999999999", 100, true, false, 0, 100},
        {"bytes=-0", 100, false, true, 0, 0},
        {"bytes=0-", 0, false, true, 0, 0},
        {"bytes=-5", 0, false, true, 0, 0},
        {"bytes=9-3", 100, false, false, 0, 0},
        {"bytes=0-1,5-6", 100, false, false, 0, 0},
        {"bytes=", 100, false, false, 0, 0},
        {"bytes=-", 100, false, false, 0, 0},
        {"bytes=a-b", 100, false, false, 0, 0},
        {"items=0-1", 100, false, false, 0, 0},
        {"", 100, false, false, 0, 0},
        {"bytes=--5", 100, false, false, 0, 0},
        {"bytes=1-2x", 100, false, false, 0, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        const struct range_case *c = &cases[i];
        struct bt_range range = {0};
        bool beyond = false;
        assert_int_equal(bt_range_parse(c->text, c->size, &range, &beyond), c->part);
        assert_int_equal(beyond, c->beyond);
        if (c->part) {
            assert_int_equal(range.offset, c->offset);
            assert_int_equal(range.length, c->length);
        }
    }
}

static void a_tag_is_found_in_a_list(void **state)
{
    (void)state;
    assert_true(bt_etag_listed("\"a\"", "a", false));
    assert_true(bt_etag_listed("\"x\", \"a\"", "a", false));
    assert_true(bt_etag_listed("*", "a", false));
    assert_true(bt_etag_listed("W/\"a\"", "a", true));
    assert_true(bt_etag_listed("\"x,y\" ,\"a\"", "a", false));
}

static void a_tag_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const lists[] = {"",        "a",  "\"b\"", "\"ab\"",  "\"a",
                                        "W/\"a\"", "**", "\"A\"", "w/\"a\"", "x\"a\""};
    for (size_t i = 0; i < BT_ARRAY_LEN(lists); i++) {
        assert_false(bt_etag_listed(lists[i], "a", false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read_as_rfc_9110_says),
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(a_tag_that_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

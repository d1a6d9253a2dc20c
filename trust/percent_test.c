#include "trust/percent.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_become_safe_parts_of_addresses(void **state)
{
    static const struct {
        const char *text;
        bool slashes;
        const char *wanted;
    } cases[] = {
        {"u-31333", false, "u-31333"},
        {"../x", false, "..%2Fx"},
        {"../x", true, "../x"},
        {"a b?#%\\", false, "a%20b%3F%23%25%5C"},
        {"Bảng\n", false, "B%E1%BA%A3ng%0A"},
        {"", false, ""},
        {"AZaz09-._~", false, "AZaz09-._~"},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOBUF out;
        bt_buf_init(&out, 64);
        assert_int_equal(bt_percent_encode(cases[i].text, cases[i].slashes, &out), 0);
        assert_string_equal(bt_buf_text(&out), cases[i].wanted);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    BT_AUTOBUF out;
    bt_buf_init(&out, 5);
    assert_int_equal(bt_percent_encode("a//", false, &out), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_safe_parts_of_addresses),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "plays/number.h"

static void numbers_have_dots_and_commas(void **state)
{
    static const struct {
        int64_t value;
        int decimals;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {0, 1, "0,0"},
        {7, 2, "0,07"},
        {999, 0, "999"},
        {1000, 0, "1.000"},
        {12345, 1, "1.234,5"},
        {457000000, 0, "457.000.000"},
        {-1234, 0, "-1.234"},
        {-5, 1, "-0,5"},
        {INT64_MAX, 0, "9.223.372.036.854.775.807"},
        {INT64_MIN, 0, "-9.223.372.036.854.775.808"},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char text[BT_NUMBER_BYTES];
        bt_number_vi(text, cases[i].value, cases[i].decimals);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_dots_and_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

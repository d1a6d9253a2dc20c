#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "server/http/uri.h"

static void escapes_become_bytes(void **state)
{
    (void)state;
    char out[64];
    const char *text = "x%C3%A3%20Th%E1%BB%AD%2f";
    assert_int_equal(bt_percent_decode(text, strlen(text), out), 0);
    assert_string_equal(out, "xã Thử/");
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"%",    "%4", "%zz",       "a%00b", "%0a",  "%FF",   "%c0%af",
                                      "\x7F", "\n", "%ED%A0%80", "%G0a",  "ok%2", "%e1%bb"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char out[64];
        assert_int_equal(bt_percent_decode(bad[i], strlen(bad[i]), out), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_become_bytes),
        cmocka_unit_test(what_is_no_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"

static void a_pin_is_the_prefix_and_base64_of_32_bytes(void **state)
{
    (void)state;
    assert_true(bt_is_pin("sha256//ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTbo="));
    static const char *const others[] = {
        "",
        "sha256//",
        "ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTbo=",
        "sha256//ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTbo",
        "sha256//ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTbo==",
        "sha256//ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTb==",
        "sha256//ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTb;=",
        "sha256/ICfdtnDFHrHhMsvAYLDdPrUvsZDxIXZ3VyUH+f+aTboo=",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(others); i++) {
        assert_false(bt_is_pin(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_is_the_prefix_and_base64_of_32_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

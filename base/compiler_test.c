#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static int next(int *calls)
{
    return ++*calls;
}

static void each_argument_is_evaluated_once(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(BT_MAX(next(&calls), 0), 1);
    assert_int_equal(calls, 1);
    assert_int_equal(BT_MIN(100, next(&calls)), 2);
    assert_int_equal(calls, 2);
    assert_int_equal(BT_CLAMP(next(&calls), 1, 10), 3);
    assert_int_equal(calls, 3);
}

static void one_stands_inside_another(void **state)
{
    (void)state;
    int a_ = 3, b_ = 4;
    assert_int_equal(BT_MIN(BT_MIN(a_, b_), BT_MAX(BT_MIN(b_, 9), 2)), 3);
    assert_int_equal(BT_CLAMP(BT_CLAMP(-5, 0, a_), 1, b_), 1);
    assert_int_equal(BT_CLAMP(99, BT_MIN(a_, 1), BT_MAX(b_, 7)), 7);
}

static void the_wider_type_wins(void **state)
{
    (void)state;
    int64_t large = (int64_t)1 << 40;
    assert_true(BT_MAX(1, large) == large);
    assert_true(BT_MIN(large, 7) == 7);
    assert_true(BT_MIN(0.5, 0.25) == 0.25);
}

static void the_constant_form_is_a_constant_expression(void **state)
{
    (void)state;
    char bytes[BT_MAX_CONST(3, 8)];
    static const int least = BT_MIN_CONST(3, 8);
    assert_int_equal(sizeof(bytes), 8);
    assert_int_equal(least, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_argument_is_evaluated_once),
        cmocka_unit_test(one_stands_inside_another),
        cmocka_unit_test(the_wider_type_wins),
        cmocka_unit_test(the_constant_form_is_a_constant_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

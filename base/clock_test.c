#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_simulated_clock_moves_only_when_told(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(5 * BT_NS_PER_S, 1000);
    assert_true(bt_clock_mono_ns(clock) == 5 * BT_NS_PER_S);
    assert_true(bt_clock_wall_ms(clock) == 1000);
    bt_clock_advance(clock, 250 * BT_NS_PER_MS);
    assert_true(bt_clock_mono_ns(clock) == 5250 * BT_NS_PER_MS);
    assert_true(bt_clock_wall_ms(clock) == 1250);
}

static void a_step_of_the_wall_clock_leaves_the_monotonic_one(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, 0);
    bt_clock_advance(clock, BT_NS_PER_S);
    bt_clock_set_wall(clock, 1795000000123);
    assert_true(bt_clock_mono_ns(clock) == BT_NS_PER_S);
    assert_true(bt_clock_wall_ms(clock) == 1795000000123);
    bt_clock_advance(clock, BT_NS_PER_MS);
    assert_true(bt_clock_wall_ms(clock) == 1795000000124);
}

static void sleeping_moves_a_simulated_clock_forward_only(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(100, 0);
    bt_clock_sleep_until(clock, 2 * BT_NS_PER_S);
    assert_true(bt_clock_mono_ns(clock) == 2 * BT_NS_PER_S);
    bt_clock_sleep_until(clock, 5);
    assert_true(bt_clock_mono_ns(clock) == 2 * BT_NS_PER_S);
}

static void the_real_clock_never_sleeps_too_short(void **state)
{
    (void)state;
    const struct bt_clock *clock = bt_clock_real();
    int64_t until_ns = bt_clock_mono_ns(clock) + 2 * BT_NS_PER_MS;
    bt_clock_sleep_until(clock, until_ns);
    assert_true(bt_clock_mono_ns(clock) >= until_ns);
    bt_clock_sleep_until(clock, 0);  // long past
    assert_true(bt_clock_wall_ms(clock) > 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_simulated_clock_moves_only_when_told),
        cmocka_unit_test(a_step_of_the_wall_clock_leaves_the_monotonic_one),
        cmocka_unit_test(sleeping_moves_a_simulated_clock_forward_only),
        cmocka_unit_test(the_real_clock_never_sleeps_too_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "player/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"

static void without_a_grid_every_instant_will_do(void **state)
{
    (void)state;
    struct bt_grid grid;
    bt_grid_init(&grid, BT_GRID_FREE, 0, 0);
    assert_int_equal(grid.period_ns, 16666667);
    assert_int_equal(bt_grid_slot(&grid, 12345), 12345);
    assert_int_equal(bt_grid_submit_ns(&grid, 12345), 12345);
}

static void a_due_time_takes_the_next_slot(void **state)
{
    (void)state;
    struct bt_grid grid;
    bt_grid_init(&grid, BT_GRID_TIMED, 50, 1000 * BT_NS_PER_MS);
    static const struct {
        int64_t due_ms, slot_ms;
    } cases[] = {{1000, 1000},
                 {1002, 1020},
                 {1020, 1020},
                 {1039, 1040},
                 {999, 1000},
                 {970, 980},
                 // Less than the tolerance late still belongs to the slot before.
                 {1021, 1020}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_int_equal(bt_grid_slot(&grid, cases[i].due_ms * BT_NS_PER_MS),
                         cases[i].slot_ms * BT_NS_PER_MS);
    }
    assert_int_equal(bt_grid_slot(&grid, INT64_MAX), INT64_MAX);
}

static void frames_of_25_per_second_take_every_second_slot_at_50(void **state)
{
    (void)state;
    struct bt_grid grid;
    bt_grid_init(&grid, BT_GRID_TIMED, 50, 7);
    for (int64_t frame = 0; frame < 100000; frame++) {
        assert_int_equal(bt_grid_slot(&grid, 7 + frame * 40 * BT_NS_PER_MS),
                         7 + frame * 2 * grid.period_ns);
    }
}

static void a_display_that_drifts_is_followed(void **state)
{
    (void)state;
    struct bt_grid grid;
    bt_grid_init(&grid, BT_GRID_VSYNC, 60, 0);
    const int64_t true_period_ns = grid.period_ns + 1000;  // 60 ppm slow
    int64_t flip_ns = 0;
    for (int i = 0; i < 10000; i++) {
        flip_ns += true_period_ns;
        bt_grid_presented(&grid, flip_ns);
    }
    int64_t off_ns = bt_grid_slot(&grid, flip_ns - grid.period_ns / 2) - flip_ns;
    assert_true(off_ns > -100000 && off_ns < 100000);
    assert_int_equal(bt_grid_submit_ns(&grid, flip_ns), flip_ns - grid.period_ns / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_grid_every_instant_will_do),
        cmocka_unit_test(a_due_time_takes_the_next_slot),
        cmocka_unit_test(frames_of_25_per_second_take_every_second_slot_at_50),
        cmocka_unit_test(a_display_that_drifts_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

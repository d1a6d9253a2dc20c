#include "sync/time_floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_MS INT64_C(1795240000000)
#define HOUR_MS INT64_C(3600000)

static void a_clock_that_forgot_the_time_is_helped_forward(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, 0);  // 1970: no battery
    BT_AUTO(bt_time_floor) floor = bt_time_floor_create(clock, START_MS);
    assert_true(bt_time_floor_now(floor).wall_ms == START_MS);
    bt_clock_advance(clock, 1000 * BT_NS_PER_MS);
    assert_true(bt_time_floor_now(floor).wall_ms == START_MS + 1000);
    int64_t offset_ms = bt_time_floor_hear(floor, START_MS + HOUR_MS, INT64_MAX);
    assert_true(offset_ms == 1000 - START_MS - HOUR_MS);
    assert_true(bt_time_floor_now(floor).wall_ms == START_MS + HOUR_MS);
    assert_true(bt_time_floor_known_ms(floor) == START_MS + HOUR_MS);
}

static void it_is_never_set_back(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, START_MS);
    BT_AUTO(bt_time_floor) floor = bt_time_floor_create(clock, START_MS - HOUR_MS);
    bt_time_floor_hear(floor, START_MS - 2 * HOUR_MS, INT64_MAX);
    assert_true(bt_time_floor_now(floor).wall_ms == START_MS);
    bt_time_floor_raise(floor, START_MS);
    bt_clock_set_wall(clock, START_MS - HOUR_MS);
    assert_true(bt_time_floor_now(floor).wall_ms == START_MS);
}

static void a_server_moves_it_no_further_than_the_metadata_reach(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, START_MS);
    BT_AUTO(bt_time_floor) floor = bt_time_floor_create(clock, 0);
    bt_time_floor_hear(floor, START_MS + 100 * HOUR_MS, START_MS + 72 * HOUR_MS);
    assert_true(bt_time_floor_now(floor).wall_ms == START_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_forgot_the_time_is_helped_forward),
        cmocka_unit_test(it_is_never_set_back),
        cmocka_unit_test(a_server_moves_it_no_further_than_the_metadata_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

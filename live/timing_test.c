#include "live/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define FRAME (40 * MS)
#define START (1000000 * MS)

static void the_first_frame_waits_until_enough_is_ahead(void **state)
{
    (void)state;
    struct bt_live_timing timing = {.pushed = true};
    bool laid;
    assert_int_equal(bt_live_timing_next(&timing, 0, FRAME, 0, START, &laid), START + 2000 * MS);
    assert_true(laid);
    assert_int_equal(bt_live_timing_next(&timing, FRAME, FRAME, 0, START, &laid),
                     START + 2040 * MS);
    assert_false(laid);
}

static void what_is_ahead_already_is_not_waited_for(void **state)
{
    (void)state;
    struct bt_live_timing timing = {0};
    bool laid;
    assert_int_equal(bt_live_timing_next(&timing, 0, FRAME, 9000 * MS, START, &laid), START);
}

static void after_a_silence_times_are_laid_anew(void **state)
{
    (void)state;
    struct bt_live_timing timing = {0};
    bool laid;
    (void)bt_live_timing_next(&timing, 0, FRAME, 2000 * MS, START, &laid);
    int64_t late_ns = START + 10000 * MS;
    assert_int_equal(bt_live_timing_next(&timing, FRAME, FRAME, 500 * MS, late_ns, &laid),
                     late_ns + 1500 * MS);
    assert_true(laid);
}

// Plays ten minutes of a sender whose clock runs faster by that many frames in a minute.
static struct bt_live_timing play(int64_t faster, int64_t *out_ahead_ns)
{
    struct bt_live_timing timing = {.pushed = true};
    int64_t received_ns = 2000 * MS, now_ns = START;
    for (int64_t i = 0; i < 15000; i++) {
        bool laid;
        int64_t due_ns =
            bt_live_timing_next(&timing, i * FRAME, FRAME, received_ns - i * FRAME, now_ns, &laid);
        assert_true(!laid || i == 0);
        int64_t passed_ns = due_ns > now_ns ? due_ns - now_ns : 0;
        now_ns += passed_ns;
        received_ns += passed_ns + passed_ns * faster / 1500;
        *out_ahead_ns = received_ns - i * FRAME;
    }
    return timing;
}

static void clocks_that_differ_are_evened_out_one_frame_at_a_time(void **state)
{
    (void)state;
    int64_t ahead_ns;
    struct bt_live_timing fast = play(7, &ahead_ns);
    assert_true(fast.skipped > 0 && fast.repeated == 0);
    assert_in_range(ahead_ns, 1000 * MS, 4200 * MS);
    struct bt_live_timing slow = play(-7, &ahead_ns);
    assert_true(slow.repeated > 0 && slow.skipped == 0);
    assert_in_range(ahead_ns, 800 * MS, 4000 * MS);
    struct bt_live_timing same = play(0, &ahead_ns);
    assert_int_equal(same.skipped + same.repeated, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_frame_waits_until_enough_is_ahead),
        cmocka_unit_test(what_is_ahead_already_is_not_waited_for),
        cmocka_unit_test(after_a_silence_times_are_laid_anew),
        cmocka_unit_test(clocks_that_differ_are_evened_out_one_frame_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "media/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"

#define MS BT_NS_PER_MS
#define FRAME (40 * MS)

struct stamp {
    int64_t at, length;  // what the container says
    int64_t time;        // what comes out
};

static void check(const struct stamp *stamps, size_t count)
{
    struct bt_pace pace;
    bt_pace_init(&pace, FRAME);
    for (size_t i = 0; i < count; i++) {
        int64_t duration;
        assert_int_equal(bt_pace_next(&pace, stamps[i].at, stamps[i].length, &duration),
                         stamps[i].time);
        assert_true(duration >= MS);
    }
}

static void any_start_becomes_zero(void **state)
{
    (void)state;
    static const struct stamp late[] = {{10000 * MS, FRAME, 0}, {10040 * MS, FRAME, FRAME}};
    static const struct stamp negative[] = {{-80 * MS, FRAME, 0}, {-40 * MS, FRAME, FRAME}};
    static const struct stamp absurd[] = {{INT64_MAX, FRAME, 0}, {INT64_MIN + 1, FRAME, FRAME}};
    check(late, BT_ARRAY_LEN(late));
    check(negative, BT_ARRAY_LEN(negative));
    check(absurd, BT_ARRAY_LEN(absurd));
}

static void equal_and_missing_stamps_follow_the_frame_rate(void **state)
{
    (void)state;
    static const struct stamp equal[] = {{0, 0, 0}, {0, 0, FRAME}, {0, 0, 2 * FRAME}};
    static const struct stamp missing[] = {{BT_PACE_UNKNOWN, 0, 0},
                                           {BT_PACE_UNKNOWN, 0, FRAME},
                                           {5000 * MS, 0, 2 * FRAME},
                                           {5040 * MS, 0, 3 * FRAME}};
    check(equal, BT_ARRAY_LEN(equal));
    check(missing, BT_ARRAY_LEN(missing));
}

static void variable_rates_are_kept(void **state)
{
    (void)state;
    static const struct stamp stamps[] = {
        {0, FRAME, 0}, {33 * MS, FRAME, 33 * MS}, {30000 * MS, FRAME, 30000 * MS}};
    check(stamps, BT_ARRAY_LEN(stamps));
}

static void jumps_are_closed(void **state)
{
    (void)state;
    static const struct stamp stamps[] = {{0, FRAME, 0},
                                          {100000 * MS, FRAME, FRAME},  // a splice ahead
                                          {100040 * MS, FRAME, 2 * FRAME},
                                          {40 * MS, FRAME, 3 * FRAME},  // and back
                                          {80 * MS, FRAME, 4 * FRAME}};
    check(stamps, BT_ARRAY_LEN(stamps));
}

static void small_disorder_does_not_move_the_rest(void **state)
{
    (void)state;
    static const struct stamp stamps[] = {{0, FRAME, 0},
                                          {40 * MS, FRAME, 40 * MS},
                                          {30 * MS, 5 * MS, 80 * MS},
                                          {120 * MS, FRAME, 120 * MS}};
    check(stamps, BT_ARRAY_LEN(stamps));
}

static void lying_lengths_become_the_usual_one(void **state)
{
    (void)state;
    static const int64_t lies[] = {0, -5, 1, 72054 * BT_NS_PER_S, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < BT_ARRAY_LEN(lies); i++) {
        struct bt_pace pace;
        bt_pace_init(&pace, FRAME);
        int64_t duration;
        assert_int_equal(bt_pace_next(&pace, 0, lies[i], &duration), 0);
        assert_int_equal(duration, FRAME);
    }
}

static void a_new_round_continues_where_the_last_frame_ended(void **state)
{
    (void)state;
    struct bt_pace pace;
    bt_pace_init(&pace, 0);
    int64_t duration;
    assert_int_equal(bt_pace_next(&pace, 500 * MS, 100 * MS, &duration), 0);
    assert_int_equal(bt_pace_next(&pace, 600 * MS, 70 * MS, &duration), 100 * MS);
    bt_pace_restart(&pace);
    assert_int_equal(bt_pace_next(&pace, 500 * MS, 100 * MS, &duration), 170 * MS);
    assert_int_equal(bt_pace_next(&pace, 600 * MS, 70 * MS, &duration), 270 * MS);
}

static void after_a_jump_the_stamp_says_where_we_are(void **state)
{
    (void)state;
    struct bt_pace pace;
    bt_pace_init(&pace, FRAME);
    int64_t duration;
    assert_int_equal(bt_pace_next(&pace, 1000 * MS, FRAME, &duration), 0);
    bt_pace_jump(&pace);
    assert_int_equal(bt_pace_next(&pace, 301000 * MS, FRAME, &duration), 300000 * MS);
    bt_pace_jump(&pace);
    assert_int_equal(bt_pace_next(&pace, 61000 * MS, FRAME, &duration), 60000 * MS);
    assert_int_equal(bt_pace_next(&pace, 61040 * MS, FRAME, &duration), 60040 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_start_becomes_zero),
        cmocka_unit_test(equal_and_missing_stamps_follow_the_frame_rate),
        cmocka_unit_test(variable_rates_are_kept),
        cmocka_unit_test(jumps_are_closed),
        cmocka_unit_test(small_disorder_does_not_move_the_rest),
        cmocka_unit_test(lying_lengths_become_the_usual_one),
        cmocka_unit_test(a_new_round_continues_where_the_last_frame_ended),
        cmocka_unit_test(after_a_jump_the_stamp_says_where_we_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

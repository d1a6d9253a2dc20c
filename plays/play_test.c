#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "plays/play.h"
#include "plays/testing.h"

static struct bt_play begun(int64_t planned_ms, int64_t frames_expected)
{
    struct bt_play play;
    struct bt_play_start start = bt_test_start("a", planned_ms);
    start.frames_expected = frames_expected;
    bt_play_begin(&play, 1, &start);
    return play;
}

static void a_play_is_complete_from_98_percent_on(void **state)
{
    static const struct {
        int64_t planned_ms, frames_expected, shown_ms, presented;
        const char *why;
        bool complete;
    } cases[] = {
        {0, 1000, 0, 980, "schedule", true},  // a clip counts frames
        {0, 1000, 999999, 979, "schedule", false},
        {0, 1000, 0, 980, "error", true},
        {0, 3, 0, 3, "schedule", true},
        {0, 3, 0, 2, "schedule", false},
        {10000, 0, 9800, 1, "schedule", true},  // a still counts time
        {10000, 0, 9799, 1, "schedule", false},
        {0, 0, 1, 1, "schedule", true},  // what is endless ends by the schedule
        {0, 0, 1, 1, "window", true},
        {0, 0, 3600000, 1, "stopped", false},
        {0, 0, 3600000, 1, BT_PLAY_END_POWER_LOST, false},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_play play = begun(cases[i].planned_ms, cases[i].frames_expected);
        struct bt_play_counts counts = {.shown_ms = cases[i].shown_ms,
                                        .presented = cases[i].presented};
        bt_play_end(&play, &counts, cases[i].why);
        assert_int_equal(bt_play_complete(&play, cases[i].why), cases[i].complete);
    }
}

static void segments_add_up(void **state)
{
    (void)state;
    struct bt_play play = begun(10000, 0);
    struct bt_play_counts part = {.shown_ms = 4000, .presented = 2, .repeated = 3, .dropped = 1};
    bt_play_end(&play, &part, BT_PLAY_END_PREEMPTED);
    assert_true(play.paused);
    assert_false(bt_play_closed(&play));
    bt_play_count(&play, &(struct bt_play_counts){.shown_ms = 1});  // nothing runs: no change
    bt_play_resume(&play, 60, BT_TEST_WALL_MS + 60000);
    bt_play_count(&play, &(struct bt_play_counts){.shown_ms = 1});
    bt_play_end(&play, &(struct bt_play_counts){.shown_ms = 5900, .presented = 1}, "schedule");
    assert_int_equal(play.segment_count, 2);
    struct bt_play_counts total = bt_play_total(&play);
    assert_int_equal(total.shown_ms, 9900);
    assert_int_equal(total.presented, 3);
    assert_int_equal(total.repeated, 3);
    assert_int_equal(total.dropped, 1);
    assert_int_equal(bt_play_end_wall_ms(&play), BT_TEST_WALL_MS + 65900);
    assert_true(bt_play_complete(&play, "schedule"));
}

static void a_closed_play_does_not_change(void **state)
{
    (void)state;
    struct bt_play play = begun(10000, 0);
    bt_play_end(&play, &(struct bt_play_counts){.shown_ms = 1}, "removed");
    bt_play_end(&play, &(struct bt_play_counts){.shown_ms = 2}, "schedule");
    bt_play_count(&play, &(struct bt_play_counts){.shown_ms = 3});
    bt_play_resume(&play, 0, 0);
    bt_play_abandon(&play);
    assert_string_equal(play.why_ended, "removed");
    assert_int_equal(bt_play_total(&play).shown_ms, 1);
}

static void an_end_without_a_reason_still_closes(void **state)
{
    (void)state;
    struct bt_play play = begun(10000, 0);
    bt_play_end(&play, &(struct bt_play_counts){0}, "");
    assert_true(bt_play_closed(&play));
}

static void a_paused_play_that_is_abandoned_ends_as_preempted(void **state)
{
    (void)state;
    struct bt_play play = begun(10000, 0);
    bt_play_abandon(&play);  // it runs: nothing to abandon
    assert_false(bt_play_closed(&play));
    bt_play_end(&play, &(struct bt_play_counts){.shown_ms = 1}, BT_PLAY_END_PREEMPTED);
    bt_play_abandon(&play);
    assert_string_equal(play.why_ended, BT_PLAY_END_PREEMPTED);
}

static void too_many_segments_merge_into_the_last(void **state)
{
    (void)state;
    struct bt_play play = begun(0, 2000);
    for (int i = 0; i < 20; i++) {
        bt_play_count(&play, &(struct bt_play_counts){.presented = 50});
        bt_play_end(&play, &(struct bt_play_counts){.presented = 100}, BT_PLAY_END_PREEMPTED);
        bt_play_resume(&play, i, i);
    }
    assert_int_equal(play.segment_count, BT_PLAY_MAX_SEGMENTS);
    bt_play_end(&play, &(struct bt_play_counts){.presented = 7}, "schedule");
    assert_int_equal(bt_play_total(&play).presented, 2007);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_play_is_complete_from_98_percent_on),
        cmocka_unit_test(segments_add_up),
        cmocka_unit_test(a_closed_play_does_not_change),
        cmocka_unit_test(an_end_without_a_reason_still_closes),
        cmocka_unit_test(a_paused_play_that_is_abandoned_ends_as_preempted),
        cmocka_unit_test(too_many_segments_merge_into_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

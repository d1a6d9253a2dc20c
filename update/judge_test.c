#include "update/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"

#define STEP_MS 1000

// One second of what the player says; repeated `times`. start 0: nothing can be read.
struct second {
    int times;
    int64_t start, presented, due, missing;  // the last three are added in each
    bool dark;
};

struct story {
    const char *name;
    struct bt_frames before;
    struct second seconds[6];
    enum bt_verdict verdict;
    const char *why;
    int64_t at_s;  // since the switch
};

static const struct bt_frames smooth = {.start = 1, .presented = 60000, .due = 60000};
#define SMOOTH                                                                                     \
    {                                                                                              \
        .start = 1, .presented = 60000, .due = 60000                                               \
    }
#define ROUGH                                                                                      \
    {                                                                                              \
        .start = 1, .presented = 60000, .due = 60000, .missing = 6000                              \
    }

static const struct story stories[] = {
    {"all is well", SMOOTH, {{600, 2, 60, 60, 0}}, BT_VERDICT_KEEP, NULL, 600},
    {"half a per cent more", SMOOTH, {{600, 2, 1000, 1000, 5}}, BT_VERDICT_KEEP, NULL, 600},
    {"two per cent more", SMOOTH, {{600, 2, 1000, 1000, 20}}, BT_VERDICT_BACK, "missing-frames", 1},
    {"as rough as before", ROUGH, {{600, 2, 1000, 1000, 105}}, BT_VERDICT_KEEP, NULL, 600},
    {"rougher than before",
     ROUGH,
     {{600, 2, 1000, 1000, 120}},
     BT_VERDICT_BACK,
     "missing-frames",
     1},
    {"a hiccup at the start counts once enough is known",
     SMOOTH,
     {{1, 2, 60, 60, 6}, {599, 2, 60, 60, 0}},
     BT_VERDICT_KEEP,
     NULL,
     600},
    {"it becomes worse later",
     SMOOTH,
     {{300, 2, 60, 60, 0}, {300, 2, 30, 60, 30}},
     BT_VERDICT_BACK,
     "missing-frames",
     307},
    {"it never comes up", SMOOTH, {{600, 0, 0, 0, 0}}, BT_VERDICT_BACK, "no-present", 30},
    {"what the old one left lies there",
     SMOOTH,
     {{600, 1, 0, 0, 0}},
     BT_VERDICT_BACK,
     "no-present",
     30},
    {"it runs and shows nothing", SMOOTH, {{600, 2, 0, 60, 0}}, BT_VERDICT_BACK, "no-present", 30},
    {"it comes late", SMOOTH, {{29, 0, 0, 0, 0}, {571, 2, 60, 60, 0}}, BT_VERDICT_KEEP, NULL, 600},
    {"the wall is switched off",
     SMOOTH,
     {{100, 2, 60, 60, 0}, {500, 2, 0, 0, 0, true}},
     BT_VERDICT_BACK,
     BT_NO_DISPLAY,
     130},
    {"the wall is switched off and on",
     SMOOTH,
     {{100, 2, 60, 60, 0}, {20, 2, 0, 0, 0, true}, {480, 2, 60, 60, 0}},
     BT_VERDICT_KEEP,
     NULL,
     600},
    {"it hangs after a while",
     SMOOTH,
     {{100, 2, 60, 60, 0}, {500, 2, 0, 0, 0}},
     BT_VERDICT_BACK,
     "no-present",
     130},
    {"one restart is forgiven",
     SMOOTH,
     {{100, 2, 60, 60, 0}, {5, 0, 0, 0, 0}, {495, 3, 60, 60, 0}},
     BT_VERDICT_KEEP,
     NULL,
     600},
    {"two are not",
     SMOOTH,
     {{100, 2, 60, 60, 0}, {100, 3, 60, 60, 0}, {400, 4, 60, 60, 0}},
     BT_VERDICT_BACK,
     "restarts",
     201},
    {"a restart does not wash clean",
     SMOOTH,
     {{8, 2, 60, 60, 3}, {592, 3, 60, 60, 0}},
     BT_VERDICT_BACK,
     "missing-frames",
     10},
    {"more missing than due is all of them",
     SMOOTH,
     {{600, 2, 60, 60, 99}},
     BT_VERDICT_BACK,
     "missing-frames",
     10},
};

static enum bt_verdict play(const struct story *story, const char **out_why, int64_t *out_s)
{
    struct bt_judge judge;
    struct bt_frames frames = {0};
    enum bt_verdict verdict = BT_VERDICT_WATCH;
    int64_t now_ms = 1000000;
    bt_judge_begin(&judge, &bt_judge_usual_limits, &story->before, now_ms);
    *out_s = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(story->seconds); i++) {
        const struct second *second = &story->seconds[i];
        for (int k = 0; k < second->times && verdict == BT_VERDICT_WATCH; k++) {
            if (second->start != frames.start) {
                frames =
                    second->start == 1 ? story->before : (struct bt_frames){.start = second->start};
            }
            frames.presented += second->presented;
            frames.due += second->due;
            frames.missing += second->missing;
            frames.dark = second->dark;
            now_ms += STEP_MS;
            *out_s += 1;
            verdict = bt_judge_look(&judge, second->start > 0 ? &frames : NULL, now_ms, out_why);
        }
    }
    return verdict;
}

static void each_story_ends_as_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(stories); i++) {
        const char *why = "";
        int64_t at_s;
        enum bt_verdict verdict = play(&stories[i], &why, &at_s);
        const char *wanted = stories[i].why != NULL ? stories[i].why : "";
        if (verdict != stories[i].verdict || strcmp(why, wanted) != 0 || at_s != stories[i].at_s) {
            fail_msg("'%s': verdict %d '%s' after %lld s", stories[i].name, (int)verdict, why,
                     (long long)at_s);
        }
    }
}

static void counters_that_go_back_are_another_process(void **state)
{
    (void)state;
    struct bt_judge judge;
    const char *why = "";
    bt_judge_begin(&judge, &bt_judge_usual_limits, &smooth, 0);
    for (int64_t i = 0; i < 3; i++) {
        const struct bt_frames frames = {.start = 2, .presented = 100 - i, .due = 100 - i};
        enum bt_verdict verdict = bt_judge_look(&judge, &frames, i, &why);
        assert_int_equal(verdict, i < 2 ? BT_VERDICT_WATCH : BT_VERDICT_BACK);
    }
    assert_string_equal(why, "restarts");
}

static void what_a_player_writes_is_read_with_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"start\":0,\"presented\":0,\"due\":0,\"missing\":0}",
        "{\"start\":1,\"presented\":-1,\"due\":0,\"missing\":0}",
        "{\"start\":1,\"presented\":1e99,\"due\":0,\"missing\":0}",
        "{\"start\":1,\"presented\":\"1\",\"due\":0,\"missing\":0}",
    };
    struct bt_frames frames;
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        assert_true(bt_frames_parse(bad[i], strlen(bad[i]), &frames, NULL) < 0);
    }
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_FRAMES_MAX_BYTES);
    assert_int_equal(bt_frames_write(&smooth, &text), 0);
    assert_int_equal(bt_frames_parse(bt_buf_text(&text), text.len, &frames, NULL), 0);
    assert_memory_equal(&frames, &smooth, sizeof(frames));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_story_ends_as_it_should),
        cmocka_unit_test(counters_that_go_back_are_another_process),
        cmocka_unit_test(what_a_player_writes_is_read_with_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

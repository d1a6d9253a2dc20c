#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "plays/recorder.h"
#include "plays/testing.h"

static struct bt_recorder *open_recorder(const struct bt_test_dir *dir)
{
    struct bt_recorder_options options = {
        .path = dir->journal,
        .screen = "Quảng trường 3/2",
        .player = "test",
        .wait_for_open = true,
        .wall_ms = BT_TEST_WALL_MS,
        .clock_trust = BT_CLOCK_SYNCED,
    };
    struct bt_error err;
    struct bt_recorder *recorder = NULL;
    assert_int_equal(bt_recorder_open(&options, &recorder, &err), 0);
    return recorder;
}

static void plays_reported_before_destroy_are_records_after_it(void **state)
{
    BT_AUTO(bt_recorder) recorder = open_recorder(*state);
    struct bt_play_start start = bt_test_start("the-gioi-so", 10000);
    struct bt_play_counts counts = {.shown_ms = 10000, .presented = 1, .repeated = 5};
    uint64_t first = bt_recorder_begin(recorder, &start);
    uint64_t second = bt_recorder_begin(recorder, &start);
    assert_true(first != 0 && second != 0 && first != second);
    bt_recorder_end(recorder, first, &counts, "schedule");
    bt_recorder_destroy(BT_TAKE(recorder));

    const struct bt_test_dir *dir = *state;
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM open_play"), 0);
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM record"), 4);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"why_ended\":\"schedule\"")),
                     1);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"why_ended\":\"stopped\"")),
                     1);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"kind\":\"stop\"")), 1);
}

static void a_preempted_play_that_resumes_is_one_record_with_two_segments(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    struct bt_play_start start = bt_test_start("phong-su", 0);
    start.frames_expected = 1000;
    uint64_t play = bt_recorder_begin(recorder, &start);
    bt_recorder_end(recorder, play, &(struct bt_play_counts){.presented = 400}, "preempted");
    assert_int_equal(bt_recorder_flush(recorder), 0);
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM open_play"), 1);

    bt_recorder_resume(recorder, play, start.mono_ns + 1, start.wall_ms + 1);
    bt_recorder_progress(recorder, play, &(struct bt_play_counts){.presented = 100});
    bt_recorder_end(recorder, play, &(struct bt_play_counts){.presented = 590}, "schedule");
    assert_int_equal(bt_recorder_flush(recorder), 0);
    assert_int_equal(
        bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"presented\":990,%\"complete\":true")), 1);
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM open_play"), 0);
}

static void reports_about_a_play_nobody_began_change_nothing(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    struct bt_play_counts counts = {0};
    bt_recorder_progress(recorder, 17, &counts);
    bt_recorder_end(recorder, 17, &counts, "schedule");
    bt_recorder_resume(recorder, 17, 0, 0);
    bt_recorder_abandon(recorder, 17);
    assert_int_equal(bt_recorder_flush(recorder), 0);
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM record"), 1);
}

static void a_journal_in_a_directory_that_comes_later_gets_what_was_reported(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTOFREE char *path = bt_strf("%s/later/plays.db", dir->path);
    struct bt_recorder_options options = {.path = path, .wait_for_open = true};
    struct bt_error err;
    struct bt_recorder *none = NULL;
    assert_true(bt_recorder_open(&options, &none, &err) < 0);
    assert_non_null(strstr(err.msg, "Cannot open the journal"));

    options.wait_for_open = false;
    BT_AUTO(bt_recorder) recorder = NULL;
    assert_int_equal(bt_recorder_open(&options, &recorder, &err), 0);
    struct bt_play_start start = bt_test_start("a", 10);
    bt_recorder_end(recorder, bt_recorder_begin(recorder, &start), &(struct bt_play_counts){0},
                    "schedule");
    assert_true(bt_recorder_flush(recorder) < 0);
    struct bt_recorder_status status;
    bt_recorder_status(recorder, &status);
    assert_false(status.journal_ok);
    assert_int_equal(status.waiting, 1);
    assert_true(status.problem[0] != '\0');

    BT_AUTOFREE char *later = bt_strf("%s/later", dir->path);
    assert_int_equal(bt_test_make_dir(later), 0);
    assert_int_equal(bt_recorder_flush(recorder), 0);
    bt_recorder_status(recorder, &status);
    assert_true(status.journal_ok);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.closed_plays, 1);
    assert_int_equal(bt_test_count(path, "SELECT count(*) FROM record"), 2);
}

static void a_journal_that_is_no_database_is_set_aside(void **state)
{
    const struct bt_test_dir *dir = *state;
    bt_test_write(dir->journal, "this is not a database, and it is longer than a header of one, "
                                "which has a hundred bytes: 0123456789 0123456789 0123456789");
    struct bt_recorder_options options = {.path = dir->journal};
    struct bt_error err;
    BT_AUTO(bt_recorder) recorder = NULL;
    assert_int_equal(bt_recorder_open(&options, &recorder, &err), 0);
    struct bt_play_start start = bt_test_start("a", 10);
    bt_recorder_begin(recorder, &start);
    assert_int_equal(bt_recorder_flush(recorder), 0);
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM open_play"), 1);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"kind\":\"loss\"")), 1);
    BT_AUTOFREE char *aside = bt_strf("%s.damaged-1", dir->journal);
    assert_int_equal(access(aside, R_OK), 0);
}

static void a_journal_that_is_taken_away_begins_anew_with_the_open_plays(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    struct bt_play_start start = bt_test_start("a", 10);
    uint64_t play = bt_recorder_begin(recorder, &start);
    assert_int_equal(bt_recorder_flush(recorder), 0);
    BT_AUTOFREE char *away = bt_strf("%s.away", dir->journal);
    assert_int_equal(rename(dir->journal, away), 0);
    bt_recorder_progress(recorder, play, &(struct bt_play_counts){.presented = 3});
    assert_int_equal(bt_recorder_flush(recorder), 0);
    assert_int_equal(bt_test_count(dir->journal, "SELECT count(*) FROM open_play"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(plays_reported_before_destroy_are_records_after_it),
        BT_TEST_IN_DIR(a_preempted_play_that_resumes_is_one_record_with_two_segments),
        BT_TEST_IN_DIR(reports_about_a_play_nobody_began_change_nothing),
        BT_TEST_IN_DIR(a_journal_in_a_directory_that_comes_later_gets_what_was_reported),
        BT_TEST_IN_DIR(a_journal_that_is_no_database_is_set_aside),
        BT_TEST_IN_DIR(a_journal_that_is_taken_away_begins_anew_with_the_open_plays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/faulty_vfs.h"
#include "plays/journal.h"
#include "plays/pending.h"
#include "plays/recorder.h"
#include "plays/testing.h"
#include "plays/verify.h"

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

static void records_name_the_screen_from_when_it_is_known(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    bt_recorder_set_screen(recorder, "s-7K3QZ5MX2A");
    struct bt_play_start start = bt_test_start("the-gioi-so", 10000);
    struct bt_play_counts counts = {.shown_ms = 10000, .presented = 1};
    bt_recorder_end(recorder, bt_recorder_begin(recorder, &start), &counts, "schedule");
    bt_recorder_destroy(BT_TAKE(recorder));
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"screen\":\"s-7K3QZ5MX2A\"")),
                     2);
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
    static const char text[] = "this is not a database, and it is longer than a header of one, "
                               "which has a hundred bytes: 0123456789 0123456789 0123456789";
    bt_test_write(dir->journal, text, sizeof(text));
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

static void play_one(struct bt_recorder *recorder, const char *item)
{
    struct bt_play_start start = bt_test_start(item, 10);
    struct bt_play_counts counts = {.shown_ms = 10, .presented = 1};
    bt_recorder_end(recorder, bt_recorder_begin(recorder, &start), &counts, "schedule");
}

static struct bt_plays_verdict verdict_of(const struct bt_test_dir *dir)
{
    struct bt_plays_verdict verdict;
    struct bt_error err;
    assert_int_equal(bt_plays_verify(dir->journal, &verdict, &err), 0);
    assert_int_equal(verdict.faults, 0);
    return verdict;
}

static void a_full_disk_keeps_the_newest_plays_and_declares_the_lost_ones(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_recorder_status status;
    bt_faulty_install(1);
    bt_test_write(dir->journal, "", 0);
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    struct bt_play_start start = bt_test_start("clip", 0);
    uint64_t clip = bt_recorder_begin(recorder, &start);
    assert_int_equal(bt_recorder_flush(recorder), 0);

    bt_faulty_set_full(true);
    bt_recorder_end(recorder, clip, &(struct bt_play_counts){.presented = 9}, "schedule");
    for (int i = 0; i < BT_PENDING_MAX_ENDED + 6; i++) {
        play_one(recorder, i < 7 ? "old" : "new");
    }
    assert_int_equal(bt_recorder_flush(recorder), -ENOSPC);
    bt_recorder_status(recorder, &status);
    assert_false(status.journal_ok);
    assert_int_equal(status.waiting, BT_PENDING_MAX_ENDED);
    assert_int_equal(status.lost, 7);

    bt_faulty_set_full(false);
    assert_int_equal(bt_recorder_flush(recorder), 0);
    bt_recorder_status(recorder, &status);
    assert_true(status.journal_ok);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.closed_plays, BT_PENDING_MAX_ENDED);
    bt_recorder_destroy(BT_TAKE(recorder));

    // The clip was open in the journal before; it is there once, and none of the old ones.
    struct bt_plays_verdict verdict = verdict_of(dir);
    assert_int_equal(verdict.plays, BT_PENDING_MAX_ENDED);
    assert_int_equal(verdict.losses, 1);
    assert_int_equal(verdict.lost_plays, 7);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"item\":\"clip\"")), 1);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"item\":\"old\"")), 0);
    bt_faulty_remove();
}

static void a_disk_that_stays_full_holds_nobody_up_at_the_end(void **state)
{
    const struct bt_test_dir *dir = *state;
    bt_faulty_install(1);
    bt_test_write(dir->journal, "", 0);
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    bt_faulty_set_full(true);
    play_one(recorder, "a");
    bt_recorder_destroy(BT_TAKE(recorder));
    bt_faulty_set_full(false);
    recorder = open_recorder(dir);
    bt_recorder_destroy(BT_TAKE(recorder));
    struct bt_plays_verdict verdict = verdict_of(dir);
    assert_int_equal(verdict.plays, 0);
    assert_int_equal(verdict.unclean_ends, 1);  // so that the missing play does not go unsaid
    bt_faulty_remove();
}

static void plays_nobody_ends_are_bounded(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_recorder) recorder = open_recorder(dir);
    struct bt_play_start start = bt_test_start("a", 10);
    uint64_t paused = bt_recorder_begin(recorder, &start);
    bt_recorder_end(recorder, paused, &(struct bt_play_counts){0}, "preempted");
    for (int i = 0; i < BT_PENDING_MAX_OPEN + 1; i++) {
        bt_recorder_begin(recorder, &start);
    }
    assert_int_equal(bt_recorder_flush(recorder), 0);
    assert_int_equal(verdict_of(dir).open_plays, BT_PENDING_MAX_OPEN);
    assert_int_equal(verdict_of(dir).plays, 2);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("preempted")), 1);
}

// However many came at once, as when a disk takes plays again: the next ones are not kept waiting.
static void many_plays_do_not_delay_those_after_them(void **state)
{
    enum { MANY = 64 * 70 };
    BT_AUTO(bt_recorder) recorder = open_recorder(*state);
    for (int i = 0; i < MANY; i++) {
        play_one(recorder, "many");
    }
    assert_int_equal(bt_recorder_flush(recorder), 0);
    play_one(recorder, "next");
    struct bt_recorder_status status = {0};
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + 180 * BT_NS_PER_S;
    while (status.closed_plays <= MANY && bt_clock_mono_ns(bt_clock_real()) < until_ns) {
        bt_clock_sleep_until(bt_clock_real(),
                             bt_clock_mono_ns(bt_clock_real()) + 10 * BT_NS_PER_MS);
        bt_recorder_status(recorder, &status);
    }
    assert_int_equal(status.closed_plays, MANY + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(plays_reported_before_destroy_are_records_after_it),
        BT_TEST_IN_DIR(records_name_the_screen_from_when_it_is_known),
        BT_TEST_IN_DIR(a_preempted_play_that_resumes_is_one_record_with_two_segments),
        BT_TEST_IN_DIR(reports_about_a_play_nobody_began_change_nothing),
        BT_TEST_IN_DIR(a_journal_in_a_directory_that_comes_later_gets_what_was_reported),
        BT_TEST_IN_DIR(a_journal_that_is_no_database_is_set_aside),
        BT_TEST_IN_DIR(a_journal_that_is_taken_away_begins_anew_with_the_open_plays),
        BT_TEST_IN_DIR(a_full_disk_keeps_the_newest_plays_and_declares_the_lost_ones),
        BT_TEST_IN_DIR(a_disk_that_stays_full_holds_nobody_up_at_the_end),
        BT_TEST_IN_DIR(plays_nobody_ends_are_bounded),
        BT_TEST_IN_DIR(many_plays_do_not_delay_those_after_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

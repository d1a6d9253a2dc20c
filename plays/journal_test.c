#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "plays/reader.h"
#include "plays/testing.h"
#include "plays/verify.h"

#define DAY_MS (24LL * 3600 * 1000)

static struct bt_journal *open_at(const struct bt_test_dir *dir, int64_t wall_ms, int trust)
{
    struct bt_journal_options options = {
        .path = dir->journal,
        .player = "test",
        .boot = "boot-1",
        .now = {.wall_ms = wall_ms, .clock_trust = trust},
    };
    struct bt_error err;
    struct bt_journal *journal = NULL;
    if (bt_journal_open(&options, &journal, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return journal;
}

static struct bt_journal *open_journal(const struct bt_test_dir *dir)
{
    return open_at(dir, BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
}

static void put(struct bt_journal *journal, uint64_t id, const char *why, int64_t wall_ms,
                int trust)
{
    struct bt_play play;
    struct bt_play_start start = bt_test_start("a", 10000);
    start.wall_ms = wall_ms;
    start.clock_trust = trust;
    bt_play_begin(&play, id, &start);
    if (why != NULL) {
        bt_play_end(&play, &(struct bt_play_counts){.shown_ms = 10000}, why);
    }
    assert_int_equal(bt_journal_put(journal, &play, NULL), 0);
}

static void put_end(struct bt_journal *journal, uint64_t id)
{
    put(journal, id, "schedule", BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
}

static struct bt_plays_verdict verdict_of(const struct bt_test_dir *dir)
{
    struct bt_plays_verdict verdict;
    struct bt_error err;
    assert_int_equal(bt_plays_verify(dir->journal, &verdict, &err), 0);
    return verdict;
}

static void a_new_journal_begins_with_a_start_and_an_id_of_its_own(void **state)
{
    BT_AUTO(bt_journal) journal = open_journal(*state);
    assert_int_equal(strlen(bt_journal_id(journal)), 32);
    assert_int_equal(bt_journal_last_seq(journal), 1);
    struct bt_plays_verdict verdict = verdict_of(*state);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.starts, 1);
    assert_string_equal(verdict.journal, bt_journal_id(journal));
}

static void the_chain_is_sha_256_of_the_hash_before_and_the_bytes(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    put_end(journal, 1);
    put_end(journal, 2);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);

    struct bt_row row;
    struct bt_error err;
    struct bt_sha256 hash = {{0}};
    BT_AUTO(bt_reader) reader = NULL;
    assert_int_equal(bt_reader_open(dir->journal, &reader, &err), 0);
    for (int64_t seq = 1; seq <= 3; seq++) {
        assert_int_equal(bt_reader_next(reader, &row, &err), 1);
        assert_int_equal(row.seq, seq);
        BT_AUTOFREE uint8_t *joined = bt_alloc(32 + row.len);
        memcpy(joined, hash.bytes, 32);
        memcpy(joined + 32, row.body, row.len);
        hash = bt_sha256_of(joined, 32 + row.len);
        assert_memory_equal(hash.bytes, row.hash.bytes, 32);
    }
    assert_int_equal(bt_reader_next(reader, &row, &err), 0);
}

static void a_play_is_open_or_a_record_never_both(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    put(journal, 1, NULL, BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
    put(journal, 1, NULL, BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(verdict_of(dir).open_plays, 1);
    assert_int_equal(verdict_of(dir).plays, 0);
    put_end(journal, 1);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(verdict_of(dir).open_plays, 0);
    assert_int_equal(verdict_of(dir).plays, 1);
}

static void what_is_rolled_back_leaves_no_trace(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    put_end(journal, 1);
    bt_journal_rollback(journal);
    bt_journal_rollback(journal);
    put_end(journal, 2);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);  // nothing to do
    struct bt_plays_verdict verdict = verdict_of(dir);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.last_seq, 2);
    assert_int_equal(bt_journal_last_seq(journal), 2);
}

static void an_uncommitted_play_is_gone_after_destroy(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    put_end(journal, 1);
    bt_journal_destroy(BT_TAKE(journal));
    assert_int_equal(verdict_of(dir).plays, 0);
}

static void open_plays_are_closed_as_power_lost_by_the_next_start(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    put(journal, 1, NULL, BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
    put(journal, 2, NULL, BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    bt_journal_destroy(BT_TAKE(journal));
    journal = open_journal(dir);
    struct bt_plays_verdict verdict = verdict_of(dir);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.open_plays, 0);
    assert_int_equal(verdict.power_lost, 2);
    assert_int_equal(verdict.unclean_ends, 1);
    assert_int_equal(bt_test_count(dir->journal, BT_TEST_COUNT_LIKE("\"recovered\":2")), 1);
}

static void an_orderly_stop_is_no_abrupt_end(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_record_moment now = {.wall_ms = BT_TEST_WALL_MS, .clock_trust = BT_CLOCK_SYNCED};
    BT_AUTO(bt_journal) journal = open_journal(dir);
    assert_int_equal(bt_journal_put_stop(journal, &now, NULL), 0);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    bt_journal_destroy(BT_TAKE(journal));
    journal = open_journal(dir);
    assert_int_equal(verdict_of(dir).starts, 2);
    assert_int_equal(verdict_of(dir).unclean_ends, 0);
}

static void an_open_play_that_cannot_be_read_is_a_declared_loss(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    bt_journal_destroy(BT_TAKE(journal));
    bt_test_exec(dir->journal, "INSERT INTO open_play VALUES(5, 'half a rec')");
    assert_int_equal(verdict_of(dir).first_fault, BT_FAULT_OPEN_PLAY);
    journal = open_journal(dir);
    struct bt_plays_verdict verdict = verdict_of(dir);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.losses, 1);
    assert_int_equal(verdict.lost_plays, 1);
}

static void two_players_cannot_write_one_journal(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    struct bt_journal_options options = {.path = dir->journal};
    assert_non_null(journal);
    struct bt_journal *second = NULL;
    struct bt_error err;
    assert_int_equal(bt_journal_open(&options, &second, &err), -EBUSY);
    assert_non_null(strstr(err.msg, "another player"));
    assert_null(second);
}

static void a_journal_of_a_newer_version_is_refused(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    bt_journal_destroy(BT_TAKE(journal));
    bt_test_exec(dir->journal, "PRAGMA user_version=99");
    struct bt_journal_options options = {.path = dir->journal};
    struct bt_error err;
    assert_int_equal(bt_journal_open(&options, &journal, &err), -ENOTSUP);
    assert_non_null(strstr(err.msg, "newer version"));
}

static void the_last_time_is_kept(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_error err;
    int64_t last = -1;
    assert_int_equal(bt_journal_last_wall_ms(dir->journal, &last, &err), 0);
    assert_int_equal(last, 0);

    BT_AUTO(bt_journal) journal = open_journal(dir);
    struct bt_record_moment later = {.wall_ms = BT_TEST_WALL_MS + 60000,
                                     .clock_trust = BT_CLOCK_UNKNOWN};
    assert_int_equal(bt_journal_note_time(journal, &later, NULL), 0);
    later.wall_ms -= 50000;  // a lower bound never goes back
    assert_int_equal(bt_journal_note_time(journal, &later, NULL), 0);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(bt_journal_last_wall_ms(dir->journal, &last, &err), 0);
    assert_int_equal(last, BT_TEST_WALL_MS + 60000);

    later.clock_trust = BT_CLOCK_SYNCED;  // but a clock that is right may
    assert_int_equal(bt_journal_note_time(journal, &later, NULL), 0);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(bt_journal_last_wall_ms(dir->journal, &last, &err), 0);
    assert_int_equal(last, BT_TEST_WALL_MS + 10000);
}

static void the_last_record_keeps_the_time_too(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_error err;
    int64_t last = -1;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    put(journal, 1, "schedule", BT_TEST_WALL_MS + DAY_MS, BT_CLOCK_SYNCED);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(bt_journal_last_wall_ms(dir->journal, &last, &err), 0);
    assert_int_equal(last, BT_TEST_WALL_MS + DAY_MS + 10000);
    put(journal, 1, "schedule", BT_TEST_WALL_MS + 2 * DAY_MS, BT_CLOCK_UNKNOWN);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(bt_journal_last_wall_ms(dir->journal, &last, &err), 0);
    assert_int_equal(last, BT_TEST_WALL_MS);
}

static int prune(struct bt_journal *journal, int64_t now_ms)
{
    int removed = bt_journal_prune(journal, now_ms, NULL);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    return removed;
}

static void records_leave_after_400_days_and_the_chain_holds(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_journal(dir);
    for (int day = 0; day < 10; day++) {
        put(journal, 1, "schedule", BT_TEST_WALL_MS + day * DAY_MS, BT_CLOCK_SYNCED);
    }
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 400 * DAY_MS), 0);
    // The start, and the plays of days 0, 1 and 2.
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 403 * DAY_MS), 4);
    struct bt_plays_verdict verdict = verdict_of(dir);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.base_seq, 4);
    assert_int_equal(verdict.first_seq, 5);
    // Everything may go; the next record still hangs on the chain.
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 1000 * DAY_MS), 7);
    bt_journal_destroy(BT_TAKE(journal));
    journal = open_journal(dir);
    verdict = verdict_of(dir);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.base_seq, 11);
    assert_int_equal(verdict.first_seq, 12);
}

static void a_record_with_a_doubtful_time_leaves_only_before_a_sure_one(void **state)
{
    const struct bt_test_dir *dir = *state;
    BT_AUTO(bt_journal) journal = open_at(dir, 1000, BT_CLOCK_UNKNOWN);
    put(journal, 1, "schedule", 2000, BT_CLOCK_UNKNOWN);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(prune(journal, BT_TEST_WALL_MS), 0);
    put(journal, 1, "schedule", BT_TEST_WALL_MS, BT_CLOCK_SYNCED);
    put(journal, 1, "schedule", 3000, BT_CLOCK_UNKNOWN);
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 401 * DAY_MS), 3);
    assert_int_equal(verdict_of(dir).records, 1);
    assert_int_equal(verdict_of(dir).faults, 0);
}

static void pruning_is_bounded(void **state)
{
    BT_AUTO(bt_journal) journal = open_journal(*state);
    for (int i = 0; i < BT_JOURNAL_PRUNE_RECORDS + 10; i++) {
        put_end(journal, 1);
    }
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 500 * DAY_MS), BT_JOURNAL_PRUNE_RECORDS);
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 500 * DAY_MS), 11);
    assert_int_equal(verdict_of(*state).faults, 0);
}

static void a_rolled_back_prune_removes_nothing(void **state)
{
    BT_AUTO(bt_journal) journal = open_journal(*state);
    put_end(journal, 1);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
    assert_int_equal(bt_journal_prune(journal, BT_TEST_WALL_MS + 500 * DAY_MS, NULL), 2);
    bt_journal_rollback(journal);
    assert_int_equal(verdict_of(*state).records, 2);
    assert_int_equal(prune(journal, BT_TEST_WALL_MS + 500 * DAY_MS), 2);
    assert_int_equal(verdict_of(*state).records, 0);
    assert_int_equal(verdict_of(*state).faults, 0);
}

static void damaged_journals_are_set_aside_under_other_names(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_error err;
    for (int i = 1; i <= 11; i++) {
        BT_AUTOFREE char *content = bt_strf("journal %d", i);
        bt_test_write(dir->journal, content, strlen(content));
        assert_int_equal(bt_journal_set_aside(dir->journal, &err), 0);
        assert_true(access(dir->journal, F_OK) < 0);
    }
    BT_AUTOFREE char *first = bt_strf("%s.damaged-1", dir->journal);
    BT_AUTOFREE char *tenth = bt_strf("%s.damaged-10", dir->journal);
    assert_int_equal(access(first, F_OK), 0);
    assert_true(access(tenth, F_OK) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(a_new_journal_begins_with_a_start_and_an_id_of_its_own),
        BT_TEST_IN_DIR(the_chain_is_sha_256_of_the_hash_before_and_the_bytes),
        BT_TEST_IN_DIR(a_play_is_open_or_a_record_never_both),
        BT_TEST_IN_DIR(what_is_rolled_back_leaves_no_trace),
        BT_TEST_IN_DIR(an_uncommitted_play_is_gone_after_destroy),
        BT_TEST_IN_DIR(open_plays_are_closed_as_power_lost_by_the_next_start),
        BT_TEST_IN_DIR(an_orderly_stop_is_no_abrupt_end),
        BT_TEST_IN_DIR(an_open_play_that_cannot_be_read_is_a_declared_loss),
        BT_TEST_IN_DIR(two_players_cannot_write_one_journal),
        BT_TEST_IN_DIR(a_journal_of_a_newer_version_is_refused),
        BT_TEST_IN_DIR(the_last_time_is_kept),
        BT_TEST_IN_DIR(the_last_record_keeps_the_time_too),
        BT_TEST_IN_DIR(records_leave_after_400_days_and_the_chain_holds),
        BT_TEST_IN_DIR(a_record_with_a_doubtful_time_leaves_only_before_a_sure_one),
        BT_TEST_IN_DIR(pruning_is_bounded),
        BT_TEST_IN_DIR(a_rolled_back_prune_removes_nothing),
        BT_TEST_IN_DIR(damaged_journals_are_set_aside_under_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

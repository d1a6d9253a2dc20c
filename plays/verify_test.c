#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/export.h"
#include "plays/journal.h"
#include "plays/testing.h"
#include "plays/verify.h"

#define RECORDS 12  // a start and plays

static void make_journal(const struct bt_test_dir *dir)
{
    struct bt_journal_options options = {
        .path = dir->journal,
        .player = "test",
        .now = {.wall_ms = BT_TEST_WALL_MS, .clock_trust = BT_CLOCK_SYNCED},
    };
    BT_AUTO(bt_journal) journal = NULL;
    struct bt_error err;
    assert_int_equal(bt_journal_open(&options, &journal, &err), 0);
    for (uint64_t id = 1; id < RECORDS; id++) {
        struct bt_play play;
        struct bt_play_start start = bt_test_start("phong-su-nq57", 10000);
        bt_play_begin(&play, id, &start);
        bt_play_end(&play, &(struct bt_play_counts){10000, 1, 5, 0}, "schedule");
        assert_int_equal(bt_journal_put(journal, &play, NULL), 0);
    }
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
}

static struct bt_plays_verdict verdict_of(const char *path)
{
    struct bt_plays_verdict verdict = {0};
    struct bt_error err = {0};
    if (bt_plays_verify(path, &verdict, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return verdict;
}

static void a_whole_journal_is_said_to_be_whole(void **state)
{
    const struct bt_test_dir *dir = *state;
    make_journal(dir);
    struct bt_plays_verdict verdict = verdict_of(dir->journal);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.plays, RECORDS - 1);
    assert_int_equal(verdict.complete, RECORDS - 1);
    assert_string_equal(verdict.vi, "Sổ phát nguyên vẹn: 12 bản ghi, trong đó 11 lượt phát "
                                    "(11 trọn vẹn).");
    assert_string_equal(verdict.en, "The journal is whole: 12 records, of them 11 plays "
                                    "(11 complete).");
}

static void every_change_in_the_tables_is_found(void **state)
{
    static const struct {
        const char *sql;
        enum bt_fault fault;
        int64_t seq;
    } cases[] = {
        {"DELETE FROM record WHERE seq = 5", BT_FAULT_GAP, 6},
        {"DELETE FROM record WHERE seq = 1", BT_FAULT_GAP, 2},
        {"UPDATE record SET seq = 99 WHERE seq = 12", BT_FAULT_GAP, 99},
        {"UPDATE record SET body = replace(body, '\"presented\":1', '\"presented\":2')"
         " WHERE seq = 7",
         BT_FAULT_CHAIN, 7},
        {"UPDATE record SET body = replace(body, '\"complete\":true', '\"complete\":null')"
         " WHERE seq = 12",
         BT_FAULT_CHAIN, 12},
        {"UPDATE record SET hash = zeroblob(32) WHERE seq = 3", BT_FAULT_CHAIN, 3},
        {"UPDATE record SET hash = x'00' WHERE seq = 3", BT_FAULT_UNREADABLE, 2},
        {"UPDATE record SET sure_ms = sure_ms - 1 WHERE seq = 4", BT_FAULT_RECORD, 4},
        {"UPDATE record SET sure_ms = NULL WHERE seq = 4", BT_FAULT_RECORD, 4},
        {"UPDATE record SET body = (SELECT body FROM record WHERE seq = 3) WHERE seq = 4",
         BT_FAULT_CHAIN, 4},
        {"UPDATE meta SET value = x'01' || zeroblob(31) WHERE key = 'base_hash'", BT_FAULT_CHAIN,
         0},
        {"UPDATE meta SET value = 1 WHERE key = 'base_seq'", BT_FAULT_GAP, 1},
        {"UPDATE meta SET value = 'another' WHERE key = 'journal_id'", BT_FAULT_STRANGER, 1},
        {"INSERT INTO open_play VALUES(1, 'x')", BT_FAULT_OPEN_PLAY, 12},
        {"DELETE FROM meta", BT_FAULT_UNREADABLE, 0},
    };
    const struct bt_test_dir *dir = *state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        make_journal(dir);
        bt_test_exec(dir->journal, cases[i].sql);
        struct bt_plays_verdict verdict = verdict_of(dir->journal);
        if (verdict.first_fault != cases[i].fault || verdict.first_fault_seq != cases[i].seq) {
            fail_msg("%s: fault %d at %lld (%s)", cases[i].sql, (int)verdict.first_fault,
                     (long long)verdict.first_fault_seq, verdict.en);
        }
        assert_non_null(strstr(verdict.vi, "KHÔNG nguyên vẹn"));
        bt_test_remove_journal(dir);
    }
}

static int collect(const char *bytes, size_t len, void *context)
{
    return bt_buf_append(context, bytes, len);
}

// Everything a journal says, or nothing when it cannot be read to its end.
static void export_all(const char *path, struct bt_buf *out)
{
    struct bt_export_options options = {.format = BT_EXPORT_JSONL};
    struct bt_error err;
    bt_buf_init(out, 1 << 20);
    if (bt_plays_export(path, &options, collect, out, &err) < 0) {
        bt_buf_clear(out);
    }
}

/*
 * Many single bits of the file. A flipped bit is found, or the database cannot be opened at all,
 * or it lay where it means nothing: then the records are the same to the byte.
 */
static void one_flipped_bit_anywhere_is_found_or_means_nothing(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_error err;
    make_journal(dir);
    BT_AUTOBUF file, before;
    bt_buf_init(&file, 1 << 20);
    assert_int_equal(bt_file_read(dir->journal, &file, &err), 0);
    export_all(dir->journal, &before);
    assert_true(before.len > 0);
    int found = 0;
    for (size_t bit = 5; bit < file.len * 8; bit += 97) {
        file.data[bit / 8] = (char)(file.data[bit / 8] ^ (1 << bit % 8));
        bt_test_write(dir->journal, file.data, file.len);
        file.data[bit / 8] = (char)(file.data[bit / 8] ^ (1 << bit % 8));
        struct bt_plays_verdict verdict;
        if (bt_plays_verify(dir->journal, &verdict, &err) < 0 || verdict.faults > 0) {
            found++;
            continue;
        }
        BT_AUTOBUF after;
        export_all(dir->journal, &after);
        if (after.len != before.len || memcmp(after.data, before.data, before.len) != 0) {
            fail_msg("bit %zu changes the records and is not found", bit);
        }
    }
    assert_true(found > 500);
}

static void every_flipped_bit_of_a_record_or_its_hash_is_found(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_error err;
    make_journal(dir);
    BT_AUTOBUF whole;
    export_all(dir->journal, &whole);
    BT_AUTOFREE char *path = bt_strf("%s/export.jsonl", dir->path);
    bt_test_write(path, whole.data, whole.len);
    struct bt_plays_verdict verdict;
    assert_int_equal(bt_plays_verify_export(path, &verdict, &err), 0);
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.plays, RECORDS - 1);
    for (size_t bit = 0; bit < whole.len * 8; bit += 31) {
        whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ (1 << bit % 8));
        bt_test_write(path, whole.data, whole.len);
        assert_int_equal(bt_plays_verify_export(path, &verdict, &err), 0);
        if (verdict.faults == 0) {
            fail_msg("bit %zu is not found", bit);
        }
        whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ (1 << bit % 8));
    }
}

static void what_is_no_journal_is_said_to_be_none(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_plays_verdict verdict;
    struct bt_error err;
    assert_int_equal(bt_plays_verify(dir->journal, &verdict, &err), -ENOENT);
    assert_non_null(strstr(err.msg, dir->journal));
    bt_test_exec(dir->journal, "CREATE TABLE something(a)");
    assert_int_equal(verdict_of(dir->journal).first_fault, BT_FAULT_UNREADABLE);
    assert_int_equal(bt_plays_verify_export("/nowhere", &verdict, &err), -ENOENT);
}

static void a_journal_on_a_read_only_disk_can_be_read(void **state)
{
    const struct bt_test_dir *dir = *state;
    make_journal(dir);
    BT_AUTOFREE char *copy = bt_strf("%s/copy?of %%20#.db", dir->path);
    BT_AUTOFREE char *obstacle = bt_strf("%s-shm", copy);
    assert_int_equal(bt_test_make_dir(obstacle), 0);  // as little shared memory as there
    struct bt_error err;
    assert_int_equal(bt_file_copy(dir->journal, copy, &err), 0);
    assert_int_equal(verdict_of(copy).plays, RECORDS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(a_whole_journal_is_said_to_be_whole),
        BT_TEST_IN_DIR(every_change_in_the_tables_is_found),
        BT_TEST_IN_DIR(one_flipped_bit_anywhere_is_found_or_means_nothing),
        BT_TEST_IN_DIR(every_flipped_bit_of_a_record_or_its_hash_is_found),
        BT_TEST_IN_DIR(what_is_no_journal_is_said_to_be_none),
        BT_TEST_IN_DIR(a_journal_on_a_read_only_disk_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "plays/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/reader.h"
#include "plays/testing.h"
#include "plays/verify.h"

void bt_ledger_init(struct bt_ledger *ledger)
{
    ledger->plays = BT_NEW_ARRAY(struct bt_ledger_play, BT_LEDGER_MAX_PLAYS);
    ledger->count = 0;
    ledger->run_first = 0;
}

void bt_ledger_finish(struct bt_ledger *ledger)
{
    free(ledger->plays);
}

void bt_ledger_new_run(struct bt_ledger *ledger)
{
    ledger->run_first = ledger->count;
}

void bt_ledger_commit(struct bt_ledger *ledger)
{
    for (size_t i = ledger->run_first; i < ledger->count; i++) {
        ledger->plays[i].acknowledged = ledger->plays[i].reported;
    }
}

struct bt_play bt_ledger_play(size_t number, enum bt_ledger_state state)
{
    struct bt_play play;
    char item[32];
    assert_int_equal(bt_format(item, sizeof(item), "play-%zu", number), 0);
    struct bt_play_start start = bt_test_start(item, 10000);
    struct bt_play_counts counts = {.shown_ms = 10000, .presented = (int64_t)number + 1};
    bt_play_begin(&play, number + 1, &start);
    if (state == BT_LEDGER_ENDED) {
        bt_play_end(&play, &counts, BT_PLAY_END_SCHEDULE);
    }
    return play;
}

static void compare_play(const struct bt_ledger_play *truth, size_t number, const char *seen)
{
    // `seen` is one letter per record found: s ended as scheduled, p power lost.
    if (strlen(seen) > 1) {
        fail_msg("play %zu is there %zu times", number, strlen(seen));
    }
    if (truth->acknowledged == BT_LEDGER_ENDED && seen[0] != 's') {
        fail_msg("the end of play %zu was committed and is lost ('%s')", number, seen);
    }
    if (truth->acknowledged == BT_LEDGER_BEGUN && seen[0] == '\0') {
        fail_msg("the beginning of play %zu was committed and is lost", number);
    }
    if (truth->reported != BT_LEDGER_ENDED && seen[0] == 's') {
        fail_msg("play %zu ended in the journal but not in truth", number);
    }
}

static void note_record(const struct bt_ledger *ledger, const struct bt_row *row, char (*seen)[3])
{
    int64_t number;
    struct bt_record record;
    struct bt_error err;
    assert_int_equal(bt_record_parse(row->body, row->len, &record, &err), 0);
    if (record.kind != BT_RECORD_PLAY) {
        return;
    }
    assert_int_equal(
        bt_parse_int(record.start.item + strlen("play-"), 0, (int64_t)ledger->count - 1, &number),
        0);
    bool scheduled = bt_str_equal(record.why_ended, BT_PLAY_END_SCHEDULE);
    if (!scheduled) {
        assert_string_equal(record.why_ended, BT_PLAY_END_POWER_LOST);
    } else {
        assert_int_equal(record.total.presented, number + 1);
        assert_true(record.complete);
    }
    size_t len = strlen(seen[number]);
    if (len < 2) {
        seen[number][len] = scheduled ? 's' : 'p';
    }
}

void bt_ledger_compare(const struct bt_ledger *ledger, const char *path)
{
    struct bt_plays_verdict verdict;
    struct bt_error err;
    struct bt_row row;
    assert_int_equal(bt_plays_verify(path, &verdict, &err), 0);
    if (verdict.faults != 0) {
        fail_msg("%s", verdict.en);
    }
    assert_int_equal(verdict.open_plays, 0);

    BT_AUTOFREE char(*seen)[3] = bt_alloc_array(ledger->count + 1, sizeof(*seen));
    BT_AUTO(bt_reader) reader = NULL;
    assert_int_equal(bt_reader_open(path, &reader, &err), 0);
    int r;
    while ((r = bt_reader_next(reader, &row, &err)) == 1) {
        note_record(ledger, &row, seen);
    }
    assert_int_equal(r, 0);
    for (size_t i = 0; i < ledger->count; i++) {
        compare_play(&ledger->plays[i], i, seen[i]);
    }
}

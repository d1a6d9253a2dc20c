#include "plays/tally.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/testing.h"

#define VIETNAM_S (7 * 3600)
#define MAX_CELLS 8192

// All that was counted, by key.
struct cell {
    struct bt_tally_key key;
    struct bt_tally_counts counts;
};

struct book {
    struct cell *cells;
    size_t count;
    struct bt_tally_counts sum;
};

static bool same_key(const struct bt_tally_key *a, const struct bt_tally_key *b)
{
    const struct bt_tally_subject *s = &a->subject, *t = &b->subject;
    return a->day == b->day && a->hour == b->hour && bt_str_equal(a->reason, b->reason) &&
           bt_str_equal(a->evidence, b->evidence) && bt_str_equal(s->item, t->item) &&
           bt_str_equal(s->publication, t->publication) && bt_str_equal(s->asset, t->asset) &&
           bt_str_equal(s->type, t->type) && bt_str_equal(s->campaign, t->campaign) &&
           bt_str_equal(s->layer, t->layer) && bt_str_equal(s->priority, t->priority);
}

static struct cell *find(struct book *book, const struct bt_tally_key *key)
{
    for (size_t i = 0; i < book->count; i++) {
        if (same_key(&book->cells[i].key, key)) {
            return &book->cells[i];
        }
    }
    return NULL;
}

static int note(const struct bt_tally_key *key, const struct bt_tally_counts *delta, void *context,
                struct bt_error *err)
{
    (void)err;
    struct book *book = context;
    struct cell *cell = find(book, key);
    if (cell == NULL) {
        assert_true(book->count < MAX_CELLS);
        cell = &book->cells[book->count++];
        *cell = (struct cell){.key = *key};
    }
    bt_tally_counts_add(&cell->counts, delta);
    bt_tally_counts_add(&book->sum, delta);
    return 0;
}

struct house {
    struct bt_tz *tz;
    struct bt_tally *tally;
    struct book book;
    struct bt_tally_time time;
};

static int setup(void **state)
{
    struct house *house = BT_NEW(struct house);
    house->tz = bt_tz_create_fixed(VIETNAM_S);
    house->tally = bt_tally_create(house->tz);
    house->book.cells = BT_NEW_ARRAY(struct cell, MAX_CELLS);
    *state = house;
    return 0;
}

static int teardown(void **state)
{
    struct house *house = *state;
    bt_tally_destroy(house->tally);
    bt_tz_destroy(house->tz);
    free(house->book.cells);
    free(house);
    return 0;
}

static struct bt_record shown(const char *item, bool complete)
{
    struct bt_record record = {.kind = BT_RECORD_PLAY,
                               .complete = complete,
                               .clock_trust = BT_CLOCK_SYNCED,
                               .start_ms = BT_TEST_WALL_MS,
                               .mono_ms = 1000,
                               .total = {.shown_ms = 10000, .presented = 3, .dropped = 1}};
    record.start = bt_test_start(item, 10000);
    bt_copy_cut(record.why_ended, sizeof(record.why_ended), complete ? "schedule" : "preempted");
    return record;
}

static struct bt_record card(int64_t number, int64_t run, bool complete)
{
    struct bt_record record = shown("bo-the", complete);
    record.start.card = number;
    record.start.cards = 3;
    record.start.run = run;
    record.start_ms += run * 60000 + number * 10000;
    assert_int_equal(bt_format(record.start.asset, 65, "%064lld", (long long)number), 0);
    return record;
}

static void add(struct house *house, const struct bt_record *record)
{
    assert_int_equal(bt_tally_add(house->tally, record, &house->time, note, &house->book, NULL), 0);
}

static void add_card(struct house *house, int64_t number, int64_t run, bool complete)
{
    struct bt_record record = card(number, run, complete);
    add(house, &record);
}

static void a_single_play_is_counted_where_it_began(void **state)
{
    struct house *house = *state;
    struct bt_record record = shown("clip", true);
    record.start_ms = 1795193999999;  // 2026-11-20T23:59:59.999+07:00
    add(house, &record);
    record.start_ms++;
    record.complete = false;
    add(house, &record);
    assert_int_equal(house->book.count, 2);
    const struct cell *cells = house->book.cells;
    assert_int_equal(cells[0].key.hour, 23);
    assert_int_equal(cells[1].key.hour, 0);
    assert_int_equal(cells[1].key.day, cells[0].key.day + 1);
    assert_int_equal(cells[0].key.day, 20777);  // 2026-11-20
    assert_string_equal(cells[0].key.subject.item, "clip");
    assert_string_equal(cells[0].key.subject.campaign, "cds-10-10");
    assert_string_equal(cells[0].key.reason, "schedule");
    assert_string_equal(cells[0].key.evidence, "present");
    struct bt_tally_counts whole = {.complete = 1, .shown_ms = 10000, .presented = 3, .dropped = 1};
    struct bt_tally_counts part = {.partial = 1, .shown_ms = 10000, .presented = 3, .dropped = 1};
    assert_true(bt_tally_counts_equal(&cells[0].counts, &whole));
    assert_true(bt_tally_counts_equal(&cells[1].counts, &part));
}

static void simulated_plays_and_other_kinds_count_nowhere(void **state)
{
    struct house *house = *state;
    struct bt_record record = shown("clip", true);
    record.start.evidence = BT_EVIDENCE_SIMULATED;
    add(house, &record);
    record = card(1, 1, true);
    record.start.evidence = BT_EVIDENCE_SIMULATED;
    add(house, &record);
    static const int kinds[] = {BT_RECORD_STOP, BT_RECORD_LOSS, BT_RECORD_OTHER, BT_RECORD_START};
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        record = shown("clip", true);
        record.kind = kinds[i];
        add(house, &record);
    }
    assert_int_equal(house->book.count, 0);
}

static void verified_is_what_somebody_else_saw(void **state)
{
    static const struct {
        const char *display, *by, *evidence;
        bool complete;
        int64_t verified;
    } cases[] = {
        {"on", "hpd", "hpd:on", true, 1},   {"on", "hpd", "hpd:on", false, 0},
        {"off", "mdc", "mdc:off", true, 0}, {"on", "", "present", true, 0},
        {"", "sensor", "present", true, 0}, {"standby", "cec", "cec:standby", true, 0},
    };
    struct house *house = *state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_record record = shown("clip", cases[i].complete);
        struct book *book = &house->book;
        book->count = 0;
        bt_copy_cut(record.start.display, sizeof(record.start.display), cases[i].display);
        bt_copy_cut(record.start.display_evidence, sizeof(record.start.display_evidence),
                    cases[i].by);
        add(house, &record);
        assert_string_equal(book->cells[0].key.evidence, cases[i].evidence);
        assert_int_equal(book->cells[0].counts.verified, cases[i].verified);
    }
}

static void an_untrusted_clock_is_repaired_when_its_boot_is_known(void **state)
{
    struct house *house = *state;
    struct bt_record record = shown("clip", true);
    record.clock_trust = BT_CLOCK_UNKNOWN;
    assert_int_equal(bt_tally_start_ms(&record, &house->time), BT_TEST_WALL_MS);
    add(house, &record);
    assert_int_equal(house->book.sum.undated, 1);
    house->time = (struct bt_tally_time){.known = true, .offset_ms = 86400000};
    assert_int_equal(bt_tally_start_ms(&record, &house->time), 86401000);
    add(house, &record);
    assert_int_equal(house->book.sum.repaired, 1);
    assert_int_equal(house->book.cells[1].key.day, 1);
    record.clock_trust = BT_CLOCK_SYNCED;
    add(house, &record);  // right as it is
    assert_int_equal(house->book.sum.repaired, 1);
    assert_int_equal(house->book.sum.undated, 1);
    assert_int_equal(house->book.cells[0].counts.complete, 2);
}

static void a_set_is_complete_with_its_last_card(void **state)
{
    struct house *house = *state;
    add_card(house, 3, 1, true);
    add_card(house, 1, 1, true);
    assert_int_equal(house->book.sum.complete, 0);
    struct bt_record last = card(2, 1, true);
    last.start_ms += 3600000;
    bt_copy_cut(last.why_ended, sizeof(last.why_ended), "window");
    add(house, &last);
    assert_int_equal(house->book.sum.complete, 1);
    assert_int_equal(house->book.sum.partial, 0);
    assert_int_equal(house->book.sum.cards, 3);
    assert_int_equal(house->book.sum.shown_ms, 30000);
    const struct cell *set = &house->book.cells[house->book.count - 1];
    assert_string_equal(set->key.subject.asset, "");
    assert_string_equal(set->key.reason, "window");
    assert_int_equal(set->key.hour, house->book.cells[0].key.hour);  // of its first card
    assert_int_equal(set->counts.shown_ms, 0);
    assert_int_equal(set->counts.cards, 0);
    assert_string_equal(house->book.cells[0].key.subject.asset + 60, "0003");
}

static void a_set_is_partial_when_its_run_is_over(void **state)
{
    struct house *house = *state;
    add_card(house, 1, 1, true);
    add_card(house, 2, 1, false);
    add_card(house, 3, 1, true);
    assert_int_equal(house->book.sum.partial, 0);
    add_card(house, 1, 2, true);  // another run of it
    assert_int_equal(house->book.sum.partial, 1);
    assert_string_equal(house->book.cells[3].key.subject.asset, "");
    assert_string_equal(house->book.cells[3].key.reason, "preempted");  // of the card that failed
    struct bt_record start = {.kind = BT_RECORD_START};
    add(house, &start);
    assert_int_equal(house->book.sum.partial, 2);
    add_card(house, 2, 2, true);  // runs are counted anew: this is another run 2
    add_card(house, 3, 2, true);
    assert_int_equal(house->book.sum.complete, 0);
    assert_int_equal(bt_tally_close(house->tally, note, &house->book, NULL), 0);
    assert_int_equal(house->book.sum.partial, 3);
    assert_int_equal(house->book.sum.cards, 5);
}

static void runs_are_told_apart_by_zone_publication_and_version(void **state)
{
    struct house *house = *state;
    struct bt_record other = card(1, 1, true);
    add_card(house, 1, 1, true);
    bt_copy_cut(other.start.zone, sizeof(other.start.zone), "ben");
    add(house, &other);
    other = card(1, 1, true);
    bt_copy_cut(other.start.publication, sizeof(other.start.publication), "khac");
    add(house, &other);
    assert_int_equal(house->book.sum.partial, 0);
    other = card(1, 1, true);
    other.start.publication_version++;
    add(house, &other);  // the same set in the same zone, shown anew
    assert_int_equal(house->book.sum.partial, 1);
}

static void the_same_card_twice_is_one_card_of_the_set(void **state)
{
    struct house *house = *state;
    add_card(house, 1, 1, true);
    add_card(house, 1, 1, true);
    add_card(house, 1, 1, true);
    assert_int_equal(house->book.sum.complete, 0);
    assert_int_equal(house->book.sum.cards, 3);
}

static void a_set_is_verified_when_all_its_cards_are(void **state)
{
    struct house *house = *state;
    for (int64_t run = 1; run <= 2; run++) {
        for (int64_t number = 1; number <= 3; number++) {
            struct bt_record record = card(number, run, true);
            bool lit = run == 1 || number != 1;
            bt_copy_cut(record.start.display, sizeof(record.start.display), lit ? "on" : "off");
            bt_copy_cut(record.start.display_evidence, sizeof(record.start.display_evidence),
                        "hpd");
            add(house, &record);
        }
    }
    assert_int_equal(house->book.sum.complete, 2);
    assert_int_equal(house->book.sum.verified, 1);
}

static void odd_sets_of_hostile_records_stay_partial(void **state)
{
    static const struct {
        int64_t card, cards;
    } cases[] = {{0, 1}, {2, 1}, {1, 65}, {65, 65}, {9007199254740991, 9007199254740991}};
    struct house *house = *state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_record record = card(1, (int64_t)i, true);
        record.start.card = cases[i].card;
        record.start.cards = cases[i].cards;
        add(house, &record);
    }
    assert_int_equal(bt_tally_close(house->tally, note, &house->book, NULL), 0);
    assert_int_equal(house->book.sum.complete, 0);
    assert_int_equal(house->book.sum.partial, BT_ARRAY_LEN(cases));
}

// With the longest names there are, and the one heard of longest ago is over when there are too
// many.
static void a_state_fits_whatever_the_names(void **state)
{
    struct house *house = *state;
    struct bt_record record = card(1, 1, false);
    char *const texts[] = {record.start.item,     record.start.publication,
                           record.start.campaign, record.start.zone,
                           record.start.layer,    record.start.priority,
                           record.why_ended,      record.start.kind,
                           record.start.display,  record.start.display_evidence};
    static const size_t sizes[] = {64, 64, 64, 64, 16, 16, 16, 16, 16, 32};
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        memset(texts[i], '"', sizes[i] - 1);
        texts[i][sizes[i] - 1] = '\0';
    }
    record.start.cards = record.start.publication_version = record.start.run = 9007199254740991;
    for (int i = 0; i < BT_TALLY_MAX_RUNS + 3; i++) {
        record.start.zone[0] = (char)('A' + i);
        add(house, &record);
    }
    assert_int_equal(house->book.sum.partial, 3);
    BT_AUTOBUF kept;
    bt_buf_init(&kept, BT_TALLY_MAX_STATE);
    assert_int_equal(bt_tally_save(house->tally, &kept), 0);
    BT_AUTO(bt_tally) again = bt_tally_create(house->tz);
    struct bt_error err;
    assert_int_equal(bt_tally_load(again, kept.data, kept.len, &err), 0);
    BT_AUTOBUF twice;
    bt_buf_init(&twice, BT_TALLY_MAX_STATE);
    assert_int_equal(bt_tally_save(again, &twice), 0);
    assert_string_equal(kept.data, twice.data);
}

static void what_is_no_state_is_refused(void **state)
{
    static const char *const cases[] = {
        "{",
        "[]",
        "{\"format\":2,\"runs\":[]}",
        "{\"format\":1}",
        "{\"format\":1,\"runs\":{}}",
        "{\"format\":1,\"runs\":[{}]}",
    };
    struct house *house = *state;
    struct bt_error err;
    add_card(house, 1, 1, true);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_int_equal(bt_tally_load(house->tally, cases[i], strlen(cases[i]), &err), -EINVAL);
    }
    add_card(house, 2, 1, true);  // the tally is as it was
    add_card(house, 3, 1, true);
    assert_int_equal(house->book.sum.complete, 1);
    assert_int_equal(bt_tally_load(house->tally, "", 0, &err), 0);
}

// A record of chance: few items, zones and runs, so that everything meets everything.
static struct bt_record draw_record(struct bt_test_options *chance)
{
    struct bt_record record = {.kind = BT_RECORD_START};
    if (bt_test_draw(chance, 40) == 0) {
        return record;
    }
    record = bt_test_draw(chance, 3) == 0
                 ? shown("clip", bt_test_draw(chance, 5) > 0)
                 : card(1 + bt_test_draw(chance, 3), bt_test_draw(chance, 4),
                        bt_test_draw(chance, 8) > 0);
    assert_int_equal(bt_format(record.start.item, 64, "i%d", (int)bt_test_draw(chance, 3)), 0);
    assert_int_equal(bt_format(record.start.zone, 64, "z%d", (int)bt_test_draw(chance, 12)), 0);
    record.start_ms += bt_test_draw(chance, 100) * 3600000;
    record.clock_trust = bt_test_draw(chance, 4) > 0;
    if (bt_test_draw(chance, 2) == 0) {
        bt_copy_cut(record.start.display, sizeof(record.start.display), "on");
        bt_copy_cut(record.start.display_evidence, sizeof(record.start.display_evidence), "edid");
    }
    return record;
}

// Keeps the state and goes on with another tally, as a server does after every batch.
static void keep_and_load(struct house *house)
{
    struct bt_error err = {0};
    BT_AUTOBUF kept;
    bt_buf_init(&kept, BT_TALLY_MAX_STATE);
    assert_int_equal(bt_tally_save(house->tally, &kept), 0);
    bt_tally_destroy(house->tally);
    house->tally = bt_tally_create(house->tz);
    assert_int_equal(bt_tally_load(house->tally, kept.data, kept.len, &err), 0);
}

static void count_all(struct house *house, int64_t seed, bool in_batches)
{
    struct bt_test_options chance = {.seed = seed}, cuts = {.seed = seed + 1000};
    for (int i = 0; i < 500; i++) {
        struct bt_record record = draw_record(&chance);
        house->time = (struct bt_tally_time){.known = i % 3 == 0, .offset_ms = 1795000000000};
        add(house, &record);
        if (in_batches && bt_test_draw(&cuts, 10) == 0) {
            keep_and_load(house);
        }
    }
    assert_int_equal(bt_tally_close(house->tally, note, &house->book, NULL), 0);
}

static void batches_of_any_length_count_the_same(void **state)
{
    struct house *whole = *state;
    for (int64_t seed = 1; seed <= 20; seed++) {
        void *other = NULL;
        setup(&other);
        struct house *pieces = other;
        whole->book.count = 0;
        count_all(whole, seed, false);
        count_all(pieces, seed, true);
        assert_int_equal(pieces->book.count, whole->book.count);
        for (size_t i = 0; i < whole->book.count; i++) {
            const struct cell *cell = find(&pieces->book, &whole->book.cells[i].key);
            assert_non_null(cell);
            assert_true(bt_tally_counts_equal(&cell->counts, &whole->book.cells[i].counts));
        }
        teardown(&other);
    }
    assert_true(whole->book.sum.complete > 100 && whole->book.sum.partial > 100);
}

#define IN_HOUSE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(a_single_play_is_counted_where_it_began),
        IN_HOUSE(simulated_plays_and_other_kinds_count_nowhere),
        IN_HOUSE(verified_is_what_somebody_else_saw),
        IN_HOUSE(an_untrusted_clock_is_repaired_when_its_boot_is_known),
        IN_HOUSE(a_set_is_complete_with_its_last_card),
        IN_HOUSE(a_set_is_partial_when_its_run_is_over),
        IN_HOUSE(runs_are_told_apart_by_zone_publication_and_version),
        IN_HOUSE(the_same_card_twice_is_one_card_of_the_set),
        IN_HOUSE(a_set_is_verified_when_all_its_cards_are),
        IN_HOUSE(odd_sets_of_hostile_records_stay_partial),
        IN_HOUSE(a_state_fits_whatever_the_names),
        IN_HOUSE(what_is_no_state_is_refused),
        IN_HOUSE(batches_of_any_length_count_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

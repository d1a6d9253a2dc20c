// What the server makes of batches: the table of docs/plays.md, "Coming home", line by line, on
// both engines.
#include "server/plays/ingest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/testing.h"
#include "server/db/testing.h"
#include "server/plays/made.h"

#define RECEIVED_MS (BT_MADE_BEGIN_MS + 3600000)
#define JOURNAL_1 "11111111111111111111111111111111"
#define JOURNAL_2 "22222222222222222222222222222222"

struct world {
    struct bt_test_db *test;
    struct bt_ingest *ingest;
    struct bt_made_player player;
    struct bt_made_journal journal;
};

static void start_ingest(struct world *world)
{
    struct bt_error err = {0};
    const struct bt_ingest_options options = {.db = world->test->pool};
    assert_int_equal(bt_ingest_start(&options, &world->ingest, &err), 0);
}

static void open_world(struct bt_test_db *test, struct world *world)
{
    *world = (struct world){.test = test};
    struct bt_db *db = bt_testing_acquire(test);
    bt_made_player(db, 1, &world->player);
    bt_db_release(db);
    bt_made_journal_init(&world->journal, &world->player, JOURNAL_1);
    start_ingest(world);
}

static void close_world(struct world *world)
{
    bt_ingest_destroy(world->ingest);
    bt_made_journal_finish(&world->journal);
}

static void add_plays(struct bt_made_journal *journal, int count)
{
    for (int i = 0; i < count; i++) {
        bt_made_play(journal, &(struct bt_made_play){.item = i % 2 == 0 ? "a" : "b"});
    }
}

static int deliver(struct world *world, const struct bt_buf *packed, struct bt_delivery **out)
{
    struct bt_error err = {0};
    return bt_delivery_read(bt_ingest_senders(world->ingest), world->player.id, packed->data,
                            packed->len, RECEIVED_MS, out, &err);
}

static struct bt_counted send_changed(struct world *world, const struct bt_made_journal *journal,
                                      int64_t first, int64_t count,
                                      void (*changes)(struct bt_batch_header *header))
{
    BT_AUTOBUF packed;
    struct bt_delivery *delivery;
    struct bt_counted counted;
    bt_made_batch(journal, first, count, changes, &packed);
    assert_int_equal(deliver(world, &packed, &delivery), 0);
    assert_int_equal(bt_ingest_count(world->ingest, delivery, &counted), 0);
    assert_int_equal(counted.result, 0);
    return counted;
}

static struct bt_counted send(struct world *world, int64_t first, int64_t count)
{
    return send_changed(world, &world->journal, first, count, NULL);
}

static int64_t ask(struct world *world, const char *sql)
{
    struct bt_error err = {0};
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_db *db = bt_testing_acquire(world->test);
    int r = bt_db_ask_values(db, sql, NULL, 0, &rows, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    bt_db_release(db);
    return bt_db_next(rows) ? bt_db_get_int(rows, 0) : -1;
}

static void run(struct world *world, const char *sql)
{
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(world->test);
    assert_true(bt_db_run_values(db, sql, NULL, 0, &err) >= 0);
    bt_db_release(db);
}

#define COMPLETE "SELECT CAST(coalesce(sum(complete), 0) AS BIGINT) FROM play_daily"
#define HOURLY "SELECT CAST(coalesce(sum(complete), 0) AS BIGINT) FROM play_hourly"
#define LOSSES "SELECT count(*) FROM play_loss"

static void assert_at(const struct bt_counted *counted, enum bt_verdict verdict, int64_t last_seq)
{
    assert_int_equal(counted->verdict, verdict);
    assert_int_equal(counted->last_seq, last_seq);
}

static void what_follows_is_counted(void **state)
{
    struct world world;
    open_world(*state, &world);
    bt_made_start(&world.journal);
    add_plays(&world.journal, 10);
    struct bt_counted counted = send(&world, 1, 6);
    assert_at(&counted, BT_VERDICT_COUNT, 6);
    assert_int_equal(ask(&world, COMPLETE), 5);
    counted = send(&world, 7, 5);
    assert_at(&counted, BT_VERDICT_COUNT, 11);
    assert_memory_equal(&counted.last_hash, &world.journal.records[10].hash, 32);
    assert_int_equal(ask(&world, COMPLETE), 10);
    assert_int_equal(ask(&world, HOURLY), 10);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_batch"), 2);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_run WHERE kind = 'start'"), 1);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_subject"), 2);
    assert_int_equal(ask(&world, LOSSES), 0);
    close_world(&world);
}

static void what_is_known_changes_nothing(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 10);
    send(&world, 1, 10);
    static const int64_t again[][2] = {{1, 10}, {1, 3}, {4, 7}, {10, 1}, {5, 0}};
    for (size_t i = 0; i < BT_ARRAY_LEN(again); i++) {
        struct bt_counted counted = send(&world, again[i][0], again[i][1]);
        assert_at(&counted, BT_VERDICT_KNOWN, 10);
    }
    assert_int_equal(ask(&world, COMPLETE), 10);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_batch"), 1);
    close_world(&world);
}

static void an_overlap_is_counted_once(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 10);
    send(&world, 1, 5);
    struct bt_counted counted = send(&world, 3, 6);
    assert_at(&counted, BT_VERDICT_COUNT, 8);
    counted = send(&world, 1, 10);
    assert_at(&counted, BT_VERDICT_COUNT, 10);
    assert_int_equal(ask(&world, COMPLETE), 10);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_batch WHERE first_seq = 6"), 1);
    close_world(&world);
}

static void a_gap_is_asked_for(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 10);
    struct bt_counted counted = send(&world, 4, 2);
    assert_at(&counted, BT_VERDICT_GAP, 0);
    assert_int_equal(counted.expected, 1);
    send(&world, 1, 2);
    counted = send(&world, 4, 2);
    assert_at(&counted, BT_VERDICT_GAP, 2);
    assert_int_equal(counted.expected, 3);
    assert_int_equal(ask(&world, COMPLETE), 2);
    close_world(&world);
}

static void prune_five(struct bt_batch_header *header)
{
    header->base_seq = 5;
}

static void what_was_pruned_is_declared_lost(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 10);
    send(&world, 1, 2);
    struct bt_counted counted = send_changed(&world, &world.journal, 8, 3, prune_five);
    assert_at(&counted, BT_VERDICT_GAP, 2);
    assert_int_equal(counted.expected, 6);
    counted = send_changed(&world, &world.journal, 6, 5, prune_five);
    assert_at(&counted, BT_VERDICT_COUNT, 10);
    assert_int_equal(ask(&world, COMPLETE), 7);
    assert_int_equal(ask(&world, "SELECT seq FROM play_loss WHERE cause = 'records pruned'"), 3);
    close_world(&world);
}

static void a_fork_is_kept_aside_and_never_counted(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 4);
    struct bt_made_journal copy;
    bt_made_journal_init(&copy, &world.player, JOURNAL_1);
    add_plays(&copy, 3);
    bt_made_play(&copy, &(struct bt_made_play){.item = "other"});
    add_plays(&copy, 3);
    add_plays(&world.journal, 3);
    send(&world, 1, 5);
    struct bt_counted counted = send_changed(&world, &copy, 4, 4, NULL);
    assert_at(&counted, BT_VERDICT_FORKED, 5);
    counted = send_changed(&world, &copy, 4, 4, NULL);
    assert_at(&counted, BT_VERDICT_FORKED, 5);
    counted = send(&world, 6, 2);
    assert_at(&counted, BT_VERDICT_FORKED, 5);
    assert_int_equal(ask(&world, COMPLETE), 5);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_quarantine"), 2);
    assert_int_equal(ask(&world, "SELECT count(*) FROM audit WHERE verb = 'plays.fork'"), 1);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_journal WHERE state = 'forked'"), 1);
    bt_made_journal_finish(&copy);
    close_world(&world);
}

static void a_new_journal_closes_the_one_before_and_says_what_is_missing(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 4);
    send(&world, 1, 3);
    struct bt_made_journal next;
    bt_made_journal_init(&next, &world.player, JOURNAL_2);
    next.wall_ms += 600000;
    next.mono_ms += 600000;
    bt_made_start(&next);
    add_plays(&next, 2);
    struct bt_counted counted = send_changed(&world, &next, 1, 3, NULL);
    assert_at(&counted, BT_VERDICT_COUNT, 3);
    assert_int_equal(ask(&world, COMPLETE), 5);
    assert_int_equal(ask(&world, "SELECT start_ms FROM play_loss WHERE cause = 'journal replaced'"
                                 " AND journal = '" JOURNAL_1 "' AND seq = 4"),
                     BT_MADE_BEGIN_MS + 30000);
    assert_int_equal(ask(&world, "SELECT end_ms FROM play_loss"), BT_MADE_BEGIN_MS + 600000);

    // What was on its way all the time is counted after all.
    counted = send(&world, 4, 1);
    assert_at(&counted, BT_VERDICT_COUNT, 4);
    assert_int_equal(counted.state, BT_STANDING_CLOSED);
    assert_int_equal(ask(&world, COMPLETE), 6);
    assert_int_equal(ask(&world, LOSSES), 1);
    assert_int_equal(ask(&world, "SELECT seq FROM play_loss"), 5);
    bt_made_journal_finish(&next);
    close_world(&world);
}

static void tell_of_others(struct bt_batch_header *header)
{
    header->since_ms = BT_MADE_BEGIN_MS - 3600000;
}

static void journals_that_nobody_heard_of_are_declared_once(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 4);
    for (int i = 0; i < 2; i++) {
        struct bt_counted counted = send_changed(&world, &world.journal, 1, 2, tell_of_others);
        assert_at(&counted, i == 0 ? BT_VERDICT_COUNT : BT_VERDICT_KNOWN, 2);
    }
    assert_int_equal(ask(&world, LOSSES), 1);
    assert_int_equal(ask(&world, "SELECT end_ms - start_ms FROM play_loss WHERE plays = 0"
                                 " AND cause = 'journal damaged or gone' AND seq = 0"),
                     3600000);
    // Of the next one is known what was before it.
    struct bt_made_journal next;
    bt_made_journal_init(&next, &world.player, JOURNAL_2);
    bt_made_start(&next);
    send_changed(&world, &next, 1, 1, tell_of_others);
    assert_int_equal(ask(&world, LOSSES), 2);
    assert_int_equal(ask(&world, LOSSES " WHERE cause = 'journal replaced'"), 1);
    assert_int_equal(ask(&world, COMPLETE), 2);
    bt_made_journal_finish(&next);
    close_world(&world);
}

static void after_an_orderly_stop_nobody_knows_whether_it_ran_again(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_plays(&world.journal, 4);
    bt_made_stop(&world.journal);
    send(&world, 1, 5);
    struct bt_made_journal next;
    bt_made_journal_init(&next, &world.player, JOURNAL_2);
    bt_made_start(&next);
    send_changed(&world, &next, 1, 1, NULL);
    assert_int_equal(ask(&world, "SELECT seq FROM play_loss WHERE cause = 'journal replaced'"), 6);
    assert_int_equal(ask(&world, LOSSES), 1);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_journal WHERE state = 'closed'"), 1);
    bt_made_journal_finish(&next);
    close_world(&world);
}

static void another_key_is_refused(void **state)
{
    struct world world;
    struct bt_delivery *delivery;
    BT_AUTOBUF packed;
    open_world(*state, &world);
    add_plays(&world.journal, 2);
    bt_made_batch(&world.journal, 1, 2, NULL, &packed);
    run(&world, "UPDATE player SET public_key = '" JOURNAL_1 JOURNAL_1 "'");
    assert_int_equal(deliver(&world, &packed, &delivery), -EACCES);
    close_world(&world);
}

static void a_revoked_player_is_refused_and_a_replaced_one_counted_until_then(void **state)
{
    struct world world;
    struct bt_delivery *delivery;
    BT_AUTOBUF packed;
    open_world(*state, &world);
    add_plays(&world.journal, 10);
    bt_made_batch(&world.journal, 1, 10, NULL, &packed);
    BT_AUTOFREE char *replace = bt_strf("UPDATE player SET state = 'replaced', ended_ms = %lld",
                                        (long long)BT_MADE_BEGIN_MS + 60000);
    run(&world, replace);
    struct bt_counted counted = send(&world, 1, 10);
    assert_at(&counted, BT_VERDICT_COUNT, 10);
    assert_int_equal(ask(&world, COMPLETE), 6);
    assert_int_equal(ask(&world, "SELECT plays FROM play_loss WHERE cause = 'player replaced'"), 4);
    run(&world, "UPDATE player SET state = 'revoked'");
    bt_senders_forget(bt_ingest_senders(world.ingest), world.player.id);
    assert_int_equal(deliver(&world, &packed, &delivery), -EACCES);
    close_world(&world);
}

/*
 * A journal of chance, sent in pieces of chance, twice, late, by two servers at once: what the
 * server has counted is what the tally counts when it reads the journal once.
 */

static void draw_plays(struct bt_test_options *chance, struct bt_made_journal *journal, int count)
{
    static const char *const items[] = {"a", "b", "c"};
    for (int i = 0; i < count; i++) {
        struct bt_made_play play = {.item = items[bt_test_draw(chance, 3)],
                                    .campaign = "cds",
                                    .run = bt_test_draw(chance, 4),
                                    .incomplete = bt_test_draw(chance, 6) == 0,
                                    .lit = bt_test_draw(chance, 2) == 0,
                                    .simulated = bt_test_draw(chance, 20) == 0};
        if (bt_test_draw(chance, 3) == 0) {
            play.item = "set";
            play.cards = 3;
            play.card = 1 + bt_test_draw(chance, 3);
        }
        if (bt_test_draw(chance, 10) == 0) {
            bt_made_start(journal);
        }
        if (bt_test_draw(chance, 15) == 0) {
            bt_made_loss(journal, 1 + bt_test_draw(chance, 5), "journal unwritable");
        }
        journal->clock_trust = bt_test_draw(chance, 5) == 0 ? BT_CLOCK_UNKNOWN : BT_CLOCK_SYNCED;
        journal->wall_ms += bt_test_draw(chance, 1200000);
        journal->mono_ms = journal->wall_ms - BT_MADE_BEGIN_MS + BT_MADE_MONO_MS;
        bt_made_play(journal, &play);
    }
}

static int add_to_sum(const struct bt_tally_key *key, const struct bt_tally_counts *delta,
                      void *context, struct bt_error *err)
{
    (void)key;
    (void)err;
    bt_tally_counts_add(context, delta);
    return 0;
}

// The player has always known its clock, so every record has one right date.
static void tell_boot(struct bt_batch_header *header)
{
    header->boot_count = 1;
    bt_copy_cut(header->boots[0].boot, sizeof(header->boots[0].boot), "boot-1");
    header->boots[0].offset_ms = BT_MADE_BEGIN_MS - BT_MADE_MONO_MS;
}

static void recount(const struct bt_made_journal *journal, struct bt_tally_counts *out)
{
    struct bt_error err = {0};
    BT_AUTO(bt_tz) tz = NULL;
    assert_int_equal(bt_tz_load("Asia/Ho_Chi_Minh", &tz, &err), 0);
    BT_AUTO(bt_tally) tally = bt_tally_create(tz);
    const struct bt_tally_time time = {true, BT_MADE_BEGIN_MS - BT_MADE_MONO_MS};
    *out = (struct bt_tally_counts){0};
    for (size_t i = 0; i < journal->count; i++) {
        assert_int_equal(
            bt_tally_add(tally, &journal->records[i].record, &time, add_to_sum, out, &err), 0);
    }
}

#define SUM(column) "CAST(coalesce(sum(" column "), 0) AS BIGINT)"
static void counted_by_server(struct world *world, struct bt_tally_counts *out)
{
    struct bt_error err = {0};
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_db *db = bt_testing_acquire(world->test);
    assert_int_equal(
        bt_db_ask(
            db, &rows, &err,
            "SELECT " SUM("complete") ", " SUM("partial") ", " SUM("verified") "," SUM(
                "card"
                "s") ", " SUM("shown_ms") ", " SUM("presented") ", " SUM("dropped") ", " SUM("repai"
                                                                                             "red") ", " SUM("undated") " F"
                                                                                                                        "RO"
                                                                                                                        "M "
                                                                                                                        "pl"
                                                                                                                        "ay"
                                                                                                                        "_d"
                                                                                                                        "ai"
                                                                                                                        "l"
                                                                                                                        "y"),
        0);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    int64_t *const members[] = {&out->complete, &out->partial,  &out->verified,
                                &out->cards,    &out->shown_ms, &out->presented,
                                &out->dropped,  &out->repaired, &out->undated};
    for (size_t i = 0; i < BT_ARRAY_LEN(members); i++) {
        *members[i] = bt_db_get_int(rows, (int)i);
    }
}

struct sender {
    struct world *world;
    struct bt_ingest *ingest;  // its own server
    uint64_t seed;
};

// Sends pieces of chance until the server has everything.
static void *send_by_chance(void *context)
{
    struct sender *sender = context;
    struct world own = *sender->world;
    own.ingest = sender->ingest;
    struct bt_test_options chance = {.chance = sender->seed};
    int64_t all = (int64_t)own.journal.count, last = 0;
    while (last < all) {
        int64_t first = 1 + bt_test_draw(&chance, BT_MIN(last + 12, all));
        int64_t count = bt_test_draw(&chance, BT_MIN(25, all - first + 1) + 1);
        struct bt_counted counted = send_changed(&own, &own.journal, first, count, tell_boot);
        assert_true(counted.verdict != BT_VERDICT_FORKED && counted.verdict != BT_VERDICT_BLOCKED);
        assert_true(counted.last_seq >= last);
        last = counted.last_seq;
    }
    return NULL;
}

static void send_by_two_servers(struct world *world, uint64_t seed)
{
    struct bt_error err = {0};
    const struct bt_ingest_options options = {.db = world->test->pool};
    struct bt_ingest *other;
    assert_int_equal(bt_ingest_start(&options, &other, &err), 0);
    struct sender senders[] = {
        {world, world->ingest, seed}, {world, other, seed + 1}, {world, world->ingest, seed + 2}};
    pthread_t threads[BT_ARRAY_LEN(senders)];
    for (size_t i = 0; i < BT_ARRAY_LEN(senders); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_by_chance, &senders[i]), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(senders); i++) {
        pthread_join(threads[i], NULL);
    }
    bt_ingest_destroy(other);
}

static void however_it_comes_it_is_counted_once(void **state)
{
    struct world world;
    struct bt_tally_counts truth, counted;
    open_world(*state, &world);
    struct bt_test_options chance = {.chance = 7};
    bt_made_start(&world.journal);
    draw_plays(&chance, &world.journal, 300);
    send_by_two_servers(&world, 11);
    recount(&world.journal, &truth);
    counted_by_server(&world, &counted);
    assert_true(truth.complete > 0 && truth.partial > 0 && truth.repaired > 0 && truth.cards > 0);
    assert_memory_equal(&counted, &truth, sizeof(truth));
    assert_int_equal(ask(&world, HOURLY), truth.complete);
    int64_t losses = 0;
    for (size_t i = 0; i < world.journal.count; i++) {
        losses += world.journal.records[i].record.kind == BT_RECORD_LOSS;
    }
    assert_int_equal(ask(&world, LOSSES), losses);
    assert_int_equal(ask(&world, "SELECT CAST(sum(last_seq - first_seq + 1) AS BIGINT)"
                                 " FROM play_batch"),
                     (int64_t)world.journal.count);
    close_world(&world);
}

static void a_bad_neighbour_spoils_nothing(void **state)
{
    struct world world;
    struct bt_delivery *deliveries[3];
    struct bt_counted counted[3];
    open_world(*state, &world);
    add_plays(&world.journal, 9);
    send(&world, 1, 3);
    struct bt_made_journal copy;
    bt_made_journal_init(&copy, &world.player, JOURNAL_1);
    bt_made_play(&copy, &(struct bt_made_play){.item = "other"});
    add_plays(&copy, 8);
    BT_AUTOFREE struct bt_buf *packed = bt_alloc_array(3, sizeof(*packed));
    bt_made_batch(&world.journal, 4, 3, NULL, &packed[0]);
    bt_made_batch(&copy, 4, 3, NULL, &packed[1]);
    bt_made_batch(&world.journal, 4, 2, NULL, &packed[2]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(deliver(&world, &packed[i], &deliveries[i]), 0);
        bt_buf_finish(&packed[i]);
    }
    BT_AUTO(bt_counting) counting = bt_counting_create(world.test->pool, NULL);
    bt_counting_run(counting, deliveries, 3, counted);
    assert_at(&counted[0], BT_VERDICT_COUNT, 6);
    assert_at(&counted[1], BT_VERDICT_FORKED, 6);
    assert_int_equal(counted[2].result, 0);
    for (int i = 0; i < 3; i++) {
        bt_delivery_destroy(deliveries[i]);
    }
    assert_int_equal(ask(&world, COMPLETE), 6);
    bt_made_journal_finish(&copy);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(what_follows_is_counted),
        bt_db_test(what_is_known_changes_nothing),
        bt_db_test(an_overlap_is_counted_once),
        bt_db_test(a_gap_is_asked_for),
        bt_db_test(what_was_pruned_is_declared_lost),
        bt_db_test(a_fork_is_kept_aside_and_never_counted),
        bt_db_test(a_new_journal_closes_the_one_before_and_says_what_is_missing),
        bt_db_test(journals_that_nobody_heard_of_are_declared_once),
        bt_db_test(after_an_orderly_stop_nobody_knows_whether_it_ran_again),
        bt_db_test(another_key_is_refused),
        bt_db_test(a_revoked_player_is_refused_and_a_replaced_one_counted_until_then),
        bt_db_test(however_it_comes_it_is_counted_once),
        bt_db_test(a_bad_neighbour_spoils_nothing),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

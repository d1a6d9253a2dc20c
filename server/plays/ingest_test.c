// What the server makes of batches: the table of docs/plays.md, "Coming home", line by line, on
// both engines.
#include "server/plays/ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "server/db/testing.h"
#include "server/plays/testing.h"

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

static void a_journal_that_stopped_in_order_loses_nothing(void **state)
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
    assert_int_equal(ask(&world, LOSSES), 0);
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
        bt_db_test(a_journal_that_stopped_in_order_loses_nothing),
        bt_db_test(another_key_is_refused),
        bt_db_test(a_revoked_player_is_refused_and_a_replaced_one_counted_until_then),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

// Batches move into packs and read back as they came, on both engines.
#include "server/care/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/care/alerts.h"
#include "server/care/outbox.h"
#include "server/db/lease.h"
#include "server/db/testing.h"
#include "server/media/blobs.h"
#include "server/plays/batch_body.h"

#define DAY 20778  // 2026-11-21
#define NOON_MS (DAY * BT_MS_PER_DAY + 5 * 3600000LL)
#define PLAYERS 3
#define BATCHES 40  // of each player
#define LARGE_BYTES 150000

struct world {
    struct bt_test_db *test;
    struct bt_server server;
    struct bt_clock *clock;
    struct bt_db *db;
    atomic_bool stopping;
};

static int64_t run(struct world *world, const char *sql)
{
    struct bt_error err = {0};
    int64_t r = bt_db_run_values(world->db, sql, NULL, 0, &err);
    if (r < 0) {
        fail_msg("%s: %s", sql, err.msg);
    }
    return r;
}

static int64_t ask(struct world *world, const char *sql)
{
    struct bt_error err = {0};
    BT_AUTO(bt_db_rows) rows = NULL;
    if (bt_db_ask_values(world->db, sql, NULL, 0, &rows, &err) < 0 || !bt_db_next(rows)) {
        fail_msg("%s: %s", sql, err.msg);
    }
    return bt_db_get_int(rows, 0);
}

static void open_world(struct bt_test_db *test, struct world *world)
{
    *world = (struct world){.test = test};
    BT_AUTOFREE char *dir = bt_strf("%s/blobs", test->directory);
    world->clock = bt_clock_create_simulated(0, NOON_MS);
    world->server =
        (struct bt_server){.data_dir = test->directory, .clock = world->clock, .db = test->pool};
    assert_int_equal(bt_blobs_open(dir, &world->server.blobs, NULL), 0);
    world->db = bt_testing_acquire(test);
}

static void close_world(struct world *world)
{
    bt_db_release(world->db);
    bt_blobs_destroy(world->server.blobs);
    bt_clock_destroy(world->clock);
}

// What a batch says follows from whose and which it is.
static void body_of(int player, int64_t seq, struct bt_buf *out)
{
    bt_buf_clear(out);
    uint64_t state = (uint64_t)player * 1000003U + (uint64_t)seq;
    size_t len = seq == 7 ? LARGE_BYTES : (size_t)(1 + (seq * 37 + player) % 900);
    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        char byte = (char)(state >> 56);
        assert_int_equal(bt_buf_append(out, &byte, 1), 0);
    }
}

// Half of them came the day before yesterday, the others yesterday, the last one today.
static void add_batches(struct world *world)
{
    BT_AUTOBUF body;
    bt_buf_init(&body, 1 << 20);
    assert_int_equal(bt_db_begin(world->db, true, NULL), 0);
    for (int player = 0; player < PLAYERS; player++) {
        BT_AUTOFREE char *id = bt_strf("d-%d", player);
        BT_AUTOFREE char *sid = bt_strf("s-%d", player);
        assert_true(
            bt_db_run(world->db, NULL,
                      "INSERT INTO screen(id, unit, name, kind, width, height, place,"
                      " duty_name, duty_phone, open_min, close_min, volume_max_percent,"
                      " brightness_max_percent, note, revision, created_ms)"
                      " VALUES($1, 'vn', '', 'led', 1, 1, '', '', '', 0, 0, 0, 1, '', 1, 0)",
                      BT_TEXT(sid)) == 1);
        assert_true(bt_db_run(world->db, NULL,
                              "INSERT INTO player(id, screen, unit, public_key, state, model,"
                              " version, paired_ms, paired_by, last_order, order_ms, channel,"
                              " channel_ms) VALUES($1, $2, 'vn', $1, 'active', '', '', 0, '', 0, 0,"
                              " 'obeys', 0)",
                              BT_TEXT(id), BT_TEXT(sid)) == 1);
        assert_true(bt_db_run(world->db, NULL,
                              "INSERT INTO play_journal(player, journal, screen, unit, state,"
                              " last_seq, last_hash, tally, boots, first_ms, received_ms, known_ms)"
                              " VALUES($1, 'j', $2, 'vn', 'open', 1, '', '', '', 0, 0, 0)",
                              BT_TEXT(id), BT_TEXT(sid)) == 1);
        for (int64_t seq = 1; seq <= BATCHES; seq++) {
            int64_t days = seq == BATCHES ? 0 : seq <= BATCHES / 2 ? 2 : 1;
            body_of(player, seq, &body);
            // Some came in the same millisecond.
            assert_true(bt_db_run(world->db, NULL,
                                  "INSERT INTO play_batch(player, journal, first_seq, last_seq,"
                                  " received_ms, from_ms, until_ms, body, pack_at, pack_len)"
                                  " VALUES($1, 'j', $2, $2, $3, 0, 0, $4, 0, 0)",
                                  BT_TEXT(id), BT_INT(seq),
                                  BT_INT(NOON_MS - days * BT_MS_PER_DAY + seq / 3),
                                  BT_BLOB(body.data, body.len)) == 1);
        }
    }
    assert_int_equal(bt_db_commit(world->db, NULL), 0);
}

static void assert_all_read_back(struct world *world)
{
    BT_AUTOBUF wanted;
    BT_AUTOBUF found;
    bt_buf_init(&wanted, 1 << 20);
    bt_buf_init(&found, 1 << 20);
    for (int player = 0; player < PLAYERS; player++) {
        struct bt_error err = {0};
        BT_AUTO(bt_db_rows) rows = NULL;
        BT_AUTOFREE char *id = bt_strf("d-%d", player);
        assert_int_equal(bt_db_ask(world->db, &rows, &err,
                                   "SELECT " BT_BATCH_COLUMNS " FROM play_batch WHERE player = $1"
                                   " ORDER BY first_seq LIMIT 1000",
                                   BT_TEXT(id)),
                         0);
        assert_int_equal(bt_db_count(rows), BATCHES);
        while (bt_db_next(rows)) {
            bt_buf_clear(&found);
            if (bt_batch_body(&world->server, rows, &found, &err) < 0) {
                fail_msg("%s", err.msg);
            }
            body_of(player, bt_db_get_int(rows, BT_BATCH_FIRST_SEQ), &wanted);
            assert_int_equal(found.len, wanted.len);
            assert_memory_equal(found.data, wanted.data, wanted.len);
        }
    }
}

static void pack(struct world *world)
{
    struct bt_error err = {0};
    if (bt_archive_pack(&world->server, world->db, DAY, &world->stopping, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

#define UNPACKED "SELECT count(*) FROM play_batch WHERE body IS NOT NULL"

static void what_came_before_today_lies_in_packs(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_batches(&world);
    assert_all_read_back(&world);
    pack(&world);
    assert_all_read_back(&world);
    assert_int_equal(ask(&world, UNPACKED), PLAYERS);  // of today
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_pack"), 2);
    assert_int_equal(ask(&world, "SELECT CAST(sum(batches) AS BIGINT) FROM play_pack"),
                     PLAYERS * (BATCHES - 1));
    pack(&world);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_pack"), 2);
    close_world(&world);
}

// As a crash leaves them: some rows have forgotten their body, the others have not.
static void a_crash_between_two_slices_costs_nothing(void **state)
{
    struct world world;
    open_world(*state, &world);
    add_batches(&world);
    pack(&world);
    BT_AUTOBUF body;
    bt_buf_init(&body, 1 << 20);
    for (int64_t seq = 5; seq < BATCHES; seq += 3) {
        body_of(1, seq, &body);
        assert_true(bt_db_run(world.db, NULL,
                              "UPDATE play_batch SET pack = NULL, pack_at = 0, pack_len = 0,"
                              " body = $2 WHERE player = 'd-1' AND first_seq = $1",
                              BT_INT(seq), BT_BLOB(body.data, body.len)) == 1);
    }
    assert_all_read_back(&world);
    pack(&world);
    assert_all_read_back(&world);
    assert_int_equal(ask(&world, UNPACKED), PLAYERS);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_pack"), 4);
    close_world(&world);
}

static void a_pack_that_is_gone_or_cut_is_said(void **state)
{
    struct world world;
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256;
    struct bt_error err = {0};
    open_world(*state, &world);
    add_batches(&world);
    pack(&world);
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOBUF body;
    bt_buf_init(&body, 1 << 20);
    assert_int_equal(bt_db_ask(world.db, &rows, &err,
                               "SELECT " BT_BATCH_COLUMNS " FROM play_batch WHERE player = 'd-2'"
                               " AND first_seq = 20"),
                     0);
    assert_true(bt_db_next(rows));
    bt_copy_cut(hex, sizeof(hex), bt_db_get_text(rows, 4));
    assert_int_equal(bt_unhex(hex, sha256.bytes, sizeof(sha256.bytes)), 0);
    BT_AUTOFREE char *path = bt_strf("%s/blobs/%.2s/%s", world.server.data_dir, hex, hex);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(bt_batch_body(&world.server, rows, &body, &err), -EIO);
    assert_int_equal(bt_blobs_remove(world.server.blobs, &sha256, &err), 0);
    assert_int_equal(bt_batch_body(&world.server, rows, &body, &err), -EIO);
    close_world(&world);
}

static void what_is_too_old_goes_away(void **state)
{
    struct world world;
    struct bt_error err = {0};
    open_world(*state, &world);
    add_batches(&world);
    pack(&world);
    run(&world, "INSERT INTO setting VALUES('vn', 'keep_batches_months', '1', 1, '', 0)");
    run(&world, "INSERT INTO play_hourly VALUES(20000, 1, 's-1', 'vn', 1, 1, 1, 1, 1, 1),"
                " (20700, 1, 's-1', 'vn', 1, 1, 1, 1, 1, 1)");
    run(&world,
        "INSERT INTO player_order VALUES('d-1', 1, 's-1', 'blank', '{}', '', 'done', 5, 5, ''),"
        " ('d-1', 2, 's-1', 'blank', '{}', '', 'sent', 5, 5, ''),"
        " ('d-1', 3, 's-1', 'takedown', '{}', '', 'done', 5, 5, '')");
    int64_t later_ms = (DAY - 1 + 31) * BT_MS_PER_DAY;  // the older day's month is over
    if (bt_archive_sweep(&world.server, world.db, later_ms, &world.stopping, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_pack"), 1);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_batch"), PLAYERS * BATCHES / 2);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_hourly"), 1);
    assert_int_equal(ask(&world, "SELECT count(*) FROM player_order"), 2);
    close_world(&world);
}

static void a_blob_that_cannot_be_removed_keeps_no_row(void **state)
{
    struct world world;
    struct bt_error err = {0};
    open_world(*state, &world);
    run(&world, "INSERT INTO blob_arrival VALUES('v-1', 'no hash', 'coming', 0)");
    run(&world, "INSERT INTO play_pack VALUES('no hash', 1, 1, 1, 0)");
    run(&world, "INSERT INTO play_hourly VALUES(20000, 1, 's-1', 'vn', 1, 1, 1, 1, 1, 1)");
    assert_true(bt_archive_sweep(&world.server, world.db, NOON_MS, &world.stopping, &err) < 0);
    assert_int_equal(ask(&world, "SELECT count(*) FROM play_hourly"), 0);
    assert_int_equal(ask(&world, "SELECT count(*) FROM blob_arrival WHERE changed_ms = 0"), 0);
    run(&world, "DELETE FROM play_pack");
    run(&world, "UPDATE blob_arrival SET changed_ms = 0");
    assert_int_equal(bt_archive_sweep(&world.server, world.db, NOON_MS, &world.stopping, &err),
                     -EIO);
    close_world(&world);
}

static void a_lease_is_one_servers(void **state)
{
    struct world world;
    open_world(*state, &world);
    assert_int_equal(bt_lease_take(world.db, "watch", "a", 1000, 500, NULL), 1);
    assert_int_equal(bt_lease_take(world.db, "watch", "b", 1499, 500, NULL), 0);
    assert_int_equal(bt_lease_take(world.db, "watch", "a", 1499, 500, NULL), 1);
    assert_int_equal(bt_lease_take(world.db, "watch", "b", 1998, 500, NULL), 0);
    assert_int_equal(bt_lease_take(world.db, "watch", "b", 1999, 500, NULL), 1);
    assert_int_equal(bt_lease_take(world.db, "archive", "a", 1999, 500, NULL), 1);
    bt_lease_leave(world.db, "watch", "b");
    assert_int_equal(bt_lease_take(world.db, "watch", "a", 2000, 500, NULL), 1);
    close_world(&world);
}

static void the_outbox_tries_again_and_gives_up(void **state)
{
    struct world world;
    int64_t now_ms = 1000;
    open_world(*state, &world);
    assert_int_equal(bt_outbox_put(world.db, BT_CHANNEL_MAIL, "a@b", "s", "b", now_ms, NULL), 0);
    for (int i = 0; i < BT_OUTBOX_MAX_ATTEMPTS; i++) {
        struct bt_letter letter;
        assert_int_equal(bt_outbox_next(world.db, "", now_ms, &letter, NULL), 1);
        assert_int_equal(letter.attempts, i);
        assert_int_equal(bt_outbox_failed(world.db, &letter, "no", false, now_ms, NULL), 0);
        bt_letter_finish(&letter);
        assert_int_equal(bt_outbox_next(world.db, "", now_ms, &letter, NULL), 0);
        now_ms += 6 * 3600000;
    }
    struct bt_letter letter;
    assert_int_equal(bt_outbox_next(world.db, "", now_ms, &letter, NULL), 0);
    assert_int_equal(ask(&world, "SELECT count(*) FROM care_outbox WHERE done_ms IS NOT NULL"), 1);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(what_came_before_today_lies_in_packs),
        bt_db_test(a_crash_between_two_slices_costs_nothing),
        bt_db_test(a_pack_that_is_gone_or_cut_is_said),
        bt_db_test(what_is_too_old_goes_away),
        bt_db_test(a_blob_that_cannot_be_removed_keeps_no_row),
        bt_db_test(a_lease_is_one_servers),
        bt_db_test(the_outbox_tries_again_and_gives_up),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

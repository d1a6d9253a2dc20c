// Blobs that nobody came to name go, and no others, on both engines.
#include "server/media/arrivals.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/db/testing.h"
#include "server/media/blobs.h"
#include "server/media/blobs_engine.h"

#define NOW_MS (20778 * BT_MS_PER_DAY)
#define MINUTE_MS (60 * 1000)
#define TOO_LATE_MS (NOW_MS + BT_MS_PER_DAY + 1)

#define HOUR_MS (60 * MINUTE_MS)
// All tries of a removal, each with the longest --s3-timeout, and no answer.
#define SILENT_MS ((int64_t)BT_S3_TRIES * BT_S3_MAX_STALL_S * 1000)

struct world {
    struct bt_server server;
    struct bt_clock *clock;
    struct bt_db *db;
    char hex[BT_SHA256_HEX_BYTES];  // of a blob that came
    struct bt_sha256 sha256;
};

static void open_world(struct bt_test_db *test, struct world *world)
{
    *world = (struct world){.clock = bt_clock_create_simulated(0, NOW_MS)};
    world->server =
        (struct bt_server){.data_dir = test->directory, .clock = world->clock, .db = test->pool};
    BT_AUTOFREE char *dir = bt_strf("%s/blobs", test->directory);
    assert_int_equal(bt_blobs_open(dir, &world->server.blobs, NULL), 0);
    assert_int_equal(bt_blobs_put(world->server.blobs, "a blob", 6, &world->sha256, NULL), 0);
    bt_hex(world->sha256.bytes, BT_SHA256_BYTES, world->hex);
    world->db = bt_testing_acquire(test);
}

static void close_world(struct world *world)
{
    bt_db_release(world->db);
    bt_blobs_destroy(world->server.blobs);
    bt_clock_destroy(world->clock);
}

static int begin(struct world *world, int64_t now_ms, char id[BT_SERVER_ID_BYTES])
{
    struct bt_error err = {0};
    return bt_arrival_begin(world->db, world->hex, now_ms, id, &err);
}

static void sweep(struct world *world, int64_t now_ms)
{
    struct bt_error err = {0};
    if (bt_arrivals_sweep(&world->server, world->db, now_ms, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static bool is_there(struct world *world)
{
    int fd = -1;
    bool there = bt_blobs_get(world->server.blobs, &world->sha256, &fd, NULL) == 0;
    if (there) {
        close(fd);
    }
    return there;
}

static int64_t count(struct world *world)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(bt_db_ask(world->db, &rows, NULL, "SELECT count(*) FROM blob_arrival"), 0);
    assert_true(bt_db_next(rows));
    return bt_db_get_int(rows, 0);
}

static void name_it(struct world *world)
{
    assert_int_equal(bt_db_run(world->db, NULL,
                               "INSERT INTO asset (sha256, size, type, kind, width, height,"
                               " duration_ms, state, report, created_ms)"
                               " VALUES ($1, 6, '', 'package', 0, 0, 0, 'ready', '{}', 0)",
                               BT_TEXT(world->hex)),
                     1);
}

static void one_that_nobody_names_goes_a_day_later(void **state)
{
    struct world world;
    char id[BT_SERVER_ID_BYTES];
    open_world(*state, &world);
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    sweep(&world, NOW_MS + BT_MS_PER_DAY);
    assert_true(is_there(&world));
    sweep(&world, TOO_LATE_MS);
    assert_false(is_there(&world));
    assert_int_equal(count(&world), 0);
    assert_int_equal(bt_arrival_end(world.db, id, NULL), -ESTALE);
    close_world(&world);
}

static void one_that_is_named_stays(void **state)
{
    struct world world;
    char id[BT_SERVER_ID_BYTES];
    open_world(*state, &world);
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    name_it(&world);
    assert_int_equal(bt_arrival_end(world.db, id, NULL), 0);
    assert_int_equal(count(&world), 0);
    // Somebody brought it again, and died.
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    sweep(&world, TOO_LATE_MS);
    assert_true(is_there(&world));
    assert_int_equal(count(&world), 0);
    close_world(&world);
}

static void one_that_comes_again_stays(void **state)
{
    struct world world;
    char first[BT_SERVER_ID_BYTES], second[BT_SERVER_ID_BYTES];
    open_world(*state, &world);
    assert_int_equal(begin(&world, NOW_MS, first), 0);
    assert_int_equal(begin(&world, NOW_MS + MINUTE_MS, second), 0);
    sweep(&world, TOO_LATE_MS);
    assert_true(is_there(&world));
    assert_int_equal(count(&world), 1);
    assert_int_equal(bt_arrival_end(world.db, second, NULL), 0);
    close_world(&world);
}

static void what_is_being_removed_does_not_come_meanwhile(void **state)
{
    struct world world;
    char id[BT_SERVER_ID_BYTES], again[BT_SERVER_ID_BYTES];
    open_world(*state, &world);
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    assert_int_equal(bt_db_run(world.db, NULL, "UPDATE blob_arrival SET state = 'going'"), 1);
    assert_int_equal(begin(&world, NOW_MS + MINUTE_MS, again), -EBUSY);
    assert_int_equal(bt_arrival_end(world.db, id, NULL), -ESTALE);
    // Who removed it has died.
    assert_int_equal(begin(&world, NOW_MS + SILENT_MS, again), -EBUSY);
    assert_int_equal(begin(&world, NOW_MS + 9 * HOUR_MS, again), 0);
    assert_int_equal(bt_arrival_end(world.db, again, NULL), 0);
    assert_int_equal(count(&world), 0);
    close_world(&world);
}

// A folder of that name is no file, which the superuser cannot remove as one either.
static void spoil(struct world *world)
{
    BT_AUTOFREE char *path =
        bt_strf("%s/blobs/%.2s/%s", world->server.data_dir, world->hex, world->hex);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, S_IRWXU), 0);
}

static void one_that_cannot_be_removed_may_come_again(void **state)
{
    struct world world;
    char id[BT_SERVER_ID_BYTES], again[BT_SERVER_ID_BYTES];
    struct bt_error err = {0};
    open_world(*state, &world);
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    spoil(&world);
    bt_clock_set_wall(world.clock, TOO_LATE_MS);
    assert_int_equal(bt_arrivals_sweep(&world.server, world.db, TOO_LATE_MS, &err), -EIO);
    assert_int_equal(count(&world), 1);
    assert_int_equal(begin(&world, TOO_LATE_MS, again), 0);
    close_world(&world);
}

static void one_that_cannot_be_removed_keeps_no_other(void **state)
{
    struct world world;
    char id[BT_SERVER_ID_BYTES];
    struct bt_error err = {0};
    open_world(*state, &world);
    assert_int_equal(begin(&world, NOW_MS - 1, id), 0);  // it is the first
    spoil(&world);
    assert_int_equal(bt_blobs_put(world.server.blobs, "another", 7, &world.sha256, NULL), 0);
    bt_hex(world.sha256.bytes, BT_SHA256_BYTES, world.hex);
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    bt_clock_set_wall(world.clock, TOO_LATE_MS);
    assert_int_equal(bt_arrivals_sweep(&world.server, world.db, TOO_LATE_MS, &err), -EIO);
    assert_false(is_there(&world));
    assert_int_equal(count(&world), 1);
    // It has its turn a day later.
    sweep(&world, TOO_LATE_MS + BT_MS_PER_DAY);
    bt_clock_set_wall(world.clock, TOO_LATE_MS + BT_MS_PER_DAY + 1);
    assert_int_equal(
        bt_arrivals_sweep(&world.server, world.db, TOO_LATE_MS + BT_MS_PER_DAY + 1, &err), -EIO);
    close_world(&world);
}

// Blobs that are somewhere else: while one is being removed somebody brings it again.
struct elsewhere {
    struct bt_blobs base;
    struct world *world;
    int64_t came_ms;
    int came, answer, removals;
};

static int remove_elsewhere(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                            struct bt_error *err)
{
    struct elsewhere *elsewhere = (struct elsewhere *)blobs;
    char id[BT_SERVER_ID_BYTES];
    (void)sha256;
    elsewhere->removals++;
    elsewhere->came = begin(elsewhere->world, elsewhere->came_ms, id);
    return elsewhere->answer < 0 ? bt_fail(err, elsewhere->answer, "No") : 0;
}

static const struct bt_blobs_impl elsewhere_impl = {.name = "elsewhere",
                                                    .remove = remove_elsewhere};

static void a_remover_is_alive_however_long_ago_its_round_began(void **state)
{
    struct world world;
    char id[BT_SERVER_ID_BYTES];
    open_world(*state, &world);
    struct elsewhere elsewhere = {.base = {&elsewhere_impl}, .world = &world};
    struct bt_blobs *folder = world.server.blobs;
    world.server.blobs = &elsewhere.base;
    assert_int_equal(begin(&world, NOW_MS, id), 0);
    // Packing took so long; and the store has been silent for as long as it may.
    bt_clock_set_wall(world.clock, TOO_LATE_MS + 9 * HOUR_MS);
    elsewhere.came_ms = TOO_LATE_MS + 9 * HOUR_MS + SILENT_MS;
    sweep(&world, TOO_LATE_MS);
    assert_int_equal(elsewhere.removals, 1);
    assert_int_equal(elsewhere.came, -EBUSY);
    assert_int_equal(count(&world), 0);
    world.server.blobs = folder;
    close_world(&world);
}

static void one_that_may_go_yet_comes_only_when_it_cannot_any_more(void **state)
{
    static const struct {
        int answer, came;  // what the store said, and what somebody is told who brings it then
    } cases[] = {{-EHOSTUNREACH, -EBUSY}, {-ECANCELED, -EBUSY}, {-EIO, 0}};
    struct world world;
    char id[BT_SERVER_ID_BYTES], again[BT_SERVER_ID_BYTES] = "";
    open_world(*state, &world);
    struct elsewhere elsewhere = {.base = {&elsewhere_impl}, .world = &world};
    struct bt_blobs *folder = world.server.blobs;
    world.server.blobs = &elsewhere.base;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_error err = {0};
        assert_int_equal(begin(&world, NOW_MS, id), 0);
        bt_clock_set_wall(world.clock, TOO_LATE_MS);
        elsewhere.came_ms = TOO_LATE_MS;
        elsewhere.answer = cases[i].answer;
        assert_int_equal(bt_arrivals_sweep(&world.server, world.db, TOO_LATE_MS, &err),
                         cases[i].answer);
        assert_int_equal(elsewhere.came, -EBUSY);
        assert_int_equal(begin(&world, TOO_LATE_MS + MINUTE_MS, again), cases[i].came);
        // It is tried again a day later.
        int removals = elsewhere.removals;
        elsewhere.answer = 0;
        (void)!bt_db_run(world.db, NULL, "DELETE FROM blob_arrival WHERE id = $1", BT_TEXT(again));
        sweep(&world, TOO_LATE_MS + BT_MS_PER_DAY + 1);
        assert_int_equal(elsewhere.removals, removals + 1);
        assert_int_equal(count(&world), 0);
    }
    world.server.blobs = folder;
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(one_that_nobody_names_goes_a_day_later),
        bt_db_test(one_that_is_named_stays),
        bt_db_test(one_that_comes_again_stays),
        bt_db_test(what_is_being_removed_does_not_come_meanwhile),
        bt_db_test(one_that_cannot_be_removed_may_come_again),
        bt_db_test(one_that_cannot_be_removed_keeps_no_other),
        bt_db_test(a_remover_is_alive_however_long_ago_its_round_began),
        bt_db_test(one_that_may_go_yet_comes_only_when_it_cannot_any_more),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

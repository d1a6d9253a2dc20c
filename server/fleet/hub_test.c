#include "server/fleet/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/orders.h"
#include "server/fleet/testing.h"

static void answer(struct bt_world *world, int64_t n)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    bt_must(bt_db_run(db, &err, "UPDATE player_order SET state = 'done' WHERE n = $1", BT_INT(n)),
            &err);
    bt_db_release(db);
}

static void assert_channel(struct bt_world *world, const char *expected)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    bt_must(bt_db_ask(db, &rows, &err, "SELECT channel FROM player WHERE id = 'd-1'"), &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    assert_string_equal(bt_db_get_text(rows, 0), expected);
}

static void a_stream_begins_with_a_hint_and_a_ping_and_gets_orders_in_order(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_world_give(&world, 1);
    bt_world_give(&world, 2);
    bt_hub_hint(world.hub, 4711, BT_URGENCY_NORMAL);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    assert_true(bt_str_starts(bt_fake_text(&fake),
                              "retry: 5000\n\n"
                              "event: hint\ndata: {\"timestamp\":4711,\"priority\":\"normal\"}\n\n"
                              "event: ping\ndata: {\"ping\":1}\n\n"
                              "id: 1\nevent: order\n"
                              "data: {\"n\":1,\"kind\":\"identify\",\"seconds\":5}\n\n"
                              "id: 2\nevent: order\n"));
    bt_world_give(&world, 3);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "event: order"), 3);
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

static void what_another_server_did_is_noticed_within_seconds(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    bt_world_give(&world, 1);
    struct bt_db *db = bt_testing_acquire(world.test);
    struct bt_error err = {0};
    bt_must(bt_db_run(db, &err, "UPDATE player SET last_order = 1, order_ms = $1",
                      BT_INT(BT_WORLD_START_MS)),
            &err);
    bt_must(bt_db_run(db, &err,
                      "INSERT INTO tuf_metadata(role, version, body, sha256, expires_ms)"
                      " VALUES('timestamp', 12, '', '', 0)"),
            &err);
    bt_db_release(db);
    bt_world_pass(&world, 6);
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "id: 1\n"), 1);
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "{\"timestamp\":12,\"priority\":\"now\""), 1);
    bt_world_pass(&world, 20);
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "id: 1\n"), 1);
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

static void who_resumes_gets_what_comes_after_and_nothing_twice(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    for (int64_t n = 1; n <= 4; n++) {
        bt_world_give(&world, n);
    }
    answer(&world, 3);
    bt_fake_open(&world, &fake, "d-1", 2);
    bt_hub_step(world.hub);
    assert_null(strstr(bt_fake_text(&fake), "id: 2\n"));
    assert_null(strstr(bt_fake_text(&fake), "id: 3\n"));
    assert_non_null(strstr(bt_fake_text(&fake), "id: 4\n"));
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

static void what_went_stale_is_not_sent(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_world_give_at(&world, "d-1", 1, "restart", "{}", BT_WORLD_START_MS - 11 * 60 * 1000);
    bt_world_give_at(&world, "d-1", 2, "takedown", "{\"id\":\"t-1\"}",
                     BT_WORLD_START_MS - BT_MS_PER_DAY);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    assert_null(strstr(bt_fake_text(&fake), "restart"));
    assert_non_null(
        strstr(bt_fake_text(&fake), "data: {\"n\":2,\"kind\":\"takedown\",\"id\":\"t-1\"}\n"));
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

static void a_second_stream_of_a_player_ends_the_first(void **state)
{
    struct bt_world world;
    struct bt_fake first, second;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &first, "d-1", 0);
    bt_hub_step(world.hub);
    bt_fake_open(&world, &second, "d-1", 0);
    assert_true(first.closed);
    bt_world_give(&world, 1);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    assert_null(strstr(bt_fake_text(&first), "order"));
    assert_int_equal(bt_count_of(bt_fake_text(&second), "event: order"), 1);
    // The first one's end takes nothing away from the second.
    bt_fake_end(&first);
    bt_world_give(&world, 2);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    assert_int_equal(bt_count_of(bt_fake_text(&second), "event: order"), 2);
    bt_fake_end(&second);
    bt_world_finish(&world);
}

static void a_slow_reader_loses_its_stream_and_no_order(void **state)
{
    struct bt_world world;
    struct bt_fake slow, again;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &slow, "d-1", 0);
    bt_hub_step(world.hub);
    slow.slow = true;
    bt_world_give(&world, 1);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    struct bt_hub_counts counts;
    bt_hub_count(world.hub, &counts);
    assert_int_equal(counts.players, 0);
    bt_fake_end(&slow);
    bt_fake_open(&world, &again, "d-1", 0);
    bt_hub_step(world.hub);
    assert_int_equal(bt_count_of(bt_fake_text(&again), "id: 1\n"), 1);
    bt_fake_end(&again);
    bt_world_finish(&world);
}

static void a_long_absence_is_made_up_for_in_portions(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    BT_AUTOFREE char *ballast = bt_alloc(3000);
    memset(ballast, 'a', 2999);
    BT_AUTOFREE char *body = bt_strf("{\"id\":\"%s\"}", ballast);
    for (int64_t n = 1; n <= 40; n++) {
        bt_world_give_at(&world, "d-1", n, "takedown", body, BT_WORLD_START_MS);
    }
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    size_t got = 0, portions = 0;
    while (got < 40 && portions < 10) {
        assert_true(fake.text.len > 0 && fake.text.len < 48 * 1024);
        got += bt_count_of(bt_fake_text(&fake), "event: order");
        portions++;
        bt_buf_clear(&fake.text);  // the reader has read
        bt_world_pass(&world, 1);
    }
    assert_int_equal(got, 40);
    assert_in_range(portions, 3, 4);
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

// More than are asked for at once.
#define FLEET 200

struct fleet {
    char players[FLEET][16];
    struct bt_fake fakes[FLEET];
};

static struct fleet *open_fleet(struct bt_world *world, size_t count, int64_t after)
{
    struct fleet *fleet = BT_NEW(struct fleet);
    for (size_t i = 0; i < count; i++) {
        char screen[16];
        assert_int_equal(bt_format(screen, sizeof(screen), "s-f%zu", i), 0);
        assert_int_equal(bt_format(fleet->players[i], sizeof(fleet->players[i]), "d-f%zu", i), 0);
        bt_world_add_screen(world, screen, fleet->players[i]);
        bt_fake_open(world, &fleet->fakes[i], fleet->players[i], after);
    }
    return fleet;
}

static void close_fleet(struct fleet *fleet, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bt_fake_end(&fleet->fakes[i]);
    }
    free(fleet);
}

// To every player.
static void give_all(struct bt_world *world, int64_t n)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    bt_must(bt_db_run(db, &err,
                      "INSERT INTO player_order(player, n, screen, kind, body, reference, state,"
                      " given_ms, detail) SELECT id, $1, screen, 'takedown', '{\"of\":\"' || id ||"
                      " '\"}', 'r', 'waiting', $2, '' FROM player",
                      BT_INT(n), BT_INT(BT_WORLD_START_MS)),
            &err);
    bt_db_release(db);
}

static int64_t ask_number(struct bt_world *world, const char *sql)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    bt_must(bt_db_ask(db, &rows, &err, sql), &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    return bt_db_get_int(rows, 0);
}

// Its own orders from `first` to `last`, each once and in order, and no others.
static void assert_orders(const struct fleet *fleet, size_t i, int64_t first, int64_t last)
{
    const char *at = bt_buf_text(&fleet->fakes[i].text);
    assert_int_equal(bt_count_of(at, "event: order"), last - first + 1);
    for (int64_t n = first; n <= last; n++) {
        BT_AUTOFREE char *order = bt_strf("id: %lld\nevent: order\ndata: {\"n\":%lld,\"kind\":"
                                          "\"takedown\",\"of\":\"%s\"}\n\n",
                                          (long long)n, (long long)n, fleet->players[i]);
        at = strstr(at, order);
        assert_non_null(at);
    }
}

static void tell_all(struct bt_world *world, const struct fleet *fleet, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bt_hub_orders(world->hub, fleet->players[i]);
    }
}

static void orders_of_a_whole_fleet_come_to_each_its_own(void **state)
{
    struct bt_world world;
    bt_world_setup(&world, state, NULL);
    struct fleet *fleet = open_fleet(&world, FLEET, 1);  // each has the first one
    for (int64_t n = 1; n <= 2; n++) {
        give_all(&world, n);
    }
    bt_hub_step(world.hub);
    give_all(&world, 3);
    tell_all(&world, fleet, FLEET);
    for (size_t i = 0; i < FLEET; i += 3) {
        bt_hub_pong(world.hub, fleet->players[i], bt_fake_newest_ping(&fleet->fakes[i]));
    }
    bt_hub_step(world.hub);
    for (size_t i = 0; i < FLEET; i++) {
        assert_orders(fleet, i, 2, 3);
    }
    // Those of d-1, which has no stream, wait.
    assert_int_equal(ask_number(&world, "SELECT count(*) FROM player_order WHERE state = 'sent'"
                                        " AND player <> 'd-1'"),
                     3 * FLEET);
    assert_int_equal(ask_number(&world, "SELECT count(*) FROM player_order"
                                        " WHERE state = 'waiting'"),
                     3);
    assert_int_equal(ask_number(&world, "SELECT count(*) FROM player WHERE channel = 'obeys'"
                                        " AND channel_ms > 0"),
                     (FLEET + 2) / 3);
    close_fleet(fleet, FLEET);
    bt_world_finish(&world);
}

// Together more than one answer of the database has.
static void many_orders_of_many_players_come_in_one_step(void **state)
{
    struct bt_world world;
    bt_world_setup(&world, state, NULL);
    struct fleet *fleet = open_fleet(&world, 7, 0);
    for (int64_t n = 1; n <= 60; n++) {
        give_all(&world, n);
    }
    bt_hub_step(world.hub);
    for (size_t i = 0; i < 7; i++) {
        assert_orders(fleet, i, 1, 60);
    }
    close_fleet(fleet, 7);
    bt_world_finish(&world);
}

static void who_has_more_orders_than_an_answer_gets_the_rest_later(void **state)
{
    struct bt_world world;
    bt_world_setup(&world, state, NULL);
    struct fleet *fleet = open_fleet(&world, 1, 0);
    for (int64_t n = 1; n <= 450; n++) {
        give_all(&world, n);
    }
    bt_hub_step(world.hub);
    assert_orders(fleet, 0, 1, 200);
    bt_world_pass(&world, 2);
    assert_orders(fleet, 0, 1, 450);
    close_fleet(fleet, 1);
    bt_world_finish(&world);
}

#define GIVERS 4
#define GIVEN 10

struct giver {
    struct bt_world *world;
    const struct fleet *fleet;
    size_t first;
};

static void *give_and_tell(void *context)
{
    const struct giver *giver = context;
    for (int64_t n = 1; n <= GIVEN; n++) {
        for (size_t i = giver->first; i < giver->first + 5; i++) {
            const char *player = giver->fleet->players[i];
            BT_AUTOFREE char *body = bt_strf("{\"of\":\"%s\"}", player);
            bt_world_give_at(giver->world, player, n, "takedown", body, BT_WORLD_START_MS);
            bt_hub_orders(giver->world->hub, player);
        }
    }
    return NULL;
}

// The hub's thread serves until nobody gives any more; after that nothing wakes it for them.
static void an_order_given_while_others_are_read_is_not_forgotten(void **state)
{
    struct bt_world world;
    struct giver givers[GIVERS];
    pthread_t threads[GIVERS];
    bt_world_setup(&world, state, NULL);
    struct bt_error err = {0};
    struct fleet *fleet = open_fleet(&world, GIVERS * 5, 0);
    bt_must(bt_hub_start(world.hub, &err), &err);
    for (size_t i = 0; i < GIVERS; i++) {
        givers[i] = (struct giver){.world = &world, .fleet = fleet, .first = i * 5};
        assert_int_equal(pthread_create(&threads[i], NULL, give_and_tell, &givers[i]), 0);
    }
    for (size_t i = 0; i < GIVERS; i++) {
        pthread_join(threads[i], NULL);
    }
    bt_hub_close(world.hub);
    bt_hub_step(world.hub);  // what was still dirty
    for (size_t i = 0; i < GIVERS * 5; i++) {
        assert_orders(fleet, i, 1, GIVEN);
    }
    close_fleet(fleet, GIVERS * 5);
    bt_world_finish(&world);
}

static void who_answers_obeys_and_who_is_silent_for_90_seconds_does_not(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    assert_channel(&world, "never-seen");
    bt_hub_pong(world.hub, "d-1", bt_fake_newest_ping(&fake) + 1);  // there was no such ping
    bt_hub_step(world.hub);
    assert_channel(&world, "never-seen");
    bt_hub_pong(world.hub, "d-1", bt_fake_newest_ping(&fake));
    bt_hub_step(world.hub);
    assert_channel(&world, "obeys");
    bt_world_pass(&world, 89);
    assert_channel(&world, "obeys");
    bt_world_pass(&world, 3);
    assert_channel(&world, "not-obeying");
    bt_hub_pong(world.hub, "d-1", bt_fake_newest_ping(&fake));
    bt_hub_step(world.hub);
    assert_channel(&world, "obeys");
    bt_fake_end(&fake);
    bt_world_pass(&world, 92);  // gone, and nobody heard of it again
    assert_channel(&world, "not-obeying");
    bt_world_finish(&world);
}

static void a_stream_that_never_answers_does_not_obey(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_world_pass(&world, 92);
    assert_channel(&world, "not-obeying");
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

static void after_a_restart_those_who_obeyed_have_90_seconds(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    bt_hub_pong(world.hub, "d-1", bt_fake_newest_ping(&fake));
    bt_hub_step(world.hub);
    bt_fake_end(&fake);
    bt_hub_destroy(world.hub);
    bt_world_open(&world, NULL);
    bt_world_pass(&world, 60);
    assert_channel(&world, "obeys");
    bt_world_pass(&world, 32);
    assert_channel(&world, "not-obeying");
    bt_world_finish(&world);
}

#define CROWD 60

static void pings_come_to_a_thirtieth_each_second(void **state)
{
    struct bt_world world;
    struct bt_fake *fakes = BT_NEW_ARRAY(struct bt_fake, CROWD);
    bt_world_setup(&world, state, NULL);
    for (size_t i = 0; i < CROWD; i++) {
        char player[16];
        assert_int_equal(bt_format(player, sizeof(player), "d-x%zu", i), 0);
        bt_fake_open(&world, &fakes[i], player, 0);
    }
    bt_hub_step(world.hub);
    for (size_t i = 0; i < CROWD; i++) {
        bt_buf_clear(&fakes[i].text);
    }
    for (int second = 0; second < 30; second++) {
        size_t pinged = 0;
        bt_world_pass(&world, 1);
        for (size_t i = 0; i < CROWD; i++) {
            pinged += bt_count_of(bt_fake_text(&fakes[i]), "event: ping");
            bt_buf_clear(&fakes[i].text);
        }
        assert_int_equal(pinged, CROWD / 30);
    }
    for (size_t i = 0; i < CROWD; i++) {
        bt_fake_end(&fakes[i]);
    }
    free(fakes);
    bt_world_finish(&world);
}

static void a_hint_goes_to_all_and_only_forward(void **state)
{
    struct bt_world world;
    struct bt_fake one, two;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &one, "d-1", 0);
    bt_fake_open(&world, &two, "d-2", 0);
    bt_hub_step(world.hub);
    bt_hub_hint(world.hub, 7, BT_URGENCY_NORMAL);
    bt_hub_step(world.hub);
    assert_non_null(strstr(bt_fake_text(&one), "event: hint\ndata: {\"timestamp\":7,\"priority\":"
                                               "\"normal\",\"jitter_ms\":2}\n\n"));
    assert_non_null(strstr(bt_fake_text(&two), "\"timestamp\":7"));
    bt_hub_hint(world.hub, 6, BT_URGENCY_NOW);
    bt_hub_hint(world.hub, 7, BT_URGENCY_NOW);
    bt_hub_step(world.hub);
    assert_int_equal(bt_count_of(bt_fake_text(&one), "event: hint"), 1);
    bt_hub_hint(world.hub, 8, BT_URGENCY_EMERGENCY);
    bt_hub_hint(world.hub, 9, BT_URGENCY_NORMAL);  // both at once: the more urgent counts
    bt_hub_step(world.hub);
    assert_non_null(
        strstr(bt_fake_text(&one), "{\"timestamp\":9,\"priority\":\"emergency\",\"jitter_ms\":0}"));
    bt_fake_end(&one);
    bt_fake_end(&two);
    bt_world_finish(&world);
}

static void a_player_that_is_forgotten_has_no_stream(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    bt_world_setup(&world, state, NULL);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_forget(world.hub, "d-1");
    assert_true(fake.closed);
    bt_hub_forget(world.hub, "d-1");
    bt_hub_step(world.hub);
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

static void open_watcher(struct bt_world *world, struct bt_fake *fake, const char *path)
{
    *fake = (struct bt_fake){.closed = false};
    pthread_mutex_init(&fake->lock, NULL);
    bt_buf_init(&fake->text, 65536);
    char **paths = BT_NEW_ARRAY(char *, 2);
    paths[0] = bt_strdup(path);
    fake->seat = bt_seat_of_watcher(world->hub, paths);
    assert_non_null(fake->seat);
    bt_seat_on_open(bt_fake_stream(fake), fake->seat);
}

static void people_are_told_of_their_own_units(void **state)
{
    struct bt_world world;
    struct bt_fake province, commune, other;
    bt_world_setup(&world, state, NULL);
    open_watcher(&world, &province, "/vn/92/");
    open_watcher(&world, &commune, "/vn/92/31333/");
    open_watcher(&world, &other, "/vn/92/31334/");
    bt_hub_tell(world.hub, "/vn/92/31333/", "status", "{\"screen\":\"s-1\"}");
    bt_hub_step(world.hub);
    assert_true(bt_str_starts(bt_fake_text(&province), "retry: 5000\n\nevent: status\n"
                                                       "data: {\"screen\":\"s-1\"}\n\n"));
    assert_string_equal(bt_fake_text(&commune), bt_fake_text(&province));
    assert_null(strstr(bt_fake_text(&other), "event"));
    bt_world_pass(&world, 3601);
    assert_true(other.closed);
    bt_fake_end(&province);
    bt_fake_end(&commune);
    bt_fake_end(&other);
    bt_world_finish(&world);
}

static void news_nobody_reads_are_bounded_and_too_many_watchers_are_refused(void **state)
{
    struct bt_world world;
    struct bt_fake *fakes = BT_NEW_ARRAY(struct bt_fake, BT_HUB_MAX_WATCHERS);
    bt_world_setup(&world, state, NULL);
    for (size_t i = 0; i < BT_HUB_MAX_WATCHERS; i++) {
        open_watcher(&world, &fakes[i], "/vn/");
    }
    char **paths = BT_NEW_ARRAY(char *, 1);
    assert_null(bt_seat_of_watcher(world.hub, paths));
    for (size_t i = 0; i < 1500; i++) {
        char data[32];
        assert_int_equal(bt_format(data, sizeof(data), "%zu", i), 0);
        bt_hub_tell(world.hub, "/vn/", "x", data);
    }
    bt_hub_step(world.hub);
    assert_int_equal(bt_count_of(bt_fake_text(&fakes[0]), "event: x"), 1000);
    assert_null(strstr(bt_fake_text(&fakes[0]), "data: 499\n"));
    assert_non_null(strstr(bt_fake_text(&fakes[0]), "data: 500\n"));
    for (size_t i = 0; i < BT_HUB_MAX_WATCHERS; i++) {
        bt_fake_end(&fakes[i]);
    }
    free(fakes);
    bt_world_finish(&world);
}

static void *come_and_go(void *context)
{
    struct bt_world *world = context;
    for (int i = 0; i < 50; i++) {
        struct bt_fake fake;
        bt_fake_open(world, &fake, "d-1", 0);
        bt_hub_orders(world->hub, "d-1");
        bt_hub_hint(world->hub, i, BT_URGENCY_NORMAL);
        bt_hub_pong(world->hub, "d-1", i);
        bt_hub_tell(world->hub, "/vn/", "x", "1");
        bt_fake_end(&fake);
    }
    return NULL;
}

// For the thread sanitizer: everybody at once, with the hub's own thread and the real clock.
static void many_threads_may_use_it(void **state)
{
    struct bt_world world;
    bt_world_setup(&world, state, NULL);
    bt_world_give(&world, 1);
    bt_hub_destroy(world.hub);
    bt_clock_destroy(world.clock);
    world.clock = NULL;
    const struct bt_hub_options options = {.clock = bt_clock_real(),
                                           .db = world.test->pool,
                                           .write = bt_fake_write,
                                           .close = bt_fake_close};
    struct bt_error err = {0};
    bt_must(bt_hub_open(&options, &world.hub, &err), &err);
    bt_must(bt_hub_start(world.hub, &err), &err);
    pthread_t threads[4];
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &world), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    bt_world_finish(&world);
}

// Until it is so, or patience is over.
static bool comes(bool (*is_so)(void *context), void *context)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t until_ns = bt_clock_mono_ns(clock) + 60 * BT_NS_PER_S;
    while (!is_so(context) && bt_clock_mono_ns(clock) < until_ns) {
        bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + BT_NS_PER_MS);
    }
    return is_so(context);
}

static bool somebody_waits(void *context)
{
    return bt_db_waiting(context) > 0;
}

static bool is_hinted(void *context)
{
    struct bt_fake *fake = context;
    pthread_mutex_lock(&fake->lock);
    bool hinted = strstr(bt_fake_text(fake), "{\"timestamp\":12,") != NULL;
    pthread_mutex_unlock(&fake->lock);
    return hinted;
}

// It has one connection, and does not get it: as long as that, the database's machine is gone.
static void streams_do_not_wait_with_who_waits_for_the_database(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    struct bt_db *only = NULL;
    struct bt_error err = {0};
    BT_AUTO(bt_db_pool) pool = NULL;
    bt_world_setup(&world, state, NULL);
    bt_hub_destroy(world.hub);
    bt_must(bt_db_open(world.test->where, 1, &pool, &err), &err);
    const struct bt_hub_options options = {
        .clock = bt_clock_real(), .db = pool, .write = bt_fake_write, .close = bt_fake_close};
    bt_must(bt_hub_open(&options, &world.hub, &err), &err);
    bt_fake_open(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    bt_must(bt_db_acquire(pool, &only, &err), &err);
    bt_must(bt_hub_start(world.hub, &err), &err);
    bt_hub_orders(world.hub, "d-1");
    bool waits = comes(somebody_waits, pool);
    bt_hub_hear(world.hub, "hint", "12 2");
    bool hinted = comes(is_hinted, &fake);
    bt_db_release(only);
    bt_hub_close(world.hub);
    assert_true(waits);
    assert_true(hinted);
    bt_fake_end(&fake);
    bt_world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(a_stream_begins_with_a_hint_and_a_ping_and_gets_orders_in_order),
        bt_db_test(what_another_server_did_is_noticed_within_seconds),
        bt_db_test(who_resumes_gets_what_comes_after_and_nothing_twice),
        bt_db_test(what_went_stale_is_not_sent),
        bt_db_test(a_second_stream_of_a_player_ends_the_first),
        bt_db_test(a_slow_reader_loses_its_stream_and_no_order),
        bt_db_test(a_long_absence_is_made_up_for_in_portions),
        bt_db_test(orders_of_a_whole_fleet_come_to_each_its_own),
        bt_db_test(many_orders_of_many_players_come_in_one_step),
        bt_db_test(who_has_more_orders_than_an_answer_gets_the_rest_later),
        bt_db_test(an_order_given_while_others_are_read_is_not_forgotten),
        bt_db_test(who_answers_obeys_and_who_is_silent_for_90_seconds_does_not),
        bt_db_test(a_stream_that_never_answers_does_not_obey),
        bt_db_test(after_a_restart_those_who_obeyed_have_90_seconds),
        bt_db_test(pings_come_to_a_thirtieth_each_second),
        bt_db_test(a_hint_goes_to_all_and_only_forward),
        bt_db_test(a_player_that_is_forgotten_has_no_stream),
        bt_db_test(people_are_told_of_their_own_units),
        bt_db_test(news_nobody_reads_are_bounded_and_too_many_watchers_are_refused),
        bt_db_test(streams_do_not_wait_with_who_waits_for_the_database),
        bt_db_test(many_threads_may_use_it),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

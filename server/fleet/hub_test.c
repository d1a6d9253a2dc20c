#include "server/fleet/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/testing.h"
#include "server/fleet/orders.h"

#define START_MS 1795240000000LL

// What a stream is in these tests: it keeps what is written to it.
struct fake {
    struct bt_buf text;
    struct bt_seat *seat;
    bool closed;  // from our side
    bool slow;    // refuses to take more
    pthread_mutex_t lock;
};

struct world {
    struct bt_test_db *test;
    struct bt_clock *clock;
    struct bt_hub *hub;
};

static struct bt_stream *stream_of(struct fake *fake)
{
    return (struct bt_stream *)fake;
}

static int write_fake(struct bt_stream *stream, const char *text, size_t len)
{
    struct fake *fake = (struct fake *)stream;
    pthread_mutex_lock(&fake->lock);
    int r = fake->slow || fake->closed ? -EPIPE : bt_buf_append(&fake->text, text, len);
    pthread_mutex_unlock(&fake->lock);
    return r;
}

static void close_fake(struct bt_stream *stream)
{
    struct fake *fake = (struct fake *)stream;
    pthread_mutex_lock(&fake->lock);
    fake->closed = true;
    pthread_mutex_unlock(&fake->lock);
}

static void open_hub(struct world *world)
{
    const struct bt_hub_options options = {
        .clock = world->clock, .db = world->test->pool, .write = write_fake, .close = close_fake};
    struct bt_error err = {0};
    if (bt_hub_open(&options, &world->hub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void run(struct world *world, int64_t r, const struct bt_error *err)
{
    (void)world;
    if (r < 0) {
        fail_msg("%s", err->msg);
    }
}

static void add_screen(struct world *world, const char *screen, const char *player)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    run(world,
        bt_db_run(db, &err,
                  "INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name,"
                  " duty_phone, open_min, close_min, volume_max_percent, brightness_max_percent,"
                  " note, revision, created_ms) VALUES($1, 'vn', $1, 'led', 320, 180, '', '', '',"
                  " 0, 0, 0, 100, '', 1, 0)",
                  BT_TEXT(screen)),
        &err);
    run(world,
        bt_db_run(db, &err,
                  "INSERT INTO player(id, screen, unit, public_key, state, model, version,"
                  " paired_ms, paired_by, last_order, order_ms, channel, channel_ms)"
                  " VALUES($1, $2, 'vn', $1, 'active', '', '', 0, '', 0, 0, 'never-seen', 0)",
                  BT_TEXT(player), BT_TEXT(screen)),
        &err);
    bt_db_release(db);
}

static void setup(struct world *world, void **state)
{
    *world = (struct world){.test = *state};
    world->clock = bt_clock_create_simulated(1000 * BT_NS_PER_S, START_MS);
    add_screen(world, "s-1", "d-1");
    open_hub(world);
}

static void finish(struct world *world)
{
    bt_hub_destroy(world->hub);
    bt_clock_destroy(world->clock);
}

static void give_at(struct world *world, const char *player, int64_t n, const char *kind,
                    const char *body, int64_t given_ms)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    run(world,
        bt_db_run(db, &err,
                  "INSERT INTO player_order(player, n, screen, kind, body, reference, state,"
                  " given_ms, detail) VALUES($1, $2, 's-1', $3, $4, 'r', 'waiting', $5, '')",
                  BT_TEXT(player), BT_INT(n), BT_TEXT(kind), BT_TEXT(body), BT_INT(given_ms)),
        &err);
    run(world,
        bt_db_run(db, &err, "UPDATE player SET last_order = $2 WHERE id = $1", BT_TEXT(player),
                  BT_INT(n)),
        &err);
    bt_db_release(db);
}

static void give(struct world *world, int64_t n)
{
    give_at(world, "d-1", n, "identify", "{\"seconds\":5}", START_MS);
}

static void answer(struct world *world, int64_t n)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    run(world,
        bt_db_run(db, &err, "UPDATE player_order SET state = 'done' WHERE n = $1", BT_INT(n)),
        &err);
    bt_db_release(db);
}

static void open_stream(struct world *world, struct fake *fake, const char *player, int64_t after)
{
    *fake = (struct fake){.closed = false};
    pthread_mutex_init(&fake->lock, NULL);
    bt_buf_init(&fake->text, 65536);
    const struct bt_seat_player who = {
        .player = player, .screen = "s-1", .unit_path = "/vn/", .after = after};
    fake->seat = bt_seat_of_player(world->hub, &who);
    bt_seat_on_open(stream_of(fake), fake->seat);
}

static void end_stream(struct fake *fake)
{
    bt_seat_on_close(stream_of(fake), fake->seat);
    bt_buf_finish(&fake->text);
    pthread_mutex_destroy(&fake->lock);
}

static void pass(struct world *world, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i++) {
        bt_clock_advance(world->clock, BT_NS_PER_S);
        bt_hub_step(world->hub);
    }
}

static const char *text_of(struct fake *fake)
{
    return bt_buf_text(&fake->text);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

// The number of the newest ping in the stream.
static int64_t newest_ping(struct fake *fake)
{
    static const char mark[] = "{\"ping\":";
    const char *last = NULL;
    for (const char *at = text_of(fake); (at = strstr(at, mark)) != NULL; at++) {
        last = at + strlen(mark);
    }
    assert_non_null(last);
    int64_t number = 0;
    for (; *last >= '0' && *last <= '9'; last++) {
        number = number * 10 + (*last - '0');
    }
    return number;
}

static void assert_channel(struct world *world, const char *expected)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    run(world, bt_db_ask(db, &rows, &err, "SELECT channel FROM player WHERE id = 'd-1'"), &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    assert_string_equal(bt_db_get_text(rows, 0), expected);
}

static void a_stream_begins_with_a_hint_and_a_ping_and_gets_orders_in_order(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    give(&world, 1);
    give(&world, 2);
    bt_hub_hint(world.hub, 4711, BT_URGENCY_NORMAL);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    assert_true(bt_str_starts(text_of(&fake),
                              "retry: 5000\n\n"
                              "event: hint\ndata: {\"timestamp\":4711,\"priority\":\"normal\"}\n\n"
                              "event: ping\ndata: {\"ping\":1}\n\n"
                              "id: 1\nevent: order\n"
                              "data: {\"n\":1,\"kind\":\"identify\",\"seconds\":5}\n\n"
                              "id: 2\nevent: order\n"));
    give(&world, 3);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    assert_int_equal(count_of(text_of(&fake), "event: order"), 3);
    end_stream(&fake);
    finish(&world);
}

static void what_another_server_did_is_noticed_within_seconds(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    give(&world, 1);
    struct bt_db *db = bt_testing_acquire(world.test);
    struct bt_error err = {0};
    run(&world,
        bt_db_run(db, &err, "UPDATE player SET last_order = 1, order_ms = $1", BT_INT(START_MS)),
        &err);
    run(&world,
        bt_db_run(db, &err,
                  "INSERT INTO tuf_metadata(role, version, body, sha256, expires_ms)"
                  " VALUES('timestamp', 12, '', '', 0)"),
        &err);
    bt_db_release(db);
    pass(&world, 6);
    assert_int_equal(count_of(text_of(&fake), "id: 1\n"), 1);
    assert_int_equal(count_of(text_of(&fake), "{\"timestamp\":12,\"priority\":\"now\""), 1);
    pass(&world, 20);
    assert_int_equal(count_of(text_of(&fake), "id: 1\n"), 1);
    end_stream(&fake);
    finish(&world);
}

static void who_resumes_gets_what_comes_after_and_nothing_twice(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    for (int64_t n = 1; n <= 4; n++) {
        give(&world, n);
    }
    answer(&world, 3);
    open_stream(&world, &fake, "d-1", 2);
    bt_hub_step(world.hub);
    assert_null(strstr(text_of(&fake), "id: 2\n"));
    assert_null(strstr(text_of(&fake), "id: 3\n"));
    assert_non_null(strstr(text_of(&fake), "id: 4\n"));
    end_stream(&fake);
    finish(&world);
}

static void what_went_stale_is_not_sent(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    give_at(&world, "d-1", 1, "restart", "{}", START_MS - 11 * 60 * 1000);
    give_at(&world, "d-1", 2, "takedown", "{\"id\":\"t-1\"}", START_MS - BT_MS_PER_DAY);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    assert_null(strstr(text_of(&fake), "restart"));
    assert_non_null(
        strstr(text_of(&fake), "data: {\"n\":2,\"kind\":\"takedown\",\"id\":\"t-1\"}\n"));
    end_stream(&fake);
    finish(&world);
}

static void a_second_stream_of_a_player_ends_the_first(void **state)
{
    struct world world;
    struct fake first, second;
    setup(&world, state);
    open_stream(&world, &first, "d-1", 0);
    bt_hub_step(world.hub);
    open_stream(&world, &second, "d-1", 0);
    assert_true(first.closed);
    give(&world, 1);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    assert_null(strstr(text_of(&first), "order"));
    assert_int_equal(count_of(text_of(&second), "event: order"), 1);
    // The first one's end takes nothing away from the second.
    end_stream(&first);
    give(&world, 2);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    assert_int_equal(count_of(text_of(&second), "event: order"), 2);
    end_stream(&second);
    finish(&world);
}

static void a_slow_reader_loses_its_stream_and_no_order(void **state)
{
    struct world world;
    struct fake slow, again;
    setup(&world, state);
    open_stream(&world, &slow, "d-1", 0);
    bt_hub_step(world.hub);
    slow.slow = true;
    give(&world, 1);
    bt_hub_orders(world.hub, "d-1");
    bt_hub_step(world.hub);
    struct bt_hub_counts counts;
    bt_hub_count(world.hub, &counts);
    assert_int_equal(counts.players, 0);
    end_stream(&slow);
    open_stream(&world, &again, "d-1", 0);
    bt_hub_step(world.hub);
    assert_int_equal(count_of(text_of(&again), "id: 1\n"), 1);
    end_stream(&again);
    finish(&world);
}

static void a_long_absence_is_made_up_for_in_portions(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    BT_AUTOFREE char *ballast = bt_alloc(3000);
    memset(ballast, 'a', 2999);
    BT_AUTOFREE char *body = bt_strf("{\"id\":\"%s\"}", ballast);
    for (int64_t n = 1; n <= 40; n++) {
        give_at(&world, "d-1", n, "takedown", body, START_MS);
    }
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    size_t got = 0, portions = 0;
    while (got < 40 && portions < 10) {
        assert_true(fake.text.len > 0 && fake.text.len < 48 * 1024);
        got += count_of(text_of(&fake), "event: order");
        portions++;
        bt_buf_clear(&fake.text);  // the reader has read
        pass(&world, 1);
    }
    assert_int_equal(got, 40);
    assert_in_range(portions, 3, 4);
    end_stream(&fake);
    finish(&world);
}

// More than are asked for at once.
#define FLEET 200

struct fleet {
    char players[FLEET][16];
    struct fake fakes[FLEET];
};

static struct fleet *open_fleet(struct world *world, size_t count, int64_t after)
{
    struct fleet *fleet = BT_NEW(struct fleet);
    for (size_t i = 0; i < count; i++) {
        char screen[16];
        assert_int_equal(bt_format(screen, sizeof(screen), "s-f%zu", i), 0);
        assert_int_equal(bt_format(fleet->players[i], sizeof(fleet->players[i]), "d-f%zu", i), 0);
        add_screen(world, screen, fleet->players[i]);
        open_stream(world, &fleet->fakes[i], fleet->players[i], after);
    }
    return fleet;
}

static void close_fleet(struct fleet *fleet, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        end_stream(&fleet->fakes[i]);
    }
    free(fleet);
}

// To every player.
static void give_all(struct world *world, int64_t n)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    run(world,
        bt_db_run(db, &err,
                  "INSERT INTO player_order(player, n, screen, kind, body, reference, state,"
                  " given_ms, detail) SELECT id, $1, screen, 'takedown', '{\"of\":\"' || id ||"
                  " '\"}', 'r', 'waiting', $2, '' FROM player",
                  BT_INT(n), BT_INT(START_MS)),
        &err);
    bt_db_release(db);
}

static int64_t ask_number(struct world *world, const char *sql)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    run(world, bt_db_ask(db, &rows, &err, sql), &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    return bt_db_get_int(rows, 0);
}

// Its own orders from `first` to `last`, each once and in order, and no others.
static void assert_orders(const struct fleet *fleet, size_t i, int64_t first, int64_t last)
{
    const char *at = bt_buf_text(&fleet->fakes[i].text);
    assert_int_equal(count_of(at, "event: order"), last - first + 1);
    for (int64_t n = first; n <= last; n++) {
        BT_AUTOFREE char *order = bt_strf("id: %lld\nevent: order\ndata: {\"n\":%lld,\"kind\":"
                                          "\"takedown\",\"of\":\"%s\"}\n\n",
                                          (long long)n, (long long)n, fleet->players[i]);
        at = strstr(at, order);
        assert_non_null(at);
    }
}

static void tell_all(struct world *world, const struct fleet *fleet, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bt_hub_orders(world->hub, fleet->players[i]);
    }
}

static void orders_of_a_whole_fleet_come_to_each_its_own(void **state)
{
    struct world world;
    setup(&world, state);
    struct fleet *fleet = open_fleet(&world, FLEET, 1);  // each has the first one
    for (int64_t n = 1; n <= 2; n++) {
        give_all(&world, n);
    }
    bt_hub_step(world.hub);
    give_all(&world, 3);
    tell_all(&world, fleet, FLEET);
    for (size_t i = 0; i < FLEET; i += 3) {
        bt_hub_pong(world.hub, fleet->players[i], newest_ping(&fleet->fakes[i]));
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
    finish(&world);
}

// Together more than one answer of the database has.
static void many_orders_of_many_players_come_in_one_step(void **state)
{
    struct world world;
    setup(&world, state);
    struct fleet *fleet = open_fleet(&world, 7, 0);
    for (int64_t n = 1; n <= 60; n++) {
        give_all(&world, n);
    }
    bt_hub_step(world.hub);
    for (size_t i = 0; i < 7; i++) {
        assert_orders(fleet, i, 1, 60);
    }
    close_fleet(fleet, 7);
    finish(&world);
}

static void who_has_more_orders_than_an_answer_gets_the_rest_later(void **state)
{
    struct world world;
    setup(&world, state);
    struct fleet *fleet = open_fleet(&world, 1, 0);
    for (int64_t n = 1; n <= 450; n++) {
        give_all(&world, n);
    }
    bt_hub_step(world.hub);
    assert_orders(fleet, 0, 1, 200);
    pass(&world, 2);
    assert_orders(fleet, 0, 1, 450);
    close_fleet(fleet, 1);
    finish(&world);
}

#define GIVERS 4
#define GIVEN 10

struct giver {
    struct world *world;
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
            give_at(giver->world, player, n, "takedown", body, START_MS);
            bt_hub_orders(giver->world->hub, player);
        }
    }
    return NULL;
}

// The hub's thread serves until nobody gives any more; after that nothing wakes it for them.
static void an_order_given_while_others_are_read_is_not_forgotten(void **state)
{
    struct world world;
    struct giver givers[GIVERS];
    pthread_t threads[GIVERS];
    setup(&world, state);
    struct bt_error err = {0};
    struct fleet *fleet = open_fleet(&world, GIVERS * 5, 0);
    run(&world, bt_hub_start(world.hub, &err), &err);
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
    finish(&world);
}

static void who_answers_obeys_and_who_is_silent_for_90_seconds_does_not(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    assert_channel(&world, "never-seen");
    bt_hub_pong(world.hub, "d-1", newest_ping(&fake) + 1);  // there was no such ping
    bt_hub_step(world.hub);
    assert_channel(&world, "never-seen");
    bt_hub_pong(world.hub, "d-1", newest_ping(&fake));
    bt_hub_step(world.hub);
    assert_channel(&world, "obeys");
    pass(&world, 89);
    assert_channel(&world, "obeys");
    pass(&world, 3);
    assert_channel(&world, "not-obeying");
    bt_hub_pong(world.hub, "d-1", newest_ping(&fake));
    bt_hub_step(world.hub);
    assert_channel(&world, "obeys");
    end_stream(&fake);
    pass(&world, 92);  // gone, and nobody heard of it again
    assert_channel(&world, "not-obeying");
    finish(&world);
}

static void a_stream_that_never_answers_does_not_obey(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    pass(&world, 92);
    assert_channel(&world, "not-obeying");
    end_stream(&fake);
    finish(&world);
}

static void after_a_restart_those_who_obeyed_have_90_seconds(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    bt_hub_pong(world.hub, "d-1", newest_ping(&fake));
    bt_hub_step(world.hub);
    end_stream(&fake);
    bt_hub_destroy(world.hub);
    open_hub(&world);
    pass(&world, 60);
    assert_channel(&world, "obeys");
    pass(&world, 32);
    assert_channel(&world, "not-obeying");
    finish(&world);
}

#define CROWD 60

static void pings_come_to_a_thirtieth_each_second(void **state)
{
    struct world world;
    struct fake *fakes = BT_NEW_ARRAY(struct fake, CROWD);
    setup(&world, state);
    for (size_t i = 0; i < CROWD; i++) {
        char player[16];
        assert_int_equal(bt_format(player, sizeof(player), "d-x%zu", i), 0);
        open_stream(&world, &fakes[i], player, 0);
    }
    bt_hub_step(world.hub);
    for (size_t i = 0; i < CROWD; i++) {
        bt_buf_clear(&fakes[i].text);
    }
    for (int second = 0; second < 30; second++) {
        size_t pinged = 0;
        pass(&world, 1);
        for (size_t i = 0; i < CROWD; i++) {
            pinged += count_of(text_of(&fakes[i]), "event: ping");
            bt_buf_clear(&fakes[i].text);
        }
        assert_int_equal(pinged, CROWD / 30);
    }
    for (size_t i = 0; i < CROWD; i++) {
        end_stream(&fakes[i]);
    }
    free(fakes);
    finish(&world);
}

static void a_hint_goes_to_all_and_only_forward(void **state)
{
    struct world world;
    struct fake one, two;
    setup(&world, state);
    open_stream(&world, &one, "d-1", 0);
    open_stream(&world, &two, "d-2", 0);
    bt_hub_step(world.hub);
    bt_hub_hint(world.hub, 7, BT_URGENCY_NORMAL);
    bt_hub_step(world.hub);
    assert_non_null(strstr(text_of(&one), "event: hint\ndata: {\"timestamp\":7,\"priority\":"
                                          "\"normal\",\"jitter_ms\":2}\n\n"));
    assert_non_null(strstr(text_of(&two), "\"timestamp\":7"));
    bt_hub_hint(world.hub, 6, BT_URGENCY_NOW);
    bt_hub_hint(world.hub, 7, BT_URGENCY_NOW);
    bt_hub_step(world.hub);
    assert_int_equal(count_of(text_of(&one), "event: hint"), 1);
    bt_hub_hint(world.hub, 8, BT_URGENCY_EMERGENCY);
    bt_hub_hint(world.hub, 9, BT_URGENCY_NORMAL);  // both at once: the more urgent counts
    bt_hub_step(world.hub);
    assert_non_null(
        strstr(text_of(&one), "{\"timestamp\":9,\"priority\":\"emergency\",\"jitter_ms\":0}"));
    end_stream(&one);
    end_stream(&two);
    finish(&world);
}

static void a_player_that_is_forgotten_has_no_stream(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_forget(world.hub, "d-1");
    assert_true(fake.closed);
    bt_hub_forget(world.hub, "d-1");
    bt_hub_step(world.hub);
    end_stream(&fake);
    finish(&world);
}

static void open_watcher(struct world *world, struct fake *fake, const char *path)
{
    *fake = (struct fake){.closed = false};
    pthread_mutex_init(&fake->lock, NULL);
    bt_buf_init(&fake->text, 65536);
    char **paths = BT_NEW_ARRAY(char *, 2);
    paths[0] = bt_strdup(path);
    fake->seat = bt_seat_of_watcher(world->hub, paths);
    assert_non_null(fake->seat);
    bt_seat_on_open(stream_of(fake), fake->seat);
}

static void people_are_told_of_their_own_units(void **state)
{
    struct world world;
    struct fake province, commune, other;
    setup(&world, state);
    open_watcher(&world, &province, "/vn/92/");
    open_watcher(&world, &commune, "/vn/92/31333/");
    open_watcher(&world, &other, "/vn/92/31334/");
    bt_hub_tell(world.hub, "/vn/92/31333/", "status", "{\"screen\":\"s-1\"}");
    bt_hub_step(world.hub);
    assert_true(bt_str_starts(text_of(&province), "retry: 5000\n\nevent: status\n"
                                                  "data: {\"screen\":\"s-1\"}\n\n"));
    assert_string_equal(text_of(&commune), text_of(&province));
    assert_null(strstr(text_of(&other), "event"));
    pass(&world, 3601);
    assert_true(other.closed);
    end_stream(&province);
    end_stream(&commune);
    end_stream(&other);
    finish(&world);
}

static void news_nobody_reads_are_bounded_and_too_many_watchers_are_refused(void **state)
{
    struct world world;
    struct fake *fakes = BT_NEW_ARRAY(struct fake, BT_HUB_MAX_WATCHERS);
    setup(&world, state);
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
    assert_int_equal(count_of(text_of(&fakes[0]), "event: x"), 1000);
    assert_null(strstr(text_of(&fakes[0]), "data: 499\n"));
    assert_non_null(strstr(text_of(&fakes[0]), "data: 500\n"));
    for (size_t i = 0; i < BT_HUB_MAX_WATCHERS; i++) {
        end_stream(&fakes[i]);
    }
    free(fakes);
    finish(&world);
}

static void *come_and_go(void *context)
{
    struct world *world = context;
    for (int i = 0; i < 50; i++) {
        struct fake fake;
        open_stream(world, &fake, "d-1", 0);
        bt_hub_orders(world->hub, "d-1");
        bt_hub_hint(world->hub, i, BT_URGENCY_NORMAL);
        bt_hub_pong(world->hub, "d-1", i);
        bt_hub_tell(world->hub, "/vn/", "x", "1");
        end_stream(&fake);
    }
    return NULL;
}

// For the thread sanitizer: everybody at once, with the hub's own thread and the real clock.
static void many_threads_may_use_it(void **state)
{
    struct world world;
    setup(&world, state);
    give(&world, 1);
    bt_hub_destroy(world.hub);
    bt_clock_destroy(world.clock);
    world.clock = NULL;
    const struct bt_hub_options options = {
        .clock = bt_clock_real(), .db = world.test->pool, .write = write_fake, .close = close_fake};
    struct bt_error err = {0};
    run(&world, bt_hub_open(&options, &world.hub, &err), &err);
    run(&world, bt_hub_start(world.hub, &err), &err);
    pthread_t threads[4];
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &world), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    finish(&world);
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
        bt_db_test(many_threads_may_use_it),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

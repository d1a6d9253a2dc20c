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

static void open_hub_named(struct world *world, const char *name)
{
    const struct bt_hub_options options = {.clock = world->clock,
                                           .db = world->test->pool,
                                           .name = name,
                                           .write = write_fake,
                                           .close = close_fake};
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
    open_hub_named(world, "a");
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

// What another server says. What nobody understands is passed over.
static void what_another_server_says_is_heard_at_once(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    give(&world, 1);
    bt_hub_hear(world.hub, "orders", "d-0\nd-1\n\n");
    bt_hub_hear(world.hub, "hint", "12 2");
    static const char *const odd[] = {"", " ", "12", "-1 2", "13 9", "x y", "14 1 ", "\n\n"};
    for (size_t i = 0; i < BT_ARRAY_LEN(odd); i++) {
        bt_hub_hear(world.hub, "hint", odd[i]);
        bt_hub_hear(world.hub, "pongs", odd[i]);
        bt_hub_hear(world.hub, "seats", odd[i]);
        bt_hub_hear(world.hub, "news", odd[i]);
        bt_hub_hear(world.hub, "forget", odd[i]);
        bt_hub_hear(world.hub, odd[i], "d-1");
    }
    bt_hub_step(world.hub);
    assert_int_equal(count_of(text_of(&fake), "id: 1\n"), 1);
    assert_int_equal(count_of(text_of(&fake), "{\"timestamp\":12,\"priority\":\"emergency\""), 1);
    assert_int_equal(count_of(text_of(&fake), "event: hint"), 1);
    bt_hub_hear(world.hub, "forget", "d-1");
    assert_true(fake.closed);
    end_stream(&fake);
    finish(&world);
}

static void orders_of_too_many_to_name_are_looked_for(void **state)
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
    bt_db_release(db);
    bt_hub_hear(world.hub, "orders", "");
    bt_hub_step(world.hub);
    assert_int_equal(count_of(text_of(&fake), "id: 1\n"), 1);
    end_stream(&fake);
    finish(&world);
}

static void a_player_that_another_server_ended_has_no_stream(void **state)
{
    struct world world;
    struct fake fake;
    setup(&world, state);
    open_stream(&world, &fake, "d-1", 0);
    bt_hub_step(world.hub);
    struct bt_db *db = bt_testing_acquire(world.test);
    struct bt_error err = {0};
    run(&world,
        bt_db_run(db, &err, "UPDATE player SET state = 'revoked', ended_ms = $1", BT_INT(START_MS)),
        &err);
    bt_db_release(db);
    pass(&world, 6);
    assert_true(fake.closed);
    end_stream(&fake);
    finish(&world);
}

// A second hub on the same database. What one says, the test carries to the other.
static void open_other(struct world *world, struct world *other)
{
    *other = *world;
    open_hub_named(other, "b");
}

static void assert_hub(struct world *world, const char *channel, const char *hub)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    run(world, bt_db_ask(db, &rows, &err, "SELECT hub, channel FROM player WHERE id = 'd-1'"),
        &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    assert_string_equal(bt_db_get_text(rows, 0), hub);
    assert_string_equal(bt_db_get_text(rows, 1), channel);
}

static void a_pong_that_came_to_another_server_counts(void **state)
{
    struct world a;
    struct fake fake;
    setup(&a, state);
    open_stream(&a, &fake, "d-1", 0);
    pass(&a, 1);
    BT_AUTOFREE char *pong = bt_strf("d-0 3\nd-1 %lld\n", (long long)newest_ping(&fake));
    bt_hub_hear(a.hub, "pongs", pong);
    pass(&a, 1);
    assert_hub(&a, "obeys", "a");
    end_stream(&fake);
    finish(&a);
}

static void who_went_to_another_server_is_not_called_deaf_by_the_first(void **state)
{
    struct world a, b;
    struct fake first, second;
    setup(&a, state);
    open_other(&a, &b);
    open_stream(&a, &first, "d-1", 0);
    pass(&a, 1);
    bt_hub_pong(a.hub, "d-1", newest_ping(&first));
    pass(&a, 1);
    assert_hub(&a, "obeys", "a");
    end_stream(&first);
    open_stream(&b, &second, "d-1", 0);
    bt_hub_step(b.hub);
    bt_hub_pong(b.hub, "d-1", newest_ping(&second));
    bt_hub_step(b.hub);
    assert_hub(&a, "obeys", "b");
    for (int i = 0; i < 120; i++) {  // a has missed that it went, and waits for its pongs
        bt_clock_advance(a.clock, BT_NS_PER_S);
        bt_hub_step(a.hub);
    }
    assert_hub(&a, "obeys", "b");
    bt_hub_step(b.hub);  // but to b it says nothing either
    pass(&b, 1);
    assert_hub(&a, "not-obeying", "b");
    end_stream(&second);
    bt_hub_destroy(b.hub);
    finish(&a);
}

static void a_stream_that_came_elsewhere_later_ends_the_one_here(void **state)
{
    struct world a;
    struct fake fake;
    setup(&a, state);
    open_stream(&a, &fake, "d-1", 0);
    bt_hub_step(a.hub);
    BT_AUTOFREE char *before = bt_strf("d-1 %lld\n", START_MS - 1000);
    BT_AUTOFREE char *after = bt_strf("d-1 %lld\n", START_MS + 1000);
    bt_hub_hear(a.hub, "seats", before);
    assert_false(fake.closed);
    bt_hub_hear(a.hub, "seats", after);
    assert_true(fake.closed);
    end_stream(&fake);
    finish(&a);
}

static void the_players_of_a_server_that_is_gone_obey_nobody(void **state)
{
    struct world a, b;
    struct fake fake;
    setup(&a, state);
    open_other(&a, &b);
    open_stream(&a, &fake, "d-1", 0);
    pass(&a, 1);
    bt_hub_pong(a.hub, "d-1", newest_ping(&fake));
    pass(&a, 1);
    end_stream(&fake);
    pass(&b, 100);  // a's lease is good yet
    assert_hub(&a, "obeys", "a");
    pass(&b, 200);
    assert_hub(&a, "not-obeying", "a");
    bt_hub_destroy(b.hub);
    finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(what_another_server_says_is_heard_at_once),
        bt_db_test(orders_of_too_many_to_name_are_looked_for),
        bt_db_test(a_player_that_another_server_ended_has_no_stream),
        bt_db_test(a_pong_that_came_to_another_server_counts),
        bt_db_test(who_went_to_another_server_is_not_called_deaf_by_the_first),
        bt_db_test(a_stream_that_came_elsewhere_later_ends_the_one_here),
        bt_db_test(the_players_of_a_server_that_is_gone_obey_nobody),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

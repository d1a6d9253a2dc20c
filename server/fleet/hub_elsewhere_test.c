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

// The player has its stream at server a, which has said so.
static void begin(struct bt_world *a, struct bt_fake *fake, void **state)
{
    bt_world_setup(a, state, "a");
    bt_fake_open(a, fake, "d-1", 0);
    bt_hub_step(a->hub);
}

static void end(struct bt_world *a, struct bt_fake *fake)
{
    bt_fake_end(fake);
    bt_world_finish(a);
}

// What another server says. What nobody understands is passed over.
static void what_another_server_says_is_heard_at_once(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    begin(&world, &fake, state);
    bt_world_give(&world, 1);
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
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "id: 1\n"), 1);
    assert_int_equal(
        bt_count_of(bt_fake_text(&fake), "{\"timestamp\":12,\"priority\":\"emergency\""), 1);
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "event: hint"), 1);
    bt_hub_hear(world.hub, "forget", "d-1");
    assert_true(fake.closed);
    end(&world, &fake);
}

static void orders_of_too_many_to_name_are_looked_for(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    begin(&world, &fake, state);
    bt_world_give(&world, 1);
    struct bt_db *db = bt_testing_acquire(world.test);
    struct bt_error err = {0};
    bt_must(bt_db_run(db, &err, "UPDATE player SET last_order = 1, order_ms = $1",
                      BT_INT(BT_WORLD_START_MS)),
            &err);
    bt_db_release(db);
    bt_hub_hear(world.hub, "orders", "");
    bt_hub_step(world.hub);
    assert_int_equal(bt_count_of(bt_fake_text(&fake), "id: 1\n"), 1);
    end(&world, &fake);
}

static void a_player_that_another_server_ended_has_no_stream(void **state)
{
    struct bt_world world;
    struct bt_fake fake;
    begin(&world, &fake, state);
    struct bt_db *db = bt_testing_acquire(world.test);
    struct bt_error err = {0};
    bt_must(bt_db_run(db, &err, "UPDATE player SET state = 'revoked', ended_ms = $1",
                      BT_INT(BT_WORLD_START_MS)),
            &err);
    bt_db_release(db);
    bt_world_pass(&world, 6);
    assert_true(fake.closed);
    end(&world, &fake);
}

// As begin, with a second server b on the same database. What one says, the test carries to the
// other.
static void begin_both(struct bt_world *a, struct bt_world *b, struct bt_fake *fake, void **state)
{
    begin(a, fake, state);
    *b = *a;
    bt_world_open(b, "b");
}

static void end_both(struct bt_world *a, struct bt_world *b)
{
    bt_hub_destroy(b->hub);
    bt_world_finish(a);
}

// As the row says it.
static char hub_of(struct bt_world *world)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    bt_must(bt_db_ask(db, &rows, &err, "SELECT hub FROM player WHERE id = 'd-1'"), &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    return bt_db_get_text(rows, 0)[0];
}

static void assert_hub(struct bt_world *world, const char *channel, const char *hub)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    bt_must(bt_db_ask(db, &rows, &err, "SELECT hub, channel FROM player WHERE id = 'd-1'"), &err);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    assert_string_equal(bt_db_get_text(rows, 0), hub);
    assert_string_equal(bt_db_get_text(rows, 1), channel);
}

// The player answers its newest ping.
static void obey(struct bt_world *world, struct bt_fake *fake)
{
    bt_world_pass(world, 1);
    bt_hub_pong(world->hub, "d-1", bt_fake_newest_ping(fake));
    bt_world_pass(world, 1);
}

static void a_pong_that_came_to_another_server_counts(void **state)
{
    struct bt_world a;
    struct bt_fake fake;
    begin(&a, &fake, state);
    BT_AUTOFREE char *pong = bt_strf("d-0 3\nd-1 %lld\n", (long long)bt_fake_newest_ping(&fake));
    bt_hub_hear(a.hub, "pongs", pong);
    bt_world_pass(&a, 1);
    assert_hub(&a, "obeys", "a");
    end(&a, &fake);
}

static void who_went_to_another_server_is_not_called_deaf_by_the_first(void **state)
{
    struct bt_world a, b;
    struct bt_fake first, second;
    begin_both(&a, &b, &first, state);
    obey(&a, &first);
    assert_hub(&a, "obeys", "a");
    bt_fake_end(&first);
    bt_fake_open(&b, &second, "d-1", 0);
    bt_hub_step(b.hub);
    bt_hub_pong(b.hub, "d-1", bt_fake_newest_ping(&second));
    bt_hub_step(b.hub);
    assert_hub(&a, "obeys", "b");
    for (int i = 0; i < 120; i++) {  // a has missed that it went, and waits for its pongs
        bt_clock_advance(a.clock, BT_NS_PER_S);
        bt_hub_step(a.hub);
    }
    assert_hub(&a, "obeys", "b");
    bt_hub_step(b.hub);  // but to b it says nothing either
    bt_world_pass(&b, 1);
    assert_hub(&a, "not-obeying", "b");
    bt_fake_end(&second);
    end_both(&a, &b);
}

static void a_stream_that_came_elsewhere_later_ends_the_one_here(void **state)
{
    struct bt_world a;
    struct bt_fake fake;
    begin(&a, &fake, state);
    BT_AUTOFREE char *before = bt_strf("d-1 %lld\n", BT_WORLD_START_MS - 1000);
    BT_AUTOFREE char *after = bt_strf("d-1 %lld\n", BT_WORLD_START_MS + 1000);
    bt_hub_hear(a.hub, "seats", before);
    assert_false(fake.closed);
    bt_hub_hear(a.hub, "seats", after);
    assert_true(fake.closed);
    end(&a, &fake);
}

static void the_players_of_a_server_that_is_gone_obey_nobody(void **state)
{
    struct bt_world a, b;
    struct bt_fake fake;
    begin_both(&a, &b, &fake, state);
    obey(&a, &fake);
    bt_fake_end(&fake);
    bt_world_pass(&b, 100);  // a's lease is good yet
    assert_hub(&a, "obeys", "a");
    bt_world_pass(&b, 200);
    assert_hub(&a, "not-obeying", "a");
    end_both(&a, &b);
}

// Both in one second; what one says does not come to the other.
static void pass_both(struct bt_world *a, struct bt_world *b)
{
    bt_world_pass(a, 1);
    bt_hub_step(b->hub);
}

static void who_has_a_player_says_so_again(void **state)
{
    struct bt_world a, b;
    struct bt_fake first, second;
    begin_both(&a, &b, &first, state);
    pass_both(&a, &b);
    bt_fake_open(&b, &second, "d-1", 0);
    bt_hub_step(b.hub);
    bool doubted = false;
    for (int i = 0; i < 240; i++) {  // a has a stream that nobody reads
        bt_hub_pong(b.hub, "d-1", bt_fake_newest_ping(&second));
        pass_both(&a, &b);
        doubted |= hub_of(&a) == 'a';
    }
    assert_true(doubted);
    assert_hub(&a, "obeys", "b");
    bt_fake_end(&first);
    bt_fake_end(&second);
    end_both(&a, &b);
}

static void who_has_a_player_no_more_says_so_unless_another_has_it(void **state)
{
    struct bt_world a, b;
    struct bt_fake first, second;
    begin_both(&a, &b, &first, state);
    pass_both(&a, &b);
    bt_hub_pong(a.hub, "d-1", bt_fake_newest_ping(&first));
    pass_both(&a, &b);
    assert_hub(&a, "obeys", "a");
    BT_AUTOFREE char *after = bt_strf("d-1 %lld\n", BT_WORLD_START_MS + 1000000);
    bt_hub_hear(a.hub, "seats", after);
    bt_fake_end(&first);  // and b has lost it before it answered
    for (int i = 0; i < 150; i++) {
        pass_both(&a, &b);
    }
    assert_hub(&a, "not-obeying", "a");
    bt_fake_open(&b, &second, "d-1", 0);
    bt_hub_step(b.hub);
    for (int i = 0; i < 150; i++) {
        bt_hub_pong(b.hub, "d-1", bt_fake_newest_ping(&second));
        pass_both(&a, &b);
    }
    assert_hub(&a, "obeys", "b");
    bt_fake_end(&second);
    end_both(&a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(who_has_a_player_says_so_again),
        bt_db_test(who_has_a_player_no_more_says_so_unless_another_has_it),
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

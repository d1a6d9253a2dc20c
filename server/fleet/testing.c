#include "server/fleet/testing.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

void bt_must(int64_t r, const struct bt_error *err)
{
    if (r < 0) {
        fail_msg("%s", err->msg);
    }
}

struct bt_stream *bt_fake_stream(struct bt_fake *fake)
{
    return (struct bt_stream *)fake;
}

int bt_fake_write(struct bt_stream *stream, const char *text, size_t len)
{
    struct bt_fake *fake = (struct bt_fake *)stream;
    pthread_mutex_lock(&fake->lock);
    int r = fake->slow || fake->closed ? -EPIPE : bt_buf_append(&fake->text, text, len);
    pthread_mutex_unlock(&fake->lock);
    return r;
}

void bt_fake_close(struct bt_stream *stream)
{
    struct bt_fake *fake = (struct bt_fake *)stream;
    pthread_mutex_lock(&fake->lock);
    fake->closed = true;
    pthread_mutex_unlock(&fake->lock);
}

void bt_world_open(struct bt_world *world, const char *name)
{
    const struct bt_hub_options options = {.clock = world->clock,
                                           .db = world->test->pool,
                                           .name = name,
                                           .write = bt_fake_write,
                                           .close = bt_fake_close};
    struct bt_error err = {0};
    if (bt_hub_open(&options, &world->hub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

void bt_world_add_screen(struct bt_world *world, const char *screen, const char *player)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    bt_must(
        bt_db_run(db, &err,
                  "INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name,"
                  " duty_phone, open_min, close_min, volume_max_percent, brightness_max_percent,"
                  " note, revision, created_ms) VALUES($1, 'vn', $1, 'led', 320, 180, '', '', '',"
                  " 0, 0, 0, 100, '', 1, 0)",
                  BT_TEXT(screen)),
        &err);
    bt_must(bt_db_run(db, &err,
                      "INSERT INTO player(id, screen, unit, public_key, state, model, version,"
                      " paired_ms, paired_by, last_order, order_ms, channel, channel_ms)"
                      " VALUES($1, $2, 'vn', $1, 'active', '', '', 0, '', 0, 0, 'never-seen', 0)",
                      BT_TEXT(player), BT_TEXT(screen)),
            &err);
    bt_db_release(db);
}

void bt_world_setup(struct bt_world *world, void **state, const char *name)
{
    *world = (struct bt_world){.test = *state};
    world->clock = bt_clock_create_simulated(1000 * BT_NS_PER_S, BT_WORLD_START_MS);
    bt_world_add_screen(world, "s-1", "d-1");
    bt_world_open(world, name);
}

void bt_world_finish(struct bt_world *world)
{
    bt_hub_destroy(world->hub);
    bt_clock_destroy(world->clock);
}

void bt_world_give_at(struct bt_world *world, const char *player, int64_t n, const char *kind,
                      const char *body, int64_t given_ms)
{
    struct bt_db *db = bt_testing_acquire(world->test);
    struct bt_error err = {0};
    int64_t r;
    do {  // others write at the same time
        r = bt_db_run(db, &err,
                      "INSERT INTO player_order(player, n, screen, kind, body, reference, state,"
                      " given_ms, detail) VALUES($1, $2, 's-1', $3, $4, 'r', 'waiting', $5, '')",
                      BT_TEXT(player), BT_INT(n), BT_TEXT(kind), BT_TEXT(body), BT_INT(given_ms));
    } while (r == -EAGAIN);
    bt_must(r, &err);
    do {
        r = bt_db_run(db, &err, "UPDATE player SET last_order = $2 WHERE id = $1", BT_TEXT(player),
                      BT_INT(n));
    } while (r == -EAGAIN);
    bt_must(r, &err);
    bt_db_release(db);
}

void bt_world_give(struct bt_world *world, int64_t n)
{
    bt_world_give_at(world, "d-1", n, "identify", "{\"seconds\":5}", BT_WORLD_START_MS);
}

void bt_fake_open(struct bt_world *world, struct bt_fake *fake, const char *player, int64_t after)
{
    *fake = (struct bt_fake){.closed = false};
    pthread_mutex_init(&fake->lock, NULL);
    bt_buf_init(&fake->text, 65536);
    const struct bt_seat_player who = {
        .player = player, .screen = "s-1", .unit_path = "/vn/", .after = after};
    fake->seat = bt_seat_of_player(world->hub, &who);
    bt_seat_on_open(bt_fake_stream(fake), fake->seat);
}

void bt_fake_end(struct bt_fake *fake)
{
    bt_seat_on_close(bt_fake_stream(fake), fake->seat);
    bt_buf_finish(&fake->text);
    pthread_mutex_destroy(&fake->lock);
}

void bt_world_pass(struct bt_world *world, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i++) {
        bt_clock_advance(world->clock, BT_NS_PER_S);
        bt_hub_step(world->hub);
    }
}

const char *bt_fake_text(struct bt_fake *fake)
{
    return bt_buf_text(&fake->text);
}

size_t bt_count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

// The number of the newest ping in the stream.
int64_t bt_fake_newest_ping(struct bt_fake *fake)
{
    static const char mark[] = "{\"ping\":";
    const char *last = NULL;
    for (const char *at = bt_fake_text(fake); (at = strstr(at, mark)) != NULL; at++) {
        last = at + strlen(mark);
    }
    assert_non_null(last);
    int64_t number = 0;
    for (; *last >= '0' && *last <= '9'; last++) {
        number = number * 10 + (*last - '0');
    }
    return number;
}

/**
 * For tests of the hub: a world with one screen, "s-1", whose player "d-1" is paired, a clock that
 * the test moves, and streams that keep what is written to them.
 *
 * meson: server_tests += {'server-x': files('x_test.c', 'testing.c', '../db/testing.c')}
 */
#ifndef BT_SERVER_FLEET_TESTING_H
#define BT_SERVER_FLEET_TESTING_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "server/db/testing.h"
#include "server/fleet/hub.h"

#define BT_WORLD_START_MS 1795240000000LL

struct bt_world {
    struct bt_test_db *test;
    struct bt_clock *clock;
    struct bt_hub *hub;
};

// `name`: the server's, of several; NULL: there is one.
void bt_world_setup(struct bt_world *world, void **state, const char *name);
void bt_world_open(struct bt_world *world, const char *name);  // its hub alone
void bt_world_finish(struct bt_world *world);

void bt_world_add_screen(struct bt_world *world, const char *screen, const char *player);
void bt_world_give_at(struct bt_world *world, const char *player, int64_t n, const char *kind,
                      const char *body, int64_t given_ms);
void bt_world_give(struct bt_world *world, int64_t n);        // to "d-1", now
void bt_world_pass(struct bt_world *world, int64_t seconds);  // with a step of the hub in each

struct bt_fake {
    struct bt_buf text;
    struct bt_seat *seat;
    bool closed;  // from our side
    bool slow;    // refuses to take more
    pthread_mutex_t lock;
};

void bt_fake_open(struct bt_world *world, struct bt_fake *fake, const char *player, int64_t after);
void bt_fake_end(struct bt_fake *fake);
struct bt_stream *bt_fake_stream(struct bt_fake *fake);
int bt_fake_write(struct bt_stream *stream, const char *text, size_t len);
void bt_fake_close(struct bt_stream *stream);
const char *bt_fake_text(struct bt_fake *fake);
int64_t bt_fake_newest_ping(struct bt_fake *fake);  // its number

size_t bt_count_of(const char *text, const char *part);
void bt_must(int64_t r, const struct bt_error *err);  // the test fails when r is an error

#endif

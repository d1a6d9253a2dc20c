#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/peers.h"

#define PATIENCE_MS 180000

struct world {
    struct bt_clock *clock;
    struct bt_peers *peers;
    struct bt_peer *peer;
    int ours, theirs;
    sem_t lost;
};

static void start_world(struct world *world)
{
    int pair[2];
    struct bt_error err = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    world->ours = pair[0];
    world->theirs = pair[1];
    world->clock = bt_clock_create_simulated(BT_NS_PER_S, 0);
    sem_init(&world->lost, 0, 0);
    assert_int_equal(bt_peers_start(world->clock, &world->peers, &err), 0);
    world->peer = bt_peers_add(world->peers, world->ours);
}

static void stop_world(struct world *world)
{
    bt_peers_remove(world->peers, world->peer);
    bt_peers_destroy(world->peers);
    bt_clock_destroy(world->clock);
    sem_destroy(&world->lost);
    close(world->ours);
    close(world->theirs);
}

// The other side sees the end.
static void assert_cut_off(int fd)
{
    char byte;
    struct pollfd end = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void whoever_dribbles_is_cut_off(void **state)
{
    (void)state;
    struct world world;
    start_world(&world);
    for (int i = 0; i < 6; i++) {  // a byte every ten seconds is not enough
        assert_int_equal(send(world.theirs, "x", 1, 0), 1);
        bt_clock_advance(world.clock, 10 * BT_NS_PER_S);
    }
    assert_cut_off(world.theirs);
    stop_world(&world);
}

static void whoever_is_not_waited_for_is_left_alone(void **state)
{
    (void)state;
    struct world world, late;
    start_world(&world);
    bt_peer_allow(world.peers, world.peer, INT64_MAX);
    start_world(&late);
    bt_clock_advance(world.clock, BT_NS_PER_S << 30);
    bt_clock_advance(late.clock, BT_NS_PER_S << 30);
    assert_cut_off(late.theirs);  // by then the other list was looked at, too, or nearly
    char byte;
    assert_int_equal(recv(world.theirs, &byte, 1, MSG_DONTWAIT), -1);
    stop_world(&late);
    stop_world(&world);
}

static void whoever_hung_up_in_the_middle_is_cut_off(void **state)
{
    (void)state;
    struct world world;
    start_world(&world);
    shutdown(world.theirs, SHUT_WR);
    assert_cut_off(world.theirs);  // the clock stands still
    stop_world(&world);
}

static void note_lost(void *context)
{
    sem_post(context);
}

static void a_parked_connection_that_ended_is_told(void **state)
{
    (void)state;
    struct world world;
    start_world(&world);
    bt_peer_allow(world.peers, world.peer, INT64_MAX);
    bt_peer_watch(world.peers, world.peer, note_lost, &world.lost);
    shutdown(world.theirs, SHUT_WR);
    sem_wait(&world.lost);
    bt_peer_unwatch(world.peers, world.peer);
    stop_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_dribbles_is_cut_off),
        cmocka_unit_test(whoever_is_not_waited_for_is_left_alone),
        cmocka_unit_test(whoever_hung_up_in_the_middle_is_cut_off),
        cmocka_unit_test(a_parked_connection_that_ended_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

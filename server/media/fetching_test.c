// Each thing is fetched once, and nobody is forgotten.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/media/fetching.h"

#define PATIENCE_NS (180 * BT_NS_PER_S)
#define MANY 60

// A store whose gate the test opens.
struct world {
    struct bt_fetching *fetching;
    atomic_int fetched;
    atomic_int told[3];  // 0, -EINPROGRESS, others
    pthread_mutex_t lock;
    pthread_cond_t opened;
    // Protected by lock.
    bool open, gone;
};

static int fetch(void *owner, const struct bt_sha256 *sha256)
{
    struct world *world = owner;
    atomic_fetch_add(&world->fetched, 1);
    pthread_mutex_lock(&world->lock);
    while (!world->open && !world->gone) {
        pthread_cond_wait(&world->opened, &world->lock);
    }
    bool gone = world->gone;
    pthread_mutex_unlock(&world->lock);
    return gone ? -ECANCELED : sha256->bytes[0] == 99 ? -ENOENT : 0;
}

static void open_gate(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    world->open = true;
    pthread_cond_broadcast(&world->opened);
    pthread_mutex_unlock(&world->lock);
}

// What is under way ends.
static void tear_gate_down(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    world->gone = true;
    pthread_cond_broadcast(&world->opened);
    pthread_mutex_unlock(&world->lock);
}

static void note(void *context, int code)
{
    struct world *world = context;
    atomic_fetch_add(&world->told[code == 0 ? 0 : code == -EINPROGRESS ? 1 : 2], 1);
}

static void wait_for(const atomic_int *number, int wanted)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t until_ns = bt_clock_mono_ns(clock) + PATIENCE_NS;
    while (atomic_load(number) != wanted) {
        assert_true(bt_clock_mono_ns(clock) < until_ns);
        bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + BT_NS_PER_MS);
    }
}

static struct bt_sha256 thing(uint8_t number)
{
    return (struct bt_sha256){.bytes = {number}};
}

static int want(struct world *world, uint8_t number, int64_t patience_ns)
{
    struct bt_sha256 wanted = thing(number);
    return bt_fetching_want(world->fetching, &wanted, patience_ns, note, world);
}

static int setup(void **state)
{
    struct world *world = BT_NEW(struct world);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->opened, NULL);
    assert_int_equal(bt_fetching_start(fetch, world, &world->fetching, NULL), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    open_gate(world);
    bt_fetching_destroy(world->fetching);
    pthread_cond_destroy(&world->opened);
    pthread_mutex_destroy(&world->lock);
    free(world);
    return 0;
}

static void what_many_want_is_fetched_once(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(want(world, 1, PATIENCE_NS), 0);
    }
    open_gate(world);
    wait_for(&world->told[0], MANY);
    assert_int_equal(atomic_load(&world->fetched), 1);
    assert_int_equal(want(world, 1, PATIENCE_NS), 0);  // it was forgotten meanwhile, perhaps
    wait_for(&world->told[0], MANY + 1);
}

static void who_is_tired_is_told_and_it_comes_all_the_same(void **state)
{
    struct world *world = *state;
    assert_int_equal(want(world, 1, 0), 0);
    wait_for(&world->told[1], 1);
    wait_for(&world->fetched, 1);
    assert_int_equal(want(world, 1, PATIENCE_NS), 0);
    open_gate(world);
    wait_for(&world->told[0], 1);
    assert_int_equal(atomic_load(&world->fetched), 1);
}

static void a_failure_is_told(void **state)
{
    struct world *world = *state;
    open_gate(world);
    assert_int_equal(want(world, 99, PATIENCE_NS), 0);
    wait_for(&world->told[2], 1);
}

static void too_many_are_refused_and_all_are_told_before_closing_ends(void **state)
{
    struct world *world = *state;
    int taken = 0;
    while (want(world, (uint8_t)(taken % 50), PATIENCE_NS) == 0) {
        taken++;
    }
    assert_true(taken > MANY);
    assert_int_equal(want(world, 1, PATIENCE_NS), -EAGAIN);
    tear_gate_down(world);
    bt_fetching_close(world->fetching);
    assert_int_equal(atomic_load(&world->told[2]), taken);
    assert_int_equal(want(world, 1, PATIENCE_NS), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_many_want_is_fetched_once, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_tired_is_told_and_it_comes_all_the_same, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_are_refused_and_all_are_told_before_closing_ends,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

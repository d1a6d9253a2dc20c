#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

static int *new_item(int value)
{
    int *item = BT_NEW(int);
    *item = value;
    return item;
}

static int pop_value(struct bt_queue *queue)
{
    BT_AUTOFREE int *item = bt_queue_pop(queue);
    return item == NULL ? -1 : *item;
}

static void items_come_out_in_order(void **state)
{
    (void)state;
    BT_AUTO(bt_queue) queue = bt_queue_create(3, free, (struct bt_waker){0});
    // More than the capacity in total, so that the ring goes round.
    for (int i = 0; i < 10; i++) {
        assert_int_equal(bt_queue_push(queue, new_item(i)), 0);
        assert_int_equal(bt_queue_push(queue, new_item(i + 100)), 0);
        assert_int_equal(bt_queue_count(queue), 2);
        assert_int_equal(pop_value(queue), i);
        assert_int_equal(pop_value(queue), i + 100);
    }
    assert_null(bt_queue_pop(queue));
}

static void push_to_a_full_queue_gives_the_item_back(void **state)
{
    (void)state;
    BT_AUTO(bt_queue) queue = bt_queue_create(1, free, (struct bt_waker){0});
    assert_int_equal(bt_queue_push(queue, new_item(1)), 0);
    BT_AUTOFREE void *second = new_item(2);
    assert_int_equal(bt_queue_push(queue, second), -EAGAIN);
    assert_int_equal(bt_queue_push_wait(queue, second, 1), -EAGAIN);  // an instant long past
    assert_int_equal(bt_queue_count(queue), 1);
}

static void a_closed_queue_takes_nothing_and_gives_what_it_has(void **state)
{
    (void)state;
    BT_AUTO(bt_queue) queue = bt_queue_create(4, free, (struct bt_waker){0});
    assert_int_equal(bt_queue_push(queue, new_item(1)), 0);
    bt_queue_close(queue);
    bt_queue_close(queue);
    BT_AUTOFREE void *late = new_item(2);
    assert_int_equal(bt_queue_push(queue, late), -EPIPE);
    assert_int_equal(bt_queue_push_wait(queue, late, INT64_MAX), -EPIPE);
    assert_int_equal(pop_value(queue), 1);
    assert_null(bt_queue_pop_wait(queue, INT64_MAX));
}

static int freed;

static void count_and_free(void *item)
{
    freed++;
    free(item);
}

static void what_is_offered_in_vain_and_what_is_left_is_freed(void **state)
{
    (void)state;
    freed = 0;
    struct bt_queue *queue = bt_queue_create(2, count_and_free, (struct bt_waker){0});
    bt_queue_offer(queue, new_item(1));
    bt_queue_offer(queue, new_item(2));
    assert_int_equal(freed, 0);
    bt_queue_offer(queue, new_item(3));
    assert_int_equal(freed, 1);
    bt_queue_destroy(queue);
    assert_int_equal(freed, 3);
    bt_queue_destroy(NULL);
}

static void count_wake(void *context)
{
    (*(int *)context)++;
}

static void each_push_wakes_once_and_a_refused_one_does_not(void **state)
{
    (void)state;
    int wakes = 0;
    BT_AUTO(bt_queue) queue = bt_queue_create(1, free, (struct bt_waker){count_wake, &wakes});
    assert_int_equal(bt_queue_push(queue, new_item(1)), 0);
    assert_int_equal(wakes, 1);
    bt_queue_offer(queue, new_item(2));
    assert_int_equal(wakes, 1);
    free(bt_queue_pop(queue));
    assert_int_equal(wakes, 1);
}

static void waiting_ends_at_the_instant(void **state)
{
    (void)state;
    BT_AUTO(bt_queue) queue = bt_queue_create(1, free, (struct bt_waker){0});
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + 3 * BT_NS_PER_MS;
    assert_null(bt_queue_pop_wait(queue, until_ns));
    assert_true(bt_clock_mono_ns(bt_clock_real()) >= until_ns);
}

#define MOVERS 3
#define MOVED_EACH 5000

struct traffic {
    struct bt_queue *queue;
    atomic_int popped;
    atomic_long sum;
};

static void *push_many(void *context)
{
    struct traffic *traffic = context;
    for (int i = 1; i <= MOVED_EACH; i++) {
        int *item = new_item(i);
        if (bt_queue_push_wait(traffic->queue, item, INT64_MAX) < 0) {
            free(item);
        }
    }
    return NULL;
}

static void *pop_until_closed(void *context)
{
    struct traffic *traffic = context;
    for (;;) {
        BT_AUTOFREE int *item = bt_queue_pop_wait(traffic->queue, INT64_MAX);
        if (item == NULL) {
            return NULL;
        }
        atomic_fetch_add(&traffic->popped, 1);
        atomic_fetch_add(&traffic->sum, *item);
    }
}

static void start(pthread_t *thread, void *(*run)(void *), void *context)
{
    assert_int_equal(pthread_create(thread, NULL, run, context), 0);
}

static void nothing_is_lost_or_doubled_between_threads(void **state)
{
    (void)state;
    BT_AUTO(bt_queue) queue = bt_queue_create(7, free, (struct bt_waker){0});
    struct traffic traffic = {.queue = queue};
    pthread_t pushers[MOVERS], poppers[MOVERS];
    for (int i = 0; i < MOVERS; i++) {
        start(&poppers[i], pop_until_closed, &traffic);
        start(&pushers[i], push_many, &traffic);
    }
    for (int i = 0; i < MOVERS; i++) {
        pthread_join(pushers[i], NULL);
    }
    bt_queue_close(queue);
    for (int i = 0; i < MOVERS; i++) {
        pthread_join(poppers[i], NULL);
    }
    assert_int_equal(traffic.popped, MOVERS * MOVED_EACH);
    assert_int_equal(traffic.sum, MOVERS * (MOVED_EACH * (MOVED_EACH + 1L) / 2));
}

static void *push_one_and_wait(void *context)
{
    struct traffic *traffic = context;
    int *item = new_item(2);
    int r = bt_queue_push_wait(traffic->queue, item, INT64_MAX);
    if (r < 0) {
        free(item);
    }
    atomic_store(&traffic->popped, r);
    return NULL;
}

static void closing_wakes_whoever_waits_for_room(void **state)
{
    (void)state;
    BT_AUTO(bt_queue) queue = bt_queue_create(1, free, (struct bt_waker){0});
    assert_int_equal(bt_queue_push(queue, new_item(1)), 0);
    struct traffic traffic = {.queue = queue};
    pthread_t pusher;
    start(&pusher, push_one_and_wait, &traffic);
    bt_queue_close(queue);  // before or while it waits: the answer is the same
    pthread_join(pusher, NULL);
    assert_int_equal(traffic.popped, -EPIPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(push_to_a_full_queue_gives_the_item_back),
        cmocka_unit_test(a_closed_queue_takes_nothing_and_gives_what_it_has),
        cmocka_unit_test(what_is_offered_in_vain_and_what_is_left_is_freed),
        cmocka_unit_test(each_push_wakes_once_and_a_refused_one_does_not),
        cmocka_unit_test(waiting_ends_at_the_instant),
        cmocka_unit_test(nothing_is_lost_or_doubled_between_threads),
        cmocka_unit_test(closing_wakes_whoever_waits_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

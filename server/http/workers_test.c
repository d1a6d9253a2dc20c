#include "server/http/workers.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void do_nothing(void *job)
{
    (void)job;
}

static void people_find_room_where_players_have_none_left(void **state)
{
    (void)state;
    BT_AUTO(bt_workers) workers = NULL;
    assert_int_equal(bt_workers_start(1, do_nothing, &workers, NULL), 0);
    for (int i = 0; i < BT_WORKERS_MAX_JOBS - BT_WORKERS_PEOPLES_JOBS; i++) {
        assert_int_equal(bt_workers_admit(workers, 1, BT_WORKERS_PEOPLES_JOBS), 0);
    }
    assert_int_equal(bt_workers_admit(workers, 1, BT_WORKERS_PEOPLES_JOBS), -EAGAIN);
    for (int i = 0; i < BT_WORKERS_PEOPLES_JOBS; i++) {
        assert_int_equal(bt_workers_admit(workers, 1, 0), 0);
    }
    assert_int_equal(bt_workers_admit(workers, 1, 0), -EAGAIN);
    bt_workers_dismiss(workers, 2);
    assert_int_equal(bt_workers_admit(workers, 1, BT_WORKERS_PEOPLES_JOBS), -EAGAIN);
    assert_int_equal(bt_workers_admit(workers, 2, 0), 0);
    bt_workers_close(workers);
    assert_int_equal(bt_workers_admit(workers, 1, 0), -EPIPE);
    bt_workers_stop(workers);
}

// What a job waits for: the test says.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int begun, allowed;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void pass_gate(void *job)
{
    (void)job;
    pthread_mutex_lock(&gate.lock);
    gate.begun++;
    pthread_cond_broadcast(&gate.changed);
    while (gate.allowed < gate.begun) {
        pthread_cond_wait(&gate.changed, &gate.lock);
    }
    pthread_mutex_unlock(&gate.lock);
}

static void await_begun(int count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.begun < count) {
        pthread_cond_wait(&gate.changed, &gate.lock);
    }
    pthread_mutex_unlock(&gate.lock);
}

static void allow(int count)
{
    pthread_mutex_lock(&gate.lock);
    gate.allowed = count;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void workers_stand_still_when_somebody_waits_and_nobody_comes(void **state)
{
    (void)state;
    BT_AUTO(bt_workers) workers = NULL;
    int jobs[3];
    assert_int_equal(bt_workers_start(1, pass_gate, &workers, NULL), 0);
    bt_workers_push(workers, &jobs[0]);
    await_begun(1);
    assert_false(bt_workers_stand_still(workers));
    assert_false(bt_workers_stand_still(workers));  // a long job that nobody waits behind
    bt_workers_push(workers, &jobs[1]);
    bt_workers_push(workers, &jobs[2]);
    assert_false(bt_workers_stand_still(workers));  // it may have come just now
    assert_true(bt_workers_stand_still(workers));
    allow(1);
    await_begun(2);
    assert_false(bt_workers_stand_still(workers));  // the third waits, and the second was taken
    assert_true(bt_workers_stand_still(workers));
    allow(3);
    bt_workers_stop(workers);
    assert_false(bt_workers_stand_still(workers));
}

static void a_quarter_of_the_threads_may_wait_and_never_none(void **state)
{
    (void)state;
    static const struct {
        int threads, may_wait;
    } cases[] = {{1, 1}, {4, 1}, {7, 1}, {8, 2}, {16, 4}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_workers) workers = NULL;
        assert_int_equal(bt_workers_start(cases[i].threads, do_nothing, &workers, NULL), 0);
        for (int n = 0; n < cases[i].may_wait; n++) {
            assert_int_equal(bt_workers_begin_waiting(workers), 0);
        }
        assert_int_equal(bt_workers_begin_waiting(workers), -EAGAIN);
        bt_workers_end_waiting(workers);
        assert_int_equal(bt_workers_begin_waiting(workers), 0);
        assert_int_equal(bt_workers_begin_waiting(workers), -EAGAIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarter_of_the_threads_may_wait_and_never_none),
        cmocka_unit_test(people_find_room_where_players_have_none_left),
        cmocka_unit_test(workers_stand_still_when_somebody_waits_and_nobody_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

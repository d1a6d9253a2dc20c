#include "server/http/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/queue.h"

// Of so many threads one may wait for another machine.
#define THREADS_FOR_ONE_THAT_WAITS 4

// Handlers keep paths and small tables on the stack, cJSON recurses a little.
#define STACK_BYTES ((size_t)512 * 1024)

struct bt_workers {
    void (*run)(void *job);
    struct bt_queue *queue;
    pthread_t *threads;
    int started;
    int may_wait;  // of the threads; set by start, never changed
    atomic_int admitted, waiting;
    atomic_bool closed;
    atomic_llong taken;
    // Of whoever asks whether they stand still.
    long long taken_before;
    bool waited_before;
};

static void *work(void *context)
{
    struct bt_workers *workers = context;
    void *job;
    while ((job = bt_queue_pop_wait(workers->queue, INT64_MAX)) != NULL) {
        atomic_fetch_add(&workers->taken, 1);
        workers->run(job);
    }
    return NULL;
}

static void leave_alone(void *job)
{
    (void)job;  // threads empty the queue before it is destroyed
}

static int start_threads(struct bt_workers *workers, int count)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int r = 0;
    while (r == 0 && workers->started < count) {
        r = pthread_create(&workers->threads[workers->started], &attributes, work, workers);
        workers->started += r == 0;
    }
    pthread_attr_destroy(&attributes);
    return r;
}

int bt_workers_start(int count, void (*run)(void *job), struct bt_workers **out,
                     struct bt_error *err)
{
    BT_AUTO(bt_workers) workers = BT_NEW(struct bt_workers);
    workers->run = run;
    workers->may_wait = BT_MAX(count / THREADS_FOR_ONE_THAT_WAITS, 1);
    workers->threads = BT_NEW_ARRAY(pthread_t, (size_t)count);
    workers->queue = bt_queue_create(BT_WORKERS_MAX_JOBS, leave_alone, (struct bt_waker){0});
    int r = start_threads(workers, count);
    if (r != 0) {
        errno = r;
        return bt_fail_errno(err, "Cannot start a worker thread");
    }
    *out = BT_TAKE(workers);
    return 0;
}

int bt_workers_admit(struct bt_workers *workers, int weight, int spare)
{
    if (atomic_load(&workers->closed)) {
        return -EPIPE;
    }
    if (atomic_fetch_add(&workers->admitted, weight) + weight > BT_WORKERS_MAX_JOBS - spare) {
        atomic_fetch_sub(&workers->admitted, weight);
        return -EAGAIN;
    }
    return 0;
}

void bt_workers_dismiss(struct bt_workers *workers, int weight)
{
    atomic_fetch_sub(&workers->admitted, weight);
}

int bt_workers_begin_waiting(struct bt_workers *workers)
{
    if (atomic_fetch_add(&workers->waiting, 1) >= workers->may_wait) {
        atomic_fetch_sub(&workers->waiting, 1);
        return -EAGAIN;
    }
    return 0;
}

void bt_workers_end_waiting(struct bt_workers *workers)
{
    atomic_fetch_sub(&workers->waiting, 1);
}

void bt_workers_push(struct bt_workers *workers, void *job)
{
    int r = bt_queue_push(workers->queue, job);
    assert(r != -EAGAIN);  // each admitted job stands in it at most once
    if (r < 0) {
        workers->run(job);
    }
}

bool bt_workers_stand_still(struct bt_workers *workers)
{
    long long taken = atomic_load(&workers->taken);
    bool waits = bt_queue_count(workers->queue) > 0;
    bool still = waits && workers->waited_before && taken == workers->taken_before;
    workers->taken_before = taken;
    workers->waited_before = waits;
    return still;
}

void bt_workers_close(struct bt_workers *workers)
{
    atomic_store(&workers->closed, true);
}

void bt_workers_stop(struct bt_workers *workers)
{
    bt_workers_close(workers);
    bt_queue_close(workers->queue);
    for (; workers->started > 0; workers->started--) {
        pthread_join(workers->threads[workers->started - 1], NULL);
    }
}

void bt_workers_destroy(struct bt_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    bt_workers_stop(workers);
    bt_queue_destroy(workers->queue);
    free(workers->threads);
    free(workers);
}

#include "server/http/resuming.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

// 5 ms for ten thousand: with that the server had a fifth less to do (docs/benchmarks.md).
#define PAUSE_NS_PER_STREAM 500

#define STACK_BYTES ((size_t)64 * 1024)

struct bundle {
    struct MHD_Connection **list;  // owned
    size_t count, capacity;
};

struct bt_resuming {
    pthread_t thread;
    bool started;
    atomic_int streams;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Protected by lock.
    struct bundle waiting;
    int64_t next_ns;  // not before
    bool stopped;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

// Under the lock: what waits is the caller's, and the next pause begins.
static struct bundle take(struct bt_resuming *resuming)
{
    struct bundle bundle = resuming->waiting;
    resuming->waiting = (struct bundle){0};
    resuming->next_ns = now_ns() + atomic_load(&resuming->streams) * (int64_t)PAUSE_NS_PER_STREAM;
    return bundle;
}

static void give_back(struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        MHD_resume_connection(bundle->list[i]);
    }
    free(bundle->list);
}

static void wait_until(struct bt_resuming *resuming, int64_t until_ns)
{
    const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                   .tv_nsec = until_ns % BT_NS_PER_S};
    pthread_cond_timedwait(&resuming->changed, &resuming->lock, &until);
}

static void *run(void *context)
{
    struct bt_resuming *resuming = context;
    pthread_mutex_lock(&resuming->lock);
    while (!resuming->stopped) {
        if (resuming->waiting.count == 0) {
            pthread_cond_wait(&resuming->changed, &resuming->lock);
        } else if (now_ns() < resuming->next_ns) {
            wait_until(resuming, resuming->next_ns);
        } else {
            struct bundle bundle = take(resuming);
            pthread_mutex_unlock(&resuming->lock);
            give_back(&bundle);
            pthread_mutex_lock(&resuming->lock);
        }
    }
    struct bundle rest = take(resuming);
    pthread_mutex_unlock(&resuming->lock);
    give_back(&rest);
    return NULL;
}

static void init(struct bt_resuming *resuming)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&resuming->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&resuming->lock, NULL);
}

int bt_resuming_start(struct bt_resuming **out, struct bt_error *err)
{
    BT_AUTO(bt_resuming) resuming = BT_NEW(struct bt_resuming);
    pthread_attr_t attributes;
    init(resuming);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int r = -pthread_create(&resuming->thread, &attributes, run, resuming);
    pthread_attr_destroy(&attributes);
    resuming->started = r == 0;
    if (r < 0) {
        return bt_fail(err, r, "Cannot start the thread that gives connections back");
    }
    *out = BT_TAKE(resuming);
    return 0;
}

void bt_resuming_stop(struct bt_resuming *resuming)
{
    if (!resuming->started) {
        return;
    }
    pthread_mutex_lock(&resuming->lock);
    resuming->stopped = true;
    pthread_cond_signal(&resuming->changed);
    pthread_mutex_unlock(&resuming->lock);
    pthread_join(resuming->thread, NULL);
    resuming->started = false;
}

void bt_resuming_destroy(struct bt_resuming *resuming)
{
    if (resuming == NULL) {
        return;
    }
    bt_resuming_stop(resuming);
    pthread_mutex_destroy(&resuming->lock);
    pthread_cond_destroy(&resuming->changed);
    free(resuming);
}

void bt_resuming_add(struct bt_resuming *resuming, struct MHD_Connection *connection)
{
    struct bundle bundle = {0};
    pthread_mutex_lock(&resuming->lock);
    struct bundle *waiting = &resuming->waiting;
    BT_GROW(waiting->list, waiting->capacity, waiting->count + 1);
    waiting->list[waiting->count++] = connection;
    if (resuming->stopped || now_ns() >= resuming->next_ns) {
        bundle = take(resuming);
    } else if (waiting->count == 1) {
        pthread_cond_signal(&resuming->changed);
    }
    pthread_mutex_unlock(&resuming->lock);
    give_back(&bundle);
}

void bt_resuming_count(struct bt_resuming *resuming, int streams)
{
    atomic_fetch_add(&resuming->streams, streams);
}

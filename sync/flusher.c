#include "sync/flusher.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define RETRY_NS BT_NS_PER_S

static const struct bt_log logger = {"sync/flusher"};

struct bt_flusher {
    struct bt_flusher_options options;  // set by start, never changed
    struct bt_queue *calls;             // holds one at most: more say nothing new
    pthread_t thread;
};

// True when there is nothing more to do. Somebody else may have waited for the disk meanwhile;
// whoever waits for us hears of that, too.
static bool flush(struct bt_flusher *flusher)
{
    const struct bt_flusher_options *options = &flusher->options;
    struct bt_error err;
    int r = bt_state_is_flushed(options->state) ? 0 : bt_state_flush(options->state, &err);
    if (r < 0) {
        options->failed(options->context, r, err.msg);
        return false;
    }
    options->flushed(options->context);
    return bt_state_is_flushed(options->state);
}

static void *run(void *argument)
{
    struct bt_flusher *flusher = argument;
    bool clean = true;
    while (!bt_queue_closed(flusher->calls)) {
        int64_t until_ns = clean ? INT64_MAX : bt_clock_mono_ns(bt_clock_real()) + RETRY_NS;
        free(bt_queue_pop_wait(flusher->calls, until_ns));
        clean = flush(flusher);
    }
    return NULL;
}

int bt_flusher_start(const struct bt_flusher_options *options, struct bt_flusher **out,
                     struct bt_error *err)
{
    struct bt_flusher *flusher = BT_NEW(struct bt_flusher);
    flusher->options = *options;
    flusher->calls = bt_queue_create(1, free, (struct bt_waker){0});
    int r = -pthread_create(&flusher->thread, NULL, run, flusher);
    if (r < 0) {
        bt_queue_destroy(flusher->calls);
        free(flusher);
        return bt_fail(err, r, "Cannot start the thread that waits for the disk");
    }
    bt_log_debug(&logger, "Started");
    *out = flusher;
    return 0;
}

void bt_flusher_destroy(struct bt_flusher *flusher)
{
    if (flusher == NULL) {
        return;
    }
    bt_queue_close(flusher->calls);
    pthread_join(flusher->thread, NULL);
    bt_queue_destroy(flusher->calls);
    free(flusher);
}

void bt_flusher_wake(struct bt_flusher *flusher)
{
    bt_queue_offer(flusher->calls, bt_alloc(1));
}

#include "player/errands.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

// The main loop sends a few per change of content or order.
#define MAX_ERRANDS 256

static const struct bt_log logger = {"player/errands"};

struct bt_errands {
    const char *name;
    struct bt_queue *wanted;  // main → thread
    struct bt_queue *done;    // thread → main
    pthread_t thread;
};

static void destroy_errand(void *item)
{
    struct bt_errand *errand = item;
    errand->destroy(errand);
}

static void *run(void *argument)
{
    struct bt_errands *errands = argument;
    pthread_setname_np(pthread_self(), errands->name);
    struct bt_errand *errand = bt_queue_pop_wait(errands->wanted, INT64_MAX);
    for (; errand != NULL; errand = bt_queue_pop_wait(errands->wanted, INT64_MAX)) {
        errand->run(errand);
        if (errand->finish == NULL) {
            errand->destroy(errand);
        } else {
            bt_queue_offer(errands->done, errand);
        }
    }
    return NULL;
}

struct bt_errands *bt_errands_create(const char *name, struct bt_waker waker)
{
    struct bt_errands *errands = BT_NEW(struct bt_errands);
    errands->name = name;
    errands->wanted = bt_queue_create(MAX_ERRANDS, destroy_errand, (struct bt_waker){0});
    errands->done = bt_queue_create(MAX_ERRANDS, destroy_errand, waker);
    if (pthread_create(&errands->thread, NULL, run, errands) != 0) {
        bt_log_error(&logger, "Cannot start the thread '%s'; giving up", name);
        abort();
    }
    return errands;
}

void bt_errands_close(struct bt_errands *errands)
{
    bt_queue_close(errands->wanted);
}

void bt_errands_destroy(struct bt_errands *errands)
{
    if (errands == NULL) {
        return;
    }
    bt_errands_close(errands);
    pthread_join(errands->thread, NULL);
    bt_queue_destroy(errands->wanted);
    bt_queue_destroy(errands->done);
    free(errands);
}

void bt_errands_send(struct bt_errands *errands, struct bt_errand *errand)
{
    bt_queue_offer(errands->wanted, errand);
}

void bt_errands_collect(struct bt_errands *errands, void *context)
{
    struct bt_errand *errand = bt_queue_pop(errands->done);
    for (; errand != NULL; errand = bt_queue_pop(errands->done)) {
        errand->finish(errand, context);
        errand->destroy(errand);
    }
}

#include "server/db/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/lease.h"

static const struct bt_log logger = {"server/lease"};

struct bt_keeper {
    struct bt_keeper_options options;
    char *name, *holder;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;  // leaf lock
    pthread_cond_t told;   // monotonic
    // Protected by lock.
    bool closed, lost;
    int64_t until_ms;
};

static int64_t now_ms(const struct bt_keeper *keeper)
{
    return bt_clock_wall_ms(keeper->options.clock);
}

static int take(struct bt_keeper *keeper, struct bt_db *db, struct bt_error *err)
{
    return bt_lease_take(db, keeper->name, keeper->holder, now_ms(keeper), keeper->options.for_ms,
                         err);
}

// `taken`: as bt_lease_take. While the database does not answer it is ours until it has ended.
static void note(struct bt_keeper *keeper, int taken, int64_t asked_ms)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->until_ms = taken > 0 ? asked_ms + keeper->options.for_ms : keeper->until_ms;
    keeper->lost |= taken == 0 || now_ms(keeper) >= keeper->until_ms;
    pthread_mutex_unlock(&keeper->lock);
}

static void take_again(struct bt_keeper *keeper)
{
    struct bt_db *db = NULL;
    struct bt_error err = {0};
    int64_t asked_ms = now_ms(keeper);
    int r = bt_db_acquire(keeper->options.pool, &db, &err);
    r = r < 0 ? r : take(keeper, db, &err);
    if (db != NULL) {
        bt_db_release(db);
    }
    if (r < 0) {
        bt_log_debug(&logger, "Cannot keep '%s': %s; trying again", keeper->name, err.msg);
    }
    note(keeper, r, asked_ms);
}

// False: there is nothing to keep any more.
static bool rest(struct bt_keeper *keeper)
{
    int64_t until_ns =
        bt_clock_mono_ns(bt_clock_real()) + keeper->options.for_ms * BT_NS_PER_MS / 3;
    const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                   .tv_nsec = until_ns % BT_NS_PER_S};
    int r = 0;
    pthread_mutex_lock(&keeper->lock);
    while (r == 0 && !keeper->closed && !keeper->lost) {
        r = pthread_cond_timedwait(&keeper->told, &keeper->lock, &until);
    }
    bool goes_on = !keeper->closed && !keeper->lost;
    pthread_mutex_unlock(&keeper->lock);
    return goes_on;
}

static void *keep(void *context)
{
    struct bt_keeper *keeper = context;
    while (rest(keeper)) {
        take_again(keeper);
    }
    return NULL;
}

static void init_told(pthread_cond_t *told)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(told, &attributes);
    pthread_condattr_destroy(&attributes);
}

int bt_keeper_start(const struct bt_keeper_options *options, struct bt_keeper **out,
                    struct bt_error *err)
{
    BT_AUTO(bt_keeper) keeper = BT_NEW(struct bt_keeper);
    keeper->options = *options;
    keeper->name = bt_strdup(options->name);
    keeper->holder = bt_strdup(options->holder);
    keeper->until_ms = now_ms(keeper) + options->for_ms;
    pthread_mutex_init(&keeper->lock, NULL);
    init_told(&keeper->told);
    int r = pthread_create(&keeper->thread, NULL, keep, keeper);
    keeper->started = r == 0;
    if (r != 0) {
        return bt_fail(err, -r, "Cannot start the thread that keeps a lease");
    }
    *out = BT_TAKE(keeper);
    return 0;
}

void bt_keeper_destroy(struct bt_keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    keeper->closed = true;
    pthread_cond_signal(&keeper->told);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->started) {
        pthread_join(keeper->thread, NULL);
    }
    pthread_cond_destroy(&keeper->told);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper->name);
    free(keeper->holder);
    free(keeper);
}

bool bt_keeper_lost(struct bt_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool lost = keeper->lost;
    pthread_mutex_unlock(&keeper->lock);
    return lost;
}

int bt_keeper_confirm(struct bt_keeper *keeper, struct bt_db *db, struct bt_error *err)
{
    if (bt_keeper_lost(keeper)) {
        return bt_fail(err, -ESTALE, "Another server has taken '%s' over", keeper->name);
    }
    int r = take(keeper, db, err);
    return r == 0 ? bt_fail(err, -ESTALE, "Another server has taken '%s' over", keeper->name)
                  : BT_MIN(r, 0);
}

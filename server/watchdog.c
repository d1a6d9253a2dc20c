#include "server/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "server/db/db.h"

#define ROUNDS 4

static const struct bt_log logger = {"server/watchdog"};

struct bt_watchdog {
    struct bt_watchdog_options options;
    struct bt_queue *rest;  // nothing ever comes through it; closing it ends the rest
    pthread_t thread;
};

// No answer is what kills us; a refusal is one.
static void ask_database(struct bt_db_pool *pool)
{
    struct bt_db *db = NULL;
    if (bt_db_acquire(pool, &db, NULL) == 0 && bt_db_begin(db, false, NULL) == 0) {
        bt_db_rollback(db);
    }
    bt_db_release(db);
}

static void *work(void *context)
{
    struct bt_watchdog *watchdog = context;
    const struct bt_watchdog_options *options = &watchdog->options;
    int64_t round_ns = options->patience_ns / ROUNDS;
    while (!bt_queue_closed(watchdog->rest)) {
        struct bt_error err = {0};
        ask_database(options->server->db);
        if (bt_http_prove(options->http, round_ns, &err) == 0) {
            options->feed();
        } else {
            bt_log_warn(&logger, "%s; unless it does again, this server will be started anew",
                        err.msg);
        }
        (void)bt_queue_pop_wait(watchdog->rest, bt_clock_mono_ns(bt_clock_real()) + round_ns);
    }
    return NULL;
}

int bt_watchdog_start(const struct bt_watchdog_options *options, struct bt_watchdog **out,
                      struct bt_error *err)
{
    struct bt_watchdog *watchdog = BT_NEW(struct bt_watchdog);
    watchdog->options = *options;
    watchdog->rest = bt_queue_create(1, free, (struct bt_waker){0});
    int r = pthread_create(&watchdog->thread, NULL, work, watchdog);
    if (r != 0) {
        bt_queue_destroy(watchdog->rest);
        free(watchdog);
        return bt_fail(err, -r, "Cannot start the watchdog's thread");
    }
    *out = watchdog;
    return 0;
}

void bt_watchdog_destroy(struct bt_watchdog *watchdog)
{
    if (watchdog == NULL) {
        return;
    }
    bt_queue_close(watchdog->rest);
    pthread_join(watchdog->thread, NULL);
    bt_queue_destroy(watchdog->rest);
    free(watchdog);
}

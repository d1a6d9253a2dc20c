#include "server/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "server/db/testing.h"
#include "server/http/metrics.h"
#include "server/http/route.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int fed;
} supervisor = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void feed(void)
{
    pthread_mutex_lock(&supervisor.lock);
    supervisor.fed++;
    pthread_cond_broadcast(&supervisor.changed);
    pthread_mutex_unlock(&supervisor.lock);
}

static int fed(void)
{
    pthread_mutex_lock(&supervisor.lock);
    int count = supervisor.fed;
    pthread_mutex_unlock(&supervisor.lock);
    return count;
}

static void await_fed(int count)
{
    pthread_mutex_lock(&supervisor.lock);
    while (supervisor.fed < count) {
        pthread_cond_wait(&supervisor.changed, &supervisor.lock);
    }
    pthread_mutex_unlock(&supervisor.lock);
}

static void only_a_database_that_answers_lets_it_be_fed(void **state)
{
    struct bt_test_db *test = *state;
    static const struct bt_route_table *const tables[] = {&bt_http_routes};
    struct bt_server server = {.clock = bt_clock_real(), .metrics = bt_metrics_create()};
    struct bt_http_options options = {
        .listen = "127.0.0.1:0", .workers = 2, .tables = tables, .tables_count = 1};
    struct bt_http *http = NULL;
    assert_int_equal(bt_db_open(test->where, 1, &server.db, NULL), 0);
    assert_int_equal(bt_http_start(&server, &options, &http, NULL), 0);
    struct bt_watchdog_options watch = {
        .server = &server, .http = http, .patience_ns = 40 * BT_NS_PER_MS, .feed = feed};
    struct bt_db *db = NULL;
    assert_int_equal(bt_db_acquire(server.db, &db, NULL), 0);  // the only connection there is
    int before = fed();
    BT_AUTO(bt_watchdog) watchdog = NULL;
    assert_int_equal(bt_watchdog_start(&watch, &watchdog, NULL), 0);
    while (bt_db_waiting(server.db) == 0) {
        sched_yield();
    }
    assert_int_equal(fed(), before);
    bt_db_release(db);
    await_fed(before + 3);
    bt_watchdog_destroy(BT_TAKE(watchdog));
    bt_http_destroy(http);
    bt_db_pool_destroy(server.db);
    bt_metrics_destroy(server.metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {bt_db_test(only_a_database_that_answers_lets_it_be_fed)};
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

#include "server/db/listen.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/db/testing.h"

// What a listener heard, one after the other.
struct ear {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char heard[256];
    int begun, lost;
};

static void hear(void *context, const char *topic, const char *text)
{
    struct ear *ear = context;
    pthread_mutex_lock(&ear->lock);
    size_t len = strlen(ear->heard);
    assert_int_equal(bt_format(ear->heard + len, sizeof(ear->heard) - len, "%s=%s;", topic, text),
                     0);
    pthread_cond_broadcast(&ear->changed);
    pthread_mutex_unlock(&ear->lock);
}

static void listens(void *context, bool now)
{
    struct ear *ear = context;
    pthread_mutex_lock(&ear->lock);
    ear->begun += now;
    ear->lost += !now;
    pthread_cond_broadcast(&ear->changed);
    pthread_mutex_unlock(&ear->lock);
}

static void wait_until_it_listens(struct ear *ear, int times)
{
    pthread_mutex_lock(&ear->lock);
    while (ear->begun < times) {
        pthread_cond_wait(&ear->changed, &ear->lock);
    }
    pthread_mutex_unlock(&ear->lock);
}

static void wait_until_it_heard(struct ear *ear, const char *last)
{
    pthread_mutex_lock(&ear->lock);
    while (strstr(ear->heard, last) == NULL) {
        pthread_cond_wait(&ear->changed, &ear->lock);
    }
    pthread_mutex_unlock(&ear->lock);
}

static struct bt_db_listener *start(struct bt_db_pool *pool, struct ear *ear)
{
    const struct bt_db_hearing hearing = {.hear = hear, .listens = listens, .context = ear};
    struct bt_db_listener *listener = NULL;
    *ear = (struct ear){.begun = 0};
    pthread_mutex_init(&ear->lock, NULL);
    pthread_cond_init(&ear->changed, NULL);
    assert_int_equal(bt_db_listen(pool, &hearing, &listener, NULL), 0);
    return listener;
}

static void notify(struct bt_db *db, const char *topic, const char *text)
{
    struct bt_error err = {0};
    if (bt_db_notify(db, topic, text, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

// With its commit, and nobody hears what was rolled back, nor what our own pool said.
static void others_hear_what_was_committed(void **state)
{
    struct bt_test_db *test = *state;
    struct ear ear;
    BT_AUTO(bt_db_pool) other = NULL;
    assert_int_equal(bt_db_open(test->where, 2, &other, NULL), 0);
    struct bt_db_listener *listener = start(test->pool, &ear);
    struct bt_db *ours = bt_testing_acquire(test), *theirs;
    assert_int_equal(bt_db_acquire(other, &theirs, NULL), 0);
    assert_int_equal(listener != NULL, strcmp(test->engine, "postgresql") == 0);
    assert_int_equal(bt_db_notifies(test->pool), listener != NULL);
    if (listener != NULL) {
        wait_until_it_listens(&ear, 1);
    }
    notify(ours, "own", "not heard");
    assert_int_equal(bt_db_begin(theirs, true, NULL), 0);
    notify(theirs, "orders", "rolled back");
    bt_db_rollback(theirs);
    assert_int_equal(bt_db_begin(theirs, true, NULL), 0);
    notify(theirs, "orders", "d-1 d-2");
    assert_int_equal(bt_db_commit(theirs, NULL), 0);
    notify(theirs, "end", "");
    if (listener != NULL) {
        wait_until_it_heard(&ear, "end=;");
        assert_string_equal(ear.heard, "orders=d-1 d-2;end=;");
    }
    bt_db_release(ours);
    bt_db_release(theirs);
    bt_db_listener_destroy(listener);
}

static void a_lost_connection_is_made_anew(void **state)
{
    struct bt_test_db *test = *state;
    struct ear ear;
    struct bt_db_listener *listener = start(test->pool, &ear);
    if (listener == NULL) {
        return;
    }
    BT_AUTO(bt_db_pool) other = NULL;
    assert_int_equal(bt_db_open(test->where, 1, &other, NULL), 0);
    struct bt_db *theirs;
    assert_int_equal(bt_db_acquire(other, &theirs, NULL), 0);
    wait_until_it_listens(&ear, 1);
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(
        bt_db_ask(theirs, &rows, NULL,
                  "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                  " WHERE datname = current_database() AND query = 'LISTEN " BT_DB_CHANNEL "'"),
        0);
    wait_until_it_listens(&ear, 2);
    assert_int_equal(ear.lost, 1);
    notify(theirs, "again", "x");
    wait_until_it_heard(&ear, "again=x;");
    bt_db_release(theirs);
    bt_db_listener_destroy(listener);
}

static void a_hint_is_short(void **state)
{
    struct bt_test_db *test = *state;
    struct bt_db *db = bt_testing_acquire(test);
    BT_AUTOFREE char *text = bt_alloc(BT_DB_HINT_BYTES + 2);
    memset(text, 'a', BT_DB_HINT_BYTES + 1);
    text[BT_DB_HINT_BYTES + 1] = '\0';
    assert_int_equal(bt_db_notify(db, "news", text, NULL),
                     bt_db_notifies(test->pool) ? -EMSGSIZE : 0);
    text[BT_DB_HINT_BYTES] = '\0';
    assert_int_equal(bt_db_notify(db, "news", text, NULL), 0);
    bt_db_release(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(others_hear_what_was_committed),
        bt_db_test(a_lost_connection_is_made_anew),
        bt_db_test(a_hint_is_short),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

#include "server/db/testing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define run(db, sql) assert_true(bt_db_run(db, NULL, sql) >= 0)

struct busy {
    struct bt_db *db;
    atomic_bool done;
};

static void *use_always(void *context)
{
    struct busy *busy = context;
    while (!atomic_load(&busy->done)) {
        BT_AUTO(bt_db_rows) rows = NULL;
        assert_int_equal(bt_db_ask(busy->db, &rows, NULL, "SELECT count(*) FROM schema_migration"),
                         0);
    }
    return NULL;
}

// Of a database that lets nobody in any more while others' connections are used all the time.
static void who_is_not_let_in_is_told_so(void **state)
{
    struct bt_test_db *test = *state;
    if (strcmp(test->engine, "sqlite") == 0) {
        return;
    }
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(test), *second = NULL;
    run(db, "CREATE ROLE one LOGIN CONNECTION LIMIT 1");
    run(db, "GRANT USAGE ON SCHEMA public TO one");
    run(db, "GRANT ALL ON ALL TABLES IN SCHEMA public TO one");
    BT_AUTO(bt_db_pool) pool = NULL;
    BT_AUTOFREE char *where = bt_strf("%s user=one", test->where);
    assert_int_equal(bt_db_open_as(where, 2, BT_DB_AS_IS, &pool, &err), 0);
    struct busy busy = {0};
    assert_int_equal(bt_db_acquire(pool, &busy.db, &err), 0);
    pthread_t user;
    assert_int_equal(pthread_create(&user, NULL, use_always, &busy), 0);
    assert_int_equal(bt_db_acquire(pool, &second, &err), -ENOTCONN);
    atomic_store(&busy.done, true);
    pthread_join(user, NULL);
    bt_db_release(busy.db);
    run(db, "DROP OWNED BY one");
    bt_db_pool_destroy(BT_TAKE(pool));
    run(db, "DROP ROLE one");
    bt_db_release(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {bt_db_test(who_is_not_let_in_is_told_so)};
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

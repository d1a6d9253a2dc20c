/**
 * For tests that need a database: each test of a group runs on every engine there is, with a fresh
 * and empty database. SQLite is always there; PostgreSQL is started privately (tools/postgres.sh)
 * wherever it is installed, and is never left out then.
 *
 *     static void a_sentence(void **state) { struct bt_test_db *test = *state; … test->pool … }
 *
 *     const struct CMUnitTest tests[] = {bt_db_test(a_sentence), …};
 *     return bt_testing_run(tests, BT_ARRAY_LEN(tests));
 *
 * meson: server_tests += {'server-x': files('x_test.c', '../db/testing.c')}
 */
#ifndef BT_SERVER_DB_TESTING_H
#define BT_SERVER_DB_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include "server/db/db.h"

struct bt_test_db {
    const char *engine;       // "sqlite", "postgresql"
    const char *directory;    // empty, for the test's files
    const char *where;        // for bt_db_open
    struct bt_db_pool *pool;  // open, with all migrations; a test may destroy it and set NULL
};

int bt_testing_setup(void **state);
int bt_testing_teardown(void **state);
#define bt_db_test(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, bt_testing_setup, bt_testing_teardown)

// The number of tests that failed, for main to return.
int bt_testing_run(const struct CMUnitTest *tests, size_t count);

// A connection of the test's pool; the test fails when there is none.
struct bt_db *bt_testing_acquire(struct bt_test_db *test);

#endif

#include "server/db/testing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/listed.h"
#include "server/db/migrate.h"

static bool is_sqlite(const struct bt_test_db *test)
{
    return strcmp(test->engine, "sqlite") == 0;
}

static void check(int64_t r, const struct bt_error *err)
{
    if (r < 0) {
        fail_msg("%lld: %s", (long long)r, err->msg);
    }
}

// Tables as a migration would make them.
static struct bt_db *acquire_with_tables(struct bt_test_db *test)
{
    struct bt_db *db = bt_testing_acquire(test);
    struct bt_error err = {0};
    int64_t r = is_sqlite(test)
                    ? bt_db_run(db, &err,
                                "CREATE TABLE thing(id TEXT PRIMARY KEY, n INTEGER, s TEXT,"
                                " b BLOB, sure INTEGER NOT NULL) STRICT")
                    : bt_db_run(db, &err,
                                "CREATE TABLE thing(id TEXT COLLATE \"C\" PRIMARY KEY, n BIGINT,"
                                " s TEXT COLLATE \"C\", b BYTEA, sure SMALLINT NOT NULL)");
    check(r, &err);
    r = is_sqlite(test) ? bt_db_run(db, &err,
                                    "CREATE TABLE part(id TEXT PRIMARY KEY,"
                                    " thing TEXT NOT NULL REFERENCES thing(id)) STRICT")
                        : bt_db_run(db, &err,
                                    "CREATE TABLE part(id TEXT COLLATE \"C\" PRIMARY KEY,"
                                    " thing TEXT COLLATE \"C\" NOT NULL REFERENCES thing(id))");
    check(r, &err);
    return db;
}

#define INSERT "INSERT INTO thing(id, n, s, b, sure) VALUES($1, $2, $3, $4, 1)"

static int64_t insert(struct bt_db *db, const char *id, int64_t n)
{
    return bt_db_run(db, NULL, INSERT, BT_TEXT(id), BT_INT(n), BT_TEXT("Bảng tin"), BT_NULL);
}

static void who_got_no_connection_is_told(void **state)
{
    (void)state;
    struct bt_error err = {0};
    struct bt_db_rows *rows = NULL;
    assert_int_equal(bt_db_begin(NULL, true, &err), -ENOTCONN);
    assert_int_equal(bt_db_run(NULL, &err, "DELETE FROM thing"), -ENOTCONN);
    assert_int_equal(bt_db_ask(NULL, &rows, &err, "SELECT 1"), -ENOTCONN);
    assert_null(rows);
    assert_string_not_equal(err.msg, "");
}

static int64_t ask_number(struct bt_db *db, const char *sql)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    check(bt_db_ask(db, &rows, &err, sql), &err);
    assert_true(bt_db_next(rows));
    return bt_db_get_int(rows, 0);
}

static void every_value_comes_back_as_it_went(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    static const char bytes[] = {0, 1, (char)0xFF, 0, '\'', '\\'};
    struct bt_error err = {0};
    check(bt_db_run(db, &err, INSERT, BT_TEXT("a"), BT_INT(INT64_MIN),
                    BT_TEXT("Thông ' tin \\x41 🌧"), BT_BLOB(bytes, sizeof(bytes))),
          &err);
    check(bt_db_run(db, &err, INSERT, BT_TEXT("b"), BT_INT(INT64_MAX), BT_TEXT(""), BT_BLOB("", 0)),
          &err);
    check(bt_db_run(db, &err, INSERT, BT_TEXT("c"), BT_NULL, BT_TEXT(NULL), BT_NULL), &err);
    BT_AUTO(bt_db_rows) rows = NULL;
    check(bt_db_ask(db, &rows, &err, "SELECT n, s, b, sure, n IS NULL FROM thing ORDER BY id"),
          &err);
    size_t len;
    assert_int_equal(bt_db_count(rows), 3);
    assert_true(bt_db_next(rows));
    assert_true(bt_db_get_int(rows, 0) == INT64_MIN);
    assert_string_equal(bt_db_get_text(rows, 1), "Thông ' tin \\x41 🌧");
    const void *blob = bt_db_get_blob(rows, 2, &len);
    assert_int_equal(len, sizeof(bytes));
    assert_memory_equal(blob, bytes, len);
    assert_int_equal(bt_db_get_int(rows, 3), 1);
    assert_int_equal(bt_db_get_int(rows, 4), 0);
    assert_true(bt_db_next(rows));
    assert_true(bt_db_get_int(rows, 0) == INT64_MAX);
    assert_false(bt_db_is_null(rows, 1));
    assert_false(bt_db_is_null(rows, 2));
    (void)bt_db_get_blob(rows, 2, &len);
    assert_int_equal(len, 0);
    assert_true(bt_db_next(rows));
    for (int i = 0; i < 3; i++) {
        assert_true(bt_db_is_null(rows, i));
    }
    assert_int_equal(bt_db_get_int(rows, 0), 0);
    assert_string_equal(bt_db_get_text(rows, 1), "");
    assert_int_equal(bt_db_get_int(rows, 4), 1);
    assert_false(bt_db_next(rows));
    bt_db_release(db);
}

static void parameters_may_stand_in_any_order_and_twice(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    assert_int_equal(insert(db, "a", 5), 1);
    BT_AUTO(bt_db_rows) rows = NULL;
    check(bt_db_ask(db, &rows, &err,
                    "SELECT id, n + $3 FROM thing WHERE n > $2 AND id = $1 AND n < $3",
                    BT_TEXT("a"), BT_INT(4), BT_INT(100)),
          &err);
    assert_true(bt_db_next(rows));
    assert_int_equal(bt_db_get_int(rows, 1), 105);
    bt_db_release(db);
}

static void a_parameter_that_was_null_first_may_be_a_value_later(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    assert_int_equal(insert(db, "a", 5), 1);
    static const char sql[] = "UPDATE thing SET n = $2, s = $3, b = $4 WHERE id = $1";
    struct bt_error err = {0};
    check(bt_db_run(db, &err, sql, BT_TEXT("a"), BT_NULL, BT_NULL, BT_NULL), &err);
    check(bt_db_run(db, &err, sql, BT_TEXT("a"), BT_INT(7), BT_TEXT("x"), BT_BLOB("\0y", 2)), &err);
    BT_AUTO(bt_db_rows) rows = NULL;
    check(bt_db_ask(db, &rows, &err, "SELECT n, s, b FROM thing"), &err);
    assert_true(bt_db_next(rows));
    assert_int_equal(bt_db_get_int(rows, 0), 7);
    assert_string_equal(bt_db_get_text(rows, 1), "x");
    size_t len;
    assert_memory_equal(bt_db_get_blob(rows, 2, &len), "\0y", 2);
    bt_db_release(db);
}

static void a_wrong_number_of_values_is_refused(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    assert_int_equal(
        bt_db_run(db, &err, "DELETE FROM thing WHERE id = $1 AND s = $2", BT_TEXT("a")), -EIO);
    assert_int_equal(bt_db_run(db, &err, "DELETE FROM thing WHERE id = $1", BT_TEXT("\xC0\xAF")),
                     -EINVAL);
    bt_db_release(db);
}

static void run_tells_how_many_rows_it_changed(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    assert_int_equal(insert(db, "a", 1), 1);
    assert_int_equal(insert(db, "b", 2), 1);
    assert_int_equal(bt_db_run(db, NULL, "UPDATE thing SET n = n + 1"), 2);
    assert_int_equal(bt_db_run(db, NULL, "UPDATE thing SET n = 0 WHERE id = $1", BT_TEXT("z")), 0);
    assert_int_equal(bt_db_run(db, NULL, INSERT " ON CONFLICT DO NOTHING", BT_TEXT("a"), BT_INT(1),
                               BT_NULL, BT_NULL),
                     0);
    assert_int_equal(bt_db_run(db, NULL,
                               INSERT " ON CONFLICT(id) DO UPDATE SET n = excluded.n + thing.n",
                               BT_TEXT("a"), BT_INT(40), BT_NULL, BT_NULL),
                     1);
    assert_int_equal(ask_number(db, "SELECT n FROM thing WHERE id = 'a'"), 42);
    assert_int_equal(ask_number(db, "SELECT sum(n) FROM thing"), 45);
    assert_int_equal(bt_db_run(db, NULL, "DELETE FROM thing"), 2);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing"), 0);
    bt_db_release(db);
}

static void returning_answers_a_question_that_writes(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    assert_int_equal(insert(db, "a", 1), 1);
    BT_AUTO(bt_db_rows) rows = NULL;
    check(bt_db_begin(db, true, &err), &err);
    check(bt_db_ask(db, &rows, &err, "UPDATE thing SET n = n + 1 WHERE id = $1 RETURNING n",
                    BT_TEXT("a")),
          &err);
    check(bt_db_commit(db, &err), &err);
    assert_true(bt_db_next(rows));
    assert_int_equal(bt_db_get_int(rows, 0), 2);
    bt_db_release(db);
}

static void a_list_of_ids_has_none_some_or_as_many_as_there_is_room_for(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    char ids[BT_LISTED_MAX + 1][8];
    struct bt_listed list = {0};
    for (int i = 0; i <= BT_LISTED_MAX; i++) {
        check(bt_format(ids[i], sizeof(ids[i]), "i%d", i), &err);
        assert_int_equal(insert(db, ids[i], 0), 1);
    }
    static const char sql[] = "UPDATE thing SET n = n + $91 WHERE id" BT_LISTED " AND n < $92";
    assert_int_equal(bt_listed_run(db, &list, NULL, sql, BT_INT(1), BT_INT(9)), 0);
    list.ids[list.count++] = ids[BT_LISTED_MAX];
    assert_int_equal(bt_listed_run(db, &list, NULL, sql, BT_INT(1), BT_INT(9)), 1);
    while (list.count < BT_LISTED_MAX) {
        list.ids[list.count] = ids[list.count];
        list.count++;
    }
    assert_int_equal(bt_listed_run(db, &list, NULL, sql, BT_INT(1), BT_INT(9)), BT_LISTED_MAX);
    assert_int_equal(ask_number(db, "SELECT n FROM thing WHERE id = 'i0'"), 0);
    assert_int_equal(ask_number(db, "SELECT n FROM thing WHERE id = 'i90'"), 2);
    assert_int_equal(ask_number(db, "SELECT sum(n) FROM thing"), BT_LISTED_MAX + 1);
    BT_AUTO(bt_db_rows) rows = NULL;
    check(bt_listed_ask(db, &list, "SELECT id FROM thing WHERE id" BT_LISTED, &rows, &err), &err);
    assert_int_equal(bt_db_count(rows), BT_LISTED_MAX);
    bt_db_release(db);
}

static void a_list_of_pairs_is_a_table(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    char ids[BT_LISTED_MAX][8];
    struct bt_paired pairs = {0};
    BT_AUTO(bt_db_rows) rows = NULL;
    static const char update[] = "WITH asked(id, by) AS (" BT_PAIRED ") UPDATE thing"
                                 " SET n = n + a.by + $181 FROM asked a WHERE thing.id = a.id";
    static const char select[] = "WITH asked(id, least) AS (" BT_PAIRED ") SELECT t.id FROM asked a"
                                 " CROSS JOIN thing t WHERE t.id = a.id AND t.n >= a.least"
                                 " ORDER BY t.id LIMIT $181";
    assert_int_equal(bt_paired_run(db, &pairs, NULL, update, BT_INT(1)), 0);
    for (int i = 0; i < BT_LISTED_MAX; i++) {
        check(bt_format(ids[i], sizeof(ids[i]), "i%02d", i), &err);
        assert_int_equal(insert(db, ids[i], 0), 1);
    }
    for (size_t i = 0; i < BT_LISTED_MAX; i++) {
        pairs.ids[i] = ids[i];
        pairs.numbers[i] = (int64_t)i;
    }
    pairs.count = 3;
    assert_int_equal(bt_paired_run(db, &pairs, &err, update, BT_INT(7)), 3);
    assert_int_equal(ask_number(db, "SELECT sum(n) FROM thing"), 3 * 7 + 0 + 1 + 2);
    assert_int_equal(ask_number(db, "SELECT n FROM thing WHERE id = 'i02'"), 9);
    pairs.count = BT_LISTED_MAX;
    assert_int_equal(bt_paired_run(db, &pairs, &err, update, BT_INT(0)), BT_LISTED_MAX);
    pairs.numbers[1] = 10;  // it has 9
    check(bt_paired_ask(db, &pairs, &rows, &err, select, BT_INT(89)), &err);
    assert_int_equal(bt_db_count(rows), BT_LISTED_MAX - 1);
    assert_true(bt_db_next(rows) && bt_db_next(rows));
    assert_string_equal(bt_db_get_text(rows, 0), "i02");
    bt_db_release(db);
}

static void errors_have_classes(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    assert_int_equal(insert(db, "a", 1), 1);
    assert_int_equal(insert(db, "a", 1), -EEXIST);
    assert_int_equal(bt_db_run(db, &err, "INSERT INTO part(id, thing) VALUES('p', 'none')"),
                     -ESRCH);
    check(bt_db_run(db, &err, "INSERT INTO part(id, thing) VALUES('p', 'a')"), &err);
    assert_int_equal(bt_db_run(db, &err, "DELETE FROM thing"), -ESRCH);
    assert_int_equal(bt_db_run(db, &err, "UPDATE thing SET sure = NULL"), -EIO);
    assert_int_equal(bt_db_run(db, &err, "UPDATE nothing SET x = 1"), -EIO);
    assert_non_null(strstr(err.msg, "nothing"));
    bt_db_release(db);
}

static void nothing_is_done_after_an_error(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    check(bt_db_begin(db, true, &err), &err);
    assert_int_equal(insert(db, "a", 1), 1);
    assert_int_equal(insert(db, "a", 1), -EEXIST);
    assert_int_equal(insert(db, "b", 1), -EIO);
    assert_int_equal(bt_db_commit(db, &err), -EIO);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing"), 0);
    assert_int_equal(insert(db, "a", 1), 1);
    bt_db_release(db);
}

static void what_is_released_was_not_committed(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    check(bt_db_begin(db, true, &err), &err);
    assert_int_equal(insert(db, "a", 1), 1);
    bt_db_release(db);
    db = bt_testing_acquire(*state);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing"), 0);
    bt_db_release(db);
}

static void a_reader_cannot_write(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    struct bt_error err = {0};
    check(bt_db_begin(db, false, &err), &err);
    assert_int_equal(insert(db, "a", 1), -EIO);
    bt_db_rollback(db);
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(bt_db_ask(db, &rows, &err, "DELETE FROM thing RETURNING id"), -EIO);
    assert_int_equal(insert(db, "a", 1), 1);
    bt_db_release(db);
}

static void a_reader_sees_one_state(void **state)
{
    struct bt_db *writer = acquire_with_tables(*state), *reader = bt_testing_acquire(*state);
    struct bt_error err = {0};
    check(bt_db_begin(reader, false, &err), &err);
    assert_int_equal(ask_number(reader, "SELECT count(*) FROM thing"), 0);
    assert_int_equal(insert(writer, "a", 1), 1);
    assert_int_equal(ask_number(reader, "SELECT count(*) FROM thing"), 0);
    check(bt_db_commit(reader, &err), &err);
    assert_int_equal(ask_number(reader, "SELECT count(*) FROM thing"), 1);
    bt_db_release(writer);
    bt_db_release(reader);
}

static void text_is_compared_by_its_bytes(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    static const char *const ids[] = {"a", "B", "á", "Z", "ă", "-", "_", "10", "9"};
    static const char *const sorted[] = {"-", "10", "9", "B", "Z", "_", "a", "á", "ă"};
    for (size_t i = 0; i < BT_ARRAY_LEN(ids); i++) {
        assert_int_equal(insert(db, ids[i], 1), 1);
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    check(bt_db_ask(db, &rows, &err, "SELECT id FROM thing ORDER BY id"), &err);
    for (size_t i = 0; i < BT_ARRAY_LEN(sorted); i++) {
        assert_true(bt_db_next(rows));
        assert_string_equal(bt_db_get_text(rows, 0), sorted[i]);
    }
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing WHERE id > 'a'"), 2);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing WHERE s LIKE 'bảng%'"), 0);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing WHERE s LIKE 'Bảng%'"), 9);
    bt_db_release(db);
}

static void an_answer_has_a_limit(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    int r = bt_db_ask(db, &rows, &err,
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                      " WHERE i < 100001) SELECT i FROM n");
    assert_int_equal(r, -EMSGSIZE);
    bt_db_release(db);
}

static void more_statements_than_are_kept_work_too(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    char sql[200][64];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
            assert_int_equal(bt_format(sql[i], sizeof(sql[i]), "SELECT %d", i + round), 0);
            assert_int_equal(ask_number(db, sql[i]), i + round);  // the same place, another text
            assert_int_equal(ask_number(db, sql[i]), i + round);
        }
    }
    bt_db_release(db);
}

static int add_one(struct bt_db *db, bool alone, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = alone ? bt_db_begin_alone(db, err) : bt_db_begin(db, true, err);
    r = r < 0 ? r : bt_db_ask(db, &rows, err, "SELECT n FROM thing WHERE id = 'a'");
    if (r == 0 && bt_db_next(rows)) {
        r = (int)bt_db_run(db, err, "UPDATE thing SET n = $1 WHERE id = 'a'",
                           BT_INT(bt_db_get_int(rows, 0) + 1));
    }
    r = r < 0 ? r : bt_db_commit(db, err);
    bt_db_rollback(db);
    return r;
}

static void *add_fifty(void *context)
{
    struct bt_db *db = bt_testing_acquire(context);
    for (int i = 0; i < 50;) {
        struct bt_error err = {0};
        int r = add_one(db, false, &err);
        if (r < 0 && r != -EAGAIN) {
            fprintf(stderr, "%s\n", err.msg);
            abort();
        }
        i += r == 0;
    }
    bt_db_release(db);
    return NULL;
}

static void writers_at_the_same_time_lose_nothing(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    assert_int_equal(insert(db, "a", 0), 1);
    pthread_t threads[4];
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_fifty, *state), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(ask_number(db, "SELECT n FROM thing"), 200);
    bt_db_release(db);
}

static void who_writes_alone_is_never_refused(void **state)
{
    struct bt_db *db = acquire_with_tables(*state);
    assert_int_equal(insert(db, "a", 0), 1);
    pthread_t threads[4];
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_fifty, *state), 0);
    }
    for (int i = 0; i < 20; i++) {
        struct bt_error err = {0};
        check(add_one(db, true, &err), &err);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(ask_number(db, "SELECT n FROM thing"), 220);
    bt_db_release(db);
}

struct in_line {
    struct bt_test_db *test;
    pthread_t thread;
    int64_t number;
};

static void *write_number(void *context)
{
    const struct in_line *in_line = context;
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(in_line->test);
    int64_t r = bt_db_run(db, &err, "UPDATE thing SET n = n * 10 + $1 WHERE id = 'a'",
                          BT_INT(in_line->number));
    assert_int_equal(r, 1);
    bt_db_release(db);
    return NULL;
}

// On SQLite; PostgreSQL has no line.
static void who_came_first_writes_first(void **state)
{
    struct bt_test_db *test = *state;
    struct bt_db *db = acquire_with_tables(test);
    assert_int_equal(insert(db, "a", 0), 1);
    bool lines = is_sqlite(test);
    struct in_line waiting[5];
    assert_int_equal(bt_db_begin(db, true, NULL), 0);
    for (size_t i = 0; lines && i < BT_ARRAY_LEN(waiting); i++) {
        waiting[i] = (struct in_line){.test = test, .number = (int64_t)i + 1};
        assert_int_equal(pthread_create(&waiting[i].thread, NULL, write_number, &waiting[i]), 0);
        while (bt_db_waiting(test->pool) <= i) {
            sched_yield();
        }
    }
    bt_db_rollback(db);
    for (size_t i = 0; lines && i < BT_ARRAY_LEN(waiting); i++) {
        pthread_join(waiting[i].thread, NULL);
    }
    assert_int_equal(ask_number(db, "SELECT n FROM thing"), lines ? 12345 : 0);
    assert_int_equal(bt_db_waiting(test->pool), 0);
    bt_db_release(db);
}

static void *acquire_and_release(void *context)
{
    bt_db_release(bt_testing_acquire(context));
    return NULL;
}

static void who_finds_no_free_connection_waits_for_one(void **state)
{
    struct bt_db *all[6];
    for (size_t i = 0; i < BT_ARRAY_LEN(all); i++) {
        all[i] = bt_testing_acquire(*state);
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, acquire_and_release, *state), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(all); i++) {
        bt_db_release(all[i]);
    }
    pthread_join(thread, NULL);
}

static void a_newer_database_is_refused(void **state)
{
    struct bt_test_db *test = *state;
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(
        bt_db_run(db, NULL,
                  "INSERT INTO schema_migration(number, name, at_ms) VALUES(9999, 'later', 0)"),
        1);
    bt_db_release(db);
    bt_db_pool_destroy(test->pool);
    test->pool = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_db_open(test->where, 1, &test->pool, &err), -EPROTO);
    assert_non_null(strstr(err.msg, "9999"));
    assert_null(test->pool);
}

static void opening_again_runs_no_migration_twice(void **state)
{
    struct bt_test_db *test = *state;
    struct bt_db_pool *second = NULL;
    struct bt_error err = {0};
    check(bt_db_open(test->where, 1, &second, &err), &err);
    bt_db_pool_destroy(second);
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM schema_migration"),
                     (int64_t)bt_db_migrations_count);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM unit"), 1);
    bt_db_release(db);
}

// All that the program has and one or two more.
static struct bt_db_migration *with_more(const char *first, const char *second)
{
    size_t count = bt_db_migrations_count;
    struct bt_db_migration *more = BT_NEW_ARRAY(struct bt_db_migration, count + 2);
    memcpy(more, bt_db_migrations, count * sizeof(*more));
    more[count] = (struct bt_db_migration){9001, "9001_first", first, first};
    more[count + 1] = (struct bt_db_migration){9002, "9002_second", second, second};
    return more;
}

static const struct bt_db_engine *engine_of(const struct bt_test_db *test)
{
    return is_sqlite(test) ? &bt_db_sqlite : &bt_db_postgresql;
}

static void a_migration_that_fails_leaves_nothing(void **state)
{
    struct bt_test_db *test = *state;
    const struct bt_db_engine *engine = engine_of(test);
    BT_AUTOFREE struct bt_db_migration *more =
        with_more("CREATE TABLE half(n BIGINT);", "INSERT INTO nothing VALUES(1);");
    void *connection = NULL;
    struct bt_error err = {0};
    check(engine->connect(test->where, &connection, &err), &err);
    assert_int_equal(bt_db_migrate_with(engine, connection, more, bt_db_migrations_count + 2, &err),
                     -EIO);
    assert_non_null(strstr(err.msg, "9002_second"));
    assert_int_equal(engine->execute(connection, "SELECT n FROM half", NULL, 0, NULL, &err), -EIO);
    check(bt_db_migrate_with(engine, connection, more, bt_db_migrations_count + 1, &err), &err);
    assert_int_equal(engine->execute(connection, "SELECT n FROM half", NULL, 0, NULL, &err), 0);
    engine->disconnect(connection);
}

struct migrator {
    const struct bt_test_db *test;
    const struct bt_db_migration *migrations;
    pthread_t thread;
    int result;
    struct bt_error err;
};

static void *migrate(void *context)
{
    struct migrator *migrator = context;
    const struct bt_db_engine *engine = engine_of(migrator->test);
    void *connection = NULL;
    migrator->result = engine->connect(migrator->test->where, &connection, &migrator->err);
    if (migrator->result == 0) {
        migrator->result = bt_db_migrate_with(engine, connection, migrator->migrations,
                                              bt_db_migrations_count + 2, &migrator->err);
        engine->disconnect(connection);
    }
    return NULL;
}

static void programs_that_start_together_migrate_once(void **state)
{
    BT_AUTOFREE struct bt_db_migration *more =
        with_more("CREATE TABLE once(n BIGINT);", "INSERT INTO once VALUES(1);");
    struct migrator migrators[4];
    for (size_t i = 0; i < BT_ARRAY_LEN(migrators); i++) {
        migrators[i] = (struct migrator){.test = *state, .migrations = more};
        assert_int_equal(pthread_create(&migrators[i].thread, NULL, migrate, &migrators[i]), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(migrators); i++) {
        pthread_join(migrators[i].thread, NULL);
        check(migrators[i].result, &migrators[i].err);
    }
    struct bt_db *db = bt_testing_acquire(*state);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM once"), 1);
    bt_db_release(db);
}

static void a_backup_is_a_database(void **state)
{
    struct bt_test_db *test = *state;
    struct bt_db *db = acquire_with_tables(test);
    assert_int_equal(insert(db, "a", 7), 1);
    char path[128], where[160];
    struct bt_error err = {0};
    assert_int_equal(bt_format(path, sizeof(path), "%s/copy.sqlite", test->directory), 0);
    int r = bt_db_backup(db, path, &err);
    bt_db_release(db);
    if (!is_sqlite(test)) {
        assert_int_equal(r, -ENOTSUP);
        return;
    }
    check(r, &err);
    struct bt_test_db copy = {.engine = "sqlite"};
    assert_int_equal(bt_format(where, sizeof(where), "sqlite:%s", path), 0);
    check(bt_db_open(where, 1, &copy.pool, &err), &err);
    db = bt_testing_acquire(&copy);
    assert_int_equal(ask_number(db, "SELECT n FROM thing"), 7);
    bt_db_release(db);
    bt_db_pool_destroy(copy.pool);
}

static void nobody_else_may_read_the_file(void **state)
{
    struct bt_test_db *test = *state;
    if (!is_sqlite(test)) {
        return;
    }
    static const char *const names[] = {"db.sqlite", "db.sqlite-wal"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        char path[128];
        struct stat info;
        assert_int_equal(bt_format(path, sizeof(path), "%s/%s", test->directory, names[i]), 0);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void a_lost_connection_comes_back(void **state)
{
    struct bt_test_db *test = *state;
    if (is_sqlite(test)) {
        return;
    }
    struct bt_db *db = acquire_with_tables(test), *killer = bt_testing_acquire(test);
    struct bt_error err = {0};
    assert_int_equal(insert(db, "a", 1), 1);
    check(bt_db_begin(db, true, &err), &err);
    assert_int_equal(insert(db, "b", 1), 1);
    assert_true(ask_number(killer, "SELECT count(pg_terminate_backend(pid, 5000)) FROM"
                                   " pg_stat_activity WHERE state = 'idle in transaction'") == 1);
    assert_int_equal(insert(db, "c", 1), -EAGAIN);
    bt_db_rollback(db);
    assert_int_equal(insert(db, "c", 1), 1);
    assert_int_equal(ask_number(db, "SELECT count(*) FROM thing"), 2);
    bt_db_release(db);
    bt_db_release(killer);
}

static void what_names_no_database_is_refused_without_repeating_it(void **state)
{
    (void)state;
    static const char *const wheres[] = {
        "mysql://u:bi-mat@h/d",
        "bi-mat.sqlite",
        "sqlite:/nowhere/x.db",
        "host=/nowhere dbname=x password=bi-mat",
        "postgresql://u:bi-mat@127.0.0.1:1/d",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(wheres); i++) {
        struct bt_db_pool *pool = NULL;
        struct bt_error err = {0};
        assert_true(bt_db_open(wheres[i], 1, &pool, &err) < 0);
        assert_null(strstr(err.msg, "bi-mat"));
        assert_string_not_equal(err.msg, "");
    }
}

/*
 * The differential test: the same random operations on every engine, and all that was answered
 * written down. The first engine's paper is what the others' is compared with.
 */
#define OPERATIONS 4000

struct paper {
    struct bt_db *db;
    struct bt_buf text;
    uint64_t random;
    bool in_transaction;
};

static unsigned pick(struct paper *paper, unsigned below)
{
    paper->random = paper->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(paper->random >> 33) % below;
}

static void write_rows(struct paper *paper, struct bt_db_rows *rows, const char *kinds)
{
    while (bt_db_next(rows)) {
        for (int i = 0; kinds[i] != '\0'; i++) {
            size_t len = 0;
            const char *null = bt_db_is_null(rows, i) ? "null" : "";
            int r = kinds[i] == 'i' ? bt_buf_appendf(&paper->text, "%s%lld|", null,
                                                     (long long)bt_db_get_int(rows, i))
                    : kinds[i] == 's'
                        ? bt_buf_appendf(&paper->text, "%s%s|", null, bt_db_get_text(rows, i))
                        : bt_buf_appendf(&paper->text, "%s%s%zu|", null,
                                         (const char *)bt_db_get_blob(rows, i, &len), len);
            assert_int_equal(r, 0);
        }
        assert_int_equal(bt_buf_appendf(&paper->text, "\n"), 0);
    }
}

static void ask(struct paper *paper, const char *kinds, const char *sql, struct bt_db_value value)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(paper->db, &rows, NULL, sql, value);
    assert_int_equal(bt_buf_appendf(&paper->text, "= %d %s\n", r, sql), 0);
    if (r == 0) {
        write_rows(paper, rows, kinds);
    }
}

static const struct {
    const char *kinds, *sql;
} questions[] = {
    {"siisb", "SELECT id, n, sure, s, b FROM thing WHERE id >= $1 ORDER BY id LIMIT 5"},
    {"si",
     "SELECT id, n FROM thing WHERE s LIKE $1 || '%' ORDER BY n NULLS FIRST, id DESC LIMIT 7"},
    {"iii", "SELECT count(*), sum(n), max(n) FROM thing WHERE id <> $1"},
    {"ss", "SELECT t.id, p.id FROM thing t LEFT JOIN part p ON p.thing = t.id WHERE t.id < $1"
           " ORDER BY 1, 2 NULLS LAST LIMIT 9"},
    {"si", "SELECT s, count(*) FROM thing GROUP BY s HAVING s <> $1 ORDER BY s"},
    {"iii", "SELECT n / 3, n % 3, length(s) FROM thing WHERE id = $1"},
    {"i", "SELECT EXISTS(SELECT 1 FROM part WHERE id = $1)"},
    {"s", "SELECT substr(id || '/' || coalesce(s, '-'), 2, 3) FROM thing WHERE id = $1"},
    {"i", "SELECT CASE WHEN n > 0 THEN 1 ELSE 0 END FROM thing WHERE id = $1"},
};

static int64_t change(struct paper *paper, const char *id, const char *other)
{
    struct bt_db *db = paper->db;
    static const char *const words[] = {"Ă", "a", "B", "", "ong", "Ông"};
    struct bt_db_value n = pick(paper, 5) == 0 ? BT_NULL : BT_INT((int64_t)pick(paper, 200) - 100);
    struct bt_db_value s =
        pick(paper, 5) == 0 ? BT_NULL : BT_TEXT(words[pick(paper, BT_ARRAY_LEN(words))]);
    switch (pick(paper, 8)) {
    case 0:
    case 1:
        return bt_db_run(db, NULL, INSERT, BT_TEXT(id), n, s, BT_BLOB(id, pick(paper, 2)));
    case 2:
        return bt_db_run(db, NULL,
                         INSERT " ON CONFLICT(id) DO UPDATE SET n = excluded.n,"
                                " s = coalesce(thing.s, excluded.s)",
                         BT_TEXT(id), n, s, BT_NULL);
    case 3:
        return bt_db_run(db, NULL, "UPDATE thing SET n = n + $2, sure = 1 - sure WHERE id > $1",
                         BT_TEXT(id), n);
    case 4:
        return bt_db_run(db, NULL, "DELETE FROM thing WHERE id = $1", BT_TEXT(id));
    case 5:
        return bt_db_run(db, NULL, "INSERT INTO part(id, thing) VALUES($1, $2)", BT_TEXT(other),
                         BT_TEXT(id));
    case 6:
        return bt_db_run(db, NULL, "DELETE FROM part WHERE thing = $1", BT_TEXT(id));
    default:
        return bt_db_run(db, NULL,
                         "INSERT INTO part(id, thing) SELECT id || 'x', id FROM thing"
                         " WHERE n > $1 ON CONFLICT DO NOTHING",
                         n);
    }
}

static int64_t step_transaction(struct paper *paper)
{
    bool commits = pick(paper, 3) > 0;
    if (!paper->in_transaction) {
        paper->in_transaction = true;
        return bt_db_begin(paper->db, pick(paper, 6) > 0, NULL);
    }
    paper->in_transaction = false;
    if (commits) {
        return bt_db_commit(paper->db, NULL);
    }
    bt_db_rollback(paper->db);
    return 0;
}

static void operate(struct paper *paper)
{
    static const char *const ids[] = {"a", "A", "b", "ă", "z-1", "z_1", "10", "9"};
    const char *id = ids[pick(paper, BT_ARRAY_LEN(ids))];
    const char *other = ids[pick(paper, BT_ARRAY_LEN(ids))];
    unsigned kind = pick(paper, 10);
    if (kind < 4) {
        size_t i = pick(paper, BT_ARRAY_LEN(questions));
        ask(paper, questions[i].kinds, questions[i].sql, BT_TEXT(id));
        return;
    }
    int64_t r = kind < 6 ? step_transaction(paper) : change(paper, id, other);
    assert_int_equal(bt_buf_appendf(&paper->text, "> %lld\n", (long long)r), 0);
}

static void engines_answer_alike(void **state)
{
    static char *first;
    struct paper paper = {.db = acquire_with_tables(*state), .random = 20261121};
    bt_buf_init(&paper.text, 64 * 1024 * 1024);
    for (int i = 0; i < OPERATIONS; i++) {
        operate(&paper);
    }
    bt_db_release(paper.db);
    if (first == NULL) {
        first = bt_strdup(bt_buf_text(&paper.text));
        assert_true(strlen(first) > OPERATIONS * 5);
    } else {
        assert_string_equal(first, bt_buf_text(&paper.text));
        free(first);
        first = NULL;
    }
    bt_buf_finish(&paper.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(every_value_comes_back_as_it_went),
        bt_db_test(parameters_may_stand_in_any_order_and_twice),
        bt_db_test(a_parameter_that_was_null_first_may_be_a_value_later),
        bt_db_test(a_wrong_number_of_values_is_refused),
        bt_db_test(run_tells_how_many_rows_it_changed),
        bt_db_test(returning_answers_a_question_that_writes),
        bt_db_test(a_list_of_ids_has_none_some_or_as_many_as_there_is_room_for),
        bt_db_test(a_list_of_pairs_is_a_table),
        bt_db_test(errors_have_classes),
        bt_db_test(nothing_is_done_after_an_error),
        bt_db_test(what_is_released_was_not_committed),
        bt_db_test(a_reader_cannot_write),
        bt_db_test(a_reader_sees_one_state),
        bt_db_test(text_is_compared_by_its_bytes),
        bt_db_test(an_answer_has_a_limit),
        bt_db_test(more_statements_than_are_kept_work_too),
        bt_db_test(writers_at_the_same_time_lose_nothing),
        bt_db_test(who_came_first_writes_first),
        bt_db_test(who_writes_alone_is_never_refused),
        bt_db_test(who_finds_no_free_connection_waits_for_one),
        bt_db_test(a_newer_database_is_refused),
        bt_db_test(opening_again_runs_no_migration_twice),
        bt_db_test(a_migration_that_fails_leaves_nothing),
        bt_db_test(programs_that_start_together_migrate_once),
        bt_db_test(a_backup_is_a_database),
        bt_db_test(nobody_else_may_read_the_file),
        bt_db_test(who_got_no_connection_is_told),
        bt_db_test(a_lost_connection_comes_back),
        bt_db_test(what_names_no_database_is_refused_without_repeating_it),
        bt_db_test(engines_answer_alike),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}

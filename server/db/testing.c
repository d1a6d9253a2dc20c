#include "server/db/testing.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define CONNECTIONS 6

struct fixture {
    struct bt_test_db seen;
    char directory[64];
    char *where;
};

// The engine of the group that is running, and PostgreSQL's connection string.
static const char *engine;
static char *postgresql;

static bool make_directory(char *out, size_t size, const char *name)
{
    const char *root = getenv("TMPDIR");
    return bt_format(out, size, "%s/%s-XXXXXX", root != NULL ? root : "/tmp", name) == 0 &&
           mkdtemp(out) != NULL;
}

static char *script(const char *arguments)
{
    const char *root = getenv("BT_SOURCE_ROOT");
    return bt_strf("%s/tools/postgres.sh %s", root != NULL ? root : ".", arguments);
}

static void empty_postgresql(void)
{
    PGconn *pg = PQconnectdb(postgresql);
    PGresult *result = PQexec(pg, "SET client_min_messages = warning;"
                                  "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail_msg("%s", PQerrorMessage(pg));
    }
    PQclear(result);
    PQfinish(pg);
}

int bt_testing_setup(void **state)
{
    struct fixture *fixture = BT_NEW(struct fixture);
    *state = &fixture->seen;
    if (!make_directory(fixture->directory, sizeof(fixture->directory), "bt-db")) {
        return -1;
    }
    if (postgresql != NULL && strcmp(engine, "postgresql") == 0) {
        empty_postgresql();
        fixture->where = bt_strdup(postgresql);
    } else {
        fixture->where = bt_strf("sqlite:%s/db.sqlite", fixture->directory);
    }
    fixture->seen.engine = engine;
    fixture->seen.directory = fixture->directory;
    fixture->seen.where = fixture->where;
    struct bt_error err = {0};
    if (bt_db_open(fixture->where, CONNECTIONS, &fixture->seen.pool, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return 0;
}

int bt_testing_teardown(void **state)
{
    struct fixture *fixture = *state;
    bt_db_pool_destroy(fixture->seen.pool);
    BT_AUTOFREE char *remove = bt_strf("rm -rf '%s'", fixture->directory);
    int r = system(remove);
    free(fixture->where);
    free(fixture);
    return r;
}

struct bt_db *bt_testing_acquire(struct bt_test_db *test)
{
    struct bt_db *db = NULL;
    struct bt_error err = {0};
    if (bt_db_acquire(test->pool, &db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return db;
}

static int run_group(const char *name, const struct CMUnitTest *tests, size_t count)
{
    engine = name;
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

static bool start_postgresql(const char *directory)
{
    BT_AUTOFREE char *arguments = bt_strf("start %s %d", directory, (int)getpid());
    BT_AUTOFREE char *command = script(arguments);
    FILE *output = popen(command, "r");
    char line[256];
    bool started = output != NULL && fgets(line, sizeof(line), output) != NULL;
    if (output != NULL && pclose(output) == 0 && started) {
        line[strcspn(line, "\n")] = '\0';
        postgresql = bt_strdup(line);
    }
    return postgresql != NULL;
}

static int run_on_postgresql(const struct CMUnitTest *tests, size_t count)
{
    char directory[sizeof(((struct fixture *)NULL)->directory)];
    if (!make_directory(directory, sizeof(directory), "bt-pg") || !start_postgresql(directory)) {
        fprintf(stderr, "PostgreSQL is installed, but does not start\n");
        return 1;
    }
    int failed = run_group("postgresql", tests, count);
    BT_AUTOFREE char *arguments = bt_strf("stop %s", directory);
    BT_AUTOFREE char *command = script(arguments);
    if (system(command) != 0) {
        fprintf(stderr, "PostgreSQL does not stop\n");
    }
    free(postgresql);
    postgresql = NULL;
    return failed;
}

int bt_testing_run(const struct CMUnitTest *tests, size_t count)
{
    int failed = run_group("sqlite", tests, count);
    BT_AUTOFREE char *installed = script("installed");
    if (system(installed) != 0) {
        printf("PostgreSQL is not installed: tested on SQLite alone\n");
        return failed;
    }
    return failed + run_on_postgresql(tests, count);
}

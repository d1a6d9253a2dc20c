#include "server/db/migrate.h"

#include <errno.h>

#include "base/clock.h"
#include "server/db/rows.h"

static const char create_table[] =
    "CREATE TABLE IF NOT EXISTS schema_migration("
    "number BIGINT PRIMARY KEY, name TEXT NOT NULL, at_ms BIGINT NOT NULL)";

struct run {
    const struct bt_db_engine *engine;
    void *connection;
    const struct bt_db_migration *migrations;
    size_t count;
};

static bool knows(const struct run *run, int64_t number)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->migrations[i].number == number || number == BT_DB_UNFINISHED) {
            return true;
        }
    }
    return false;
}

static int ask_numbers(const struct run *run, struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = bt_db_rows_create();
    int64_t r = run->engine->execute(
        run->connection, "SELECT number FROM schema_migration ORDER BY number", NULL, 0, rows, err);
    if (r < 0) {
        return (int)r;
    }
    *out = BT_TAKE(rows);
    return 0;
}

static int refuse_newer(const struct run *run, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_numbers(run, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        int64_t number = bt_db_get_int(rows, 0);
        if (!knows(run, number)) {
            r = bt_fail(err, -EPROTO,
                        "The database was written by a newer version of this program"
                        " (migration %lld is not known here)",
                        (long long)number);
        }
    }
    return r;
}

static int was_run(const struct run *run, int64_t number, bool *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_numbers(run, &rows, err);
    *out = false;
    while (r == 0 && !*out && bt_db_next(rows)) {
        *out = bt_db_get_int(rows, 0) == number;
    }
    return r;
}

static int run_one(const struct run *run, const struct bt_db_migration *migration,
                   struct bt_error *err)
{
    bool done;
    int r = was_run(run, migration->number, &done, err);
    if (r < 0 || done) {
        return r;
    }
    bool sqlite = run->engine == &bt_db_sqlite;
    r = run->engine->script(run->connection, sqlite ? migration->sqlite : migration->postgresql,
                            err);
    if (r < 0) {
        return bt_fail_in(err, r, "migration '%s'", migration->name);
    }
    const struct bt_db_value values[] = {BT_INT(migration->number), BT_TEXT(migration->name),
                                         BT_INT(bt_clock_wall_ms(bt_clock_real()))};
    int64_t added = run->engine->execute(
        run->connection, "INSERT INTO schema_migration(number, name, at_ms) VALUES($1, $2, $3)",
        values, BT_ARRAY_LEN(values), NULL, err);
    return added < 0 ? (int)added : 0;
}

static int run_missing(const struct run *run, struct bt_error *err)
{
    int r = run->engine->script(run->connection, create_table, err);
    r = r < 0 ? r : refuse_newer(run, err);
    for (size_t i = 0; r == 0 && i < run->count; i++) {
        r = run_one(run, &run->migrations[i], err);
    }
    return r;
}

static int run_in_transaction(const struct run *run, struct bt_error *err)
{
    int r = run->engine->begin(run->connection, BT_DB_BEGIN_MIGRATING, err);
    if (r < 0) {
        return r;
    }
    r = run_missing(run, err);
    r = r < 0 ? r : run->engine->commit(run->connection, err);
    if (r < 0) {
        run->engine->rollback(run->connection);
    }
    return r;
}

int bt_db_migrate_with(const struct bt_db_engine *engine, void *connection,
                       const struct bt_db_migration *migrations, size_t count, struct bt_error *err)
{
    const struct run run = {engine, connection, migrations, count};
    if (engine->lock_migrations == NULL) {
        return run_in_transaction(&run, err);
    }
    int r = engine->lock_migrations(connection, true, err);
    if (r < 0) {
        return r;
    }
    r = run_in_transaction(&run, err);
    int unlocked = engine->lock_migrations(connection, false, r < 0 ? NULL : err);
    return r < 0 ? r : unlocked;
}

int bt_db_migrate(const struct bt_db_engine *engine, void *connection, struct bt_error *err)
{
    return bt_db_migrate_with(engine, connection, bt_db_migrations, bt_db_migrations_count, err);
}

int bt_db_check_migrations(const struct bt_db_engine *engine, void *connection,
                           struct bt_error *err)
{
    const struct run run = {engine, connection, bt_db_migrations, bt_db_migrations_count};
    int r = refuse_newer(&run, err);
    for (size_t i = 0; r == 0 && i < run.count; i++) {
        bool done;
        r = was_run(&run, run.migrations[i].number, &done, err);
        if (r == 0 && !done) {
            r = bt_fail(err, -EPROTO,
                        "The database is older than this program; start the new server on it once");
        }
    }
    return r;
}

int bt_db_refuse_unfinished(const struct bt_db_engine *engine, void *connection,
                            struct bt_error *err)
{
    bool unfinished;
    const struct run run = {engine, connection, NULL, 0};
    int r = was_run(&run, BT_DB_UNFINISHED, &unfinished, err);
    return r < 0 || !unfinished ? r
                                : bt_fail(err, -EBUSY,
                                          "It is half of a copy: run the command that copied"
                                          " (restore, migrate) again, it goes on");
}

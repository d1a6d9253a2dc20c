#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/db/engine.h"
#include "server/db/rows.h"
#include "server/db/statements.h"

// Another program (a backup, sqlite3 by hand) may hold the database for moments.
#define BUSY_MS 5000

struct statement {
    sqlite3_stmt *stmt;
    size_t count;  // parameters
    int *index;    // SQLite's number for $1, $2…; it counts in order of appearance
};

struct connection {
    sqlite3 *sqlite;
    struct bt_statements *statements;
    bool read_only;  // query_only is on
};

static int errno_of(int result)
{
    switch (result) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return -EEXIST;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return -ESRCH;
    default:
        break;
    }
    int class = result & 0xFF;
    return class == SQLITE_BUSY || class == SQLITE_LOCKED ? -EAGAIN : -EIO;
}

static int fail_sqlite(const struct connection *connection, int result, struct bt_error *err)
{
    const char *text =
        connection->sqlite != NULL ? sqlite3_errmsg(connection->sqlite) : sqlite3_errstr(result);
    return bt_fail(err, errno_of(result), "%s", text);
}

static int exec(struct connection *connection, const char *sql, struct bt_error *err)
{
    int result = sqlite3_exec(connection->sqlite, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : fail_sqlite(connection, result, err);
}

static void free_statement(void *connection, void *item)
{
    (void)connection;
    struct statement *statement = item;
    sqlite3_finalize(statement->stmt);
    free(statement->index);
    free(statement);
}

static void sqlite_disconnect(void *handle)
{
    struct connection *connection = handle;
    if (connection == NULL) {
        return;
    }
    bt_statements_destroy(connection->statements);
    sqlite3_close(connection->sqlite);
    free(connection);
}

// The database holds hashes of secrets: nobody but us reads it. One that is there is not opened:
// closing it again would take away the locks of all our connections (POSIX), and the next program
// that looks at the database would believe itself alone and throw the log away.
static int create_file(const char *path, struct bt_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        return 0;
    }
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    close(fd);
    return 0;
}

/*
 * Write-ahead log, synced at every commit: what was answered to a player or a person is there after
 * a power cut. LIKE compares as PostgreSQL's does.
 */
static int configure(struct connection *connection, struct bt_error *err)
{
    sqlite3_busy_timeout(connection->sqlite, BUSY_MS);
    return exec(connection,
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
                "PRAGMA journal_size_limit=67108864; PRAGMA case_sensitive_like=ON;",
                err);
}

static int sqlite_connect(const char *where, void **out, struct bt_error *err)
{
    const char *path = where + strlen("sqlite:");
    int r = create_file(path, err);
    if (r < 0) {
        return r;
    }
    struct connection *connection = BT_NEW(struct connection);
    connection->statements = bt_statements_create(connection, free_statement);
    int result =
        sqlite3_open_v2(path, &connection->sqlite,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    r = result == SQLITE_OK ? configure(connection, err) : fail_sqlite(connection, result, err);
    if (r < 0) {
        sqlite_disconnect(connection);
        return bt_fail_in(err, r, "Cannot open '%s'", path);
    }
    *out = connection;
    return 0;
}

static int sqlite_revive(void *handle, struct bt_error *err)
{
    (void)handle;
    (void)err;
    return 0;
}

static int set_read_only(struct connection *connection, bool read_only, struct bt_error *err)
{
    if (connection->read_only == read_only) {
        return 0;
    }
    int r = exec(connection, read_only ? "PRAGMA query_only=ON" : "PRAGMA query_only=OFF", err);
    if (r == 0) {
        connection->read_only = read_only;
    }
    return r;
}

static int64_t sqlite_execute(void *handle, const char *sql, const struct bt_db_value *values,
                              size_t count, struct bt_db_rows *rows, struct bt_error *err);

// Through the kept statements: these run for every request.
static int run_kept(void *handle, const char *sql, struct bt_error *err)
{
    int64_t r = sqlite_execute(handle, sql, NULL, 0, NULL, err);
    return r < 0 ? (int)r : 0;
}

// The pool lets one writer in at a time: each is alone.
static int sqlite_begin(void *handle, enum bt_db_begin how, struct bt_error *err)
{
    bool writes = how != BT_DB_BEGIN_READING;
    int r = set_read_only(handle, !writes, err);
    if (r < 0) {
        return r;
    }
    return writes ? run_kept(handle, "BEGIN IMMEDIATE", err) : run_kept(handle, "BEGIN", err);
}

static int sqlite_commit(void *handle, struct bt_error *err)
{
    return run_kept(handle, "COMMIT", err);
}

static void sqlite_rollback(void *handle)
{
    struct connection *connection = handle;
    // After some errors SQLite has rolled back by itself.
    if (!sqlite3_get_autocommit(connection->sqlite)) {
        sqlite3_exec(connection->sqlite, "ROLLBACK", NULL, NULL, NULL);
    }
}

static int map_parameters(struct statement *statement, struct bt_error *err)
{
    int count = sqlite3_bind_parameter_count(statement->stmt);
    if (count > BT_DB_MAX_VALUES) {
        return bt_fail(err, -EIO, "A statement has %d parameters", count);
    }
    statement->count = (size_t)count;
    statement->index = BT_NEW_ARRAY(int, (size_t)count);
    for (int i = 0; i < count; i++) {
        char name[16];
        if (bt_format(name, sizeof(name), "$%d", i + 1) < 0) {
            return -EIO;
        }
        statement->index[i] = sqlite3_bind_parameter_index(statement->stmt, name);
        if (statement->index[i] == 0) {
            return bt_fail(err, -EIO, "A statement has %d parameters, but no %s", count, name);
        }
    }
    return 0;
}

static int prepare(struct connection *connection, const char *sql, struct statement **out,
                   struct bt_error *err)
{
    struct statement *statement = bt_statements_find(connection->statements, sql);
    if (statement != NULL) {
        *out = statement;
        return 0;
    }
    statement = BT_NEW(struct statement);
    int result = sqlite3_prepare_v3(connection->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &statement->stmt, NULL);
    int r =
        result == SQLITE_OK ? map_parameters(statement, err) : fail_sqlite(connection, result, err);
    if (r < 0) {
        free_statement(connection, statement);
        return r;
    }
    bt_statements_keep(connection->statements, sql, statement);
    *out = statement;
    return 0;
}

static int bind_one(sqlite3_stmt *stmt, int index, const struct bt_db_value *value)
{
    switch (value->type) {
    case BT_DB_NULL:
        return sqlite3_bind_null(stmt, index);
    case BT_DB_INT:
        return sqlite3_bind_int64(stmt, index, value->number);
    case BT_DB_TEXT:
        return sqlite3_bind_text64(stmt, index, value->bytes, value->len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case BT_DB_BLOB:
        // An empty blob needs an address, or it becomes NULL.
        return sqlite3_bind_blob64(stmt, index, value->len > 0 ? value->bytes : "", value->len,
                                   SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static int bind(struct connection *connection, const struct statement *statement,
                const struct bt_db_value *values, size_t count, struct bt_error *err)
{
    if (count != statement->count) {
        return bt_fail(err, -EIO, "%zu values for %zu parameters", count, statement->count);
    }
    for (size_t i = 0; i < count; i++) {
        int result = bind_one(statement->stmt, statement->index[i], &values[i]);
        if (result != SQLITE_OK) {
            return fail_sqlite(connection, result, err);
        }
    }
    return 0;
}

static int add_cell(struct bt_db_rows *rows, sqlite3_stmt *stmt, int column, struct bt_error *err)
{
    const void *bytes;
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_NULL:
        return bt_db_rows_add_null(rows, err);
    case SQLITE_INTEGER:
        return bt_db_rows_add_int(rows, sqlite3_column_int64(stmt, column), err);
    case SQLITE_BLOB:
        bytes = sqlite3_column_blob(stmt, column);
        return bt_db_rows_add_bytes(rows, BT_DB_BLOB, bytes,
                                    (size_t)sqlite3_column_bytes(stmt, column), err);
    default:
        bytes = sqlite3_column_text(stmt, column);
        return bt_db_rows_add_bytes(rows, BT_DB_TEXT, bytes,
                                    (size_t)sqlite3_column_bytes(stmt, column), err);
    }
}

static int add_row(struct bt_db_rows *rows, sqlite3_stmt *stmt, struct bt_error *err)
{
    int r = 0;
    for (int i = 0; r == 0 && i < sqlite3_column_count(stmt); i++) {
        r = add_cell(rows, stmt, i, err);
    }
    return r;
}

static int64_t step_all(struct connection *connection, sqlite3_stmt *stmt, struct bt_db_rows *rows,
                        struct bt_error *err)
{
    int result;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        int r = rows != NULL ? add_row(rows, stmt, err) : 0;
        if (r < 0) {
            return r;
        }
    }
    if (result != SQLITE_DONE) {
        return fail_sqlite(connection, result, err);
    }
    return sqlite3_stmt_readonly(stmt) ? 0 : sqlite3_changes64(connection->sqlite);
}

static int64_t sqlite_execute(void *handle, const char *sql, const struct bt_db_value *values,
                              size_t count, struct bt_db_rows *rows, struct bt_error *err)
{
    struct connection *connection = handle;
    struct statement *statement;
    int r = prepare(connection, sql, &statement, err);
    r = r < 0 ? r : bind(connection, statement, values, count, err);
    if (r < 0) {
        return r;
    }
    int columns = sqlite3_column_count(statement->stmt);
    if (rows != NULL && columns > 0) {
        bt_db_rows_set_columns(rows, (size_t)columns);
    }
    int64_t changed = step_all(connection, statement->stmt, rows, err);
    sqlite3_reset(statement->stmt);
    sqlite3_clear_bindings(statement->stmt);
    return changed;
}

static int sqlite_script(void *handle, const char *sql, struct bt_error *err)
{
    return exec(handle, sql, err);
}

static int sync_file(const char *path, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return bt_fail_errno(err, "Cannot sync '%s'", path);
    }
    return 0;
}

// SQLite does not sync what VACUUM INTO writes, so it is written aside and gets its name at the
// end.
static int sqlite_backup(void *handle, const char *path, struct bt_error *err)
{
    BT_AUTOFREE char *aside = bt_strf("%s.part", path);
    unlink(aside);
    const struct bt_db_value value = BT_TEXT(aside);
    int r = set_read_only(handle, false, err);
    int64_t copied = r < 0 ? r : sqlite_execute(handle, "VACUUM INTO $1", &value, 1, NULL, err);
    r = copied < 0 ? (int)copied : sync_file(aside, err);
    if (r == 0 && rename(aside, path) < 0) {
        r = bt_fail_errno(err, "Cannot name '%s'", path);
    }
    if (r < 0) {
        unlink(aside);
    }
    return r;
}

const struct bt_db_engine bt_db_sqlite = {
    .name = "sqlite",
    .one_writer = true,
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .revive = sqlite_revive,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .execute = sqlite_execute,
    .script = sqlite_script,
    .backup = sqlite_backup,
};

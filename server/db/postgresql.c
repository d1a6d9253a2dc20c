#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/db/engine.h"
#include "server/db/listen.h"
#include "server/db/pq.h"
#include "server/db/rows.h"
#include "server/db/statements.h"

// Types of columns and values, from PostgreSQL's pg_type.dat; they never change.
enum oid {
    OID_UNKNOWN = 0,
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_TEXT = 25,
    OID_INT4 = 23,
    OID_NUMERIC = 1700,
};

#define NAME_BYTES 24

struct connection {
    PGconn *pg;
    struct bt_statements *statements;
    uint64_t named;  // statements so far; the next one's name
    bool lost;       // libpq may take its time to say so
};

struct statement {
    char name[NAME_BYTES];
};

// Values as libpq wants them.
struct parameters {
    Oid types[BT_DB_MAX_VALUES];
    const char *values[BT_DB_MAX_VALUES];
    int lengths[BT_DB_MAX_VALUES];
    int formats[BT_DB_MAX_VALUES];
    char numbers[BT_DB_MAX_VALUES][NAME_BYTES];
};

static const struct {
    const char *sqlstate;  // or its class, the first two characters
    int code;
} codes[] = {
    // Serialisation, deadlock, lock not available, took too long.
    {"40001", -EAGAIN},
    {"40P01", -EAGAIN},
    {"55P03", -EAGAIN},
    {"57014", -EAGAIN},
    // The connection is lost, the server is being stopped.
    {"08003", -EAGAIN},
    {"08006", -EAGAIN},
    {"57P", -EAGAIN},
    // A unique key, a foreign key.
    {"23505", -EEXIST},
    {"23503", -ESRCH},
};

static bool is_there(const struct connection *connection)
{
    return !connection->lost && PQstatus(connection->pg) == CONNECTION_OK;
}

static int errno_of(struct connection *connection, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL) {  // these words are libpq's: the server said nothing
        connection->lost = true;
        return -EAGAIN;
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(codes); i++) {
        if (bt_str_starts(state, codes[i].sqlstate)) {
            return codes[i].code;
        }
    }
    return -EIO;
}

// The first line; details would repeat what people wrote into the database.
static int fail_postgresql(struct connection *connection, const PGresult *result,
                           struct bt_error *err)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    text = text != NULL ? text : PQerrorMessage(connection->pg);
    return bt_fail(err, errno_of(connection, result), "%.*s", (int)strcspn(text, "\n"), text);
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static int exec(struct connection *connection, const char *sql, struct bt_error *err)
{
    PGresult *result = PQexec(connection->pg, sql);
    int r = is_good(result) ? 0 : fail_postgresql(connection, result, err);
    PQclear(result);
    return r;
}

static void free_statement(void *handle, void *item)
{
    struct connection *connection = handle;
    struct statement *statement = item;
    char sql[64];
    bool fits = bt_format(sql, sizeof(sql), "DEALLOCATE %s", statement->name) == 0;
    if (fits && is_there(connection)) {
        exec(connection, sql, NULL);  // one that cannot go stays until the connection does
    }
    free(statement);
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

// Names are looked up in one place, so that nobody who may create a schema can put another table
// in front of ours.
static int configure(struct connection *connection, struct bt_error *err)
{
    PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
    return exec(connection,
                "SET client_min_messages = warning; SET statement_timeout = '60s';"
                "SET idle_in_transaction_session_timeout = '120s'; SET search_path = public;"
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                err);
}

static void postgresql_disconnect(void *handle)
{
    struct connection *connection = handle;
    if (connection == NULL) {
        return;
    }
    PGconn *pg = connection->pg;
    connection->pg = NULL;  // the statements go with the connection
    bt_statements_destroy(connection->statements);
    PQfinish(pg);
    free(connection);
}

static int check_connection(const struct connection *connection, struct bt_error *err)
{
    if (PQstatus(connection->pg) == CONNECTION_OK) {
        return 0;
    }
    const char *text = PQerrorMessage(connection->pg);
    return bt_fail(err, -ENOTCONN, "%.*s", (int)strcspn(text, "\n"), text);
}

static int postgresql_connect(const char *where, void **out, struct bt_error *err)
{
    struct connection *connection = BT_NEW(struct connection);
    connection->statements = bt_statements_create(connection, free_statement);
    connection->pg = bt_pq_connect(where);
    int r = check_connection(connection, err);
    r = r < 0 ? r : configure(connection, err);
    if (r < 0) {
        postgresql_disconnect(connection);
        return r;
    }
    *out = connection;
    return 0;
}

static bool postgresql_is_lost(const void *handle)
{
    return !is_there(handle);
}

static int postgresql_revive(void *handle, struct bt_error *err)
{
    struct connection *connection = handle;
    if (is_there(connection)) {
        return 0;
    }
    connection->lost = true;  // its statements are, too
    bt_statements_clear(connection->statements);
    PQreset(connection->pg);
    connection->lost = false;
    int r = check_connection(connection, err);
    r = r < 0 ? r : configure(connection, err);
    connection->lost = r < 0;  // one that was not set up knows no SERIALIZABLE
    return r;
}

/*
 * A reader's snapshot needs no more; it never fails and never makes a writer fail.
 *
 * Writers share a lock on a table that is always there, and who has to be alone takes it for
 * itself: whoever waits for a lock is served in turn, so writers that never end do not keep it
 * waiting. LOCK takes no snapshot yet; what was committed while it waited is seen.
 */
static const char alone[] = "BEGIN; SET LOCAL lock_timeout = '5s';"
                            "LOCK TABLE schema_migration IN EXCLUSIVE MODE";

static const char *const begins[] = {
    [BT_DB_BEGIN_READING] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [BT_DB_BEGIN_WRITING] = "BEGIN; LOCK TABLE schema_migration IN ROW SHARE MODE",
    [BT_DB_BEGIN_ALONE] = alone,
    [BT_DB_BEGIN_MIGRATING] = "BEGIN",
};

static int postgresql_begin(void *handle, enum bt_db_begin how, struct bt_error *err)
{
    return exec(handle, begins[how], err);
}

// When the connection is lost now, nobody knows whether it was committed: that is no -EAGAIN.
// Without an answer (a killed server sends none) the code is -EAGAIN, too.
static int postgresql_commit(void *handle, struct bt_error *err)
{
    struct connection *connection = handle;
    int r = exec(connection, "COMMIT", err);
    return r == -EAGAIN && !is_there(connection) ? -ECONNABORTED : r;
}

static void postgresql_rollback(void *handle)
{
    struct connection *connection = handle;
    // A lost connection has rolled back.
    if (is_there(connection) && PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        exec(connection, "ROLLBACK", NULL);
    }
}

static int fill_one(struct parameters *parameters, size_t i, const struct bt_db_value *value)
{
    parameters->values[i] = value->bytes;
    parameters->lengths[i] = (int)value->len;
    parameters->formats[i] = 1;
    switch (value->type) {
    case BT_DB_NULL:
        parameters->types[i] = OID_UNKNOWN;
        parameters->values[i] = NULL;
        return 0;
    case BT_DB_INT:
        parameters->types[i] = OID_INT8;
        parameters->values[i] = parameters->numbers[i];
        parameters->formats[i] = 0;  // fits whatever integer the statement was prepared with
        return bt_format(parameters->numbers[i], NAME_BYTES, "%lld", (long long)value->number);
    case BT_DB_TEXT:
        parameters->types[i] = OID_TEXT;
        return 0;
    case BT_DB_BLOB:
        parameters->types[i] = OID_BYTEA;
        parameters->values[i] = value->len > 0 ? value->bytes : "";
        return 0;
    }
    return -EINVAL;
}

static int fill(struct parameters *parameters, const struct bt_db_value *values, size_t count,
                struct bt_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].len > BT_DB_MAX_ROWS_BYTES) {
            return bt_fail(err, -EMSGSIZE, "Value %zu is too long", i + 1);
        }
        int r = fill_one(parameters, i, &values[i]);
        if (r < 0) {
            return bt_fail(err, r, "Value %zu has no type", i + 1);
        }
    }
    return 0;
}

static int prepare(struct connection *connection, const char *sql,
                   const struct parameters *parameters, size_t count, struct statement **out,
                   struct bt_error *err)
{
    struct statement *statement = bt_statements_find(connection->statements, sql);
    if (statement != NULL) {
        *out = statement;
        return 0;
    }
    statement = BT_NEW(struct statement);
    int r =
        bt_format(statement->name, NAME_BYTES, "s%llu", (unsigned long long)++connection->named);
    PGresult *result =
        PQprepare(connection->pg, statement->name, sql, (int)count, parameters->types);
    r = r < 0 || is_good(result) ? r : fail_postgresql(connection, result, err);
    PQclear(result);
    if (r < 0) {
        free(statement);
        return r;
    }
    bt_statements_keep(connection->statements, sql, statement);
    *out = statement;
    return 0;
}

static int add_bytea(struct bt_db_rows *rows, const char *text, struct bt_error *err)
{
    size_t len;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &len);
    if (bytes == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for %zu bytes", strlen(text));
    }
    int r = bt_db_rows_add_bytes(rows, BT_DB_BLOB, bytes, len, err);
    PQfreemem(bytes);
    return r;
}

static int add_number(struct bt_db_rows *rows, const char *text, struct bt_error *err)
{
    int64_t number;
    if (bt_parse_int(text, INT64_MIN, INT64_MAX, &number) < 0) {
        return bt_fail(err, -EIO, "'%.40s' is no whole number", text);
    }
    return bt_db_rows_add_int(rows, number, err);
}

static int add_cell(struct bt_db_rows *rows, const PGresult *result, int row, int column,
                    struct bt_error *err)
{
    if (PQgetisnull(result, row, column)) {
        return bt_db_rows_add_null(rows, err);
    }
    const char *text = PQgetvalue(result, row, column);
    switch (PQftype(result, column)) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_NUMERIC:  // what sum() makes of whole numbers
        return add_number(rows, text, err);
    case OID_BOOL:
        return bt_db_rows_add_int(rows, text[0] == 't', err);
    case OID_BYTEA:
        return add_bytea(rows, text, err);
    default:
        return bt_db_rows_add_bytes(rows, BT_DB_TEXT, text,
                                    (size_t)PQgetlength(result, row, column), err);
    }
}

static int add_rows(struct bt_db_rows *rows, const PGresult *result, struct bt_error *err)
{
    int columns = PQnfields(result);
    if (columns > 0) {
        bt_db_rows_set_columns(rows, (size_t)columns);
    }
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < columns; column++) {
            int r = add_cell(rows, result, row, column, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static int64_t rows_changed(PGresult *result)
{
    int64_t changed;
    bool asked = bt_str_starts(PQcmdStatus(result), "SELECT");
    bool known = bt_parse_int(PQcmdTuples(result), 0, INT64_MAX, &changed) == 0;
    return known && !asked ? changed : 0;
}

static int64_t postgresql_execute(void *handle, const char *sql, const struct bt_db_value *values,
                                  size_t count, struct bt_db_rows *rows, struct bt_error *err)
{
    struct connection *connection = handle;
    struct parameters parameters;
    struct statement *statement;
    int r = fill(&parameters, values, count, err);
    r = r < 0 ? r : prepare(connection, sql, &parameters, count, &statement, err);
    if (r < 0) {
        return r;
    }
    PGresult *result = PQexecPrepared(connection->pg, statement->name, (int)count,
                                      parameters.values, parameters.lengths, parameters.formats, 0);
    r = is_good(result) ? 0 : fail_postgresql(connection, result, err);
    r = r < 0 || rows == NULL ? r : add_rows(rows, result, err);
    int64_t changed = r < 0 ? r : rows_changed(result);
    PQclear(result);
    return changed;
}

static int postgresql_script(void *handle, const char *sql, struct bt_error *err)
{
    return exec(handle, sql, err);
}

static int postgresql_lock_migrations(void *handle, bool lock, struct bt_error *err)
{
    // Any number will do that no other program uses in this database: "bangtin" in ASCII.
    return exec(handle,
                lock ? "SET statement_timeout = 0; SELECT pg_advisory_lock(27691674527623534)"
                     : "SELECT pg_advisory_unlock(27691674527623534);"
                       "SET statement_timeout = '60s'",
                err);
}

static int postgresql_backup(void *handle, const char *path, struct bt_error *err)
{
    (void)handle;
    (void)path;
    return bt_fail(err, -ENOTSUP, "PostgreSQL does not copy itself");
}

const struct bt_db_engine bt_db_postgresql = {
    .name = "postgresql",
    .connect = postgresql_connect,
    .disconnect = postgresql_disconnect,
    .is_lost = postgresql_is_lost,
    .revive = postgresql_revive,
    .begin = postgresql_begin,
    .commit = postgresql_commit,
    .rollback = postgresql_rollback,
    .execute = postgresql_execute,
    .script = postgresql_script,
    .lock_migrations = postgresql_lock_migrations,
    .others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
              " AND application_name = current_setting('application_name')"
              " AND pid <> pg_backend_pid()",
    .notify = "SELECT pg_notify('" BT_DB_CHANNEL "', $1)",
    .backup = postgresql_backup,
};

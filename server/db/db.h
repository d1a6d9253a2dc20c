/**
 * The database behind one small interface: SQLite in the data directory, or PostgreSQL by a
 * connection string. One SQL text for both: parameters are $1, $2…; ids and states are TEXT, times
 * BIGINT (milliseconds UTC), booleans SMALLINT, JSON TEXT, bytes {BLOB} in migrations
 * (tools/embed_migrations.py says what may stand there). No engine's own functions, no enums;
 * INSERT … ON CONFLICT and RETURNING are in both.
 *
 * Where the two differ, write: "WHERE true" in INSERT … SELECT … ON CONFLICT; NULLS FIRST or NULLS
 * LAST when sorting by what may be NULL; CASE instead of max(a, b); "= 1" behind a SMALLINT in
 * conditions; length($1) or a literal where a function such as substr() wants a small number, since
 * parameters are BIGINT. Text is compared and sorted by its bytes, LIKE by its letters as they are;
 * lower() knows ASCII.
 *
 * A pool belongs to the process, a connection to one thread at a time. Errors are
 * -EAGAIN (busy, serialisation, connection lost: run the whole transaction again), -ENOTCONN (the
 * database is away, and was still away after six seconds), -ECONNABORTED (the connection was lost
 * while committing: nobody knows whether it was), -EEXIST (a
 * unique key is taken), -ESRCH (a row it refers to is missing, or rows still refer to it),
 * -EMSGSIZE (an answer of more than 100,000 rows or 64 MiB), -EIO everything else, with the
 * engine's words.
 *
 * After an error a transaction can only be rolled back: every further statement fails. Where a
 * conflict is expected, write ON CONFLICT DO NOTHING and look at the number of rows.
 */
#ifndef BT_SERVER_DB_DB_H
#define BT_SERVER_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum bt_db_type { BT_DB_NULL, BT_DB_INT, BT_DB_TEXT, BT_DB_BLOB };

struct bt_db_value {
    enum bt_db_type type;
    int64_t number;
    const void *bytes;  // borrowed until the call returns
    size_t len;
};

struct bt_db_value bt_db_text(const char *text);  // NULL gives SQL's NULL
#define BT_INT(value_) ((struct bt_db_value){.type = BT_DB_INT, .number = (value_)})
#define BT_TEXT(value_) bt_db_text(value_)
#define BT_BLOB(bytes_, len_)                                                                      \
    ((struct bt_db_value){.type = BT_DB_BLOB, .bytes = (bytes_), .len = (len_)})
#define BT_NULL ((struct bt_db_value){.type = BT_DB_NULL})

struct bt_db_pool;

/**
 * "sqlite:PATH" or "postgresql://…" (also "host=… dbname=…"). Runs the migrations that are missing,
 * under a lock, before it returns; -EPROTO when the database is newer than this program.
 */
int bt_db_open(const char *where, size_t connections, struct bt_db_pool **out,
               struct bt_error *err) BT_NODISCARD;

/**
 * The same for programs that look after databases. Of BT_DB_AS_IS nothing is changed: -EPROTO when
 * it is not as new as this program, -ENOENT when there is none (SQLite). Only BT_DB_COPYING opens
 * what a copy has begun and not finished (server/db/copy.h); others get -EBUSY.
 */
enum bt_db_manner { BT_DB_SERVING, BT_DB_AS_IS, BT_DB_COPYING };
int bt_db_open_as(const char *where, size_t connections, enum bt_db_manner manner,
                  struct bt_db_pool **out, struct bt_error *err) BT_NODISCARD;

void bt_db_pool_destroy(struct bt_db_pool *pool);
BT_DEFINE_AUTO(bt_db_pool)
const char *bt_db_engine(const struct bt_db_pool *pool);  // "sqlite", "postgresql"

// Waits for a free connection; opens it when it is used for the first time or was lost, and waits
// for a database that starts anew (-ENOTCONN when it does not). Given back
// with bt_db_release, which rolls back what was not committed.
struct bt_db;
int bt_db_acquire(struct bt_db_pool *pool, struct bt_db **out, struct bt_error *err) BT_NODISCARD;
const char *bt_db_engine_of(const struct bt_db *db);
void bt_db_release(struct bt_db *db);

// The database was not to be reached when it was last wanted.
bool bt_db_away(struct bt_db_pool *pool);

// How many threads wait for a connection, or on SQLite to write. Both go to who came first.
size_t bt_db_waiting(struct bt_db_pool *pool);

/**
 * Writing transactions are serialised on SQLite (a writer that waits 10 s gets -EAGAIN) and
 * SERIALIZABLE on PostgreSQL. Others are read-only and see one state. Without bt_db_begin each
 * bt_db_run is a writing transaction of its own, and each bt_db_ask a reading one. All three say
 * -ENOTCONN to a db of NULL: somebody could not get a connection.
 */
int bt_db_begin(struct bt_db *db, bool writes, struct bt_error *err) BT_NODISCARD;

/**
 * A writing transaction beside which no other one writes, so that nobody's changes make it fail
 * however much others write: for what was refused several times. It waits for those that have
 * begun, 5 s at most (-EAGAIN); those that begin meanwhile wait for it.
 */
int bt_db_begin_alone(struct bt_db *db, struct bt_error *err) BT_NODISCARD;
int bt_db_commit(struct bt_db *db, struct bt_error *err) BT_NODISCARD;

// Whether the database itself could not answer a statement of the transaction that is open, or was
// last: -EAGAIN it may the next time, -EIO it failed; what was not found may be there all the same.
// 0: it answered, a key that is there already or is missing included.
int bt_db_unanswered(const struct bt_db *db);
void bt_db_rollback(struct bt_db *db);

/**
 * Runs a statement with values for $1, $2… : bt_db_run(db, err, "DELETE FROM x WHERE id = $1",
 * BT_TEXT(id)). `sql` is a literal: its address is the key of the prepared statement. At most 1024
 * values, texts valid UTF-8 (-EINVAL). Returns the number of rows changed, or an error.
 */
#define bt_db_run(db, err, sql, ...)                                                               \
    bt_db_run_values(                                                                              \
        db, sql, (struct bt_db_value[]){BT_NULL, ##__VA_ARGS__} + 1,                               \
        sizeof((struct bt_db_value[]){BT_NULL, ##__VA_ARGS__}) / sizeof(struct bt_db_value) - 1,   \
        err)
int64_t bt_db_run_values(struct bt_db *db, const char *sql, const struct bt_db_value *values,
                         size_t count, struct bt_error *err) BT_NODISCARD;

/**
 * Asks; *out holds all rows, for bt_db_rows_destroy. The same form: bt_db_ask(db, &rows, err, sql,
 * …). At most 100,000 rows; queries are written with LIMIT.
 */
struct bt_db_rows;
#define bt_db_ask(db, out, err, sql, ...)                                                          \
    bt_db_ask_values(                                                                              \
        db, sql, (struct bt_db_value[]){BT_NULL, ##__VA_ARGS__} + 1,                               \
        sizeof((struct bt_db_value[]){BT_NULL, ##__VA_ARGS__}) / sizeof(struct bt_db_value) - 1,   \
        out, err)
int bt_db_ask_values(struct bt_db *db, const char *sql, const struct bt_db_value *values,
                     size_t count, struct bt_db_rows **out, struct bt_error *err) BT_NODISCARD;
void bt_db_rows_destroy(struct bt_db_rows *rows);
BT_DEFINE_AUTO(bt_db_rows)

// while (bt_db_next(rows)) …; columns from 0, borrowed until the rows are destroyed. Asking for
// another type than the column has is our own mistake and ends the process. Conditions count as
// numbers, 0 or 1.
bool bt_db_next(struct bt_db_rows *rows);
size_t bt_db_count(const struct bt_db_rows *rows);
bool bt_db_is_null(const struct bt_db_rows *rows, int column);
int64_t bt_db_get_int(const struct bt_db_rows *rows, int column);       // 0 for NULL
const char *bt_db_get_text(const struct bt_db_rows *rows, int column);  // "" for NULL
const void *bt_db_get_blob(const struct bt_db_rows *rows, int column, size_t *out_len);

// How many other connections programs of ours have to this database (PostgreSQL; SQLite does not
// know: 0).
int bt_db_others(struct bt_db *db, int64_t *out, struct bt_error *err) BT_NODISCARD;

// A consistent copy while the server runs (SQLite), outside transactions; -ENOTSUP on PostgreSQL,
// which is copied into SQLite instead (server/db/copy.h).
int bt_db_backup(struct bt_db *db, const char *path, struct bt_error *err) BT_NODISCARD;

#endif

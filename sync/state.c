#include "sync/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define SCHEMA_VERSION 1
#define BUSY_MS 5000
#define MEND_BYTES 65536

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS value(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS taken_order(n INTEGER PRIMARY KEY, body TEXT NOT NULL,"
    "  state TEXT NOT NULL, at_ms INTEGER NOT NULL, detail TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS record(kind TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,"
    "  number INTEGER NOT NULL, extra TEXT NOT NULL, PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "PRAGMA user_version=1;";

struct bt_state {
    sqlite3 *sqlite;
    char *log_path;        // owned
    pthread_mutex_t lock;  // recursive: a transaction holds it, and each call inside
    // How many writes that must not be lost there were; the last one that the disk has.
    _Atomic uint64_t written, flushed;
    pthread_mutex_t flush_lock;  // whoever waits for the disk; taken before `lock`
    int log_fd;                  // under flush_lock; -1 until there is a log
    bool is_torn;                // under flush_lock: the disk refused some of the log
};

struct value {
    const void *bytes;  // NULL: a number
    size_t len;
    int64_t number;
};
#define NUMBER(number_) ((struct value){.number = (number_)})
#define TEXT(text_) ((struct value){.bytes = (text_), .len = strlen(text_)})

static int errno_of(int result)
{
    static const struct {
        int sqlite, code;
    } codes[] = {
        {SQLITE_FULL, -ENOSPC},    {SQLITE_READONLY, -EROFS}, {SQLITE_CORRUPT, -EUCLEAN},
        {SQLITE_NOTADB, -EUCLEAN}, {SQLITE_NOMEM, -ENOMEM},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(codes); i++) {
        if ((result & 0xFF) == codes[i].sqlite) {
            return codes[i].code;
        }
    }
    return -EIO;
}

static int fail_sqlite(struct bt_state *state, int result, struct bt_error *err)
{
    const char *text =
        state->sqlite != NULL ? sqlite3_errmsg(state->sqlite) : sqlite3_errstr(result);
    return bt_fail(err, errno_of(result), "The player's state: %s", text);
}

static void lock(struct bt_state *state)
{
    pthread_mutex_lock(&state->lock);
}

static void unlock(struct bt_state *state)
{
    pthread_mutex_unlock(&state->lock);
}

static int execute(struct bt_state *state, const char *sql, struct bt_error *err)
{
    int result = sqlite3_exec(state->sqlite, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : fail_sqlite(state, result, err);
}

static int bind(sqlite3_stmt *stmt, int index, const struct value *value)
{
    if (value->bytes == NULL) {
        return sqlite3_bind_int64(stmt, index, value->number);
    }
    return sqlite3_bind_text64(stmt, index, value->bytes, value->len, SQLITE_STATIC, SQLITE_UTF8);
}

static int prepare(struct bt_state *state, const char *sql, const struct value *values,
                   size_t count, sqlite3_stmt **out, struct bt_error *err)
{
    int result = sqlite3_prepare_v2(state->sqlite, sql, -1, out, NULL);
    for (size_t i = 0; i < count && result == SQLITE_OK; i++) {
        result = bind(*out, (int)i + 1, &values[i]);
    }
    if (result != SQLITE_OK) {
        sqlite3_finalize(*out);
        return fail_sqlite(state, result, err);
    }
    return 0;
}

// 1: there is one; 0: that was all. What cannot be read is no end.
static int next_row(struct bt_state *state, sqlite3_stmt *stmt, struct bt_error *err)
{
    int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        return 1;
    }
    return result == SQLITE_DONE ? 0 : fail_sqlite(state, result, err);
}

// In the log: it outlives the process, and a power cut once something after it was flushed.
static int run_noted(struct bt_state *state, const char *sql, const struct value *values,
                     size_t count, struct bt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    lock(state);
    int r = prepare(state, sql, values, count, &stmt, err);
    if (r == 0) {
        int result = sqlite3_step(stmt);
        r = result == SQLITE_DONE || result == SQLITE_ROW ? 0 : fail_sqlite(state, result, err);
        sqlite3_finalize(stmt);
    }
    unlock(state);
    return r;
}

static int run_values(struct bt_state *state, const char *sql, const struct value *values,
                      size_t count, struct bt_error *err)
{
    int r = run_noted(state, sql, values, count, err);
    state->written += r == 0;
    return r;
}

#define RUN(state, err, sql, ...)                                                                  \
    run_values(state, sql, (struct value[]){__VA_ARGS__},                                          \
               sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value), err)

static int open_database(struct bt_state *state, const char *path, struct bt_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
    int result = sqlite3_open_v2(path, &state->sqlite, flags, NULL);
    if (result != SQLITE_OK) {
        return fail_sqlite(state, result, err);
    }
    sqlite3_busy_timeout(state->sqlite, BUSY_MS);
    // EXTRA for the step into the log: the rollback journal of that step must not come back.
    return execute(state,
                   "PRAGMA synchronous=EXTRA; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                   "PRAGMA cache_size=-256; PRAGMA journal_size_limit=4194304;",
                   err);
}

static int check_version(struct bt_state *state, struct bt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int r = prepare(state, "PRAGMA user_version", NULL, 0, &stmt, err);
    if (r < 0) {
        return r;
    }
    int version = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    if (version > SCHEMA_VERSION) {
        return bt_fail(err, -ENOTSUP, "The player's state was written by a newer version (%d)",
                       version);
    }
    return version == SCHEMA_VERSION ? 0 : execute(state, schema, err);
}

// Open as long as the state is, and a file of its own: the system says once per open file that it
// could not write, and whoever opens it after that hears nothing. SQLite's own would hear it
// instead of us, and says nothing about it when it moves the log.
static int open_log(struct bt_state *state)
{
    if (state->log_fd < 0) {
        state->log_fd = open(state->log_path, O_RDWR | O_CLOEXEC);
    }
    return state->log_fd < 0 ? -errno : 0;
}

int bt_state_open(const char *path, struct bt_state **out, struct bt_error *err)
{
    BT_AUTO(bt_state) state = BT_NEW(struct bt_state);
    state->log_path = bt_strf("%s-wal", path);
    state->log_fd = -1;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&state->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_mutex_init(&state->flush_lock, NULL);
    int r = open_database(state, path, err);
    r = r < 0 ? r : check_version(state, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    (void)open_log(state);  // else the first flush says why not
    *out = BT_TAKE(state);
    return 0;
}

void bt_state_destroy(struct bt_state *state)
{
    if (state == NULL) {
        return;
    }
    sqlite3_close(state->sqlite);
    if (state->log_fd >= 0) {
        close(state->log_fd);
    }
    free(state->log_path);
    pthread_mutex_destroy(&state->lock);
    pthread_mutex_destroy(&state->flush_lock);
    free(state);
}

static int write_again(int fd, uint8_t *bytes, size_t len, off_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, bytes + done, len - done, at + (off_t)done);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n == 0 ? -EIO : -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/*
 * What the disk refused counts as written from then on: nothing but writing it again brings it
 * there, and a later flush says that all is well. So the whole log is written over itself, in its
 * place and not by a checkpoint: a power cut in the middle of one would leave newer pages of the
 * database beside a log that ends at the hole. SQLite keeps the log to a few MiB; nobody writes
 * meanwhile, and the disk is waited for afterwards.
 */
static int mend_log(struct bt_state *state)
{
    uint8_t *bytes = bt_alloc(MEND_BYTES);
    lock(state);
    struct stat info;
    int r = fstat(state->log_fd, &info) < 0 ? -errno : 0;
    for (off_t at = 0; r == 0 && at < info.st_size;) {
        ssize_t n = pread(state->log_fd, bytes, MEND_BYTES, at);
        if (n <= 0) {
            r = n == 0 ? -EIO : errno == EINTR ? 0 : -errno;
            continue;
        }
        r = write_again(state->log_fd, bytes, (size_t)n, at);
        at += n;
    }
    unlock(state);
    free(bytes);
    return r;
}

static int flush_log(struct bt_state *state)
{
    int r = open_log(state);
    if (r < 0) {
        return r == -ENOENT ? 0 : r;  // all of it is in the database, which was flushed before
    }
    r = state->is_torn ? mend_log(state) : 0;
    if (r == 0 && fdatasync(state->log_fd) < 0) {
        r = -errno;
    }
    state->is_torn = r < 0;
    return r;
}

int bt_state_flush(struct bt_state *state, struct bt_error *err)
{
    pthread_mutex_lock(&state->flush_lock);
    uint64_t written = state->written;
    int r = flush_log(state);
    if (r == 0) {
        state->flushed = written;
    }
    pthread_mutex_unlock(&state->flush_lock);
    errno = -r;
    return r < 0 ? bt_fail_errno(err, "The player's state") : 0;
}

bool bt_state_is_flushed(const struct bt_state *state)
{
    return state->flushed >= state->written;
}

int bt_state_begin(struct bt_state *state, struct bt_error *err)
{
    lock(state);
    int r = execute(state, "BEGIN IMMEDIATE", err);
    if (r < 0) {
        unlock(state);
    }
    return r;
}

int bt_state_end(struct bt_state *state, int r, struct bt_error *err)
{
    r = r < 0 ? r : execute(state, "COMMIT", err);
    state->written += r == 0;
    if (r < 0 && sqlite3_get_autocommit(state->sqlite) == 0) {
        sqlite3_exec(state->sqlite, "ROLLBACK", NULL, NULL, NULL);
    }
    unlock(state);
    return r;
}

int bt_state_get(struct bt_state *state, const char *key, char *out, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    const struct value values[] = {TEXT(key)};
    lock(state);
    int r = prepare(state, "SELECT value FROM value WHERE key = ?1", values, 1, &stmt, NULL);
    if (r == 0) {
        r = next_row(state, stmt, NULL);
        if (r > 0) {
            r = bt_format(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
        } else if (r == 0) {
            r = -ENOENT;
        }
        sqlite3_finalize(stmt);
    }
    unlock(state);
    return r;
}

int bt_state_set(struct bt_state *state, const char *key, const char *value, struct bt_error *err)
{
    return RUN(state, err, "INSERT OR REPLACE INTO value(key, value) VALUES(?1, ?2)", TEXT(key),
               TEXT(value));
}

int64_t bt_state_get_int(struct bt_state *state, const char *key, int64_t absent)
{
    char text[32];
    int64_t value;
    if (bt_state_get(state, key, text, sizeof(text)) < 0 ||
        bt_parse_int(text, INT64_MIN, INT64_MAX, &value) < 0) {
        return absent;
    }
    return value;
}

int bt_state_set_int(struct bt_state *state, const char *key, int64_t value, struct bt_error *err)
{
    return RUN(state, err, "INSERT OR REPLACE INTO value(key, value) VALUES(?1, ?2)", TEXT(key),
               NUMBER(value));
}

int bt_state_note_int(struct bt_state *state, const char *key, int64_t value, struct bt_error *err)
{
    const struct value values[] = {TEXT(key), NUMBER(value)};
    return run_noted(state, "INSERT OR REPLACE INTO value(key, value) VALUES(?1, ?2)", values,
                     BT_ARRAY_LEN(values), err);
}

int bt_state_put_order(struct bt_state *state, const struct bt_order_row *row, struct bt_error *err)
{
    int r = RUN(state, err,
                "INSERT INTO taken_order(n, body, state, at_ms, detail)"
                " VALUES(?1, iif(?3 = 'given', ?2, ''), ?3, ?4, ?5) ON CONFLICT(n) DO NOTHING",
                NUMBER(row->n), TEXT(row->body), TEXT(row->state), NUMBER(row->at_ms),
                TEXT(row->detail));
    return r < 0 ? r
                 : RUN(state, err,
                       "DELETE FROM taken_order WHERE n <="
                       " (SELECT n FROM taken_order ORDER BY n DESC LIMIT 1 OFFSET ?1)",
                       NUMBER(BT_STATE_MAX_ORDERS));
}

int bt_state_answer_order(struct bt_state *state, int64_t n, const char *word, const char *detail,
                          int64_t at_ms, struct bt_error *err)
{
    const struct value values[] = {NUMBER(n), TEXT(word), NUMBER(at_ms), TEXT(detail)};
    return run_noted(state,
                     "UPDATE taken_order SET state = ?2, at_ms = ?3, detail = ?4, body = ''"
                     " WHERE n = ?1 AND state = 'given'",
                     values, BT_ARRAY_LEN(values), err);
}

int bt_state_drop_orders(struct bt_state *state, struct bt_error *err)
{
    return run_values(state, "DELETE FROM taken_order", NULL, 0, err);
}

int bt_state_drop_order(struct bt_state *state, int64_t n, struct bt_error *err)
{
    const struct value values[] = {NUMBER(n)};
    return run_noted(state, "DELETE FROM taken_order WHERE n = ?1", values, 1, err);
}

static const char *column_text(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text != NULL ? text : "";
}

int bt_state_each_order(struct bt_state *state, size_t max,
                        int (*each)(const struct bt_order_row *row, void *context), void *context,
                        struct bt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    const struct value values[] = {NUMBER((int64_t)max)};
    lock(state);
    int r =
        prepare(state, "SELECT n, body, state, at_ms, detail FROM taken_order ORDER BY n LIMIT ?1",
                values, 1, &stmt, err);
    while (r == 0 && (r = next_row(state, stmt, err)) > 0) {
        struct bt_order_row row = {
            .n = sqlite3_column_int64(stmt, 0),
            .body = column_text(stmt, 1),
            .at_ms = sqlite3_column_int64(stmt, 3),
        };
        bt_copy_cut(row.state, sizeof(row.state), column_text(stmt, 2));
        bt_copy_cut(row.detail, sizeof(row.detail), column_text(stmt, 4));
        r = each(&row, context);
    }
    sqlite3_finalize(stmt);
    unlock(state);
    return r;
}

int bt_state_put(struct bt_state *state, const char *kind, const struct bt_record_row *row,
                 struct bt_error *err)
{
    const struct value body = {.bytes = row->body, .len = row->len};
    return RUN(state, err,
               "INSERT OR REPLACE INTO record(kind, name, body, number, extra)"
               " VALUES(?1, ?2, ?3, ?4, ?5)",
               TEXT(kind), TEXT(row->name), body, NUMBER(row->number),
               TEXT(row->extra != NULL ? row->extra : ""));
}

int bt_state_drop(struct bt_state *state, const char *kind, const char *name, struct bt_error *err)
{
    return RUN(state, err, "DELETE FROM record WHERE kind = ?1 AND name = ?2", TEXT(kind),
               TEXT(name));
}

int bt_state_drop_all(struct bt_state *state, const char *kind, struct bt_error *err)
{
    return RUN(state, err, "DELETE FROM record WHERE kind = ?1", TEXT(kind));
}

int bt_state_each(struct bt_state *state, const char *kind,
                  int (*each)(const struct bt_record_row *row, void *context), void *context,
                  struct bt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    const struct value values[] = {TEXT(kind)};
    lock(state);
    int r =
        prepare(state, "SELECT name, body, number, extra FROM record WHERE kind = ?1 ORDER BY name",
                values, 1, &stmt, err);
    while (r == 0 && (r = next_row(state, stmt, err)) > 0) {
        const struct bt_record_row row = {
            .name = column_text(stmt, 0),
            .body = column_text(stmt, 1),
            .len = (size_t)sqlite3_column_bytes(stmt, 1),
            .number = sqlite3_column_int64(stmt, 2),
            .extra = column_text(stmt, 3),
        };
        r = each(&row, context);
    }
    sqlite3_finalize(stmt);
    unlock(state);
    return r;
}

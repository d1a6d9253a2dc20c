#include "plays/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

#define MAX_URI_BYTES 16384

// Another program that looks at the journal may hold it for moments; nobody else writes.
#define BUSY_MS 2000

/*
 * Each entry takes the schema one version further and runs in a transaction of its own.
 *
 * record    the chain; body is the exact text that was hashed; sure_ms is the wall time of a
 *           record made while the clock was trusted, and says what may be pruned
 * open_play plays that have not ended: the tail of the record as it would stand after a power cut
 * meta      journal_id, last_wall_ms, base_seq and base_hash (the last pruned record)
 */
static const char *const migrations[BT_SQLITE_VERSION] = {
    "CREATE TABLE record(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, sure_ms INTEGER,"
    "                    body TEXT NOT NULL);"
    "CREATE TABLE open_play(id INTEGER PRIMARY KEY, tail TEXT NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('journal_id', lower(hex(randomblob(16)))),"
    "                       ('last_wall_ms', 0), ('base_seq', 0), ('base_hash', zeroblob(32));",
};

static int errno_of(int result)
{
    switch (result & 0xFF) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_NOMEM:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

int bt_sqlite_fail(const struct bt_sqlite *db, int result, struct bt_error *err)
{
    const char *text = db->sqlite != NULL ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(result);
    return bt_fail(err, errno_of(result), "%s", text);
}

int bt_sqlite_exec(struct bt_sqlite *db, const char *sql, struct bt_error *err)
{
    int result = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : bt_sqlite_fail(db, result, err);
}

int bt_sqlite_prepare(struct bt_sqlite *db, const char *const *sql, size_t count,
                      struct bt_error *err)
{
    assert(count <= BT_SQLITE_MAX_STATEMENTS);
    for (size_t i = 0; i < count; i++) {
        int result = sqlite3_prepare_v3(db->sqlite, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &db->statements[i], NULL);
        if (result != SQLITE_OK) {
            return bt_sqlite_fail(db, result, err);
        }
    }
    return 0;
}

int bt_sqlite_step(struct bt_sqlite *db, int statement, struct bt_error *err)
{
    sqlite3_stmt *stmt = db->statements[statement];
    int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        return 1;
    }
    int r = result == SQLITE_DONE ? 0 : bt_sqlite_fail(db, result, err);
    sqlite3_reset(stmt);
    return r;
}

int bt_sqlite_run(struct bt_sqlite *db, int statement, struct bt_error *err)
{
    int r = bt_sqlite_step(db, statement, err);
    if (r == 1) {
        sqlite3_reset(db->statements[statement]);
    }
    return r < 0 ? r : 0;
}

static int read_number(struct bt_sqlite *db, const char *sql, int64_t *out, struct bt_error *err)
{
    sqlite3_stmt *stmt;
    int result = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    int r = result == SQLITE_ROW ? 0 : bt_sqlite_fail(db, result, err);
    if (r == 0) {
        *out = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return r;
}

static int read_version(struct bt_sqlite *db, int64_t *out, struct bt_error *err)
{
    int r = read_number(db, "PRAGMA user_version", out, err);
    if (r == 0 && (*out < 0 || *out > BT_SQLITE_VERSION)) {
        return bt_fail(err, -ENOTSUP, "written by a newer version (schema %lld, known up to %d)",
                       (long long)*out, BT_SQLITE_VERSION);
    }
    return r;
}

static int migrate(struct bt_sqlite *db, struct bt_error *err)
{
    int64_t version;
    int r = read_version(db, &version, err);
    for (; r == 0 && version < BT_SQLITE_VERSION; version++) {
        char step[64];
        if (bt_format(step, sizeof(step), "PRAGMA user_version=%lld; COMMIT",
                      (long long)version + 1) < 0) {
            return bt_fail(err, -EMSGSIZE, "schema version");
        }
        r = bt_sqlite_exec(db, "BEGIN IMMEDIATE", err);
        r = r < 0 ? r : bt_sqlite_exec(db, migrations[version], err);
        r = r < 0 ? r : bt_sqlite_exec(db, step, err);
    }
    return r;
}

/*
 * Write-ahead log, synced at every commit: about half the bytes of a rollback journal. The step to
 * the log is the last time a rollback journal is used; it is taken with EXTRA, so that this
 * journal cannot come back from the dead after a power cut and undo everything that came after.
 * Wiping deleted content would only wear the card.
 */
static int configure(struct bt_sqlite *db, struct bt_error *err)
{
    return bt_sqlite_exec(
        db,
        "PRAGMA page_size=4096; PRAGMA synchronous=EXTRA; PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA cache_size=-256;"
        "PRAGMA journal_size_limit=8388608;",
        err);
}

static int open_file(struct bt_sqlite *db, const char *name, int flags, struct bt_error *err)
{
    int result = sqlite3_open_v2(name, &db->sqlite, flags | SQLITE_OPEN_EXRESCODE, NULL);
    if (result != SQLITE_OK) {
        return bt_sqlite_fail(db, result, err);
    }
    sqlite3_busy_timeout(db->sqlite, BUSY_MS);
    return 0;
}

int bt_sqlite_open(struct bt_sqlite *db, const char *path, struct bt_error *err)
{
    int r = open_file(db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    r = r < 0 ? r : configure(db, err);
    return r < 0 ? r : migrate(db, err);
}

// A database on a read-only disk cannot have its shared memory; without a log it is just read.
static int open_immutable(struct bt_sqlite *db, const char *path, struct bt_error *err)
{
    BT_AUTOBUF uri;
    bt_buf_init(&uri, MAX_URI_BYTES);
    int r = bt_buf_appendf(&uri, "file:");
    for (const char *c = path; *c != '\0' && r == 0; c++) {
        bool plain = strchr("%?#", *c) == NULL;
        r = plain ? bt_buf_append(&uri, c, 1) : bt_buf_appendf(&uri, "%%%02x", (unsigned)*c);
    }
    r = r < 0 ? r : bt_buf_appendf(&uri, "?immutable=1");
    if (r < 0) {
        return bt_fail(err, r, "The name is too long");
    }
    return open_file(db, bt_buf_text(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

static bool has_log(const char *path)
{
    char name[4096];
    struct stat info;
    return bt_format(name, sizeof(name), "%s-wal", path) < 0 ||
           (stat(name, &info) == 0 && info.st_size > 0);
}

int bt_sqlite_open_read_only(struct bt_sqlite *db, const char *path, struct bt_error *err)
{
    int64_t version = 0;
    if (access(path, R_OK) < 0) {
        return bt_fail_errno(err, "It cannot be read");
    }
    int r = open_file(db, path, SQLITE_OPEN_READONLY, err);
    r = r < 0 ? r : read_version(db, &version, err);
    if ((r == -EIO || r == -EROFS) && !has_log(path)) {
        bt_sqlite_finish(db);
        r = open_immutable(db, path, err);
        r = r < 0 ? r : read_version(db, &version, err);
    }
    if (r == 0 && version == 0) {
        return bt_fail(err, -EUCLEAN, "It is not a journal of plays");
    }
    return r;
}

void bt_sqlite_finish(struct bt_sqlite *db)
{
    for (size_t i = 0; i < BT_SQLITE_MAX_STATEMENTS; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    sqlite3_close(db->sqlite);
    *db = (struct bt_sqlite){0};
}

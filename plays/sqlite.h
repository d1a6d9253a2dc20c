/**
 * What the journal's writer and its readers share of SQLite: opening, statements in a table,
 * errors. A struct bt_sqlite belongs to one thread.
 */
#ifndef BT_PLAYS_SQLITE_H
#define BT_PLAYS_SQLITE_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// The newest schema, in PRAGMA user_version.
#define BT_SQLITE_VERSION 1

#define BT_SQLITE_MAX_STATEMENTS 16

struct bt_sqlite {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[BT_SQLITE_MAX_STATEMENTS];
};

/**
 * For writing: creates the database when absent and brings an older schema up to date.
 * Errors: -ENOTSUP a newer schema, -EUCLEAN damaged, -ENOSPC, -EROFS, -EBUSY, -EIO.
 */
int bt_sqlite_open(struct bt_sqlite *db, const char *path, struct bt_error *err) BT_NODISCARD;

// For reading only; a database that a player is writing is fine. -ENOENT: there is none.
int bt_sqlite_open_read_only(struct bt_sqlite *db, const char *path,
                             struct bt_error *err) BT_NODISCARD;

void bt_sqlite_finish(struct bt_sqlite *db);  // fine for a zeroed one

int bt_sqlite_prepare(struct bt_sqlite *db, const char *const *sql, size_t count,
                      struct bt_error *err) BT_NODISCARD;

int bt_sqlite_exec(struct bt_sqlite *db, const char *sql, struct bt_error *err) BT_NODISCARD;

// Runs a bound statement that returns no row, and resets it.
int bt_sqlite_run(struct bt_sqlite *db, int statement, struct bt_error *err) BT_NODISCARD;

// The next row: 1, or 0 and reset at the end, or an error and reset.
int bt_sqlite_step(struct bt_sqlite *db, int statement, struct bt_error *err) BT_NODISCARD;

// SQLite's result as ours, with its own text. `result` is what the failing call returned.
int bt_sqlite_fail(const struct bt_sqlite *db, int result, struct bt_error *err);

#endif

/**
 * What the journal's writer and its readers share of SQLite: opening, statements in a table,
 * errors. A struct bt_db belongs to one thread.
 */
#ifndef BT_PLAYS_DB_H
#define BT_PLAYS_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// The newest schema, in PRAGMA user_version.
#define BT_DB_VERSION 1

#define BT_DB_MAX_STATEMENTS 16

struct bt_db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[BT_DB_MAX_STATEMENTS];
};

/**
 * For writing: creates the database when absent and brings an older schema up to date.
 * Errors: -ENOTSUP a newer schema, -EUCLEAN damaged, -ENOSPC, -EROFS, -EBUSY, -EIO.
 */
int bt_db_open(struct bt_db *db, const char *path, struct bt_error *err) BT_NODISCARD;

// For reading only; a database that a player is writing is fine. -ENOENT: there is none.
int bt_db_open_read_only(struct bt_db *db, const char *path, struct bt_error *err) BT_NODISCARD;

void bt_db_finish(struct bt_db *db);  // fine for a zeroed one

int bt_db_prepare(struct bt_db *db, const char *const *sql, size_t count,
                  struct bt_error *err) BT_NODISCARD;

int bt_db_exec(struct bt_db *db, const char *sql, struct bt_error *err) BT_NODISCARD;

// Runs a bound statement that returns no row, and resets it.
int bt_db_run(struct bt_db *db, int statement, struct bt_error *err) BT_NODISCARD;

// The next row: 1, or 0 and reset at the end, or an error and reset.
int bt_db_step(struct bt_db *db, int statement, struct bt_error *err) BT_NODISCARD;

// SQLite's result as ours, with its own text. `result` is what the failing call returned.
int bt_db_fail(const struct bt_db *db, int result, struct bt_error *err);

#endif

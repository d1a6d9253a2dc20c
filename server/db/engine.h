/**
 * What an engine does for server/db/db.c. A connection is used by one thread at a time; db.c keeps
 * the transactions' rules (one writer, nothing after an error) and engines need not.
 */
#ifndef BT_SERVER_DB_ENGINE_H
#define BT_SERVER_DB_ENGINE_H

#include "server/db/db.h"

// Enough for 64 rows of one statement (server/db/many.h).
#define BT_DB_MAX_VALUES 1024

enum bt_db_begin {
    BT_DB_BEGIN_READING,
    BT_DB_BEGIN_WRITING,
    BT_DB_BEGIN_ALONE,      // writing, with no other writer
    BT_DB_BEGIN_MIGRATING,  // writing; there may be no tables yet
};

struct bt_db_engine {
    const char *name;
    bool one_writer;  // the pool lets one writing transaction in at a time

    // Both -ENOTCONN while the database cannot be reached.
    int (*connect)(const char *where, void **out, struct bt_error *err);
    void (*disconnect)(void *connection);

    // As far as one knows without asking the server. NULL: a connection is never lost.
    bool (*is_lost)(const void *connection);

    // Makes a connection that was lost anew; called outside transactions.
    int (*revive)(void *connection, struct bt_error *err);

    int (*begin)(void *connection, enum bt_db_begin begin, struct bt_error *err);
    int (*commit)(void *connection, struct bt_error *err);
    void (*rollback)(void *connection);

    // Rows changed, or an error. `rows` is NULL when nobody wants any.
    int64_t (*execute)(void *connection, const char *sql, const struct bt_db_value *values,
                       size_t count, struct bt_db_rows *rows, struct bt_error *err);

    // Several statements without values.
    int (*script)(void *connection, const char *sql, struct bt_error *err);

    // Outside transactions: waits until no other program migrates, or lets the next one. NULL
    // where a writing transaction keeps others out anyway.
    int (*lock_migrations)(void *connection, bool lock, struct bt_error *err);

    // Other connections of our programs to the same database. NULL: not known.
    const char *others;

    // Sends $1 to all that listen (server/db/listen.h), with the transaction. NULL: nobody does.
    const char *notify;

    int (*backup)(void *connection, const char *path, struct bt_error *err);
};

extern const struct bt_db_engine bt_db_sqlite, bt_db_postgresql;

#endif

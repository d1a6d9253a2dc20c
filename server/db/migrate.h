/**
 * Migrations: migrations/NNNN_name.sql, built into the program by tools/embed_migrations.py, which
 * also says what may stand in them. Forward only; the table schema_migration says which were run.
 */
#ifndef BT_SERVER_DB_MIGRATE_H
#define BT_SERVER_DB_MIGRATE_H

#include "server/db/engine.h"

struct bt_db_migration {
    int64_t number;
    const char *name;
    const char *sqlite, *postgresql;  // the statements as each engine wants them
};

extern const struct bt_db_migration bt_db_migrations[];
extern const size_t bt_db_migrations_count;

/**
 * Runs what is missing, all of it or nothing. -EPROTO: the database has migrations this program
 * does not know.
 */
int bt_db_migrate(const struct bt_db_engine *engine, void *connection,
                  struct bt_error *err) BT_NODISCARD;

// Changes nothing. -EPROTO: the database has not exactly the migrations of this program.
int bt_db_check_migrations(const struct bt_db_engine *engine, void *connection,
                           struct bt_error *err) BT_NODISCARD;

/**
 * A row of schema_migration with this number says that the database is half of a copy; its name
 * says of what.
 */
#define BT_DB_UNFINISHED 0

// -EBUSY when it is.
int bt_db_refuse_unfinished(const struct bt_db_engine *engine, void *connection,
                            struct bt_error *err) BT_NODISCARD;

// bt_db_migrate with other migrations than ours, in ascending order; for tests.
int bt_db_migrate_with(const struct bt_db_engine *engine, void *connection,
                       const struct bt_db_migration *migrations, size_t count,
                       struct bt_error *err) BT_NODISCARD;

#endif

/**
 * Which tables there are, with their columns and keys, for whoever copies all of them. Both engines
 * are built from the same migrations, so what SQLite says of itself is true of PostgreSQL, too.
 */
#ifndef BT_SERVER_DB_TABLES_H
#define BT_SERVER_DB_TABLES_H

#include "server/db/db.h"

#define BT_DB_NAME_BYTES 64
#define BT_DB_MAX_COLUMNS 32
#define BT_DB_MAX_KEYS 8

struct bt_db_column {
    char name[BT_DB_NAME_BYTES];
    enum bt_db_type type;
    bool own;  // refers to another row of the same table; NULL is allowed there
};

struct bt_db_table {
    char name[BT_DB_NAME_BYTES];
    struct bt_db_column columns[BT_DB_MAX_COLUMNS];
    size_t count;
    size_t keys[BT_DB_MAX_KEYS];  // columns of the primary key, in its order
    size_t key_count;
    bool has_own;
};

// Whom a row refers to comes before it. schema_migration is left out.
struct bt_db_tables {
    struct bt_db_table *list;
    size_t count, capacity;
};

// `sqlite` is a connection to an SQLite database. *out is for the destroy.
int bt_db_tables_read(struct bt_db *sqlite, struct bt_db_tables **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_db_tables_destroy(struct bt_db_tables *tables);
BT_DEFINE_AUTO(bt_db_tables)

#endif

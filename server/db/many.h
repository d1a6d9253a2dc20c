/**
 * Many rows with one statement: INSERT … VALUES (…), (…), … with whatever stands behind it. A row
 * costs an engine little; asking it a question of its own for each row costs more, PostgreSQL a
 * journey there and back. Belongs to one thread at a time.
 */
#ifndef BT_SERVER_DB_MANY_H
#define BT_SERVER_DB_MANY_H

#include "server/db/db.h"

/**
 * "INSERT INTO x(a, b)" and " ON CONFLICT …" (or ""); both live as long as this. At most 32
 * columns.
 */
struct bt_many;
struct bt_many *bt_many_create(const char *before, size_t columns, const char *after) BT_NODISCARD;
void bt_many_destroy(struct bt_many *many);
BT_DEFINE_AUTO(bt_many)

// `values` are those of all rows, one row after the other. Returns the number of rows changed.
int64_t bt_many_run(struct bt_many *many, struct bt_db *db, const struct bt_db_value *values,
                    size_t rows, struct bt_error *err) BT_NODISCARD;

#endif

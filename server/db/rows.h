// The answer to a question while an engine fills it in; what others see of it is in db.h.
#ifndef BT_SERVER_DB_ROWS_H
#define BT_SERVER_DB_ROWS_H

#include "server/db/db.h"

// A question that is written with LIMIT stays far below.
#define BT_DB_MAX_ROWS 100000
#define BT_DB_MAX_CELLS 1000000
#define BT_DB_MAX_ROWS_BYTES (64 * 1024 * 1024)

struct bt_db_rows *bt_db_rows_create(void) BT_NODISCARD;

// Before the first cell.
void bt_db_rows_set_columns(struct bt_db_rows *rows, size_t columns);

// Cells come row by row, left to right. Errors: -EMSGSIZE a limit above.
int bt_db_rows_add_null(struct bt_db_rows *rows, struct bt_error *err) BT_NODISCARD;
int bt_db_rows_add_int(struct bt_db_rows *rows, int64_t number, struct bt_error *err) BT_NODISCARD;
int bt_db_rows_add_bytes(struct bt_db_rows *rows, enum bt_db_type type, const void *bytes,
                         size_t len, struct bt_error *err) BT_NODISCARD;

#endif

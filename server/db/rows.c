#include "server/db/rows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct cell {
    enum bt_db_type type;
    int64_t number;
    size_t at, len;  // in `bytes`, followed by a NUL
};

struct bt_db_rows {
    size_t columns;
    size_t row;  // 1: the reader stands on the first; 0: before it
    struct cell *cells;
    size_t count, capacity;
    struct bt_buf bytes;
};

struct bt_db_rows *bt_db_rows_create(void)
{
    struct bt_db_rows *rows = BT_NEW(struct bt_db_rows);
    bt_buf_init(&rows->bytes, BT_DB_MAX_ROWS_BYTES);
    return rows;
}

void bt_db_rows_destroy(struct bt_db_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    bt_buf_finish(&rows->bytes);
    free(rows->cells);
    free(rows);
}

void bt_db_rows_set_columns(struct bt_db_rows *rows, size_t columns)
{
    assert(rows->count == 0);
    rows->columns = columns;
}

static struct cell *add_cell(struct bt_db_rows *rows, enum bt_db_type type, struct bt_error *err)
{
    assert(rows->columns > 0);
    if (rows->count >= BT_DB_MAX_CELLS || rows->count >= BT_DB_MAX_ROWS * rows->columns) {
        bt_fail(err, -EMSGSIZE, "The answer has more rows than one may have");
        return NULL;
    }
    BT_GROW(rows->cells, rows->capacity, rows->count + 1);
    struct cell *cell = &rows->cells[rows->count++];
    *cell = (struct cell){.type = type};
    return cell;
}

int bt_db_rows_add_null(struct bt_db_rows *rows, struct bt_error *err)
{
    return add_cell(rows, BT_DB_NULL, err) == NULL ? -EMSGSIZE : 0;
}

int bt_db_rows_add_int(struct bt_db_rows *rows, int64_t number, struct bt_error *err)
{
    struct cell *cell = add_cell(rows, BT_DB_INT, err);
    if (cell == NULL) {
        return -EMSGSIZE;
    }
    cell->number = number;
    return 0;
}

int bt_db_rows_add_bytes(struct bt_db_rows *rows, enum bt_db_type type, const void *bytes,
                         size_t len, struct bt_error *err)
{
    struct cell *cell = add_cell(rows, type, err);
    if (cell == NULL) {
        return -EMSGSIZE;
    }
    cell->at = rows->bytes.len;
    cell->len = len;
    int r = len > 0 ? bt_buf_append(&rows->bytes, bytes, len) : 0;
    r = r < 0 ? r : bt_buf_append(&rows->bytes, "", 1);
    return r < 0 ? bt_fail(err, r, "The answer is longer than one may be") : 0;
}

bool bt_db_next(struct bt_db_rows *rows)
{
    if (rows->row >= bt_db_count(rows)) {
        return false;
    }
    rows->row++;
    return true;
}

size_t bt_db_count(const struct bt_db_rows *rows)
{
    return rows->columns == 0 ? 0 : rows->count / rows->columns;
}

static const struct cell *cell_at(const struct bt_db_rows *rows, int column)
{
    assert(rows->row > 0);  // bt_db_next comes first
    assert(column >= 0 && (size_t)column < rows->columns);
    return &rows->cells[(rows->row - 1) * rows->columns + (size_t)column];
}

bool bt_db_is_null(const struct bt_db_rows *rows, int column)
{
    return cell_at(rows, column)->type == BT_DB_NULL;
}

int64_t bt_db_get_int(const struct bt_db_rows *rows, int column)
{
    const struct cell *cell = cell_at(rows, column);
    assert(cell->type == BT_DB_INT || cell->type == BT_DB_NULL);
    return cell->number;
}

const char *bt_db_get_text(const struct bt_db_rows *rows, int column)
{
    const struct cell *cell = cell_at(rows, column);
    assert(cell->type == BT_DB_TEXT || cell->type == BT_DB_NULL);
    return cell->type == BT_DB_TEXT ? rows->bytes.data + cell->at : "";
}

const void *bt_db_get_blob(const struct bt_db_rows *rows, int column, size_t *out_len)
{
    const struct cell *cell = cell_at(rows, column);
    assert(cell->type == BT_DB_BLOB || cell->type == BT_DB_NULL);
    *out_len = cell->len;
    return cell->type == BT_DB_BLOB ? rows->bytes.data + cell->at : "";
}

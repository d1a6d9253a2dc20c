#include "server/db/many.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "server/db/engine.h"

#define MAX_COLUMNS 32
#define SQL_MAX_BYTES 16384

#define SIZES 3

struct bt_many {
    const char *before, *after;
    size_t columns;
    size_t sizes[SIZES];       // so many rows at a time, the largest that still fits
    struct bt_buf sql[SIZES];  // written when it is first used
};

struct bt_many *bt_many_create(const char *before, size_t columns, const char *after)
{
    static_assert(32 * MAX_COLUMNS <= BT_DB_MAX_VALUES, "the largest statement fits");
    assert(columns > 0 && columns <= MAX_COLUMNS);
    struct bt_many *many = BT_NEW(struct bt_many);
    many->before = before;
    many->after = after;
    many->columns = columns;
    many->sizes[0] = columns <= MAX_COLUMNS / 2 ? 64 : 32;
    many->sizes[1] = 8;
    many->sizes[2] = 1;
    for (size_t i = 0; i < SIZES; i++) {
        bt_buf_init(&many->sql[i], SQL_MAX_BYTES);
    }
    return many;
}

void bt_many_destroy(struct bt_many *many)
{
    if (many == NULL) {
        return;
    }
    for (size_t i = 0; i < SIZES; i++) {
        bt_buf_finish(&many->sql[i]);
    }
    free(many);
}

static int write_row(const struct bt_many *many, size_t row, struct bt_buf *out)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < many->columns; i++) {
        r = bt_buf_appendf(out, "%s$%zu", i == 0 ? (row == 0 ? "(" : ", (") : ", ",
                           row * many->columns + i + 1);
    }
    return r < 0 ? r : bt_buf_append(out, ")", 1);
}

static int write_sql(const struct bt_many *many, size_t rows, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "%s VALUES ", many->before);
    for (size_t i = 0; r == 0 && i < rows; i++) {
        r = write_row(many, i, out);
    }
    return r < 0 ? r : bt_buf_appendf(out, "%s", many->after);
}

static int64_t run_some(struct bt_many *many, size_t size, struct bt_db *db,
                        const struct bt_db_value *values, struct bt_error *err)
{
    struct bt_buf *sql = &many->sql[size];
    int r = sql->len > 0 ? 0 : write_sql(many, many->sizes[size], sql);
    return r < 0 ? bt_fail(err, r, "A statement is too long")
                 : bt_db_run_values(db, bt_buf_text(sql), values, many->sizes[size] * many->columns,
                                    err);
}

int64_t bt_many_run(struct bt_many *many, struct bt_db *db, const struct bt_db_value *values,
                    size_t rows, struct bt_error *err)
{
    int64_t changed = 0;
    for (size_t size = 0, done = 0; done < rows;) {
        if (many->sizes[size] > rows - done) {
            size++;
            continue;
        }
        int64_t r = run_some(many, size, db, &values[done * many->columns], err);
        if (r < 0) {
            return r;
        }
        changed += r;
        done += many->sizes[size];
    }
    return changed;
}

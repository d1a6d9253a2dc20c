#include "server/db/pages.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define PAGE_ROWS 2000

// Of the lengths that are added up before the rows are read: four bytes to a letter.
#define PAGE_BYTES (8 * 1024 * 1024)

// 32 columns with names of 64 bytes, twice.
#define SQL_MAX_BYTES 16384

struct bt_pages {
    const struct bt_db_table *table;               // borrowed
    bool begun;                                    // `after` is a row
    struct bt_db_value after[1 + BT_DB_MAX_KEYS];  // $1 is the limit
    char *texts[BT_DB_MAX_KEYS];                   // behind `after`
    struct bt_buf weigh[2], read[2];               // from the beginning, after a row
    struct bt_buf last;
    struct bt_db_rows *rows;  // the page that was given
};

int bt_pages_names(const struct bt_db_table *table, bool keys_only, struct bt_buf *out)
{
    size_t count = keys_only ? table->key_count : table->count;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        const struct bt_db_column *column = &table->columns[keys_only ? table->keys[i] : i];
        r = bt_buf_appendf(out, "%s\"%s\"", i == 0 ? "" : ", ", column->name);
    }
    return r;
}

// How long a row is at most. length() counts a text's letters and a blob's bytes in both engines.
static int append_weight(const struct bt_db_table *table, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "0");
    for (size_t i = 0; r == 0 && i < table->count; i++) {
        const struct bt_db_column *column = &table->columns[i];
        if (column->type != BT_DB_INT) {
            r = bt_buf_appendf(out, " + coalesce(length(\"%s\"), 0)%s", column->name,
                               column->type == BT_DB_TEXT ? " * 4" : "");
        }
    }
    return r;
}

static int append_after(const struct bt_db_table *table, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, " WHERE (");
    r = r < 0 ? r : bt_pages_names(table, true, out);
    r = r < 0 ? r : bt_buf_appendf(out, ") > (");
    for (size_t i = 0; r == 0 && i < table->key_count; i++) {
        r = bt_buf_appendf(out, "%s$%zu", i == 0 ? "" : ", ", i + 2);
    }
    return r < 0 ? r : bt_buf_appendf(out, ")");
}

static int write_sql(const struct bt_db_table *table, bool weigh, bool after, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "SELECT ");
    r = r < 0 ? r : weigh ? append_weight(table, out) : bt_pages_names(table, false, out);
    r = r < 0 ? r : bt_buf_appendf(out, " FROM \"%s\"", table->name);
    r = r < 0 || !after ? r : append_after(table, out);
    r = r < 0 ? r : bt_buf_appendf(out, " ORDER BY ");
    r = r < 0 ? r : bt_pages_names(table, true, out);
    return r < 0 ? r : bt_buf_appendf(out, " LIMIT $1");
}

static int write_last(const struct bt_db_table *table, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "SELECT ");
    r = r < 0 ? r : bt_pages_names(table, false, out);
    r = r < 0 ? r : bt_buf_appendf(out, " FROM \"%s\" ORDER BY ", table->name);
    for (size_t i = 0; r == 0 && i < table->key_count; i++) {
        r = bt_buf_appendf(out, "%s\"%s\" DESC", i == 0 ? "" : ", ",
                           table->columns[table->keys[i]].name);
    }
    return r < 0 ? r : bt_buf_appendf(out, " LIMIT 1");
}

struct bt_pages *bt_pages_create(const struct bt_db_table *table)
{
    struct bt_pages *pages = BT_NEW(struct bt_pages);
    int r = 0;
    pages->table = table;
    for (int after = 0; after < 2; after++) {
        bt_buf_init(&pages->weigh[after], SQL_MAX_BYTES);
        bt_buf_init(&pages->read[after], SQL_MAX_BYTES);
        r |= write_sql(table, true, after, &pages->weigh[after]);
        r |= write_sql(table, false, after, &pages->read[after]);
    }
    bt_buf_init(&pages->last, SQL_MAX_BYTES);
    r |= write_last(table, &pages->last);
    assert(r == 0);  // names have a limit, and their number
    return pages;
}

static void forget(struct bt_pages *pages)
{
    for (size_t i = 0; i < BT_DB_MAX_KEYS; i++) {
        free(pages->texts[i]);
        pages->texts[i] = NULL;
    }
}

void bt_pages_destroy(struct bt_pages *pages)
{
    if (pages == NULL) {
        return;
    }
    forget(pages);
    bt_db_rows_destroy(pages->rows);
    for (int after = 0; after < 2; after++) {
        bt_buf_finish(&pages->weigh[after]);
        bt_buf_finish(&pages->read[after]);
    }
    bt_buf_finish(&pages->last);
    free(pages);
}

struct bt_db_value bt_pages_value(const struct bt_db_rows *row, const struct bt_db_table *table,
                                  size_t column)
{
    size_t len;
    int at = (int)column;
    if (bt_db_is_null(row, at)) {
        return BT_NULL;
    }
    switch (table->columns[column].type) {
    case BT_DB_INT:
        return BT_INT(bt_db_get_int(row, at));
    case BT_DB_BLOB: {
        const void *bytes = bt_db_get_blob(row, at, &len);
        return BT_BLOB(bytes, len);
    }
    case BT_DB_TEXT:
    case BT_DB_NULL:
        break;
    }
    return BT_TEXT(bt_db_get_text(row, at));
}

static void stand_behind(struct bt_pages *pages, const struct bt_db_rows *row)
{
    forget(pages);
    for (size_t i = 0; i < pages->table->key_count; i++) {
        struct bt_db_value value = bt_pages_value(row, pages->table, pages->table->keys[i]);
        if (value.type == BT_DB_TEXT) {
            pages->texts[i] = bt_strdup(value.bytes);
            value = BT_TEXT(pages->texts[i]);
        }
        pages->after[1 + i] = value;
    }
    pages->begun = true;
}

int bt_pages_skip(struct bt_pages *pages, struct bt_db *other, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask_values(other, bt_buf_text(&pages->last), NULL, 0, &rows, err);
    if (r == 0 && bt_db_next(rows)) {
        stand_behind(pages, rows);
    }
    return r;
}

static int ask(struct bt_pages *pages, struct bt_db *db, const struct bt_buf *sql, int64_t limit,
               struct bt_db_rows **out, struct bt_error *err)
{
    pages->after[0] = BT_INT(limit);
    size_t count = 1 + (pages->begun ? pages->table->key_count : 0);
    return bt_db_ask_values(db, bt_buf_text(sql), pages->after, count, out, err);
}

// How many rows the next page has, at least one when there is one.
static int weigh(struct bt_pages *pages, struct bt_db *db, int64_t *out, struct bt_error *err)
{
    int64_t weight = 0;
    BT_AUTO(bt_db_rows) rows = NULL;
    *out = 0;
    int r = ask(pages, db, &pages->weigh[pages->begun], PAGE_ROWS, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        weight += bt_db_get_int(rows, 0);
        if (*out > 0 && weight > PAGE_BYTES) {
            break;
        }
        ++*out;
    }
    return r;
}

int bt_pages_next(struct bt_pages *pages, struct bt_db *db, struct bt_db_rows **out,
                  struct bt_error *err)
{
    int64_t count;
    if (pages->rows != NULL && bt_db_count(pages->rows) > 0) {
        while (bt_db_next(pages->rows)) {
        }
        stand_behind(pages, pages->rows);
    }
    bt_db_rows_destroy(pages->rows);
    pages->rows = NULL;
    int r = weigh(pages, db, &count, err);
    r = r < 0 ? r : ask(pages, db, &pages->read[pages->begun], count, &pages->rows, err);
    if (r == 0) {
        *out = pages->rows;
    }
    return r;
}

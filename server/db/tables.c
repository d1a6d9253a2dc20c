#include "server/db/tables.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

// Who refers to whom.
struct reference {
    char from[BT_DB_NAME_BYTES], to[BT_DB_NAME_BYTES];
};

struct references {
    struct reference *list;
    size_t count, capacity;
};

static void finish_references(struct references *references)
{
    free(references->list);
}

void bt_db_tables_destroy(struct bt_db_tables *tables)
{
    if (tables != NULL) {
        free(tables->list);
        free(tables);
    }
}

static int take_name(char out[BT_DB_NAME_BYTES], const char *name, struct bt_error *err)
{
    return bt_format(out, BT_DB_NAME_BYTES, "%s", name) < 0
               ? bt_fail(err, -EMSGSIZE, "The name '%.32s…' is too long", name)
               : 0;
}

static int read_type(const char *word, enum bt_db_type *out, struct bt_error *err)
{
    static const struct {
        const char *word;
        enum bt_db_type type;
    } types[] = {{"INTEGER", BT_DB_INT}, {"TEXT", BT_DB_TEXT}, {"BLOB", BT_DB_BLOB}};
    for (size_t i = 0; i < BT_ARRAY_LEN(types); i++) {
        if (bt_str_equal(types[i].word, word)) {
            *out = types[i].type;
            return 0;
        }
    }
    return bt_fail(err, -EPROTO, "A column has the type '%.32s'", word);
}

static int read_column(struct bt_db_table *table, const struct bt_db_rows *row,
                       struct bt_error *err)
{
    if (table->count == BT_DB_MAX_COLUMNS) {
        return bt_fail(err, -EMSGSIZE, "More than %d columns", BT_DB_MAX_COLUMNS);
    }
    struct bt_db_column *column = &table->columns[table->count];
    int r = take_name(column->name, bt_db_get_text(row, 0), err);
    r = r < 0 ? r : read_type(bt_db_get_text(row, 1), &column->type, err);
    int64_t key = bt_db_get_int(row, 2);
    if (r == 0 && (key > BT_DB_MAX_KEYS || (key > 0 && column->type == BT_DB_BLOB))) {
        r = bt_fail(err, -EPROTO, "'%s' is no key to go by", column->name);
    }
    if (r == 0 && key > 0) {
        table->keys[key - 1] = table->count;
        table->key_count++;
    }
    table->count++;
    return r;
}

static int read_columns(struct bt_db *db, struct bt_db_table *table, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid",
                  BT_TEXT(table->name));
    while (r == 0 && bt_db_next(rows)) {
        r = read_column(table, rows, err);
    }
    if (r == 0 && table->key_count == 0) {
        r = bt_fail(err, -EPROTO, "No primary key");
    }
    return r;
}

static void note_own(struct bt_db_table *table, const char *column)
{
    for (size_t i = 0; i < table->count; i++) {
        if (bt_str_equal(table->columns[i].name, column)) {
            table->columns[i].own = table->has_own = true;
        }
    }
}

static int read_references(struct bt_db *db, struct bt_db_table *table, struct references *out,
                           struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT \"table\", \"from\" FROM pragma_foreign_key_list($1)",
                      BT_TEXT(table->name));
    while (r == 0 && bt_db_next(rows)) {
        if (bt_str_equal(bt_db_get_text(rows, 0), table->name)) {
            note_own(table, bt_db_get_text(rows, 1));
            continue;
        }
        BT_GROW(out->list, out->capacity, out->count + 1);
        struct reference *reference = &out->list[out->count++];
        bt_copy_cut(reference->from, BT_DB_NAME_BYTES, table->name);
        r = take_name(reference->to, bt_db_get_text(rows, 0), err);
    }
    return r;
}

static int read_table(struct bt_db *db, const char *name, struct bt_db_tables *tables,
                      struct references *references, struct bt_error *err)
{
    BT_GROW(tables->list, tables->capacity, tables->count + 1);
    struct bt_db_table *table = &tables->list[tables->count++];
    int r = take_name(table->name, name, err);
    r = r < 0 ? r : read_columns(db, table, err);
    r = r < 0 ? r : read_references(db, table, references, err);
    return r < 0 ? bt_fail_in(err, r, "Table '%s'", name) : 0;
}

static int read_all(struct bt_db *db, struct bt_db_tables *tables, struct references *references,
                    struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT name FROM sqlite_schema WHERE type = 'table'"
                      " AND name NOT LIKE 'sqlite%' AND name <> 'schema_migration' ORDER BY name");
    while (r == 0 && bt_db_next(rows)) {
        r = read_table(db, bt_db_get_text(rows, 0), tables, references, err);
    }
    return r;
}

static bool comes_before(const struct bt_db_tables *tables, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (bt_str_equal(tables->list[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool may_come_next(const struct bt_db_tables *tables, size_t done, const char *name,
                          const struct references *references)
{
    for (size_t i = 0; i < references->count; i++) {
        const struct reference *reference = &references->list[i];
        if (bt_str_equal(reference->from, name) && !comes_before(tables, done, reference->to)) {
            return false;
        }
    }
    return true;
}

// Of those that may come next the first by name: the order is always the same.
static int sort(struct bt_db_tables *tables, const struct references *references,
                struct bt_error *err)
{
    for (size_t done = 0; done < tables->count; done++) {
        size_t next = done;
        while (next < tables->count &&
               !may_come_next(tables, done, tables->list[next].name, references)) {
            next++;
        }
        if (next == tables->count) {
            return bt_fail(err, -EPROTO, "Tables refer to each other in a circle");
        }
        struct bt_db_table table = tables->list[next];
        for (; next > done; next--) {
            tables->list[next] = tables->list[next - 1];
        }
        tables->list[done] = table;
    }
    return 0;
}

int bt_db_tables_read(struct bt_db *sqlite, struct bt_db_tables **out, struct bt_error *err)
{
    BT_AUTO(bt_db_tables) tables = BT_NEW(struct bt_db_tables);
    BT_AUTOFINISH(finish_references) struct references references = {0};
    int r = read_all(sqlite, tables, &references, err);
    r = r < 0 ? r : sort(tables, &references, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(tables);
    return 0;
}

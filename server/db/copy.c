#include "server/db/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/db/many.h"
#include "server/db/migrate.h"
#include "server/db/pages.h"
#include "server/db/rows.h"

#define SQL_MAX_BYTES 8192
#define SUM_WORDS (BT_SHA256_BYTES / 8)
#define MARK_BYTES (sizeof("copy of ") + BT_SHA256_HEX_BYTES)

// Rows of every new database: those the migrations bring.
static const struct {
    const char *table;
    int64_t rows;
} seeds[] = {{"unit", 1}, {"audit_head", 1}};

struct copy {
    const struct bt_copy_request *request;
    struct bt_db_tables *tables;
    int64_t done, total;
    char mark[MARK_BYTES];
};

// What a table adds up to, in whatever order its rows come.
struct sum {
    int64_t rows;
    uint64_t words[SUM_WORDS];
};

static void tell(struct copy *copy, int64_t rows)
{
    copy->done += rows;
    if (copy->request->progress != NULL) {
        copy->request->progress(copy->request->context, copy->done, copy->total);
    }
}

static int count_rows(struct bt_db *db, const struct bt_db_table *table, int64_t *out,
                      struct bt_error *err)
{
    BT_AUTOBUF sql;
    BT_AUTO(bt_db_rows) rows = NULL;
    bt_buf_init(&sql, SQL_MAX_BYTES);
    int r = bt_buf_appendf(&sql, "SELECT count(*) FROM \"%s\"", table->name);
    r = r < 0 ? r : bt_db_ask_values(db, bt_buf_text(&sql), NULL, 0, &rows, err);
    *out = r == 0 && bt_db_next(rows) ? bt_db_get_int(rows, 0) : 0;
    return r;
}

static int64_t seed_of(const char *table)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(seeds); i++) {
        if (bt_str_equal(seeds[i].table, table)) {
            return seeds[i].rows;
        }
    }
    return 0;
}

static int check_empty(const struct copy *copy, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < copy->tables->count; i++) {
        int64_t rows;
        const struct bt_db_table *table = &copy->tables->list[i];
        r = count_rows(copy->request->to, table, &rows, err);
        if (r == 0 && rows > seed_of(table->name)) {
            r = bt_fail(err, -EEXIST,
                        "The target is not empty (table '%s' has rows); it is left as it is",
                        table->name);
        }
    }
    return r;
}

// What the source is known by when a copy is gone on with: its audit log, which every change is in.
static int write_mark(struct copy *copy, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTOFREE char *text = NULL;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(copy->request->from, &rows, err,
                  "SELECT h.seq, h.hash, (SELECT coalesce(max(received_ms), 0) FROM play_journal)"
                  " FROM audit_head h");
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -EPROTO, "The source has no audit log");
    }
    text = bt_strf("%lld %s %lld", (long long)bt_db_get_int(rows, 0), bt_db_get_text(rows, 1),
                   (long long)bt_db_get_int(rows, 2));
    struct bt_sha256 sha256 = bt_sha256_of(text, strlen(text));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    return bt_format(copy->mark, sizeof(copy->mark), "copy of %s", hex);
}

static int put_mark(const struct copy *copy, struct bt_error *err)
{
    struct bt_db *to = copy->request->to;
    int r = check_empty(copy, err);
    int64_t n = r < 0 ? r
                      : bt_db_run(to, err,
                                  "INSERT INTO schema_migration(number, name, at_ms)"
                                  " VALUES($1, $2, 0)",
                                  BT_INT(BT_DB_UNFINISHED), BT_TEXT(copy->mark));
    n = n < 0 ? n : bt_db_run(to, err, "DELETE FROM unit");
    n = n < 0 ? n : bt_db_run(to, err, "DELETE FROM audit_head");
    return n < 0 ? (int)n : 0;
}

// The target is ours from here on.
static int claim(const struct copy *copy, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(copy->request->to, &rows, err,
                  "SELECT name FROM schema_migration WHERE number = $1", BT_INT(BT_DB_UNFINISHED));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : put_mark(copy, err);
    }
    return bt_str_equal(bt_db_get_text(rows, 0), copy->mark)
               ? 0
               : bt_fail(err, -ESTALE,
                         "The target is half of a copy of something else, or of what the source was"
                         " before; empty it and begin again");
}

static int in_transaction(const struct copy *copy,
                          int (*work)(const struct copy *copy, struct bt_error *err),
                          struct bt_error *err)
{
    struct bt_db *to = copy->request->to;
    int r = bt_db_begin(to, true, err);
    if (r < 0) {
        return r;
    }
    r = work(copy, err);
    r = r < 0 ? r : bt_db_commit(to, err);
    if (r < 0) {
        bt_db_rollback(to);
    }
    return r;
}

static int write_insert(const struct bt_db_table *table, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "INSERT INTO \"%s\"(", table->name);
    r = r < 0 ? r : bt_pages_names(table, false, out);
    return r < 0 ? r : bt_buf_append(out, ")", 1);
}

// References within the table come later: their rows may not be there yet.
static int64_t insert_page(struct bt_many *many, struct bt_db *to, const struct bt_db_table *table,
                           struct bt_db_rows *rows, struct bt_error *err)
{
    size_t count = 0;
    BT_AUTOFREE struct bt_db_value *values =
        BT_NEW_ARRAY(struct bt_db_value, bt_db_count(rows) * table->count);
    while (bt_db_next(rows)) {
        for (size_t i = 0; i < table->count; i++) {
            values[count++] = table->columns[i].own ? BT_NULL : bt_pages_value(rows, table, i);
        }
    }
    return bt_many_run(many, to, values, bt_db_count(rows), err);
}

static int write_page(struct bt_many *many, struct bt_db *to, const struct bt_db_table *table,
                      struct bt_db_rows *rows, struct bt_error *err)
{
    int64_t r = bt_db_begin(to, true, err);
    if (r < 0) {
        return (int)r;
    }
    r = insert_page(many, to, table, rows, err);
    r = r < 0 ? r : bt_db_commit(to, err);
    if (r < 0) {
        bt_db_rollback(to);
    }
    return r < 0 ? (int)r : 0;
}

static int copy_table(struct copy *copy, const struct bt_db_table *table, struct bt_error *err)
{
    int64_t already = 0;
    BT_AUTOBUF insert;
    bt_buf_init(&insert, SQL_MAX_BYTES);
    int r = write_insert(table, &insert);
    BT_AUTO(bt_many) many = bt_many_create(bt_buf_text(&insert), table->count, "");
    BT_AUTO(bt_pages) pages = bt_pages_create(table);
    r = r < 0 ? r : bt_pages_skip(pages, copy->request->to, err);
    r = r < 0 ? r : count_rows(copy->request->to, table, &already, err);
    tell(copy, already);
    while (r == 0) {
        struct bt_db_rows *rows;
        r = bt_pages_next(pages, copy->request->from, &rows, err);
        if (r < 0 || bt_db_count(rows) == 0) {
            break;
        }
        r = write_page(many, copy->request->to, table, rows, err);
        tell(copy, (int64_t)bt_db_count(rows));
    }
    return r;
}

static int write_link(const struct bt_db_table *table, size_t own, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "UPDATE \"%s\" SET \"%s\" = $1 WHERE ", table->name,
                           table->columns[own].name);
    for (size_t i = 0; r == 0 && i < table->key_count; i++) {
        r = bt_buf_appendf(out, "%s\"%s\" = $%zu", i == 0 ? "" : " AND ",
                           table->columns[table->keys[i]].name, i + 2);
    }
    return r;
}

static int64_t link_row(struct bt_db *to, const struct bt_db_table *table, size_t own,
                        const struct bt_buf *sql, const struct bt_db_rows *row,
                        struct bt_error *err)
{
    struct bt_db_value values[1 + BT_DB_MAX_KEYS];
    if (bt_db_is_null(row, (int)own)) {
        return 0;
    }
    values[0] = bt_pages_value(row, table, own);
    for (size_t i = 0; i < table->key_count; i++) {
        values[1 + i] = bt_pages_value(row, table, table->keys[i]);
    }
    return bt_db_run_values(to, bt_buf_text(sql), values, 1 + table->key_count, err);
}

static int link_column(const struct copy *copy, const struct bt_db_table *table, size_t own,
                       struct bt_error *err)
{
    BT_AUTOBUF sql;
    bt_buf_init(&sql, SQL_MAX_BYTES);
    int64_t r = write_link(table, own, &sql);
    BT_AUTO(bt_pages) pages = bt_pages_create(table);
    while (r >= 0) {
        struct bt_db_rows *rows;
        r = bt_pages_next(pages, copy->request->from, &rows, err);
        if (r < 0 || bt_db_count(rows) == 0) {
            break;
        }
        while (r >= 0 && bt_db_next(rows)) {
            r = link_row(copy->request->to, table, own, &sql, rows, err);
        }
    }
    return r < 0 ? (int)r : 0;
}

// Once more harms nothing: a copy that is gone on with does it again.
static int link_tables(const struct copy *copy, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < copy->tables->count; i++) {
        const struct bt_db_table *table = &copy->tables->list[i];
        for (size_t j = 0; r == 0 && table->has_own && j < table->count; j++) {
            r = table->columns[j].own ? link_column(copy, table, j, err) : 0;
        }
    }
    return r;
}

// Each value with its type and length in front: two different rows never give the same bytes.
static int append_value(struct bt_buf *out, const struct bt_db_value *value)
{
    const struct {
        int64_t type, number;
    } head = {value->type, value->type == BT_DB_INT ? value->number : (int64_t)value->len};
    int r = bt_buf_append(out, &head, sizeof(head));
    return r < 0 || value->len == 0 ? r : bt_buf_append(out, value->bytes, value->len);
}

static int add_row(struct sum *sum, const struct bt_db_table *table, const struct bt_db_rows *row,
                   struct bt_buf *bytes, struct bt_error *err)
{
    bt_buf_clear(bytes);
    for (size_t i = 0; i < table->count; i++) {
        struct bt_db_value value = bt_pages_value(row, table, i);
        if (append_value(bytes, &value) < 0) {
            return bt_fail(err, -EMSGSIZE, "A row is longer than an answer may be");
        }
    }
    struct bt_sha256 sha256 = bt_sha256_of(bytes->data, bytes->len);
    for (size_t i = 0; i < SUM_WORDS; i++) {
        uint64_t word;
        memcpy(&word, sha256.bytes + 8 * i, sizeof(word));
        sum->words[i] += word;
    }
    sum->rows++;
    return 0;
}

static int sum_up(struct bt_db *db, const struct bt_db_table *table, struct sum *out,
                  struct bt_error *err)
{
    int r = 0;
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, BT_DB_MAX_ROWS_BYTES + 1024);
    BT_AUTO(bt_pages) pages = bt_pages_create(table);
    *out = (struct sum){0};
    while (r == 0) {
        struct bt_db_rows *rows;
        r = bt_pages_next(pages, db, &rows, err);
        if (r < 0 || bt_db_count(rows) == 0) {
            break;
        }
        while (r == 0 && bt_db_next(rows)) {
            r = add_row(out, table, rows, &bytes, err);
        }
    }
    return r;
}

static int compare_table(struct copy *copy, const struct bt_db_table *table, struct bt_error *err)
{
    struct sum from, to;
    int r = sum_up(copy->request->from, table, &from, err);
    r = r < 0 ? r : sum_up(copy->request->to, table, &to, err);
    if (r < 0) {
        return r;
    }
    tell(copy, from.rows);
    bool alike = from.rows == to.rows && memcmp(from.words, to.words, sizeof(from.words)) == 0;
    return alike ? 0
                 : bt_fail(err, -EBADMSG,
                           "Table '%s' is not alike in both (%lld rows, %lld in the target): was"
                           " the source changed meanwhile? Empty the target and begin again",
                           table->name, (long long)from.rows, (long long)to.rows);
}

static int each_table(struct copy *copy,
                      int (*work)(struct copy *copy, const struct bt_db_table *table,
                                  struct bt_error *err),
                      struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < copy->tables->count; i++) {
        r = work(copy, &copy->tables->list[i], err);
        r = r < 0 ? bt_fail_in(err, r, "'%s'", copy->tables->list[i].name) : 0;
    }
    return r;
}

static int count_table(struct copy *copy, const struct bt_db_table *table, struct bt_error *err)
{
    int64_t rows;
    int r = count_rows(copy->request->from, table, &rows, err);
    copy->total += r < 0 ? 0 : 2 * rows;
    return r;
}

static int finish(const struct copy *copy, struct bt_error *err)
{
    const struct bt_copy_request *request = copy->request;
    int r = request->finish == NULL ? 0 : request->finish(request->context, request->to, err);
    int64_t n = r < 0
                    ? r
                    : bt_db_run(request->to, err, "DELETE FROM schema_migration WHERE number = $1",
                                BT_INT(BT_DB_UNFINISHED));
    return n < 0 ? (int)n : 0;
}

static int run(struct copy *copy, struct bt_error *err)
{
    int r = write_mark(copy, err);
    r = r < 0 ? r : in_transaction(copy, claim, err);
    r = r < 0 ? r : each_table(copy, count_table, err);
    r = r < 0 ? r : each_table(copy, copy_table, err);
    r = r < 0 ? r : in_transaction(copy, link_tables, err);
    r = r < 0 ? r : each_table(copy, compare_table, err);
    return r < 0 ? r : in_transaction(copy, finish, err);
}

int bt_db_copy(const struct bt_copy_request *request, struct bt_copy_result *out,
               struct bt_error *err)
{
    BT_AUTO(bt_db_tables) tables = NULL;
    bool from_sqlite = bt_str_equal(bt_db_engine_of(request->from), "sqlite");
    int r = bt_db_begin(request->from, false, err);
    if (r < 0) {
        return r;
    }
    r = bt_db_tables_read(from_sqlite ? request->from : request->to, &tables, err);
    struct copy copy = {.request = request, .tables = tables};
    r = r < 0 ? r : run(&copy, err);
    bt_db_rollback(request->from);
    if (r == 0) {
        *out = (struct bt_copy_result){(int64_t)tables->count, copy.total / 2};
    }
    return r;
}

#include "plays/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/sqlite.h"

enum statement {
    STMT_BEGIN,
    STMT_META,
    STMT_OPEN_COUNT,
    STMT_LAST,
    STMT_RECORDS,
    STMT_RECORDS_FROM,
    STMT_LINK,
    STMT_SYNCED_AFTER,
    STMT_SYNCED_BEFORE,
    STMT_OPEN,
    STMT_COUNT
};

static const char *const sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN",
    [STMT_META] = ("SELECT a.value, b.value, c.value, d.value FROM meta a, meta b, meta c, meta d"
                   " WHERE a.key='journal_id' AND b.key='base_seq' AND c.key='base_hash'"
                   " AND d.key='last_wall_ms'"),
    [STMT_OPEN_COUNT] = "SELECT count(*) FROM open_play",
    [STMT_LAST] = "SELECT max(seq) FROM record",
    // One that searches would pass over what a damaged page hides.
    [STMT_RECORDS] = "SELECT seq, hash, sure_ms, body FROM record ORDER BY seq",
    [STMT_RECORDS_FROM] =
        "SELECT seq, hash, sure_ms, body FROM record WHERE seq >= ?1 ORDER BY seq",
    [STMT_LINK] = "SELECT hash FROM record WHERE seq = ?1",
    [STMT_SYNCED_AFTER] = ("SELECT seq, hash, sure_ms, body FROM record"
                           " WHERE seq BETWEEN ?1 AND ?2 AND sure_ms IS NOT NULL"
                           " ORDER BY seq LIMIT 1"),
    [STMT_SYNCED_BEFORE] = ("SELECT seq, hash, sure_ms, body FROM record"
                            " WHERE seq BETWEEN ?2 AND ?1 AND sure_ms IS NOT NULL"
                            " ORDER BY seq DESC LIMIT 1"),
    [STMT_OPEN] = "SELECT tail FROM open_play ORDER BY id",
};

struct bt_reader {
    struct bt_sqlite db;
    struct bt_journal_facts facts;
    enum statement records;  // of the two
};

static int read_hash(sqlite3_stmt *stmt, int column, struct bt_sha256 *out, struct bt_error *err)
{
    const void *bytes = sqlite3_column_blob(stmt, column);
    if (bytes == NULL || sqlite3_column_bytes(stmt, column) != BT_SHA256_BYTES) {
        return bt_fail(err, -EUCLEAN, "a hash has not the right length");
    }
    memcpy(out->bytes, bytes, BT_SHA256_BYTES);
    return 0;
}

static int read_number(struct bt_reader *reader, enum statement statement, int64_t *out,
                       struct bt_error *err)
{
    int r = bt_sqlite_step(&reader->db, (int)statement, err);
    if (r == 1) {
        *out = sqlite3_column_int64(reader->db.statements[statement], 0);
        sqlite3_reset(reader->db.statements[statement]);
    }
    return r < 0 ? r : 0;
}

static int read_facts(struct bt_reader *reader, struct bt_error *err)
{
    struct bt_journal_facts *facts = &reader->facts;
    sqlite3_stmt *stmt = reader->db.statements[STMT_META];
    int r = bt_sqlite_step(&reader->db, STMT_META, err);
    if (r <= 0) {
        return r < 0 ? r : bt_fail(err, -EUCLEAN, "its description is missing");
    }
    const char *id = (const char *)sqlite3_column_text(stmt, 0);
    bt_copy_cut(facts->journal, sizeof(facts->journal), id != NULL ? id : "");
    facts->base_seq = sqlite3_column_int64(stmt, 1);
    r = read_hash(stmt, 2, &facts->base_hash, err);
    facts->last_wall_ms = sqlite3_column_int64(stmt, 3);
    sqlite3_reset(stmt);
    r = r < 0 ? r : read_number(reader, STMT_OPEN_COUNT, &facts->open_plays, err);
    r = r < 0 ? r : read_number(reader, STMT_LAST, &facts->last_seq, err);
    facts->last_seq = BT_MAX(facts->last_seq, facts->base_seq);
    return r;
}

int bt_reader_open(const char *path, struct bt_reader **out, struct bt_error *err)
{
    BT_AUTO(bt_reader) reader = BT_NEW(struct bt_reader);
    int r = bt_sqlite_open_read_only(&reader->db, path, err);
    r = r < 0 ? r : bt_sqlite_prepare(&reader->db, sql, STMT_COUNT, err);
    r = r < 0 ? r : bt_sqlite_run(&reader->db, STMT_BEGIN, err);
    r = r < 0 ? r : read_facts(reader, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Cannot read the journal '%s'", path);
    }
    reader->records = STMT_RECORDS;
    *out = BT_TAKE(reader);
    return 0;
}

void bt_reader_destroy(struct bt_reader *reader)
{
    if (reader != NULL) {
        bt_sqlite_finish(&reader->db);
        free(reader);
    }
}

const struct bt_journal_facts *bt_reader_facts(const struct bt_reader *reader)
{
    return &reader->facts;
}

void bt_reader_seek(struct bt_reader *reader, int64_t seq)
{
    sqlite3_stmt *stmt = reader->db.statements[STMT_RECORDS_FROM];
    sqlite3_reset(stmt);
    sqlite3_bind_int64(stmt, 1, seq);
    reader->records = STMT_RECORDS_FROM;
}

static int step_row(struct bt_reader *reader, enum statement statement, struct bt_row *out,
                    struct bt_error *err)
{
    sqlite3_stmt *stmt = reader->db.statements[statement];
    int r = bt_sqlite_step(&reader->db, (int)statement, err);
    if (r <= 0) {
        return r;
    }
    struct bt_row row = {
        .seq = sqlite3_column_int64(stmt, 0),
        .has_sure_ms = sqlite3_column_type(stmt, 2) != SQLITE_NULL,
        .sure_ms = sqlite3_column_int64(stmt, 2),
        .body = (const char *)sqlite3_column_blob(stmt, 3),
        .len = (size_t)sqlite3_column_bytes(stmt, 3),
    };
    row.body = row.body != NULL ? row.body : "";
    r = read_hash(stmt, 1, &row.hash, err);
    if (r < 0) {
        return bt_fail_in(err, r, "record %lld", (long long)row.seq);
    }
    *out = row;
    return 1;
}

int bt_reader_next(struct bt_reader *reader, struct bt_row *out, struct bt_error *err)
{
    return step_row(reader, reader->records, out, err);
}

int bt_reader_find_synced(struct bt_reader *reader, int64_t from, int64_t to, struct bt_row *out,
                          struct bt_error *err)
{
    enum statement statement = from <= to ? STMT_SYNCED_AFTER : STMT_SYNCED_BEFORE;
    sqlite3_stmt *stmt = reader->db.statements[statement];
    sqlite3_reset(stmt);
    sqlite3_bind_int64(stmt, 1, from);
    sqlite3_bind_int64(stmt, 2, to);
    return step_row(reader, statement, out, err);
}

int bt_reader_link(struct bt_reader *reader, int64_t seq, struct bt_sha256 *out,
                   struct bt_error *err)
{
    sqlite3_stmt *stmt = reader->db.statements[STMT_LINK];
    if (seq == reader->facts.base_seq) {
        *out = reader->facts.base_hash;
        return 1;
    }
    sqlite3_bind_int64(stmt, 1, seq);
    int r = bt_sqlite_step(&reader->db, STMT_LINK, err);
    if (r <= 0) {
        return r;
    }
    r = read_hash(stmt, 0, out, err);
    sqlite3_reset(stmt);
    return r < 0 ? r : 1;
}

int bt_reader_next_open(struct bt_reader *reader, const char **out_tail, struct bt_error *err)
{
    int r = bt_sqlite_step(&reader->db, STMT_OPEN, err);
    if (r == 1) {
        const char *tail = (const char *)sqlite3_column_text(reader->db.statements[STMT_OPEN], 0);
        *out_tail = tail != NULL ? tail : "";
    }
    return r;
}

#include "plays/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/sqlite.h"

enum statement {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_PUT_OPEN,
    STMT_DROP_OPEN,
    STMT_LIST_OPEN,
    STMT_CLEAR_OPEN,
    STMT_ADD_RECORD,
    STMT_HEAD,
    STMT_HASH_OF,
    STMT_META,
    STMT_SET_META,
    STMT_OLDEST,
    STMT_PRUNE,
    STMT_COUNT
};

static const char *const sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_PUT_OPEN] = "INSERT OR REPLACE INTO open_play(id, tail) VALUES(?1, ?2)",
    [STMT_DROP_OPEN] = "DELETE FROM open_play WHERE id = ?1",
    [STMT_LIST_OPEN] = "SELECT tail FROM open_play ORDER BY id",
    [STMT_CLEAR_OPEN] = "DELETE FROM open_play",
    [STMT_ADD_RECORD] = "INSERT INTO record(seq, hash, sure_ms, body) VALUES(?1, ?2, ?3, ?4)",
    [STMT_HEAD] = "SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1",
    [STMT_HASH_OF] = "SELECT hash FROM record WHERE seq = ?1",
    [STMT_META] = "SELECT value FROM meta WHERE key = ?1",
    [STMT_SET_META] = "UPDATE meta SET value = ?2 WHERE key = ?1",
    // The last of the oldest records that a trusted clock dates before ?1.
    [STMT_OLDEST] = ("SELECT max(seq) FROM (SELECT seq, sure_ms FROM record"
                     " WHERE sure_ms IS NOT NULL ORDER BY seq LIMIT ?2) WHERE sure_ms < ?1"),
    [STMT_PRUNE] = "DELETE FROM record WHERE seq <= ?1",
};

struct link {
    int64_t seq;
    struct bt_sha256 hash;
};

// What we remember of the database's content.
struct state {
    struct link head;  // the last record
    int64_t base_seq;  // the last pruned record
    int64_t last_wall_ms;
};

struct bt_journal {
    struct bt_sqlite db;
    char *path;
    int lock_fd;
    struct bt_record_origin origin;
    struct state now;        // committed or not
    struct state committed;  // where a rollback returns to
    bool in_transaction;
    struct bt_buf tail, body;  // reused
};

static sqlite3_stmt *stmt_of(struct bt_journal *journal, enum statement statement)
{
    return journal->db.statements[statement];
}

static int run(struct bt_journal *journal, enum statement statement, struct bt_error *err)
{
    return bt_sqlite_run(&journal->db, statement, err);
}

static int begin(struct bt_journal *journal, struct bt_error *err)
{
    if (journal->in_transaction) {
        return 0;
    }
    int r = run(journal, STMT_BEGIN, err);
    if (r == 0) {
        journal->in_transaction = true;
        journal->committed = journal->now;
    }
    return r;
}

void bt_journal_rollback(struct bt_journal *journal)
{
    if (!journal->in_transaction) {
        return;
    }
    // SQLite has rolled back by itself after some errors; then this one does nothing.
    if (run(journal, STMT_ROLLBACK, NULL) == 0 || sqlite3_get_autocommit(journal->db.sqlite)) {
        journal->in_transaction = false;
    }
    journal->now = journal->committed;
}

static bool moved_away(struct bt_journal *journal)
{
    int moved = 0;
    sqlite3_file_control(journal->db.sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

int bt_journal_commit(struct bt_journal *journal, struct bt_error *err)
{
    if (!journal->in_transaction) {
        return 0;
    }
    if (moved_away(journal)) {
        return bt_fail(err, -ESTALE, "'%s' was taken away", journal->path);
    }
    int r = run(journal, STMT_COMMIT, err);
    if (r == 0) {
        journal->in_transaction = false;
    }
    return r;
}

// Seals the tail as the next record.
static int append(struct bt_journal *journal, const char *tail, int trust, int64_t wall_ms,
                  struct bt_error *err)
{
    struct link next = {.seq = journal->now.head.seq + 1};
    bt_buf_clear(&journal->body);
    int r = bt_record_seal(next.seq, tail, &journal->body);
    if (r < 0) {
        return bt_fail(err, r, "Cannot build record %lld", (long long)next.seq);
    }
    next.hash = bt_chain_next(&journal->now.head.hash, journal->body.data, journal->body.len);
    sqlite3_stmt *stmt = stmt_of(journal, STMT_ADD_RECORD);
    sqlite3_bind_int64(stmt, 1, next.seq);
    sqlite3_bind_blob(stmt, 2, next.hash.bytes, BT_SHA256_BYTES, SQLITE_STATIC);
    sqlite3_bind_null(stmt, 3);
    if (trust == BT_CLOCK_SYNCED) {
        sqlite3_bind_int64(stmt, 3, wall_ms);
    }
    sqlite3_bind_text(stmt, 4, journal->body.data, (int)journal->body.len, SQLITE_STATIC);
    r = run(journal, STMT_ADD_RECORD, err);
    if (r == 0) {
        journal->now.head = next;
    }
    return r;
}

static int drop_open(struct bt_journal *journal, uint64_t id, struct bt_error *err)
{
    sqlite3_bind_int64(stmt_of(journal, STMT_DROP_OPEN), 1, (int64_t)id);
    return run(journal, STMT_DROP_OPEN, err);
}

static int put_open(struct bt_journal *journal, uint64_t id, struct bt_error *err)
{
    sqlite3_stmt *stmt = stmt_of(journal, STMT_PUT_OPEN);
    sqlite3_bind_int64(stmt, 1, (int64_t)id);
    sqlite3_bind_text(stmt, 2, journal->tail.data, (int)journal->tail.len, SQLITE_STATIC);
    return run(journal, STMT_PUT_OPEN, err);
}

int bt_journal_put(struct bt_journal *journal, const struct bt_play *play, struct bt_error *err)
{
    bt_buf_clear(&journal->tail);
    int r = bt_record_play(play, &journal->origin, &journal->tail);
    if (r < 0) {
        return bt_fail(err, r, "Cannot build the record of play %llu",
                       (unsigned long long)play->id);
    }
    r = begin(journal, err);
    if (r == 0 && !bt_play_closed(play)) {
        return put_open(journal, play->id, err);
    }
    r = r < 0 ? r : drop_open(journal, play->id, err);
    return r < 0 ? r
                 : append(journal, bt_buf_text(&journal->tail), play->start.clock_trust,
                          bt_play_end_wall_ms(play), err);
}

int bt_journal_put_loss(struct bt_journal *journal, const struct bt_loss *loss,
                        struct bt_error *err)
{
    bt_buf_clear(&journal->tail);
    int r = bt_record_loss(loss, &journal->origin, &journal->tail);
    r = r < 0 ? r : begin(journal, err);
    return r < 0
               ? r
               : append(journal, bt_buf_text(&journal->tail), loss->clock_trust, loss->end_ms, err);
}

int bt_journal_put_stop(struct bt_journal *journal, const struct bt_record_moment *now,
                        struct bt_error *err)
{
    bt_buf_clear(&journal->tail);
    int r = bt_record_stop(now, &journal->origin, &journal->tail);
    r = r < 0 ? r : begin(journal, err);
    return r < 0
               ? r
               : append(journal, bt_buf_text(&journal->tail), now->clock_trust, now->wall_ms, err);
}

static int put_start(struct bt_journal *journal, const struct bt_record_moment *now,
                     int64_t recovered, struct bt_error *err)
{
    bt_buf_clear(&journal->tail);
    int r = bt_record_start(now, &journal->origin, recovered, &journal->tail);
    r = r < 0 ? r : begin(journal, err);
    return r < 0
               ? r
               : append(journal, bt_buf_text(&journal->tail), now->clock_trust, now->wall_ms, err);
}

static void bind_key(sqlite3_stmt *stmt, const char *key)
{
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
}

static int set_meta_int(struct bt_journal *journal, const char *key, int64_t value,
                        struct bt_error *err)
{
    sqlite3_stmt *stmt = stmt_of(journal, STMT_SET_META);
    bind_key(stmt, key);
    sqlite3_bind_int64(stmt, 2, value);
    return run(journal, STMT_SET_META, err);
}

int bt_journal_note_time(struct bt_journal *journal, const struct bt_record_moment *now,
                         struct bt_error *err)
{
    bool forward = now->wall_ms > journal->now.last_wall_ms;
    if (!forward && now->clock_trust != BT_CLOCK_SYNCED) {
        return 0;
    }
    int r = begin(journal, err);
    r = r < 0 ? r : set_meta_int(journal, "last_wall_ms", now->wall_ms, err);
    if (r == 0) {
        journal->now.last_wall_ms = now->wall_ms;
    }
    return r;
}

// The hash in the given column of the row a statement stands on.
static int read_hash(sqlite3_stmt *stmt, int column, struct bt_sha256 *out, struct bt_error *err)
{
    const void *bytes = sqlite3_column_blob(stmt, column);
    if (sqlite3_column_bytes(stmt, column) != BT_SHA256_BYTES) {
        return bt_fail(err, -EUCLEAN, "a hash has not the right length");
    }
    memcpy(out->bytes, bytes, BT_SHA256_BYTES);
    return 0;
}

static int set_base(struct bt_journal *journal, const struct link *base, struct bt_error *err)
{
    sqlite3_stmt *stmt = stmt_of(journal, STMT_SET_META);
    bind_key(stmt, "base_hash");
    sqlite3_bind_blob(stmt, 2, base->hash.bytes, BT_SHA256_BYTES, SQLITE_STATIC);
    int r = run(journal, STMT_SET_META, err);
    return r < 0 ? r : set_meta_int(journal, "base_seq", base->seq, err);
}

// *out is the last record that may go, or 0.
static int find_oldest(struct bt_journal *journal, int64_t before_ms, int64_t *out,
                       struct bt_error *err)
{
    sqlite3_stmt *stmt = stmt_of(journal, STMT_OLDEST);
    sqlite3_bind_int64(stmt, 1, before_ms);
    sqlite3_bind_int64(stmt, 2, BT_JOURNAL_PRUNE_RECORDS);
    int r = bt_sqlite_step(&journal->db, STMT_OLDEST, err);
    if (r == 1) {
        *out =
            BT_MIN(sqlite3_column_int64(stmt, 0), journal->now.base_seq + BT_JOURNAL_PRUNE_RECORDS);
        sqlite3_reset(stmt);
    }
    return r < 0 ? r : 0;
}

static int find_link(struct bt_journal *journal, struct link *link, struct bt_error *err)
{
    sqlite3_stmt *stmt = stmt_of(journal, STMT_HASH_OF);
    sqlite3_bind_int64(stmt, 1, link->seq);
    int r = bt_sqlite_step(&journal->db, STMT_HASH_OF, err);
    if (r == 0) {
        return bt_fail(err, -EUCLEAN, "record %lld is missing", (long long)link->seq);
    }
    if (r == 1) {
        r = read_hash(stmt, 0, &link->hash, err);
        sqlite3_reset(stmt);
    }
    return r;
}

int bt_journal_prune(struct bt_journal *journal, int64_t now_ms, struct bt_error *err)
{
    struct link base = {0};
    int r = begin(journal, err);
    r = r < 0 ? r : find_oldest(journal, now_ms - BT_JOURNAL_KEEP_MS, &base.seq, err);
    if (r < 0 || base.seq <= journal->now.base_seq) {
        return r;
    }
    r = find_link(journal, &base, err);
    r = r < 0 ? r : set_base(journal, &base, err);
    if (r < 0) {
        return r;
    }
    sqlite3_bind_int64(stmt_of(journal, STMT_PRUNE), 1, base.seq);
    r = run(journal, STMT_PRUNE, err);
    if (r < 0) {
        return r;
    }
    int removed = (int)(base.seq - journal->now.base_seq);
    journal->now.base_seq = base.seq;
    return removed;
}

// Stands on the value of the key, or fails.
static int step_meta(struct bt_journal *journal, const char *key, struct bt_error *err)
{
    bind_key(stmt_of(journal, STMT_META), key);
    int r = bt_sqlite_step(&journal->db, STMT_META, err);
    return r == 0 ? bt_fail(err, -EUCLEAN, "'%s' is missing", key) : r;
}

static int meta_int(struct bt_journal *journal, const char *key, int64_t *out, struct bt_error *err)
{
    int r = step_meta(journal, key, err);
    if (r < 0) {
        return r;
    }
    *out = sqlite3_column_int64(stmt_of(journal, STMT_META), 0);
    sqlite3_reset(stmt_of(journal, STMT_META));
    return 0;
}

static int load_id(struct bt_journal *journal, struct bt_error *err)
{
    int r = step_meta(journal, "journal_id", err);
    if (r < 0) {
        return r;
    }
    const char *id = (const char *)sqlite3_column_text(stmt_of(journal, STMT_META), 0);
    r = bt_format(journal->origin.journal, sizeof(journal->origin.journal), "%s", id ? id : "");
    sqlite3_reset(stmt_of(journal, STMT_META));
    return r < 0 ? bt_fail(err, -EUCLEAN, "the journal's id is too long") : 0;
}

static int load_meta(struct bt_journal *journal, struct bt_error *err)
{
    int r = load_id(journal, err);
    r = r < 0 ? r : meta_int(journal, "last_wall_ms", &journal->now.last_wall_ms, err);
    return r < 0 ? r : meta_int(journal, "base_seq", &journal->now.base_seq, err);
}

static int load_head(struct bt_journal *journal, struct bt_error *err)
{
    enum statement from = STMT_HEAD;
    struct link *head = &journal->now.head;
    int r = bt_sqlite_step(&journal->db, STMT_HEAD, err);
    if (r == 1) {
        head->seq = sqlite3_column_int64(stmt_of(journal, STMT_HEAD), 0);
    } else if (r == 0) {
        from = STMT_META;
        head->seq = journal->now.base_seq;
        r = step_meta(journal, "base_hash", err);
    }
    if (r < 0) {
        return r;
    }
    r = read_hash(stmt_of(journal, from), from == STMT_HEAD ? 1 : 0, &head->hash, err);
    sqlite3_reset(stmt_of(journal, from));
    return r;
}

// One play that power cut off. A tail that can no longer be read is a declared loss.
static int close_open(struct bt_journal *journal, const char *tail, struct bt_error *err)
{
    struct bt_record record;
    bt_buf_clear(&journal->body);
    int r = bt_record_seal(journal->now.head.seq + 1, tail, &journal->body);
    if (r == 0) {
        r = bt_record_parse(journal->body.data, journal->body.len, &record, NULL);
    }
    if (r == 0) {
        return append(journal, tail, record.clock_trust, record.end_ms, err);
    }
    struct bt_loss loss = {.plays = 1, .cause = "open play damaged"};
    return bt_journal_put_loss(journal, &loss, err);
}

static int close_open_plays(struct bt_journal *journal, int64_t *out_count, struct bt_error *err)
{
    sqlite3_stmt *stmt = stmt_of(journal, STMT_LIST_OPEN);
    int r = begin(journal, err);
    while (r == 0) {
        r = bt_sqlite_step(&journal->db, STMT_LIST_OPEN, err);
        if (r <= 0) {
            break;
        }
        const char *tail = (const char *)sqlite3_column_text(stmt, 0);
        r = close_open(journal, tail != NULL ? tail : "", err);
        ++*out_count;
    }
    sqlite3_reset(stmt);
    return r < 0 ? r : run(journal, STMT_CLEAR_OPEN, err);
}

int bt_journal_boot_id(char out[BT_BOOT_ID_BYTES], struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 4096);
    int r = bt_file_read("/proc/sys/kernel/random/boot_id", &text, err);
    if (r < 0) {
        return r;
    }
    const char *line = bt_buf_text(&text);
    return bt_format(out, BT_BOOT_ID_BYTES, "%.*s", (int)strcspn(line, "\n"), line) < 0
               ? bt_fail(err, -EINVAL, "the boot id is too long")
               : 0;
}

void bt_journal_set_screen(struct bt_journal *journal, const char *screen)
{
    bt_copy_cut(journal->origin.screen, sizeof(journal->origin.screen), screen);
}

static int set_origin(struct bt_journal *journal, const struct bt_journal_options *options,
                      struct bt_error *err)
{
    struct bt_record_origin *origin = &journal->origin;
    bt_journal_set_screen(journal, options->screen ? options->screen : "");
    bt_copy_cut(origin->player, sizeof(origin->player), options->player ? options->player : "");
    if (options->boot == NULL) {
        return bt_journal_boot_id(origin->boot, err);
    }
    bt_copy_cut(origin->boot, sizeof(origin->boot), options->boot);
    return 0;
}

// Two players on one journal would close each other's plays.
static int take_lock(struct bt_journal *journal, struct bt_error *err)
{
    BT_AUTOFREE char *name = bt_strf("%s.lock", journal->path);
    journal->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (journal->lock_fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", name);
    }
    int r = bt_file_lock(journal->lock_fd, BT_LOCK_PATIENCE_NS);
    if (r == -EBUSY) {
        return bt_fail(err, r, "another player is writing it");
    }
    return r < 0 ? bt_fail(err, r, "Cannot lock '%s'", name) : 0;
}

static int start(struct bt_journal *journal, const struct bt_journal_options *options,
                 struct bt_error *err)
{
    int64_t recovered = 0;
    int r = set_origin(journal, options, err);
    r = r < 0 ? r : take_lock(journal, err);
    r = r < 0 ? r : bt_sqlite_open(&journal->db, journal->path, err);
    r = r < 0 ? r : bt_sqlite_prepare(&journal->db, sql, STMT_COUNT, err);
    r = r < 0 ? r : load_meta(journal, err);
    r = r < 0 ? r : load_head(journal, err);
    r = r < 0 ? r : close_open_plays(journal, &recovered, err);
    r = r < 0 ? r : put_start(journal, &options->now, recovered, err);
    r = r < 0 ? r : bt_journal_note_time(journal, &options->now, err);
    return r < 0 ? r : bt_journal_commit(journal, err);
}

int bt_journal_open(const struct bt_journal_options *options, struct bt_journal **out,
                    struct bt_error *err)
{
    BT_AUTO(bt_journal) journal = BT_NEW(struct bt_journal);
    journal->lock_fd = -1;
    journal->path = bt_strdup(options->path);
    bt_buf_init(&journal->tail, BT_RECORD_MAX_BYTES);
    bt_buf_init(&journal->body, BT_RECORD_MAX_BYTES);
    int r = start(journal, options, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Cannot open the journal '%s'", options->path);
    }
    *out = BT_TAKE(journal);
    return 0;
}

void bt_journal_destroy(struct bt_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    bt_sqlite_finish(&journal->db);
    if (journal->lock_fd >= 0) {
        close(journal->lock_fd);
    }
    bt_buf_finish(&journal->tail);
    bt_buf_finish(&journal->body);
    free(journal->path);
    free(journal);
}

const char *bt_journal_id(const struct bt_journal *journal)
{
    return journal->origin.journal;
}

int64_t bt_journal_last_seq(const struct bt_journal *journal)
{
    return journal->now.head.seq;
}

int bt_journal_last_wall_ms(const char *path, int64_t *out, struct bt_error *err)
{
    static const char *const select[] = {
        ("SELECT max(value, coalesce((SELECT sure_ms FROM record ORDER BY seq DESC LIMIT 1), 0))"
         " FROM meta WHERE key = 'last_wall_ms'")};
    BT_AUTOFINISH(bt_sqlite_finish) struct bt_sqlite db = {0};
    int64_t found = 0;
    int r = bt_sqlite_open_read_only(&db, path, err);
    if (r == -ENOENT) {
        *out = 0;
        return 0;
    }
    r = r < 0 ? r : bt_sqlite_prepare(&db, select, BT_ARRAY_LEN(select), err);
    r = r < 0 ? r : bt_sqlite_step(&db, 0, err);
    if (r == 1) {
        found = sqlite3_column_int64(db.statements[0], 0);
        sqlite3_reset(db.statements[0]);
    }
    if (r < 0) {
        return bt_fail_in(err, r, "Cannot read the journal '%s'", path);
    }
    *out = found;
    return 0;
}

static int move(const char *path, const char *suffix, int number, struct bt_error *err)
{
    BT_AUTOFREE char *from = bt_strf("%s%s", path, suffix);
    BT_AUTOFREE char *to = bt_strf("%s.damaged-%d%s", path, number, suffix);
    if (rename(from, to) < 0 && errno != ENOENT) {
        return bt_fail_errno(err, "Cannot move '%s' away", from);
    }
    return 0;
}

int bt_journal_set_aside(const char *path, struct bt_error *err)
{
    int number = 1;
    for (; number < BT_JOURNAL_MAX_DAMAGED; number++) {
        BT_AUTOFREE char *name = bt_strf("%s.damaged-%d", path, number);
        if (access(name, F_OK) < 0) {
            break;
        }
    }
    // The log first: without its database it is nothing, but a new database must not find it.
    int r = move(path, "-wal", number, err);
    r = r < 0 ? r : move(path, "-shm", number, err);
    return r < 0 ? r : move(path, "", number, err);
}

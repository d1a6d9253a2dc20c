/*
 * How fast batches of plays are counted: batches of 60 real plays, with their chain and signature,
 * through the ingest in this process; beside it what the engine itself does with the same rows in
 * the same grouping, one prepared upsert for each row through its own C API. Both are durable.
 *
 *     ingest-bench WHERE OTHER [PLAYERS [BATCHES [READERS]]]
 *
 * WHERE and OTHER are empty databases as bangtin-server has them. bench/ingest.py runs it.
 */
#include <assert.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/http/metrics.h"
#include "server/plays/books.h"
#include "server/plays/ingest.h"
#include "server/plays/made.h"

#define PLAYS 60
#define ITEMS 8
#define WINDOW 512  // batches on their way at a time
#define MAX_READERS 8

struct work {
    int players, batches, readers;  // batches of each player; the first is not timed
    struct bt_made_player *player;
    struct bt_buf *packed;  // players × batches
    struct bt_ingest *ingest;
    atomic_int next;
    sem_t room, answered;
    atomic_int failed;
};

static void must(int64_t r, const struct bt_error *err)
{
    if (r < 0) {
        fprintf(stderr, "%s\n", err != NULL ? err->msg : "It failed");
        exit(1);
    }
}

static double seconds(void)
{
    return (double)bt_clock_mono_ns(bt_clock_real()) / 1e9;
}

static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void make_batches(struct work *work, int number)
{
    char id[BT_JOURNAL_ID_BYTES];
    must(bt_format(id, sizeof(id), "%032x", (unsigned)number), NULL);
    struct bt_made_journal journal;
    bt_made_journal_init(&journal, &work->player[number], id);
    for (int i = 0; i < work->batches * PLAYS; i++) {
        char item[32];
        must(bt_format(item, sizeof(item), "noi-dung-%d", i % ITEMS), NULL);
        bt_made_play(&journal, &(struct bt_made_play){.item = item, .campaign = "cds-10-10"});
    }
    for (int i = 0; i < work->batches; i++) {
        bt_made_batch(&journal, i * PLAYS + 1, PLAYS, NULL,
                      &work->packed[number * work->batches + i]);
    }
    bt_made_journal_finish(&journal);
}

static void make_players(struct work *work, struct bt_db_pool *pool)
{
    struct bt_error err = {0};
    struct bt_db *db = NULL;
    must(bt_db_acquire(pool, &db, &err), &err);
    for (int i = 0; i < work->players; i++) {
        bt_made_player(db, i + 1, &work->player[i]);
    }
    bt_db_release(db);
}

static struct bt_delivery *read_one(struct work *work, int player, int batch)
{
    struct bt_error err = {0};
    struct bt_delivery *delivery;
    const struct bt_buf *packed = &work->packed[player * work->batches + batch];
    must(bt_delivery_read(bt_ingest_senders(work->ingest), work->player[player].id, packed->data,
                          packed->len, BT_MADE_BEGIN_MS, &delivery, &err),
         &err);
    return delivery;
}

static void take_answer(const struct bt_counted *counted, void *context)
{
    struct work *work = context;
    atomic_fetch_add(&work->failed, counted->result < 0 || counted->verdict != BT_VERDICT_COUNT);
    sem_post(&work->room);
    sem_post(&work->answered);
}

// Before all else on the machine (chrt -r 2) a reader would keep its core for a tenth of a second
// while the thread that counts waits for one; the ordinary scheduler wakes who has slept at once.
static void give_way(void)
{
    int policy;
    struct sched_param param;
    if (pthread_getschedparam(pthread_self(), &policy, &param) == 0 && policy == SCHED_RR &&
        param.sched_priority > 1) {
        param.sched_priority--;
        must(-pthread_setschedparam(pthread_self(), policy, &param), NULL);
    }
}

// Every so-manieth player belongs to this reader; each sends its next batch when all of them have
// sent theirs.
static void *read_batches(void *context)
{
    struct work *work = context;
    int first = atomic_fetch_add(&work->next, 1);
    give_way();
    for (int batch = 1; batch < work->batches; batch++) {
        for (int player = first; player < work->players; player += work->readers) {
            struct bt_delivery *delivery = read_one(work, player, batch);
            sem_wait(&work->room);
            must(bt_ingest_submit(work->ingest, delivery, take_answer, work), NULL);
        }
    }
    return NULL;
}

static double time_ingest(struct work *work, double *out_processor_s)
{
    pthread_t threads[MAX_READERS];
    for (int i = 0; i < work->players; i++) {
        struct bt_counted counted;
        must(bt_ingest_count(work->ingest, read_one(work, i, 0), &counted), NULL);
        assert(counted.result == 0 && counted.verdict == BT_VERDICT_COUNT);
    }
    double began = seconds(), processor_began = processor_s();
    for (int i = 0; i < work->readers; i++) {
        must(-pthread_create(&threads[i], NULL, read_batches, work), NULL);
    }
    for (int i = 0; i < work->readers; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < work->players * (work->batches - 1); i++) {
        sem_wait(&work->answered);
    }
    *out_processor_s = processor_s() - processor_began;
    return seconds() - began;
}

/*
 * The engine alone.
 */

enum { JOURNAL, BATCH, DAILY, HOURLY, KINDS };
#define MAX_VALUES 16

struct row {
    int kind;
    struct bt_db_value values[MAX_VALUES];
    int count;
};

#define ADD(table, column) column " = " table "." column " + excluded." column
static const char *const statements[KINDS] =
    {
        [JOURNAL] = "INSERT INTO play_journal(player, journal, screen, unit, state, last_seq,"
                    " last_hash, tally, boots, first_ms, received_ms, known_ms) VALUES($1, $2, $3, "
                    "$4,"
                    " $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (player, journal) DO UPDATE "
                    "SET"
                    " last_seq = excluded.last_seq, last_hash = excluded.last_hash, tally ="
                    " excluded.tally, boots = excluded.boots, received_ms = excluded.received_ms,"
                    " known_ms = excluded.known_ms",
        [BATCH] = "INSERT INTO play_batch(player, journal, first_seq, last_seq, "
                  "received_ms, from_ms,"
                  " until_ms, body, pack_at, pack_len) VALUES($1, $2, $3, $4, $5, $6, $7, "
                  "$8, $9, $10)",
        [DAILY] = "INSERT INTO play_daily(day, screen, unit, subject, reason, evidence, complete,"
                  " partial, verified, cards, shown_ms, presented, dropped, repaired, undated)"
                  " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
                  " ON CONFLICT (day, screen, unit, subject, reason, evidence) DO UPDATE "
                  "SET " ADD("play_daily", "complete") ", " ADD("play_daily", "partial") ", " ADD("play_daily", "verified") ", " ADD(
                      "play_daily",
                      "cards") ", " ADD("play_daily",
                                        "shown_ms") ", " ADD("play_daily",
                                                             "presented") ", " ADD("play"
                                                                                   "_dai"
                                                                                   "ly",
                                                                                   "drop"
                                                                                   "ped") ","
                                                                                          " " ADD(
                                                                                              "play"
                                                                                              "_dai"
                                                                                              "ly",
                                                                                              "repa"
                                                                                              "ire"
                                                                                              "d") ", " ADD("play_daily",
                                                                                                            "undated"),
        [HOURLY] =
            "INSERT INTO play_hourly(day, hour, screen, unit, subject, complete, partial,"
            " verified, cards, shown_ms) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (day, hour, screen, unit, subject) DO UPDATE SET " ADD(
                "play_hourly",
                "complete") ", " ADD("play_hourly",
                                     "partial") ", " ADD("play_hourly",
                                                         "verified") ", " ADD("play_hourly",
                                                                              "cards") ","
                                                                                       " " ADD(
                                                                                           "play_"
                                                                                           "hourly",
                                                                                           "shown_"
                                                                                           "ms"),
};

struct rows {
    const struct bt_delivery *delivery;
    struct row *list;
    size_t count, capacity;
};

struct summed {
    struct bt_tally_key key;
    struct bt_tally_counts counts;
    bool hourly;
};

struct sums {
    struct summed list[4 * ITEMS];
    size_t count;
};

static struct summed *find_sum(struct sums *sums, const struct bt_tally_key *key, bool hourly)
{
    for (size_t i = 0; i < sums->count; i++) {
        struct summed *summed = &sums->list[i];
        if (summed->hourly == hourly && summed->key.day == key->day &&
            (!hourly || summed->key.hour == key->hour) &&
            strcmp(summed->key.subject.item, key->subject.item) == 0) {
            return summed;
        }
    }
    assert(sums->count < BT_ARRAY_LEN(sums->list));
    sums->list[sums->count] = (struct summed){.key = *key, .hourly = hourly};
    return &sums->list[sums->count++];
}

static int add_sum(const struct bt_tally_key *key, const struct bt_tally_counts *delta,
                   void *context, struct bt_error *err)
{
    (void)err;
    bt_tally_counts_add(&find_sum(context, key, false)->counts, delta);
    bt_tally_counts_add(&find_sum(context, key, true)->counts, delta);
    return 0;
}

static void add_row(struct rows *rows, int kind, const struct bt_db_value *values, int count)
{
    BT_GROW(rows->list, rows->capacity, rows->count + 1);
    struct row *row = &rows->list[rows->count++];
    row->kind = kind;
    row->count = count;
    memcpy(row->values, values, (size_t)count * sizeof(*values));
}

#define ROW(rows, kind, ...)                                                                       \
    add_row(rows, kind, (const struct bt_db_value[]){__VA_ARGS__},                                 \
            (int)BT_ARRAY_LEN(((const struct bt_db_value[]){__VA_ARGS__})))

static void add_counts(struct rows *rows, const struct summed *sum)
{
    const struct bt_sender *sender = &rows->delivery->sender;
    const struct bt_tally_counts *c = &sum->counts;
    int64_t subject = bt_subject_id(&sum->key.subject);
    if (sum->hourly) {
        ROW(rows, HOURLY, BT_INT(sum->key.day), BT_INT(sum->key.hour), BT_TEXT(sender->screen),
            BT_TEXT(sender->unit), BT_INT(subject), BT_INT(c->complete), BT_INT(c->partial),
            BT_INT(c->verified), BT_INT(c->cards), BT_INT(c->shown_ms));
    } else {
        ROW(rows, DAILY, BT_INT(sum->key.day), BT_TEXT(sender->screen), BT_TEXT(sender->unit),
            BT_INT(subject), BT_TEXT("schedule"), BT_TEXT("present"), BT_INT(c->complete),
            BT_INT(c->partial), BT_INT(c->verified), BT_INT(c->cards), BT_INT(c->shown_ms),
            BT_INT(c->presented), BT_INT(c->dropped), BT_INT(c->repaired), BT_INT(c->undated));
    }
}

static void add_batch(struct rows *rows, struct bt_delivery *delivery)
{
    static const char hash[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    const struct bt_batch_header *header = &delivery->batch.header;
    const struct bt_sender *sender = &delivery->sender;
    struct bt_error err = {0};
    struct sums sums = {.count = 0};
    rows->delivery = delivery;
    BT_AUTO(bt_tally) tally = bt_tally_create(sender->tz);
    for (int64_t i = 0; i < header->count; i++) {
        const struct bt_tally_time time = {.known = false};
        must(bt_tally_add(tally, &delivery->records[i], &time, add_sum, &sums, &err), &err);
    }
    ROW(rows, JOURNAL, BT_TEXT(sender->player), BT_TEXT(header->journal), BT_TEXT(sender->screen),
        BT_TEXT(sender->unit), BT_TEXT("open"), BT_INT(header->first + header->count - 1),
        BT_TEXT(hash), BT_TEXT("{\"format\":1,\"runs\":[]}"),
        BT_TEXT("[{\"boot\":\"boot-1\",\"offset_ms\":1795239000000}]"), BT_INT(BT_MADE_BEGIN_MS),
        BT_INT(BT_MADE_BEGIN_MS), BT_INT(BT_MADE_BEGIN_MS));
    ROW(rows, BATCH, BT_TEXT(sender->player), BT_TEXT(header->journal), BT_INT(header->first),
        BT_INT(header->first + header->count - 1), BT_INT(BT_MADE_BEGIN_MS),
        BT_INT(BT_MADE_BEGIN_MS), BT_INT(BT_MADE_BEGIN_MS),
        BT_BLOB(delivery->packed, delivery->packed_len), BT_INT(0), BT_INT(0));
    for (size_t i = 0; i < sums.count; i++) {
        add_counts(rows, &sums.list[i]);
    }
}

static void check_sqlite(sqlite3 *sqlite, int result)
{
    if (result != SQLITE_OK && result != SQLITE_DONE) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(sqlite));
        exit(1);
    }
}

static void run_sqlite_row(sqlite3 *sqlite, sqlite3_stmt *stmt, const struct row *row)
{
    for (int i = 0; i < row->count; i++) {
        const struct bt_db_value *value = &row->values[i];
        int result =
            value->type == BT_DB_INT ? sqlite3_bind_int64(stmt, i + 1, value->number)
            : value->type == BT_DB_TEXT
                ? sqlite3_bind_text(stmt, i + 1, value->bytes, (int)value->len, SQLITE_STATIC)
                : sqlite3_bind_blob(stmt, i + 1, value->bytes, (int)value->len, SQLITE_STATIC);
        check_sqlite(sqlite, result);
    }
    check_sqlite(sqlite, sqlite3_step(stmt));
    check_sqlite(sqlite, sqlite3_reset(stmt));
}

static double time_sqlite(const char *where, const struct rows *groups, size_t count)
{
    sqlite3 *sqlite = NULL;
    sqlite3_stmt *stmt[KINDS];
    check_sqlite(sqlite, sqlite3_open(where + strlen("sqlite:"), &sqlite));
    check_sqlite(sqlite, sqlite3_exec(sqlite,
                                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                      "PRAGMA foreign_keys=ON; PRAGMA cache_size=-1024;",
                                      NULL, NULL, NULL));
    for (int i = 0; i < KINDS; i++) {
        check_sqlite(sqlite, sqlite3_prepare_v2(sqlite, statements[i], -1, &stmt[i], NULL));
    }
    double began = seconds();
    for (size_t i = 0; i < count; i++) {
        check_sqlite(sqlite, sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL));
        for (size_t j = 0; j < groups[i].count; j++) {
            run_sqlite_row(sqlite, stmt[groups[i].list[j].kind], &groups[i].list[j]);
        }
        check_sqlite(sqlite, sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL));
    }
    double took = seconds() - began;
    for (int i = 0; i < KINDS; i++) {
        sqlite3_finalize(stmt[i]);
    }
    sqlite3_close(sqlite);
    return took;
}

static void check_pg(PGconn *pg, PGresult *result)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s\n", PQerrorMessage(pg));
        exit(1);
    }
    PQclear(result);
}

static void run_pg_row(PGconn *pg, const struct row *row)
{
    const char *values[MAX_VALUES];
    int lengths[MAX_VALUES], formats[MAX_VALUES];
    char numbers[MAX_VALUES][24], name[8];
    for (int i = 0; i < row->count; i++) {
        const struct bt_db_value *value = &row->values[i];
        bool number = value->type == BT_DB_INT;
        must(bt_format(numbers[i], sizeof(numbers[i]), "%lld", (long long)value->number), NULL);
        values[i] = number ? numbers[i] : value->bytes;
        lengths[i] = (int)value->len;
        formats[i] = !number;
    }
    must(bt_format(name, sizeof(name), "s%d", row->kind), NULL);
    check_pg(pg, PQexecPrepared(pg, name, row->count, values, lengths, formats, 0));
}

static double time_pg(const char *where, const struct rows *groups, size_t count)
{
    PGconn *pg = PQconnectdb(where);
    for (int i = 0; i < KINDS; i++) {
        char name[8];
        must(bt_format(name, sizeof(name), "s%d", i), NULL);
        check_pg(pg, PQprepare(pg, name, statements[i], 0, NULL));
    }
    double began = seconds();
    for (size_t i = 0; i < count; i++) {
        check_pg(pg, PQexec(pg, "BEGIN"));
        for (size_t j = 0; j < groups[i].count; j++) {
            run_pg_row(pg, &groups[i].list[j]);
        }
        check_pg(pg, PQexec(pg, "COMMIT"));
    }
    double took = seconds() - began;
    PQfinish(pg);
    return took;
}

// The same batches in the same order, so many to a transaction; the first of each player before.
static double time_engine(struct work *work, const char *where, int group, double *out_processor_s)
{
    int all = work->players * (work->batches - 1);
    size_t count = (size_t)((all + group - 1) / group);
    struct bt_delivery **kept = BT_NEW_ARRAY(struct bt_delivery *, (size_t)all);
    struct rows *groups = BT_NEW_ARRAY(struct rows, count);
    for (int i = 0; i < all; i++) {
        kept[i] = read_one(work, i % work->players, 1 + i / work->players);
        add_batch(&groups[i / group], kept[i]);
    }
    bool sqlite = bt_str_starts(where, "sqlite:");
    double processor_began = processor_s();
    double took = sqlite ? time_sqlite(where, groups, count) : time_pg(where, groups, count);
    *out_processor_s = processor_s() - processor_began;
    for (int i = 0; i < all; i++) {
        bt_delivery_destroy(kept[i]);
    }
    for (size_t i = 0; i < count; i++) {
        free(groups[i].list);
    }
    free(groups);
    free(kept);
    return took;
}

// The same players and journals in the other database.
static void copy_players(const struct work *work, const char *where)
{
    struct bt_error err = {0};
    BT_AUTO(bt_db_pool) pool = NULL;
    struct bt_db *db = NULL;
    must(bt_db_open(where, 1, &pool, &err), &err);
    must(bt_db_acquire(pool, &db, &err), &err);
    for (int i = 0; i < work->players; i++) {
        struct bt_made_player other;
        bt_made_player(db, i + 1, &other);
    }
    bt_db_release(db);
}

static int number_of(int argc, char **argv, int index, int fallback)
{
    int64_t number = fallback;
    if (index < argc && bt_parse_int(argv[index], 1, 100000, &number) < 0) {
        fprintf(stderr, "'%s' is no number\n", argv[index]);
        exit(1);
    }
    return (int)number;
}

static int64_t groups_of(struct bt_metrics *metrics)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 1 << 20);
    must(bt_metrics_write(metrics, &text), NULL);
    const char *at = strstr(bt_buf_text(&text), "bangtin_plays_groups_total ");
    int64_t number = 0;
    if (at != NULL) {
        BT_AUTOFREE char *digits =
            bt_strndup(at + strlen("bangtin_plays_groups_total "),
                       strcspn(at + strlen("bangtin_plays_groups_total "), "\n"));
        must(bt_parse_int(digits, 0, INT64_MAX, &number), NULL);
    }
    return number;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "ingest-bench WHERE OTHER [PLAYERS [BATCHES [READERS]]]\n");
        return 1;
    }
    struct bt_error err = {0};
    struct work work = {.players = number_of(argc, argv, 3, 200),
                        .batches = number_of(argc, argv, 4, 21),
                        .readers = BT_MIN(number_of(argc, argv, 5, 2), MAX_READERS),
                        .failed = 0};
    sem_init(&work.room, 0, WINDOW);
    sem_init(&work.answered, 0, 0);
    BT_AUTO(bt_db_pool) pool = NULL;
    must(bt_db_open(argv[1], 4, &pool, &err), &err);
    work.player = BT_NEW_ARRAY(struct bt_made_player, (size_t)work.players);
    work.packed = BT_NEW_ARRAY(struct bt_buf, (size_t)(work.players * work.batches));
    make_players(&work, pool);
    for (int i = 0; i < work.players; i++) {
        make_batches(&work, i);
    }
    copy_players(&work, argv[2]);
    BT_AUTO(bt_metrics) metrics = bt_metrics_create();
    const struct bt_ingest_options options = {.db = pool, .metrics = metrics};
    must(bt_ingest_start(&options, &work.ingest, &err), &err);
    double used_s, took = time_ingest(&work, &used_s);
    int all = work.players * (work.batches - 1);
    int64_t groups = BT_MAX(groups_of(metrics) - work.players, (int64_t)1);
    int group = (int)BT_MAX((all + groups / 2) / groups, (int64_t)1);
    double engine_used_s, engine = time_engine(&work, argv[2], group, &engine_used_s);
    printf("%s: %d batches of %d plays, %d to a transaction, %d refused: %.0f/s, %.0f us of this"
           " process' processor time each; the engine alone %.0f/s, %.0f us; %.2f of it\n",
           bt_db_engine(pool), all, PLAYS, group, atomic_load(&work.failed), all / took,
           used_s / all * 1e6, all / engine, engine_used_s / all * 1e6, engine / took);
    bt_ingest_destroy(work.ingest);
    for (int i = 0; i < work.players * work.batches; i++) {
        bt_buf_finish(&work.packed[i]);
    }
    free(work.packed);
    free(work.player);
    return 0;
}

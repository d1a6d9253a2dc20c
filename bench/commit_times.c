/*
 * How long a writing transaction takes: commit-times DIR [COMMITS]. Two writers of one SQLite
 * database below DIR, which must be on the disk that is meant, write 2 KiB rows by random keys with
 * 2 ms between two transactions, as requests do; printed is the time from the transaction's
 * beginning to its commit, waiting for the other writer included.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/db.h"

#define WRITERS 2
#define ROW_BYTES 2048
#define PAUSE_NS (2 * BT_NS_PER_MS)

struct writer {
    struct bt_db_pool *pool;
    int number, commits;
    int64_t *took_ns;
    pthread_t thread;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static int write_one(struct bt_db *db, int64_t key, const char *row, struct bt_error *err)
{
    int r = bt_db_begin(db, true, err);
    if (r == 0) {
        r = (int)bt_db_run(db, err,
                           "INSERT INTO bench (id, body) VALUES ($1, $2)"
                           " ON CONFLICT (id) DO UPDATE SET body = $2",
                           BT_INT(key), BT_BLOB(row, ROW_BYTES));
    }
    return r < 0 ? r : bt_db_commit(db, err);
}

static void *run(void *context)
{
    struct writer *writer = context;
    struct bt_error err = {0};
    struct bt_db *db;
    char row[ROW_BYTES];
    memset(row, 'a' + writer->number, sizeof(row));
    if (bt_db_acquire(writer->pool, &db, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < writer->commits; i++) {
        int64_t key = (int64_t)(i * 2654435761U >> 12) * WRITERS + writer->number;
        int64_t before_ns = now_ns();
        if (write_one(db, key, row, &err) < 0) {
            fprintf(stderr, "%s\n", err.msg);
            exit(EXIT_FAILURE);
        }
        writer->took_ns[i] = now_ns() - before_ns;
        bt_clock_sleep_until(bt_clock_real(), now_ns() + PAUSE_NS);
    }
    bt_db_release(db);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

// The time that so many of a thousand did not pass.
static double at_ms(const int64_t *sorted_ns, int count, int permille)
{
    int64_t at = (int64_t)count * permille / 1000;
    return (double)sorted_ns[BT_MIN(at, count - 1)] / 1e6;
}

static int open_database(const char *dir, struct bt_db_pool **out, struct bt_error *err)
{
    BT_AUTOFREE char *where = bt_strf("sqlite:%s/commit-times.db", dir);
    int r = bt_db_open(where, WRITERS, out, err);
    if (r < 0) {
        return r;
    }
    struct bt_db *db;
    r = bt_db_acquire(*out, &db, err);
    if (r == 0) {
        r = (int)bt_db_run(db, err,
                           "CREATE TABLE IF NOT EXISTS bench (id BIGINT PRIMARY KEY, body BLOB)");
        bt_db_release(db);
    }
    return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
    int64_t commits = 4000;
    if (argc < 2 || (argc > 2 && bt_parse_int(argv[2], WRITERS * 100, 1000000, &commits) < 0)) {
        fprintf(stderr, "commit-times DIR [COMMITS]\n");
        return 2;
    }
    struct bt_error err = {0};
    BT_AUTO(bt_db_pool) pool = NULL;
    if (open_database(argv[1], &pool, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return EXIT_FAILURE;
    }
    BT_AUTOFREE int64_t *took_ns = BT_NEW_ARRAY(int64_t, (size_t)commits);
    struct writer writers[WRITERS];
    int each = (int)(commits / WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){
            .pool = pool, .number = i, .commits = each, .took_ns = took_ns + i * each};
        pthread_create(&writers[i].thread, NULL, run, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
    }
    int count = each * WRITERS;
    qsort(took_ns, (size_t)count, sizeof(took_ns[0]), by_value);
    printf("%d commits: p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, longest %.1f ms\n", count,
           at_ms(took_ns, count, 500), at_ms(took_ns, count, 990), at_ms(took_ns, count, 999),
           at_ms(took_ns, count, 1000));
    return EXIT_SUCCESS;
}

#include "cli/verify/counters.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/queue.h"
#include "plays/evidence_file.h"

// Batches on their way for each thread; one has up to 4 MiB when it is unpacked.
#define WAITING_PER_THREAD 4
#define MAX_WAITING (BT_COUNTERS_MAX * WAITING_PER_THREAD)

#define MAX_MS 253402300799999LL

// A line for a journal; without a line, its end.
struct job {
    struct bt_witness *witness;
    // Written by a thread, read when it is done.
    struct bt_testimony *testimony;
    int r;
    struct bt_error err;
    bool done;  // protected by the lock
    size_t len;
    char line[];
};

struct bt_counters {
    struct bt_witness_counts counts;
    struct bt_witness *witness;  // whose lines come
    struct bt_witness_sum sum;
    struct bt_queue *queue;  // jobs that nobody has begun; borrowed from the ring
    pthread_t threads[BT_COUNTERS_MAX];
    int count, started;
    struct job *ring[MAX_WAITING];  // all of them, in order
    size_t first, waiting, capacity;

    pthread_mutex_t lock;
    pthread_cond_t changed;  // a job is done
};

static void add_sum(struct bt_witness_sum *sum, const struct bt_witness_sum *more)
{
    sum->batches += more->batches;
    sum->records += more->records;
    sum->plays += more->plays;
    sum->unreadable += more->unreadable;
    sum->late += more->late;
}

static int read_line(const struct job *job, struct bt_buf *packed, int64_t *out_ms,
                     struct bt_error *err)
{
    BT_AUTOJSON *line = NULL;
    int r = bt_json_parse(job->line, job->len, &line, err);
    if (r < 0) {
        return r;
    }
    const char *body = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "body"));
    const cJSON *received = cJSON_GetObjectItemCaseSensitive(line, "received_ms");
    return bt_json_whole(received, 0, MAX_MS, out_ms) < 0 || body == NULL ||
                   bt_base64_read(body, packed) < 0
               ? bt_fail(err, -EINVAL, "A line of a batch without 'received_ms' and 'body'")
               : 0;
}

static void do_job(struct job *job)
{
    int64_t received_ms;
    BT_AUTOBUF packed;
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    job->r = read_line(job, &packed, &received_ms, &job->err);
    if (job->r == 0) {
        job->testimony =
            bt_testimony_read(job->witness, received_ms, bt_buf_text(&packed), packed.len);
    }
}

static void *work(void *context)
{
    struct bt_counters *counters = context;
    struct job *job;
    while ((job = bt_queue_pop_wait(counters->queue, INT64_MAX)) != NULL) {
        do_job(job);
        pthread_mutex_lock(&counters->lock);
        job->done = true;
        pthread_cond_signal(&counters->changed);
        pthread_mutex_unlock(&counters->lock);
    }
    return NULL;
}

// The ring owns the jobs, so that the queue frees none.
static void leave(void *job)
{
    (void)job;
}

int bt_counters_start(const struct bt_witness_counts *counts, int threads, struct bt_counters **out,
                      struct bt_error *err)
{
    BT_AUTO(bt_counters) counters = BT_NEW(struct bt_counters);
    long processors = threads > 0 ? threads : sysconf(_SC_NPROCESSORS_ONLN);
    counters->count = threads < 0 ? 0 : (int)BT_CLAMP(processors, 1L, (long)BT_COUNTERS_MAX);
    counters->capacity = (size_t)BT_MAX(counters->count, 1) * WAITING_PER_THREAD;
    counters->counts = *counts;
    counters->queue = bt_queue_create(MAX_WAITING, leave, (struct bt_waker){0});
    pthread_mutex_init(&counters->lock, NULL);
    pthread_cond_init(&counters->changed, NULL);
    for (; counters->started < counters->count; counters->started++) {
        int r = pthread_create(&counters->threads[counters->started], NULL, work, counters);
        if (r != 0) {
            return bt_fail(err, -r, "Cannot start a thread that reads batches");
        }
    }
    *out = BT_TAKE(counters);
    return 0;
}

static struct job *take_first(struct bt_counters *counters)
{
    struct job *job = counters->ring[counters->first];
    pthread_mutex_lock(&counters->lock);
    while (!job->done) {
        pthread_cond_wait(&counters->changed, &counters->lock);
    }
    pthread_mutex_unlock(&counters->lock);
    counters->first = (counters->first + 1) % MAX_WAITING;
    counters->waiting--;
    return job;
}

static void free_job(struct bt_counters *counters, struct job *job)
{
    if (job->len == 0) {
        add_sum(&counters->sum, bt_witness_sum(job->witness));
        bt_witness_destroy(job->witness);
    }
    bt_testimony_destroy(job->testimony);
    free(job);
}

// Counts the oldest, waiting until it was read.
static int count_first(struct bt_counters *counters, struct bt_error *err)
{
    struct job *job = take_first(counters);
    int r = job->r < 0      ? bt_fail(err, job->r, "%s", job->err.msg)
            : job->len == 0 ? bt_witness_end(job->witness, &counters->counts, err)
                            : bt_witness_take(job->witness, job->testimony, &counters->counts, err);
    free_job(counters, job);
    return r;
}

static int push(struct bt_counters *counters, const char *line, size_t len, struct bt_error *err)
{
    int r = 0;
    while (r == 0 && counters->waiting >= counters->capacity) {
        r = count_first(counters, err);
    }
    struct job *job = bt_alloc(sizeof(*job) + len + 1);
    job->witness = counters->witness;
    job->len = len;
    job->done = len == 0;
    memcpy(job->line, line, len);
    counters->ring[(counters->first + counters->waiting) % MAX_WAITING] = job;
    counters->waiting++;
    if (len > 0 && counters->count == 0) {
        do_job(job);
        job->done = true;
    } else if (len > 0) {
        int pushed = bt_queue_push(counters->queue, job);
        assert(pushed == 0);  // the ring has no more than the queue
        (void)pushed;
    }
    return r;
}

static int end_journal(struct bt_counters *counters, struct bt_error *err)
{
    int r = counters->witness != NULL ? push(counters, "", 0, err) : 0;
    counters->witness = NULL;
    return r;
}

int bt_counters_begin(struct bt_counters *counters, struct bt_witness *witness,
                      struct bt_error *err)
{
    int r = end_journal(counters, err);
    counters->witness = witness;
    return r;
}

int bt_counters_give(struct bt_counters *counters, const char *line, size_t len,
                     struct bt_error *err)
{
    assert(counters->witness != NULL && len > 0);
    return push(counters, line, len, err);
}

int bt_counters_end(struct bt_counters *counters, struct bt_witness_sum *out, struct bt_error *err)
{
    int r = end_journal(counters, err);
    while (r == 0 && counters->waiting > 0) {
        r = count_first(counters, err);
    }
    *out = counters->sum;
    return r;
}

void bt_counters_destroy(struct bt_counters *counters)
{
    if (counters == NULL) {
        return;
    }
    if (counters->queue != NULL) {
        bt_queue_close(counters->queue);
    }
    for (int i = 0; i < counters->started; i++) {
        pthread_join(counters->threads[i], NULL);
    }
    while (counters->waiting > 0) {
        struct job *job = take_first(counters);
        free_job(counters, job);
    }
    bt_witness_destroy(counters->witness);
    bt_queue_destroy(counters->queue);
    pthread_cond_destroy(&counters->changed);
    pthread_mutex_destroy(&counters->lock);
    free(counters);
}

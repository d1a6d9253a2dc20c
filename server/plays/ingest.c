#include "server/plays/ingest.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/queue.h"
#include "server/http/metrics.h"

struct parcel {
    struct bt_delivery *delivery;
    size_t bytes;
    bt_ingest_done_fn done;
    void *context;
};

struct bt_ingest {
    struct bt_senders *senders;
    struct bt_counting *counting;  // the thread's
    struct bt_queue *queue;
    atomic_llong bytes;  // of what waits or is being counted
    pthread_t thread;
    bool started;
    struct bt_metric *batches, *plays, *groups, *waiting, *refused, *forked, *failed;
};

static void free_parcel(void *item)
{
    struct parcel *parcel = item;
    bt_delivery_destroy(parcel->delivery);
    free(parcel);
}

static size_t gather(struct bt_ingest *ingest, struct parcel *out[BT_INGEST_MAX_GROUP])
{
    out[0] = bt_queue_pop_wait(ingest->queue, INT64_MAX);
    size_t count = out[0] != NULL ? 1 : 0;
    while (count > 0 && count < BT_INGEST_MAX_GROUP &&
           (out[count] = bt_queue_pop(ingest->queue)) != NULL) {
        count++;
    }
    return count;
}

static void count_metrics(struct bt_ingest *ingest, const struct parcel *parcel,
                          const struct bt_counted *counted)
{
    if (counted->result < 0) {
        bt_metric_add(ingest->failed, 1);
        return;
    }
    bt_metric_add(ingest->batches, 1);
    if (counted->verdict == BT_VERDICT_COUNT) {
        bt_metric_add(ingest->plays, parcel->delivery->batch.header.count);
    }
    bt_metric_add(ingest->forked, counted->verdict == BT_VERDICT_FORKED);
}

static void answer(struct bt_ingest *ingest, struct parcel *parcel,
                   const struct bt_counted *counted)
{
    count_metrics(ingest, parcel, counted);
    atomic_fetch_sub(&ingest->bytes, (long long)parcel->bytes);
    parcel->done(counted, parcel->context);
    free_parcel(parcel);
}

static void *work(void *context)
{
    struct bt_ingest *ingest = context;
    struct parcel *parcels[BT_INGEST_MAX_GROUP];
    struct bt_delivery *deliveries[BT_INGEST_MAX_GROUP];
    struct bt_counted counted[BT_INGEST_MAX_GROUP];
    size_t count;
    while ((count = gather(ingest, parcels)) > 0) {
        for (size_t i = 0; i < count; i++) {
            deliveries[i] = parcels[i]->delivery;
        }
        bt_counting_run(ingest->counting, deliveries, count, counted);
        bt_metric_add(ingest->groups, 1);
        for (size_t i = 0; i < count; i++) {
            answer(ingest, parcels[i], &counted[i]);
        }
        bt_metric_set(ingest->waiting, (int64_t)bt_queue_count(ingest->queue));
    }
    return NULL;
}

static void open_metrics(struct bt_ingest *ingest, struct bt_metrics *metrics)
{
    ingest->batches = bt_metrics_counter(metrics, "bangtin_plays_batches", "",
                                         "Batches of plays that were answered.");
    ingest->plays = bt_metrics_counter(metrics, "bangtin_plays_records", "",
                                       "Records in batches that were counted.");
    ingest->groups = bt_metrics_counter(metrics, "bangtin_plays_groups", "",
                                        "Transactions in which batches were counted together.");
    ingest->refused = bt_metrics_counter(metrics, "bangtin_plays_refused", "",
                                         "Batches refused because too much waited.");
    ingest->failed = bt_metrics_counter(metrics, "bangtin_plays_failed", "",
                                        "Batches that could not be counted.");
    ingest->forked = bt_metrics_counter(metrics, "bangtin_plays_forked", "",
                                        "Batches that did not fit their journal's chain.");
    ingest->waiting =
        bt_metrics_gauge(metrics, "bangtin_plays_waiting", "", "Batches that wait to be counted.");
}

int bt_ingest_start(const struct bt_ingest_options *options, struct bt_ingest **out,
                    struct bt_error *err)
{
    BT_AUTO(bt_ingest) ingest = BT_NEW(struct bt_ingest);
    ingest->senders = bt_senders_create(options->db);
    ingest->counting = bt_counting_create(options->db, options->hub);
    ingest->queue = bt_queue_create(BT_INGEST_MAX_QUEUED, free_parcel, (struct bt_waker){0});
    open_metrics(ingest, options->metrics);
    int r = pthread_create(&ingest->thread, NULL, work, ingest);
    if (r != 0) {
        errno = r;
        return bt_fail_errno(err, "Cannot start the thread that counts plays");
    }
    ingest->started = true;
    *out = BT_TAKE(ingest);
    return 0;
}

void bt_ingest_close(struct bt_ingest *ingest)
{
    if (ingest != NULL) {
        bt_queue_close(ingest->queue);
    }
}

void bt_ingest_join(struct bt_ingest *ingest)
{
    if (ingest != NULL && ingest->started) {
        pthread_join(ingest->thread, NULL);
        ingest->started = false;
    }
}

void bt_ingest_destroy(struct bt_ingest *ingest)
{
    if (ingest == NULL) {
        return;
    }
    bt_ingest_close(ingest);
    bt_ingest_join(ingest);
    bt_queue_destroy(ingest->queue);
    bt_counting_destroy(ingest->counting);
    bt_senders_destroy(ingest->senders);
    free(ingest);
}

struct bt_senders *bt_ingest_senders(struct bt_ingest *ingest)
{
    return ingest->senders;
}

static int push(struct bt_ingest *ingest, struct parcel *parcel)
{
    long long bytes = (long long)parcel->bytes;
    if (atomic_fetch_add(&ingest->bytes, bytes) + bytes > BT_INGEST_MAX_BYTES) {
        atomic_fetch_sub(&ingest->bytes, bytes);
        return -EAGAIN;
    }
    int r = bt_queue_push(ingest->queue, parcel);
    if (r < 0) {
        atomic_fetch_sub(&ingest->bytes, bytes);
    }
    return r;
}

int bt_ingest_submit(struct bt_ingest *ingest, struct bt_delivery *delivery, bt_ingest_done_fn done,
                     void *context)
{
    struct parcel *parcel = BT_NEW(struct parcel);
    *parcel = (struct parcel){.delivery = delivery,
                              .bytes = bt_delivery_bytes(delivery),
                              .done = done,
                              .context = context};
    int r = push(ingest, parcel);
    if (r < 0) {
        bt_metric_add(ingest->refused, 1);
        free(parcel);
    }
    return r;
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    struct bt_counted counted;
};

static void wake(const struct bt_counted *counted, void *context)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->lock);
    waiting->counted = *counted;
    waiting->done = true;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

int bt_ingest_count(struct bt_ingest *ingest, struct bt_delivery *delivery, struct bt_counted *out)
{
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    int r = bt_ingest_submit(ingest, delivery, wake, &waiting);
    if (r < 0) {
        bt_delivery_destroy(delivery);
        return r;
    }
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.done) {
        pthread_cond_wait(&waiting.changed, &waiting.lock);
    }
    pthread_mutex_unlock(&waiting.lock);
    *out = waiting.counted;
    return 0;
}

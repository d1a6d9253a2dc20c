/*
 * The engine of blobs that is a store. Writing goes to the store first, and then a copy stays here;
 * reading comes from here, after the store was asked for what is not. Streaming to a player while
 * the bytes still come would hand on what nobody has compared with the hash yet; so a blob is whole
 * and right before anybody gets a byte of it, no worker waits for it, and whoever waits longer than
 * a few seconds is told to come again. To send players to the store itself would ask of them to
 * trust another server and its certificate.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"
#include "server/http/metrics.h"
#include "server/media/blobs_engine.h"
#include "server/media/cache.h"
#include "server/media/fetching.h"

// Of an upload (server/media/tus.h) and of what it was converted to.
#define BLOB_MAX_BYTES (INT64_C(5) * 1024 * 1024 * 1024)

// Players give up after half a minute without a byte, people before.
#define PATIENCE_NS (8 * BT_NS_PER_S)
#define WORKER_PATIENCE_NS (120 * BT_NS_PER_S)
#define PROBE_NS (30 * BT_NS_PER_S)
#define PROBE_AWAY_NS (2 * BT_NS_PER_S)
#define KEY_BYTES (sizeof("blobs/ab/") + BT_SHA256_HEX_BYTES)

static const struct bt_log logger = {"server/blobs"};

struct store {
    struct bt_blobs base;
    struct bt_s3 *s3;
    struct bt_cache *cache;
    struct bt_fetching *fetching;
    struct bt_queue *rest;  // what comes through it, and closing it, ends the watcher's rest
    pthread_t watcher;
    bool has_watcher;
    struct bt_metric *hits, *misses, *wrong, *bytes;
};

static void write_key(const struct bt_sha256 *sha256, char out[KEY_BYTES])
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    (void)!bt_format(out, KEY_BYTES, "blobs/%.2s/%s", hex, hex);
}

/*
 * Fetching.
 */

static int fetch_into(struct store *store, const char *key, const struct bt_sha256 *sha256, int fd,
                      struct bt_error *err)
{
    int r = bt_s3_get(store->s3, key, sha256, BLOB_MAX_BYTES, fd, err);
    if (r != -EBADMSG) {
        return r;
    }
    // A line may have garbled it; a store that does it again is in wrong hands.
    bt_metric_add(store->wrong, 1);
    if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return bt_fail_errno(err, "Cannot write to the cache");
    }
    r = bt_s3_get(store->s3, key, sha256, BLOB_MAX_BYTES, fd, err);
    bt_metric_add(store->wrong, r == -EBADMSG);
    return r;
}

static int fetch(struct store *store, const char *key, const struct bt_sha256 *sha256,
                 struct bt_error *err)
{
    char *path = NULL;
    BT_AUTOCLOSE int fd = -1;
    struct stat status = {0};
    int r = bt_cache_begin(store->cache, &fd, &path, err);
    if (r < 0) {
        return r;
    }
    r = fetch_into(store, key, sha256, fd, err);
    if (r == 0 && fstat(fd, &status) < 0) {
        r = bt_fail_errno(err, "Cannot look at a file of the cache");
    }
    if (r < 0) {
        bt_cache_drop(path);
        return r;
    }
    bt_cache_make_room(store->cache, status.st_size);
    r = bt_cache_keep(store->cache, path, sha256, err);
    bt_metric_set(store->bytes, bt_cache_bytes(store->cache));
    return r;
}

static int fetch_one(void *owner, const struct bt_sha256 *sha256)
{
    struct store *store = owner;
    char key[KEY_BYTES];
    struct bt_error err = {0};
    int there = bt_cache_get(store->cache, sha256);  // it may have come meanwhile
    if (there >= 0) {
        close(there);
        return 0;
    }
    write_key(sha256, key);
    int r = fetch(store, key, sha256, &err);
    if (r == -EBADMSG) {
        bt_log_error(&logger, "%s; it is given to nobody", err.msg);
    } else if (r < 0 && r != -ENOENT && r != -ECANCELED && r != -EHOSTUNREACH) {
        bt_log_warn(&logger, "Cannot fetch '%s': %s; trying again when it is asked for", key,
                    err.msg);
    }
    return r;
}

static int look(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                struct bt_error *err)
{
    struct store *store = (struct store *)blobs;
    int fd = bt_cache_get(store->cache, sha256);
    bt_metric_add(fd < 0 ? store->misses : store->hits, 1);
    if (fd < 0) {
        return bt_fail(err, -EINPROGRESS, "The blob has to be fetched");
    }
    *out_fd = fd;
    return 0;
}

static int fetch_later(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                       void (*done)(void *context, int code), void *context)
{
    struct store *store = (struct store *)blobs;
    return bt_fetching_want(store->fetching, sha256, PATIENCE_NS, done, context);
}

struct patient {
    pthread_mutex_t lock;
    pthread_cond_t told;
    // Protected by lock.
    bool done;
    int code;
};

static void tell_patient(void *context, int code)
{
    struct patient *patient = context;
    pthread_mutex_lock(&patient->lock);
    patient->done = true;
    patient->code = code;
    pthread_cond_signal(&patient->told);
    pthread_mutex_unlock(&patient->lock);
}

static int wait_for(struct store *store, const struct bt_sha256 *sha256)
{
    struct patient patient = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
    int r = bt_fetching_want(store->fetching, sha256, WORKER_PATIENCE_NS, tell_patient, &patient);
    pthread_mutex_lock(&patient.lock);
    while (r == 0 && !patient.done) {
        pthread_cond_wait(&patient.told, &patient.lock);
    }
    r = r < 0 ? r : patient.code;
    pthread_mutex_unlock(&patient.lock);
    pthread_cond_destroy(&patient.told);
    pthread_mutex_destroy(&patient.lock);
    return r;
}

static int get(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
               struct bt_error *err)
{
    struct store *store = (struct store *)blobs;
    int r = look(blobs, sha256, out_fd, err);
    if (r != -EINPROGRESS) {
        return r;
    }
    r = wait_for(store, sha256);
    int fd = r < 0 ? -1 : bt_cache_get(store->cache, sha256);
    if (fd >= 0) {
        *out_fd = fd;
        return 0;
    }
    return r == -ENOENT    ? bt_fail(err, r, "There is no such blob")
           : r == -EBADMSG ? bt_fail(err, r, "The store gives other bytes for a blob")
                           : bt_fail(err, -EHOSTUNREACH, "The store does not give a blob in time");
}

/*
 * Writing.
 */

static int adopt(struct bt_blobs *blobs, const char *path, const struct bt_sha256 *sha256,
                 int64_t size, struct bt_error *err)
{
    struct store *store = (struct store *)blobs;
    char key[KEY_BYTES];
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    write_key(sha256, key);
    int r = bt_s3_put_file(store->s3, key, fd, sha256, size, err);
    if (r == 0) {
        bt_cache_adopt(store->cache, path, sha256);  // it will be asked for soon
    }
    return r;
}

static int put(struct bt_blobs *blobs, const void *bytes, size_t len,
               const struct bt_sha256 *sha256, struct bt_error *err)
{
    struct store *store = (struct store *)blobs;
    char key[KEY_BYTES];
    write_key(sha256, key);
    return bt_s3_put(store->s3, key, bytes, len, err);
}

static int check(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int64_t size,
                 struct bt_error *err)
{
    struct store *store = (struct store *)blobs;
    char key[KEY_BYTES];
    write_key(sha256, key);
    return bt_s3_get(store->s3, key, sha256, size, -1, err);
}

static int remove_blob(struct bt_blobs *blobs, const struct bt_sha256 *sha256, struct bt_error *err)
{
    struct store *store = (struct store *)blobs;
    char key[KEY_BYTES];
    write_key(sha256, key);
    bt_cache_remove(store->cache, sha256);
    return bt_s3_remove(store->s3, key, err);
}

static struct bt_s3 *store_of(struct bt_blobs *blobs)
{
    return ((struct store *)blobs)->s3;
}

/*
 * From the beginning to the end.
 */

// Says when the store goes away and when it comes back, whether anybody wants something or not.
static void *watch(void *context)
{
    struct store *store = context;
    while (!bt_queue_closed(store->rest)) {
        struct bt_error err = {0};
        int r = bt_s3_probe(store->s3, &err);
        int64_t pause_ns = r < 0 ? PROBE_AWAY_NS : PROBE_NS;
        free(bt_queue_pop_wait(store->rest, bt_clock_mono_ns(bt_clock_real()) + pause_ns));
    }
    return NULL;
}

static void wake_watcher(void *context)
{
    struct store *store = context;
    bt_queue_offer(store->rest, bt_alloc(1));
}

static void close_store(struct bt_blobs *blobs)
{
    struct store *store = (struct store *)blobs;
    if (store->s3 != NULL) {
        bt_s3_close(store->s3);
    }
    if (store->fetching != NULL) {
        bt_fetching_close(store->fetching);
    }
    bt_queue_close(store->rest);
}

static void destroy(struct bt_blobs *blobs)
{
    struct store *store = (struct store *)blobs;
    close_store(blobs);
    if (store->has_watcher) {
        pthread_join(store->watcher, NULL);
    }
    bt_fetching_destroy(store->fetching);
    bt_s3_destroy(store->s3);
    bt_cache_destroy(store->cache);
    bt_queue_destroy(store->rest);
    free(store);
}

static const struct bt_blobs_impl store_impl = {.name = "store",
                                                .adopt = adopt,
                                                .put = put,
                                                .get = get,
                                                .check = check,
                                                .remove = remove_blob,
                                                .destroy = destroy,
                                                .look = look,
                                                .fetch = fetch_later,
                                                .close = close_store,
                                                .store = store_of};

static void ask_metrics(struct store *store, struct bt_metrics *metrics)
{
    static const char reads[] = "bangtin_blob_reads", help[] = "Blobs that were asked for.";
    store->hits = bt_metrics_counter(metrics, reads, "from=\"cache\"", help);
    store->misses = bt_metrics_counter(metrics, reads, "from=\"store\"", help);
    store->wrong = bt_metrics_counter(metrics, "bangtin_blob_store_wrong", "",
                                      "Blobs for which the store gave other bytes.");
    store->bytes = bt_metrics_gauge(metrics, "bangtin_blob_cache_bytes", "",
                                    "What of the store lies on this machine.");
    bt_metric_set(store->bytes, bt_cache_bytes(store->cache));
}

static int start_watcher(struct store *store, struct bt_error *err)
{
    int r = pthread_create(&store->watcher, NULL, watch, store);
    store->has_watcher = r == 0;
    return r == 0 ? 0 : bt_fail(err, -r, "Cannot start the thread that watches the store");
}

int bt_blobs_open_store(const struct bt_store_options *options, struct bt_blobs **out,
                        struct bt_error *err)
{
    struct store *store = BT_NEW(struct store);
    BT_AUTO(bt_blobs) blobs = &store->base;
    store->base.impl = &store_impl;
    store->rest = bt_queue_create(1, free, (struct bt_waker){0});
    int r = bt_s3_open(&options->s3, &store->s3, err);
    if (r == 0) {
        bt_s3_on_doubt(store->s3, wake_watcher, store);
    }
    r = r < 0 ? r : bt_cache_open(options->cache, options->cache_bytes, &store->cache, err);
    r = r < 0 ? r : bt_fetching_start(fetch_one, store, &store->fetching, err);
    if (r == 0) {
        ask_metrics(store, options->s3.metrics);
        r = start_watcher(store, err);
    }
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(blobs);
    return 0;
}

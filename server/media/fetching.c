#include "server/media/fetching.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

#define FETCHERS 4

// Each that waits has one of the places that requests have (server/http/workers.h), so the others
// need not fear them.
#define MAX_WAITING 128
#define MAX_THINGS 512

struct waiting {
    struct waiting *next;
    int64_t until_ns;
    void (*done)(void *context, int code);
    void *context;
    int code;  // once it is told
};

struct thing {
    struct thing *next;
    struct bt_sha256 sha256;
    bool running;
    struct waiting *waiting;
};

struct bt_fetching {
    int (*fetch)(void *owner, const struct bt_sha256 *sha256);
    void *owner;
    pthread_t fetchers[FETCHERS], clerk;
    int started;  // of the fetchers
    bool has_clerk;
    pthread_mutex_t lock;  // leaf lock
    pthread_cond_t news;   // monotonic
    // Protected by lock.
    struct thing *things;  // oldest first
    size_t thing_count, waiting_count;
    bool closed;
};

static void tell(struct waiting *list)
{
    while (list != NULL) {
        struct waiting *waiting = list;
        list = list->next;
        waiting->done(waiting->context, waiting->code);
        free(waiting);
    }
}

// All who wait for it and are tired of it by then, out of its list and in front of `told`.
static struct waiting *take_waiting(struct bt_fetching *fetching, struct thing *thing,
                                    int64_t now_ns, int code, struct waiting *told)
{
    struct waiting **at = &thing->waiting;
    while (*at != NULL) {
        struct waiting *waiting = *at;
        if (waiting->until_ns > now_ns) {
            at = &waiting->next;
            continue;
        }
        *at = waiting->next;
        waiting->code = code;
        waiting->next = told;
        told = waiting;
        fetching->waiting_count--;
    }
    return told;
}

static void forget(struct bt_fetching *fetching, struct thing *thing)
{
    struct thing **at = &fetching->things;
    while (*at != thing) {
        at = &(*at)->next;
    }
    *at = thing->next;
    fetching->thing_count--;
    free(thing);
}

// With the lock held; NULL: there is nothing to do any more.
static struct thing *next_thing(struct bt_fetching *fetching)
{
    while (!fetching->closed) {
        for (struct thing *thing = fetching->things; thing != NULL; thing = thing->next) {
            if (!thing->running) {
                thing->running = true;
                return thing;
            }
        }
        pthread_cond_wait(&fetching->news, &fetching->lock);
    }
    return NULL;
}

static void *run_fetcher(void *context)
{
    struct bt_fetching *fetching = context;
    struct thing *thing;
    pthread_mutex_lock(&fetching->lock);
    while ((thing = next_thing(fetching)) != NULL) {
        pthread_mutex_unlock(&fetching->lock);
        int code = fetching->fetch(fetching->owner, &thing->sha256);
        pthread_mutex_lock(&fetching->lock);
        struct waiting *told = take_waiting(fetching, thing, INT64_MAX, code, NULL);
        forget(fetching, thing);
        pthread_mutex_unlock(&fetching->lock);
        tell(told);
        pthread_mutex_lock(&fetching->lock);
    }
    pthread_mutex_unlock(&fetching->lock);
    return NULL;
}

// The next moment at which somebody is tired of waiting.
static int64_t next_until_ns(const struct bt_fetching *fetching)
{
    int64_t until_ns = INT64_MAX;
    for (const struct thing *thing = fetching->things; thing != NULL; thing = thing->next) {
        for (const struct waiting *each = thing->waiting; each != NULL; each = each->next) {
            until_ns = BT_MIN(until_ns, each->until_ns);
        }
    }
    return until_ns;
}

static void wait_until(struct bt_fetching *fetching, int64_t until_ns)
{
    if (until_ns == INT64_MAX) {
        pthread_cond_wait(&fetching->news, &fetching->lock);
        return;
    }
    const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                   .tv_nsec = until_ns % BT_NS_PER_S};
    pthread_cond_timedwait(&fetching->news, &fetching->lock, &until);
}

// Lets those go who have waited long enough, and at the end all.
static void *run_clerk(void *context)
{
    struct bt_fetching *fetching = context;
    bool closed = false;
    while (!closed) {
        struct waiting *told = NULL;
        pthread_mutex_lock(&fetching->lock);
        if (!fetching->closed) {
            wait_until(fetching, next_until_ns(fetching));
        }
        closed = fetching->closed;
        int64_t now_ns = closed ? INT64_MAX : bt_clock_mono_ns(bt_clock_real());
        for (struct thing *thing = fetching->things; thing != NULL; thing = thing->next) {
            told = take_waiting(fetching, thing, now_ns, closed ? -ECANCELED : -EINPROGRESS, told);
        }
        pthread_mutex_unlock(&fetching->lock);
        tell(told);
    }
    return NULL;
}

static void init_news(pthread_cond_t *news)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(news, &attributes);
    pthread_condattr_destroy(&attributes);
}

int bt_fetching_start(int (*fetch)(void *owner, const struct bt_sha256 *sha256), void *owner,
                      struct bt_fetching **out, struct bt_error *err)
{
    BT_AUTO(bt_fetching) fetching = BT_NEW(struct bt_fetching);
    fetching->fetch = fetch;
    fetching->owner = owner;
    pthread_mutex_init(&fetching->lock, NULL);
    init_news(&fetching->news);
    int r = pthread_create(&fetching->clerk, NULL, run_clerk, fetching);
    fetching->has_clerk = r == 0;
    for (int i = 0; r == 0 && i < FETCHERS; i++) {
        r = pthread_create(&fetching->fetchers[i], NULL, run_fetcher, fetching);
        fetching->started += r == 0;
    }
    if (r != 0) {
        return bt_fail(err, -r, "Cannot start the threads that fetch blobs");
    }
    *out = BT_TAKE(fetching);
    return 0;
}

void bt_fetching_close(struct bt_fetching *fetching)
{
    pthread_mutex_lock(&fetching->lock);
    fetching->closed = true;
    pthread_cond_broadcast(&fetching->news);
    pthread_mutex_unlock(&fetching->lock);
    for (; fetching->started > 0; fetching->started--) {
        pthread_join(fetching->fetchers[fetching->started - 1], NULL);
    }
    if (fetching->has_clerk) {
        pthread_join(fetching->clerk, NULL);
        fetching->has_clerk = false;
    }
}

void bt_fetching_destroy(struct bt_fetching *fetching)
{
    if (fetching == NULL) {
        return;
    }
    bt_fetching_close(fetching);
    while (fetching->things != NULL) {
        forget(fetching, fetching->things);
    }
    pthread_cond_destroy(&fetching->news);
    pthread_mutex_destroy(&fetching->lock);
    free(fetching);
}

static struct thing *find(struct bt_fetching *fetching, const struct bt_sha256 *sha256)
{
    struct thing **at = &fetching->things;
    while (*at != NULL && memcmp(&(*at)->sha256, sha256, sizeof(*sha256)) != 0) {
        at = &(*at)->next;
    }
    if (*at == NULL && fetching->thing_count < MAX_THINGS) {
        *at = BT_NEW(struct thing);
        (*at)->sha256 = *sha256;
        fetching->thing_count++;
    }
    return *at;
}

static int add(struct bt_fetching *fetching, const struct bt_sha256 *sha256,
               const struct waiting *wish)
{
    if (fetching->closed) {
        return -ECANCELED;
    }
    struct thing *thing = fetching->waiting_count < MAX_WAITING ? find(fetching, sha256) : NULL;
    if (thing == NULL) {
        return -EAGAIN;
    }
    struct waiting *waiting = BT_NEW(struct waiting);
    *waiting = *wish;
    waiting->next = thing->waiting;
    thing->waiting = waiting;
    fetching->waiting_count++;
    pthread_cond_broadcast(&fetching->news);
    return 0;
}

int bt_fetching_want(struct bt_fetching *fetching, const struct bt_sha256 *sha256,
                     int64_t patience_ns, void (*done)(void *context, int code), void *context)
{
    const struct waiting wish = {.until_ns = bt_clock_mono_ns(bt_clock_real()) + patience_ns,
                                 .done = done,
                                 .context = context};
    pthread_mutex_lock(&fetching->lock);
    int r = add(fetching, sha256, &wish);
    pthread_mutex_unlock(&fetching->lock);
    return r;
}

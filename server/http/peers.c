#include "server/http/peers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"

struct bt_peer {
    struct bt_peer *next, *previous;
    _Atomic int64_t deadline_ns;
    int fd;
};

struct bt_peers {
    const struct bt_clock *clock;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;  // leaf lock
    pthread_cond_t stop;
    // Protected by lock.
    struct bt_peer *first;
    bool stopping;
};

struct bt_peer *bt_peers_add(struct bt_peers *peers, int fd)
{
    struct bt_peer *peer = BT_NEW(struct bt_peer);
    peer->fd = fd;
    bt_peer_allow(peers, peer, BT_PEER_HEADERS_NS);
    pthread_mutex_lock(&peers->lock);
    peer->next = peers->first;
    if (peers->first != NULL) {
        peers->first->previous = peer;
    }
    peers->first = peer;
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void bt_peers_remove(struct bt_peers *peers, struct bt_peer *peer)
{
    pthread_mutex_lock(&peers->lock);
    if (peer->previous != NULL) {
        peer->previous->next = peer->next;
    } else {
        peers->first = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->previous = peer->previous;
    }
    pthread_mutex_unlock(&peers->lock);
    free(peer);
}

void bt_peer_allow(struct bt_peers *peers, struct bt_peer *peer, int64_t ns)
{
    int64_t until = ns == INT64_MAX ? INT64_MAX : bt_clock_mono_ns(peers->clock) + ns;
    atomic_store_explicit(&peer->deadline_ns, until, memory_order_relaxed);
}

// The descriptor cannot have become another's: a peer leaves the list before it is closed.
static void cut_off_late_ones(struct bt_peers *peers)
{
    int64_t now_ns = bt_clock_mono_ns(peers->clock);
    for (struct bt_peer *peer = peers->first; peer != NULL; peer = peer->next) {
        if (atomic_load_explicit(&peer->deadline_ns, memory_order_relaxed) < now_ns) {
            shutdown(peer->fd, SHUT_RDWR);
            atomic_store_explicit(&peer->deadline_ns, INT64_MAX, memory_order_relaxed);
        }
    }
}

static void *watch(void *context)
{
    struct bt_peers *peers = context;
    pthread_mutex_lock(&peers->lock);
    while (!peers->stopping) {
        int64_t until = bt_clock_mono_ns(bt_clock_real()) + BT_NS_PER_S;
        const struct timespec at = {.tv_sec = until / BT_NS_PER_S, .tv_nsec = until % BT_NS_PER_S};
        if (pthread_cond_timedwait(&peers->stop, &peers->lock, &at) == ETIMEDOUT) {
            cut_off_late_ones(peers);
        }
    }
    pthread_mutex_unlock(&peers->lock);
    return NULL;
}

int bt_peers_start(const struct bt_clock *clock, struct bt_peers **out, struct bt_error *err)
{
    BT_AUTO(bt_peers) peers = BT_NEW(struct bt_peers);
    peers->clock = clock;
    pthread_mutex_init(&peers->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&peers->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    int r = pthread_create(&peers->thread, NULL, watch, peers);
    if (r != 0) {
        errno = r;
        return bt_fail_errno(err, "Cannot start a thread");
    }
    peers->started = true;
    *out = BT_TAKE(peers);
    return 0;
}

void bt_peers_destroy(struct bt_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    pthread_mutex_lock(&peers->lock);
    peers->stopping = true;
    pthread_cond_signal(&peers->stop);
    pthread_mutex_unlock(&peers->lock);
    if (peers->started) {
        pthread_join(peers->thread, NULL);
    }
    pthread_cond_destroy(&peers->stop);
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}

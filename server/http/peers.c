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
    // Protected by the list's lock.
    uint8_t looks;                // at a parked connection, so far
    uint8_t strikes;              // times in a row that it seemed to be gone
    void (*lost)(void *context);  // NULL: it is not parked
    void *context;
};

// A lost stream may be found a little later than a lost upload; there are many more.
#define LOOKS_PER_LOOK 8

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

void bt_peer_watch(struct bt_peers *peers, struct bt_peer *peer, void (*lost)(void *context),
                   void *context)
{
    pthread_mutex_lock(&peers->lock);
    peer->looks = 0;
    peer->lost = lost;
    peer->context = context;
    pthread_mutex_unlock(&peers->lock);
}

void bt_peer_unwatch(struct bt_peers *peers, struct bt_peer *peer)
{
    pthread_mutex_lock(&peers->lock);
    peer->lost = NULL;
    pthread_mutex_unlock(&peers->lock);
}

// Everything that came was read, and nothing more will come.
static bool has_gone(const struct bt_peer *peer)
{
    char byte;
    ssize_t got = recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void look_at_parked(struct bt_peer *peer)
{
    if (peer->looks++ % LOOKS_PER_LOOK == 0 && has_gone(peer)) {
        void (*lost)(void *context) = peer->lost;
        peer->lost = NULL;
        lost(peer->context);
    }
}

// Late, or gone. The first time that it seems to be gone it may just be about to be answered.
static bool is_over(struct bt_peer *peer, int64_t deadline_ns, int64_t now_ns)
{
    peer->strikes = has_gone(peer) ? (uint8_t)(peer->strikes + 1) : 0;
    return deadline_ns < now_ns || peer->strikes >= 2;
}

// The descriptor cannot have become another's: a peer leaves the list before it is closed.
static void look_at_all(struct bt_peers *peers)
{
    int64_t now_ns = bt_clock_mono_ns(peers->clock);
    for (struct bt_peer *peer = peers->first; peer != NULL; peer = peer->next) {
        int64_t deadline_ns = atomic_load_explicit(&peer->deadline_ns, memory_order_relaxed);
        if (peer->lost != NULL) {
            look_at_parked(peer);
        } else if (deadline_ns != INT64_MAX && is_over(peer, deadline_ns, now_ns)) {
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
            look_at_all(peers);
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

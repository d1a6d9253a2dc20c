#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

struct bt_queue {
    size_t capacity;        // set by create, never changed
    bt_free_fn free_item;   // likewise
    struct bt_waker waker;  // likewise
    pthread_mutex_t lock;   // leaf lock: nothing is called while it is held
    pthread_cond_t changed;
    // Protected by lock.
    void **items;  // ring
    size_t first;
    size_t count;
    bool closed;
};

struct bt_queue *bt_queue_create(size_t capacity, bt_free_fn free_item, struct bt_waker waker)
{
    struct bt_queue *queue = BT_NEW(struct bt_queue);
    queue->capacity = capacity;
    queue->free_item = free_item;
    queue->waker = waker;
    queue->items = BT_NEW_ARRAY(void *, capacity);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return queue;
}

void bt_queue_destroy(struct bt_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    for (void *item = bt_queue_pop(queue); item != NULL; item = bt_queue_pop(queue)) {
        queue->free_item(item);
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue->items);
    free(queue);
}

// False when the instant has passed.
static bool wait_changed(struct bt_queue *queue, int64_t until_ns)
{
    if (until_ns == INT64_MAX) {
        pthread_cond_wait(&queue->changed, &queue->lock);
        return true;
    }
    const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                   .tv_nsec = until_ns % BT_NS_PER_S};
    return pthread_cond_timedwait(&queue->changed, &queue->lock, &until) == 0;
}

int bt_queue_push_wait(struct bt_queue *queue, void *item, int64_t until_ns)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->count == queue->capacity && wait_changed(queue, until_ns)) {
    }
    int r = queue->closed ? -EPIPE : queue->count == queue->capacity ? -EAGAIN : 0;
    if (r == 0) {
        queue->items[(queue->first + queue->count++) % queue->capacity] = item;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    if (r == 0 && queue->waker.wake != NULL) {
        queue->waker.wake(queue->waker.context);
    }
    return r;
}

int bt_queue_push(struct bt_queue *queue, void *item)
{
    return bt_queue_push_wait(queue, item, 0);
}

void bt_queue_offer(struct bt_queue *queue, void *item)
{
    if (bt_queue_push(queue, item) < 0) {
        queue->free_item(item);
    }
}

void *bt_queue_pop_wait(struct bt_queue *queue, int64_t until_ns)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->count == 0 && wait_changed(queue, until_ns)) {
    }
    void *item = NULL;
    if (queue->count > 0) {
        item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void *bt_queue_pop(struct bt_queue *queue)
{
    return bt_queue_pop_wait(queue, 0);
}

void bt_queue_close(struct bt_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

size_t bt_queue_count(struct bt_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

bool bt_queue_closed(struct bt_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

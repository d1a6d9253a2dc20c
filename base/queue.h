/**
 * A bounded queue of pointers between threads. Any thread may push and pop.
 *
 * After a successful push the item belongs to the queue, after a pop to whoever popped it; what is
 * left at destroy is freed with the function given at create. A full queue refuses (-EAGAIN), a
 * closed one too (-EPIPE): the caller still owns the item. Popping goes on after close until the
 * queue is empty.
 *
 * The waker is called after each push, outside the lock, and may only wake: push an SDL event,
 * write an eventfd. News between threads goes up through a queue and its waker.
 */
#ifndef BT_BASE_QUEUE_H
#define BT_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_queue;

typedef void (*bt_free_fn)(void *item);

struct bt_waker {
    void (*wake)(void *context);  // NULL: nobody to wake
    void *context;                // must outlive the queue
};

struct bt_queue *bt_queue_create(size_t capacity, bt_free_fn free_item,
                                 struct bt_waker waker) BT_NODISCARD;
void bt_queue_destroy(struct bt_queue *queue);
BT_DEFINE_AUTO(bt_queue)

int bt_queue_push(struct bt_queue *queue, void *item) BT_NODISCARD;

// Pushes, or frees the item when that is impossible; for news that may be lost.
void bt_queue_offer(struct bt_queue *queue, void *item);

// Waits for room, at most until the monotonic instant (INT64_MAX: for ever). -EAGAIN on time-out.
int bt_queue_push_wait(struct bt_queue *queue, void *item, int64_t until_ns) BT_NODISCARD;

void *bt_queue_pop(struct bt_queue *queue);  // NULL when empty

// Waits for an item, at most until the monotonic instant; NULL on time-out or closed and empty.
void *bt_queue_pop_wait(struct bt_queue *queue, int64_t until_ns);

void bt_queue_close(struct bt_queue *queue);  // idempotent; wakes everybody who waits
size_t bt_queue_count(struct bt_queue *queue);
bool bt_queue_closed(struct bt_queue *queue);

#endif

/**
 * Errands: a thread for what must not be done on the render thread: reading publications, drawing
 * cards, writing a picture, waiting for other threads to end. One after the other; what came of
 * them is collected on the main thread.
 */
#ifndef BT_PLAYER_ERRANDS_H
#define BT_PLAYER_ERRANDS_H

#include "base/queue.h"

// Embedded first in each errand's own struct.
struct bt_errand {
    void (*run)(struct bt_errand *errand);                    // on the thread
    void (*finish)(struct bt_errand *errand, void *context);  // on the main thread; may be NULL
    void (*destroy)(struct bt_errand *errand);                // on either
};

struct bt_errands;

// `waker` wakes the main loop when something can be collected.
struct bt_errands *bt_errands_create(const char *name, struct bt_waker waker) BT_NODISCARD;
void bt_errands_close(struct bt_errands *errands);
void bt_errands_destroy(struct bt_errands *errands);  // waits for the one that is running
BT_DEFINE_AUTO(bt_errands)

// Takes the errand; when far too many wait already it is destroyed and not run.
void bt_errands_send(struct bt_errands *errands, struct bt_errand *errand);

// Calls `finish` of all that are done.
void bt_errands_collect(struct bt_errands *errands, void *context);

#endif

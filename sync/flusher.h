/**
 * Waits for the disk so that nobody else has to: what is in the state's log already outlives the
 * process, and this thread makes it outlive a power cut. Until then nothing is answered.
 */
#ifndef BT_SYNC_FLUSHER_H
#define BT_SYNC_FLUSHER_H

#include "base/queue.h"
#include "sync/state.h"

struct bt_flusher;

// `flushed` wakes who waits; `failed` gets the disk's error, on the thread, which then tries again.
struct bt_flusher_options {
    struct bt_state *state;  // borrowed
    void *context;
    void (*flushed)(void *context);
    void (*failed)(void *context, int r, const char *detail);
};

int bt_flusher_start(const struct bt_flusher_options *options, struct bt_flusher **out,
                     struct bt_error *err) BT_NODISCARD;
void bt_flusher_destroy(struct bt_flusher *flusher);  // waits for the flush that is under way
BT_DEFINE_AUTO(bt_flusher)

// Something was written. Never waits.
void bt_flusher_wake(struct bt_flusher *flusher);

#endif

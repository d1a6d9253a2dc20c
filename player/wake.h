// Wakes the main loop out of its sleep: an eventfd that other threads write to.
#ifndef BT_PLAYER_WAKE_H
#define BT_PLAYER_WAKE_H

#include "base/error.h"
#include "base/queue.h"

struct bt_wake;

int bt_wake_open(struct bt_wake **out, struct bt_error *err) BT_NODISCARD;
void bt_wake_destroy(struct bt_wake *wake);
BT_DEFINE_AUTO(bt_wake)

struct bt_waker bt_wake_waker(struct bt_wake *wake);  // for queues
int bt_wake_fd(const struct bt_wake *wake);           // readable once it was woken
void bt_wake_clear(struct bt_wake *wake);

#endif

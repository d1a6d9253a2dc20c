/**
 * The transfer thread: fetches assets into the store, two at a time at most, those that are due
 * first first. A transfer that is interrupted goes on at the byte; one that stalls is given up and
 * tried again; nothing here ever holds up an order. Wants come from the repository thread.
 */
#ifndef BT_SYNC_TRANSFERS_H
#define BT_SYNC_TRANSFERS_H

#include "sync/inside.h"
#include "sync/wanted.h"

// create makes it (also when it fails, for destroy), run starts the thread.
int bt_transfers_create(struct bt_sync *sync, struct bt_transfers **out,
                        struct bt_error *err) BT_NODISCARD;
int bt_transfers_run(struct bt_transfers *transfers, struct bt_error *err) BT_NODISCARD;
void bt_transfers_close(struct bt_transfers *transfers);
void bt_transfers_join(struct bt_transfers *transfers);  // until its thread has ended
void bt_transfers_destroy(struct bt_transfers *transfers);

// Replaces what is wanted (copied, in the order of bt_wanted_sort). Transfers of what is not wanted
// any more are given up; what they brought stays.
void bt_transfers_want(struct bt_transfers *transfers, const struct bt_wanted *wanted);

// Bytes of the disk that assets leave free, on whatever way they come.
int64_t bt_transfers_reserve(struct bt_sync *sync);

// Bytes that came as assets since the start, whether they were new or not.
int64_t bt_transfers_received(struct bt_transfers *transfers);

#endif

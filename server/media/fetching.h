/**
 * What is being fetched: each thing once, however many want it, by a few threads. Whoever waits is
 * told when it is there, has failed, or when it takes longer than anybody should be kept waiting;
 * fetching goes on for those who come again. Both are bounded.
 */
#ifndef BT_SERVER_MEDIA_FETCHING_H
#define BT_SERVER_MEDIA_FETCHING_H

#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct bt_fetching;

// `fetch` brings it here, on a thread of its own.
int bt_fetching_start(int (*fetch)(void *owner, const struct bt_sha256 *sha256), void *owner,
                      struct bt_fetching **out, struct bt_error *err) BT_NODISCARD;
// Whoever waits is told: -ECANCELED. Joins, so `fetch` has to end by itself: nothing is called any
// more when it returns. By one thread.
void bt_fetching_close(struct bt_fetching *fetching);
void bt_fetching_destroy(struct bt_fetching *fetching);
BT_DEFINE_AUTO(bt_fetching)

/**
 * `done` is called once, on another thread, perhaps before this returns: with what fetch returned,
 * or -EINPROGRESS after `patience_ns`. -EAGAIN too many wait, -ECANCELED closed; `done` is not
 * called.
 */
int bt_fetching_want(struct bt_fetching *fetching, const struct bt_sha256 *sha256,
                     int64_t patience_ns, void (*done)(void *context, int code),
                     void *context) BT_NODISCARD;

#endif

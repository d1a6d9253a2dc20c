/**
 * Which assets are to be fetched, and in which order: emergencies first, then what is due first.
 * Pure.
 */
#ifndef BT_SYNC_WANTED_H
#define BT_SYNC_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "sync/documents.h"

struct bt_want {
    struct bt_sha256 sha256;
    int64_t size;
    int64_t due_ms;  // UTC; when it may be shown first; INT64_MIN: now
    bool emergency;  // a template's: no budget and no window holds it back
};

struct bt_wanted {
    struct bt_want *list;  // owned
    size_t count, capacity;
};

void bt_wanted_finish(struct bt_wanted *wanted);

/**
 * Adds the assets of the documents that `has` does not say are there: a publication that is
 * activated at a time is due then, its items not before their own dates.
 */
void bt_wanted_add(struct bt_wanted *wanted, const struct bt_documents *documents,
                   bool (*has)(const struct bt_asset *asset, void *context), void *context);

// One that is nobody's content: after all others, and not due at any time.
void bt_wanted_add_last(struct bt_wanted *wanted, const struct bt_sha256 *sha256, int64_t size);

// Merges what was added more than once, and brings all into order.
void bt_wanted_sort(struct bt_wanted *wanted);

/**
 * Whether it may be fetched at this time: not due for longer than `soon_ms`, it waits for the
 * window (minutes of the local day; equal: always open).
 */
struct bt_fetch_window {
    int from_min, until_min;
    int64_t soon_ms;
};
bool bt_want_is_open(const struct bt_want *want, const struct bt_fetch_window *window,
                     int64_t now_ms, int32_t offset_s);

#endif

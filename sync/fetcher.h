/**
 * How the TUF client fetches: GET below /tuf/ from the server of the moment, one after the other,
 * with the timestamp asked for conditionally. Belongs to the repository thread.
 */
#ifndef BT_SYNC_FETCHER_H
#define BT_SYNC_FETCHER_H

#include "sync/inside.h"
#include "sync/wire.h"

struct bt_fetcher {
    struct bt_sync *sync;  // borrowed
    struct bt_wire wire;
    struct bt_buf timestamp;  // the last one, and its ETag
    char etag[128];
};

int bt_fetcher_init(struct bt_fetcher *fetcher, struct bt_sync *sync,
                    struct bt_error *err) BT_NODISCARD;
void bt_fetcher_finish(struct bt_fetcher *fetcher);

// What came last was no good: ask for the timestamp without conditions.
void bt_fetcher_forget(struct bt_fetcher *fetcher);

// For struct bt_tuf_fetcher. -ENETUNREACH: no answer; -ENOENT: 404 or 403.
int bt_fetcher_fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err);

#endif

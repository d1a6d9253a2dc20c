/**
 * Where news comes from and answers go: sync in a player that is paired, a script in tests. The
 * functions are called from the main loop and never wait (see sync/sync.h).
 */
#ifndef BT_PLAYER_NEWS_SOURCE_H
#define BT_PLAYER_NEWS_SOURCE_H

#include "base/queue.h"
#include "sync/news.h"
#include "sync/sync.h"

struct bt_news_source {
    struct bt_queue *news;  // of struct bt_news *; borrowed
    void *context;
    void (*done)(void *context, int64_t number, enum bt_order_state state, const char *detail);
    void (*pong)(void *context, int64_t ping);
    // Takes png (malloc), and answers the order itself: who is told that it is done asks for the
    // picture at once.
    void (*screenshot)(void *context, int64_t number, void *png, size_t len);
    void (*set_status)(void *context, const char *json);
    void (*content_is_on)(void *context);
    void (*asset_is_damaged)(void *context, const struct bt_sha256 *sha256);  // from any thread
};

#endif

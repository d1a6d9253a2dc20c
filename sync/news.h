/**
 * News from the sync threads to the player's main loop: what was verified and may be acted upon.
 * They come through one bounded queue, in the order in which they count. What removes comes at once
 * and is on the disk before it is answered; what shows is on the disk before it comes.
 *
 * A life begins with what was kept: blank, volume and light as orders with the number 0, the last
 * content, and orders that were not answered in the life before.
 */
#ifndef BT_SYNC_NEWS_H
#define BT_SYNC_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sha256.h"

enum bt_news_kind {
    BT_NEWS_PAIRING,  // show code, address for the QR, words
    BT_NEWS_PAIRED,   // content is on its way
    BT_NEWS_UNBOUND,  // paired, but nobody signed yet that this player may show the screen
    BT_NEWS_CONTENT,  // a complete set of verified publications, all assets there: what is shown
                      // from now on. `assets` and `items` name all that is taken down and not
                      // lifted by then: it is not shown although publications name it. No
                      // publications at all: everything was withdrawn, the safe card is due
    BT_NEWS_ORDER,    // see enum bt_order_kind
    BT_NEWS_PING,     // answer with bt_sync_pong when the loop gets to it
};

enum bt_order_kind {
    BT_ORDER_TAKEDOWN,
    BT_ORDER_EMERGENCY_END,
    BT_ORDER_SCREENSHOT,
    BT_ORDER_BLANK,
    BT_ORDER_UNBLANK,
    BT_ORDER_IDENTIFY,
    BT_ORDER_RESTART,
    BT_ORDER_VOLUME,
    BT_ORDER_BRIGHTNESS,
    BT_ORDER_EMERGENCY,  // its content comes as CONTENT; this asks whether it is on the screen
};

// One verified publication as its exact text.
struct bt_news_publication {
    char target[192];  // "u/31333/quang-truong", without ".json"
    char *text;        // owned
    size_t len;
    int64_t threshold;  // of the role that signed it
};

struct bt_taken_item {
    char publication[64], item[64];
};

struct bt_news {
    enum bt_news_kind kind;
    // PAIRING
    char code[16], words[64], url[512];
    // CONTENT. With `id` the last publication is that emergency's filled-in template.
    struct bt_news_publication *publications;  // owned
    size_t publication_count;
    bool demo;    // draw the demo mark
    bool urgent;  // change over now, whatever the publications' own `activate` says (emergency, its
                  // end)
    char unit[64], screen[64];
    // ORDER
    enum bt_order_kind order;
    int64_t number;  // for bt_sync_done
    int64_t value;   // percent, seconds, or until_ms
    char id[64];     // of the takedown or emergency; CONTENT: of the emergency it shows, "": none
    struct bt_sha256 *assets;  // TAKEDOWN, CONTENT; owned
    size_t asset_count;
    struct bt_taken_item *items;  // TAKEDOWN, CONTENT; owned. By the publication's id, not target
    size_t item_count;
    // PING
    int64_t ping;
};

struct bt_news *bt_news_create(enum bt_news_kind kind) BT_NODISCARD;
void bt_news_destroy(struct bt_news *news);
BT_DEFINE_AUTO(bt_news)

#endif

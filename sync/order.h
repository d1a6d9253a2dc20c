/**
 * Orders as the server writes them (docs/protocol.md, "Orders"), read and bounded. Pure.
 */
#ifndef BT_SYNC_ORDER_H
#define BT_SYNC_ORDER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "sync/news.h"

#define BT_ORDER_MAX_ASSETS 1024
#define BT_ORDER_MAX_ITEMS 1024
#define BT_ACTIVATION_MAX_BYTES 4096

enum bt_instruction {
    BT_INSTRUCTION_TAKEDOWN,
    BT_INSTRUCTION_EMERGENCY,
    BT_INSTRUCTION_EMERGENCY_END,
    BT_INSTRUCTION_SCREENSHOT,
    BT_INSTRUCTION_BLANK,
    BT_INSTRUCTION_UNBLANK,
    BT_INSTRUCTION_IDENTIFY,
    BT_INSTRUCTION_RESTART,
    BT_INSTRUCTION_VOLUME,
    BT_INSTRUCTION_BRIGHTNESS,
    BT_INSTRUCTION_UNKNOWN,  // to be refused; `problem` says why
};

struct bt_order {
    int64_t n;  // >= 1
    enum bt_instruction what;
    char kind[32];             // the server's word, cut
    char id[64];               // of the takedown or emergency
    int64_t value;             // percent, seconds, until_ms or at_ms
    struct bt_sha256 *assets;  // owned
    size_t asset_count;
    struct bt_taken_item *items;  // owned
    size_t item_count;
    char *activation;  // EMERGENCY: the signed text, at most BT_ACTIVATION_MAX_BYTES; owned
    char problem[160];
};

/**
 * Reads one order. An order that cannot be obeyed (unknown kind, a key missing) is
 * BT_INSTRUCTION_UNKNOWN with its problem, so that it is answered; -EINVAL only when it has no
 * usable number.
 */
int bt_order_read(const cJSON *object, struct bt_order **out, struct bt_error *err) BT_NODISCARD;
void bt_order_destroy(struct bt_order *order);
BT_DEFINE_AUTO(bt_order)

// Obeyed first and written down after: what only removes may not wait for a slow disk.
bool bt_instruction_removes(enum bt_instruction what);

// The order as the main loop gets it, or NULL for those it has nothing to do with.
struct bt_news *bt_order_news(const struct bt_order *order) BT_NODISCARD;

#endif

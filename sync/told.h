/**
 * told.json of a stick (docs/usb.md): what the server says of its own, whose hash its word names:
 * takedowns that were given, and how far journals are counted. Read and bounded; who said it is not
 * asked here. Pure.
 */
#ifndef BT_SYNC_TOLD_H
#define BT_SYNC_TOLD_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "sync/order.h"

#define BT_TOLD_MAX_TAKEDOWNS 1024
#define BT_TOLD_MAX_COUNTED 8192

struct bt_told {
    cJSON *json;  // owned
};

int bt_told_parse(const char *text, size_t len, struct bt_told *out,
                  struct bt_error *err) BT_NODISCARD;
void bt_told_finish(struct bt_told *told);

/**
 * The next takedown that holds in the unit, as an order without a number (0) and the text that is
 * kept of it: 1; 0 when there is none left. `cursor` begins as NULL. What cannot be read is left
 * out. Both are the caller's.
 */
int bt_told_next_takedown(const struct bt_told *told, const char *unit, const cJSON **cursor,
                          struct bt_order **out, char **out_body) BT_NODISCARD;

// How far the server has counted a journal of the player: 0, or -ENOENT.
int bt_told_counted(const struct bt_told *told, const char *player, const char *journal,
                    int64_t *out_seq, struct bt_sha256 *out_hash) BT_NODISCARD;

#endif

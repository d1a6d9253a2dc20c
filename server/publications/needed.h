/**
 * Which takedowns are still needed by a player that was away: those of what some published document
 * shows whose time is not over. Takedowns are added, documents are seen, takedowns are asked for,
 * in this order. Pure.
 */
#ifndef BT_SERVER_PUBLICATIONS_NEEDED_H
#define BT_SERVER_PUBLICATIONS_NEEDED_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_needed;

struct bt_needed *bt_needed_create(void) BT_NODISCARD;
void bt_needed_destroy(struct bt_needed *needed);
BT_DEFINE_AUTO(bt_needed)

// The next takedown, from number 0: hashes, and {publication, item}, as they are stored.
void bt_needed_add(struct bt_needed *needed, const cJSON *assets, const cJSON *items);

// A document that was published at some time; one whose `valid` is over shows nothing any more.
void bt_needed_see(struct bt_needed *needed, const cJSON *document, int64_t now_ms);

bool bt_needed_has(const struct bt_needed *needed, size_t number);

#endif

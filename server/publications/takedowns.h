/**
 * What was taken down: a document that names it again must lift it by id, or players refuse it. A
 * takedown holds for its unit and all below it.
 */
#ifndef BT_SERVER_PUBLICATIONS_TAKEDOWNS_H
#define BT_SERVER_PUBLICATIONS_TAKEDOWNS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/publications/desk.h"

/**
 * Does the document show what a takedown names? `assets` lists hashes, `items` {publication, item}.
 * Pure.
 */
bool bt_takedown_hits(const cJSON *assets, const cJSON *items, const cJSON *document);

// Does its "lifts" name the takedown? Pure.
bool bt_takedown_is_lifted(const cJSON *document, const char *id);

// -EINVAL when the document shows something taken down above its unit without lifting it.
int bt_takedowns_check(struct bt_db *db, const struct bt_unit_facts *unit, const char *text,
                       struct bt_error *err) BT_NODISCARD;

// Remembers which takedowns a published document lifts.
int bt_takedowns_lift(struct bt_db *db, int64_t now_ms, const char *target, const char *text,
                      struct bt_error *err) BT_NODISCARD;

#endif

/**
 * When each version of a document was first shown on a screen: what "minutes from approval to the
 * first play" is computed from. Whoever counts records says when plays began; rows are written
 * in the transaction of the counts, and only when they say something new: what was written lately
 * is remembered. Belongs to one thread.
 */
#ifndef BT_SERVER_REPORTS_FIRST_H
#define BT_SERVER_REPORTS_FIRST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "server/db/db.h"

struct bt_firsts;
struct bt_firsts *bt_firsts_create(void) BT_NODISCARD;
void bt_firsts_destroy(struct bt_firsts *firsts);
BT_DEFINE_AUTO(bt_firsts)

// A play of this version began on the screen at start_ms, by a clock that can be trusted.
void bt_firsts_add(struct bt_firsts *firsts, const char *screen, const char *publication,
                   int64_t version, int64_t start_ms);

// Adds what is new to play_first; what stands there already and is earlier stays.
int bt_firsts_write(struct bt_firsts *firsts, struct bt_db *db, struct bt_error *err) BT_NODISCARD;

// The transaction is over: what was written is on the disk, or none of it.
void bt_firsts_clear(struct bt_firsts *firsts, bool committed);

#endif

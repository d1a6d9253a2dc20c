/**
 * The plays thread: sends the journal home (docs/plays.md, "Coming home") over a connection and a
 * session of its own, so that it never holds up an order or a download. Asks how far the server has
 * counted, sends what follows, and believes only an answer that fits its own chain. Journals that
 * were set aside as damaged go first, as far as they can be read. What waits is the journal: a
 * process that is killed loses nothing here.
 */
#ifndef BT_SYNC_PLAYS_H
#define BT_SYNC_PLAYS_H

#include <cjson/cJSON.h>

#include "sync/inside.h"

// create makes it (also when it fails, for destroy), run starts the thread. Without a journal in
// the options it has nothing to do.
int bt_plays_create(struct bt_sync *sync, struct bt_plays **out, struct bt_error *err) BT_NODISCARD;
int bt_plays_run(struct bt_plays *plays, struct bt_error *err) BT_NODISCARD;
void bt_plays_close(struct bt_plays *plays);
void bt_plays_join(struct bt_plays *plays);  // until its thread has ended
void bt_plays_destroy(struct bt_plays *plays);

// Adds {"plays": {"last", "counted", "since_ms"}}, of it what is known.
void bt_plays_status(struct bt_plays *plays, cJSON *status);

#endif

/**
 * The status document (docs/protocol.md, "Status"): what the player's main loop says of itself, and
 * what sync knows.
 */
#ifndef BT_SYNC_STATUS_H
#define BT_SYNC_STATUS_H

#include "sync/inside.h"

/**
 * Writes it. `player` is the main loop's part (JSON object as text) or NULL. *out_said is a hash of
 * what is worth saying again: without the time and what always counts on.
 */
int bt_status_write(struct bt_sync *sync, const char *player, int64_t clock_offset_ms,
                    struct bt_buf *out, struct bt_sha256 *out_said,
                    struct bt_error *err) BT_NODISCARD;

#endif

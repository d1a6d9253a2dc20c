/**
 * The status document (docs/protocol.md, "Status"): what the player's main loop says of itself, and
 * what sync knows.
 */
#ifndef BT_SYNC_STATUS_H
#define BT_SYNC_STATUS_H

#include "sync/gauges.h"
#include "sync/inside.h"

/**
 * Writes it. `player` is the main loop's part (JSON object as text) or NULL. *out_said is what is
 * worth saying again: a hash without the time and what always counts on, and the gauges.
 */
struct bt_status_said {
    struct bt_sha256 calm;
    struct bt_gauges gauges;
};
int bt_status_write(struct bt_sync *sync, const char *player, int64_t clock_offset_ms,
                    struct bt_buf *out, struct bt_status_said *out_said,
                    struct bt_error *err) BT_NODISCARD;

#endif

/**
 * The archive: batches of plays that came yesterday or before move from the database into packs,
 * and what is older than people want goes away.
 *
 * A pack is a blob: the bodies of batches exactly as they came, one after the other; of one day (of
 * Viet Nam) and of players that follow one another. It is written, synced and read back before the
 * first row forgets its body, and rows do so a few at a time, so that counting goes on beside it. A
 * crash leaves rows with a body, which are packed the next time, and at worst a blob that nobody
 * names; from the same rows comes the same pack again.
 */
#ifndef BT_SERVER_CARE_ARCHIVE_H
#define BT_SERVER_CARE_ARCHIVE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "server/db/db.h"
#include "server/server.h"

#define BT_PACK_MAX_BYTES (8 << 20)
#define BT_PACK_MAX_BATCHES 4000

struct bt_archive_state {
    int64_t packed_day, swept_day;  // nothing more is to be done today; begins as {0}
};

// Everything that is due. Ends early when `stopping` becomes true.
int bt_archive_round(struct bt_server *server, struct bt_db *db, struct bt_archive_state *state,
                     const atomic_bool *stopping, struct bt_error *err) BT_NODISCARD;

// Its parts. Packs all days before `today` (since 1970-01-01, Viet Nam).
int bt_archive_pack(struct bt_server *server, struct bt_db *db, int64_t today,
                    const atomic_bool *stopping, struct bt_error *err) BT_NODISCARD;
int bt_archive_sweep(struct bt_server *server, struct bt_db *db, int64_t now_ms,
                     const atomic_bool *stopping, struct bt_error *err) BT_NODISCARD;

#endif

/**
 * Batches as they leave the player, by whatever way: its id and its moment in the header, its
 * signature over it. Private to sync/.
 */
#ifndef BT_SYNC_PLAYS_SEAL_H
#define BT_SYNC_PLAYS_SEAL_H

#include "plays/packer.h"
#include "sync/inside.h"

// Of now, with the trust in the clock.
struct bt_record_moment bt_plays_moment(const struct bt_sync *sync);

// Fills in the player and the boot, signs, and appends the packed batch.
int bt_plays_seal(struct bt_sync *sync, struct bt_pack *pack, const char *boot, struct bt_buf *out,
                  struct bt_error *err) BT_NODISCARD;

#endif

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

// Fills in the player and the boot, signs, and appends the packed batch. Takes no lock.
int bt_plays_seal(const struct bt_private_key *key, const char *player, const char *boot,
                  struct bt_pack *pack, struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

/**
 * What dates a batch that is on its way for days, in the place of the moment at which it will be
 * received: the player's own clock, where it is trusted. Where it is not, nothing does: the batch
 * is told to say `more`, and the boot to be named in it belongs to no record.
 */
const char *bt_plays_date(struct bt_batch_header *header, const char *boot) BT_NODISCARD;

#endif

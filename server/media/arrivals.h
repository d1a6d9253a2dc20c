/**
 * Blobs that come before the row that names them. A store may take its time, so they come while no
 * transaction is open; and whoever brings one may die before it is named. So a note of it is there
 * first: what was noted and never named is removed a day later, and nothing that is named ever is.
 *
 *     in a transaction: bt_arrival_begin; then the blob; in another one: name it, bt_arrival_end.
 *
 * Only what `asset` names comes this way.
 */
#ifndef BT_SERVER_MEDIA_ARRIVALS_H
#define BT_SERVER_MEDIA_ARRIVALS_H

#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"
#include "server/ids.h"
#include "server/server.h"

// In a transaction. -EBUSY: the same blob, which nobody had named, is being removed right now.
int bt_arrival_begin(struct bt_db *db, const char *sha256_hex, int64_t now_ms,
                     char out_id[BT_SERVER_ID_BYTES], struct bt_error *err) BT_NODISCARD;

// In the transaction that names it. -ESTALE: it came so slowly that it was removed.
int bt_arrival_end(struct bt_db *db, const char *id, struct bt_error *err) BT_NODISCARD;

// Removes what nobody came to name, as of `now_ms`. Several servers may at once; -EAGAIN: the rest
// the next time. -EIO: some cannot be removed, and are tried a day later; the others are gone.
// -EHOSTUNREACH, -ECANCELED: the store did not answer; the one it was asked for may not come again
// until that can no longer remove it, the rest the next time.
int bt_arrivals_sweep(struct bt_server *server, struct bt_db *db, int64_t now_ms,
                      struct bt_error *err) BT_NODISCARD;

#endif

/**
 * The bytes of a kept batch, wherever they lie. All who read batches do it here.
 */
#ifndef BT_SERVER_PLAYS_BATCH_BODY_H
#define BT_SERVER_PLAYS_BATCH_BODY_H

#include "base/buf.h"
#include "base/error.h"
#include "server/db/db.h"
#include "server/server.h"

// What a question about play_batch must begin with, and where it then stands.
#define BT_BATCH_COLUMNS "first_seq, last_seq, received_ms, body, pack, pack_at, pack_len"
enum bt_batch_column { BT_BATCH_FIRST_SEQ, BT_BATCH_LAST_SEQ, BT_BATCH_RECEIVED_MS };

// Appends them. -ENODATA: the batch is not kept any more.
int bt_batch_body(struct bt_server *server, const struct bt_db_rows *rows, struct bt_buf *out,
                  struct bt_error *err) BT_NODISCARD;

#endif

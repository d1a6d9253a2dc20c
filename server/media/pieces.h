/**
 * The quarantine of servers that share a store: what came of an upload lies there in pieces, one
 * for each request, below "quarantine/". The database says which there are, with their hashes, so
 * that any server goes on where another one has ended, and what the store gives back is what came.
 */
#ifndef BT_SERVER_MEDIA_PIECES_H
#define BT_SERVER_MEDIA_PIECES_H

#include "base/error.h"
#include "server/db/db.h"
#include "server/http/call.h"
#include "server/server.h"

// How far an upload has come.
int bt_pieces_received(struct bt_db *db, const char *upload, int64_t *out,
                       struct bt_error *err) BT_NODISCARD;

/**
 * What lies in fd, from its beginning, is the piece at `at`: it is put into the store, then into
 * the database. Holds no transaction while it waits for the store. -ESTALE: the upload goes on
 * elsewhere by now; -EHOSTUNREACH as of the store.
 */
int bt_pieces_add(struct bt_call *call, const char *upload, int64_t at, int fd,
                  struct bt_error *err) BT_NODISCARD;

// All of it into a new file, unless it lies there whole and came in no pieces. -EBADMSG: the store
// gives other bytes; -ENODATA: a piece is gone for good.
int bt_pieces_collect(struct bt_server *server, struct bt_db *db, const char *upload,
                      const char *path, struct bt_error *err) BT_NODISCARD;

// Removes pieces whose upload has ended, and those that never came.
int bt_pieces_sweep(struct bt_server *server, struct bt_db *db, struct bt_error *err) BT_NODISCARD;

#endif

/**
 * The quarantine of servers that share a store: what came of an upload lies there in pieces, one
 * for each request, below "quarantine/". The database says which there are, with their hashes, so
 * that any server goes on where another one has ended, and what the store gives back is what came.
 */
#ifndef BT_SERVER_MEDIA_PIECES_H
#define BT_SERVER_MEDIA_PIECES_H

#include "base/error.h"
#include "base/sha256.h"
#include "server/db/db.h"
#include "server/http/call.h"
#include "server/server.h"

// How far an upload has come.
int bt_pieces_received(struct bt_db *db, const char *upload, int64_t *out,
                       struct bt_error *err) BT_NODISCARD;

#define BT_PIECE_OBJECT_BYTES 96

struct bt_piece {
    const char *upload;  // borrowed
    char object[BT_PIECE_OBJECT_BYTES];
    struct bt_sha256 sha256;
    int64_t at, size;
};

/**
 * What lies in fd, from its beginning, is the piece at `at`: brings it into the store. It counts
 * only when it is noted. Holds no transaction while it waits for the store. -EHOSTUNREACH as of the
 * store; an empty piece has nothing to bring.
 */
int bt_piece_bring(struct bt_call *call, const char *upload, int64_t at, int fd,
                   struct bt_piece *out, struct bt_error *err) BT_NODISCARD;

// In a transaction: it is a part of the upload from now on. -ESTALE: that goes on elsewhere by now.
int bt_piece_note(struct bt_db *db, const struct bt_piece *piece,
                  struct bt_error *err) BT_NODISCARD;

// It was brought and will not be noted: it may be swept.
void bt_piece_give_up(struct bt_call *call, struct bt_piece *piece);

// All of it into a new file, unless it lies there whole and came in no pieces. -EBADMSG: the store
// gives other bytes; -ENODATA: a piece is gone for good.
int bt_pieces_collect(struct bt_server *server, struct bt_db *db, const char *upload,
                      const char *path, struct bt_error *err) BT_NODISCARD;

// Removes pieces whose upload has ended, and those that never came.
int bt_pieces_sweep(struct bt_server *server, struct bt_db *db, struct bt_error *err) BT_NODISCARD;

#endif

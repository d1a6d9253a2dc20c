#include "server/media/pieces.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/http/transaction.h"
#include "server/media/blobs.h"

#define CHUNK_BYTES 65536
#define NAME_BYTES 8

// A piece is in the store, or has failed, long before.
#define NEVER_CAME_MS BT_MS_PER_DAY
#define SWEPT_AT_ONCE 100

int bt_pieces_received(struct bt_db *db, const char *upload, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT at + size FROM upload_piece WHERE upload = $1 AND state = 'here'"
                      " ORDER BY at DESC LIMIT 1",
                      BT_TEXT(upload));
    if (r == 0) {
        *out = bt_db_next(rows) ? bt_db_get_int(rows, 0) : 0;
    }
    return r;
}

/*
 * Adding one.
 */

static int describe(struct bt_piece *piece, int fd, struct bt_error *err)
{
    struct stat status;
    uint8_t name[NAME_BYTES];
    char hex[2 * NAME_BYTES + 1];
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    if (fstat(fd, &status) < 0) {
        return bt_fail_errno(err, "Cannot look at a piece of an upload");
    }
    piece->size = status.st_size;
    for (int64_t at = 0; at < piece->size;) {
        ssize_t got = pread(fd, chunk, CHUNK_BYTES, at);
        if (got <= 0) {
            return bt_fail(err, -EIO, "Cannot read a piece of an upload");
        }
        bt_hasher_add(hasher, chunk, (size_t)got);
        at += got;
    }
    piece->sha256 = bt_hasher_result(hasher);
    randombytes_buf(name, sizeof(name));
    bt_hex(name, sizeof(name), hex);
    return bt_format(piece->object, sizeof(piece->object), "quarantine/%s/%s", piece->upload, hex);
}

static int note_coming(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct bt_piece *piece = context;
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(piece->sha256.bytes, BT_SHA256_BYTES, hex);
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "INSERT INTO upload_piece (object, upload, at, size, sha256, state,"
                          " made_ms) VALUES ($1, $2, $3, $4, $5, 'coming', $6)",
                          BT_TEXT(piece->object), BT_TEXT(piece->upload), BT_INT(piece->at),
                          BT_INT(piece->size), BT_TEXT(hex), BT_INT(bt_call_now_ms(call)));
    return r < 0 ? (int)r : 0;
}

int bt_piece_note(struct bt_db *db, const struct bt_piece *piece, struct bt_error *err)
{
    int64_t received = 0;
    int64_t r = piece->size == 0 ? 1 : bt_pieces_received(db, piece->upload, &received, err);
    if (r != 0) {
        return (int)BT_MIN(r, INT64_C(0));
    }
    if (received != piece->at) {
        return bt_fail(err, -ESTALE, "The upload has gone on elsewhere");
    }
    r = bt_db_run(db, err,
                  "UPDATE upload_piece SET state = 'here' WHERE object = $1 AND EXISTS"
                  " (SELECT 1 FROM upload WHERE id = $2 AND state = 'receiving')",
                  BT_TEXT(piece->object), BT_TEXT(piece->upload));
    return r == 0 ? bt_fail(err, -ESTALE, "The upload has ended") : (int)BT_MIN(r, INT64_C(0));
}

// The sweep would find it, a day later.
static int age(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct bt_piece *piece = context;
    int64_t r =
        bt_db_run(bt_call_db(call), err, "UPDATE upload_piece SET made_ms = 0 WHERE object = $1",
                  BT_TEXT(piece->object));
    return r < 0 ? (int)r : 0;
}

void bt_piece_give_up(struct bt_call *call, struct bt_piece *piece)
{
    struct bt_error ignored = {0};
    if (piece->size > 0) {
        (void)!bt_call_write(call, age, piece, &ignored);
    }
}

int bt_piece_bring(struct bt_call *call, const char *upload, int64_t at, int fd,
                   struct bt_piece *out, struct bt_error *err)
{
    struct bt_s3 *store = bt_blobs_store(bt_call_server(call)->blobs);
    *out = (struct bt_piece){.upload = upload, .at = at};
    int r = describe(out, fd, err);
    if (r < 0 || out->size == 0) {
        return r;
    }
    r = bt_call_write(call, note_coming, out, err);
    if (r < 0) {
        return r;
    }
    bt_call_let_go(call);
    r = bt_s3_put_file(store, out->object, fd, &out->sha256, out->size, err);
    if (r < 0) {
        bt_piece_give_up(call, out);
    }
    return r;
}

/*
 * All together.
 */

static int collect_one(struct bt_s3 *store, const struct bt_db_rows *row, int fd,
                       struct bt_error *err)
{
    struct bt_sha256 sha256;
    if (bt_unhex(bt_db_get_text(row, 3), sha256.bytes, BT_SHA256_BYTES) < 0) {
        return bt_fail(err, -EIO, "The hash of a piece is none");
    }
    int r = bt_s3_get(store, bt_db_get_text(row, 0), &sha256, bt_db_get_int(row, 2), fd, err);
    return r == -ENOENT ? bt_fail(err, -ENODATA, "A piece is gone") : r;
}

// It came while this server kept what comes in a folder, and lies there.
static int is_whole(struct bt_db *db, const char *upload, const char *path, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct stat status;
    int r = bt_db_ask(db, &rows, err, "SELECT size FROM upload WHERE id = $1", BT_TEXT(upload));
    return r < 0 ? r
                 : bt_db_next(rows) && lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
                       status.st_size == bt_db_get_int(rows, 0);
}

// What a server that was killed has left may be a blob of the cache, too: it is not written over.
static int open_new(const char *path)
{
    if (access(path, F_OK) == 0) {
        unlink(path);
    }
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
}

int bt_pieces_collect(struct bt_server *server, struct bt_db *db, const char *upload,
                      const char *path, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t end = 0;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT object, at, size, sha256 FROM upload_piece WHERE upload = $1"
                      " AND state = 'here' ORDER BY at",
                      BT_TEXT(upload));
    if (r < 0) {
        return r;
    }
    bool more = bt_db_next(rows);
    r = more ? 0 : is_whole(db, upload, path, err);
    if (r != 0) {
        return BT_MIN(r, 0);
    }
    BT_AUTOCLOSE int fd = open_new(path);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    for (; r == 0 && more; more = bt_db_next(rows)) {
        r = bt_db_get_int(rows, 1) == end
                ? collect_one(bt_blobs_store(server->blobs), rows, fd, err)
                : bt_fail(err, -ENODATA, "A piece of the upload '%s' is missing", upload);
        end += bt_db_get_int(rows, 2);
    }
    return r;
}

/*
 * When an upload has ended.
 */

static int remove_one(struct bt_s3 *store, struct bt_db *db, const char *object,
                      struct bt_error *err)
{
    int r = bt_s3_remove(store, object, err);
    int64_t gone =
        r < 0 ? r
              : bt_db_run(db, err, "DELETE FROM upload_piece WHERE object = $1", BT_TEXT(object));
    return gone < 0 ? (int)gone : 0;
}

int bt_pieces_sweep(struct bt_server *server, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t now_ms = bt_clock_wall_ms(server->clock);
    int r = bt_db_ask(db, &rows, err,
                      "SELECT object FROM upload_piece WHERE (state = 'coming' AND made_ms < $1)"
                      " OR NOT EXISTS (SELECT 1 FROM upload WHERE id = upload_piece.upload"
                      " AND state IN ('receiving', 'inspecting')) ORDER BY object LIMIT $2",
                      BT_INT(now_ms - NEVER_CAME_MS), BT_INT(SWEPT_AT_ONCE));
    while (r == 0 && bt_db_next(rows)) {
        r = remove_one(bt_blobs_store(server->blobs), db, bt_db_get_text(rows, 0), err);
    }
    return r;
}

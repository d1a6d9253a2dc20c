#include "server/plays/batch_body.h"

#include <errno.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/str.h"
#include "plays/batch.h"
#include "server/media/blobs.h"

enum { BODY_COLUMN = 3, PACK_COLUMN, AT_COLUMN, LEN_COLUMN };

static int read_piece(int fd, int64_t at, int64_t len, struct bt_buf *out, struct bt_error *err)
{
    char piece[16384];
    for (int64_t done = 0; done < len;) {
        size_t wanted = BT_MIN((size_t)(len - done), sizeof(piece));
        ssize_t got = pread(fd, piece, wanted, at + done);
        if (got <= 0) {
            return bt_fail(err, -EIO, "A pack is shorter than its batches");
        }
        if (bt_buf_append(out, piece, (size_t)got) < 0) {
            return bt_fail(err, -EMSGSIZE, "A batch is too long");
        }
        done += got;
    }
    return 0;
}

static int read_packed(struct bt_server *server, const struct bt_db_rows *rows, struct bt_buf *out,
                       struct bt_error *err)
{
    struct bt_sha256 pack;
    BT_AUTOCLOSE int fd = -1;
    int64_t at = bt_db_get_int(rows, AT_COLUMN), len = bt_db_get_int(rows, LEN_COLUMN);
    if (bt_unhex(bt_db_get_text(rows, PACK_COLUMN), pack.bytes, sizeof(pack.bytes)) < 0 || at < 0 ||
        len < 0 || len > BT_BATCH_MAX_PACKED) {
        return bt_fail(err, -EIO, "A batch's place in its pack makes no sense");
    }
    int r = bt_blobs_get(server->blobs, &pack, &fd, err);
    r = r < 0 ? r : read_piece(fd, at, len, out, err);
    return r < 0 ? bt_fail_in(err, -EIO, "The pack %s", bt_db_get_text(rows, PACK_COLUMN)) : 0;
}

int bt_batch_body(struct bt_server *server, const struct bt_db_rows *rows, struct bt_buf *out,
                  struct bt_error *err)
{
    if (!bt_db_is_null(rows, PACK_COLUMN)) {
        return read_packed(server, rows, out, err);
    }
    if (bt_db_is_null(rows, BODY_COLUMN)) {
        return bt_fail(err, -ENODATA, "The batch from record %lld on is not kept any more",
                       (long long)bt_db_get_int(rows, BT_BATCH_FIRST_SEQ));
    }
    size_t len;
    const void *bytes = bt_db_get_blob(rows, BODY_COLUMN, &len);
    return bt_buf_append(out, bytes, len) < 0 ? bt_fail(err, -EMSGSIZE, "A batch is too long") : 0;
}

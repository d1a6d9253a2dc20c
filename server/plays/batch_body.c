#include "server/plays/batch_body.h"

#include <errno.h>

#define BODY_COLUMN 3

int bt_batch_body(struct bt_server *server, const struct bt_db_rows *rows, struct bt_buf *out,
                  struct bt_error *err)
{
    (void)server;
    if (bt_db_is_null(rows, BODY_COLUMN)) {
        return bt_fail(err, -ENODATA, "The batch from record %lld on is not kept any more",
                       (long long)bt_db_get_int(rows, BT_BATCH_FIRST_SEQ));
    }
    size_t len;
    const void *bytes = bt_db_get_blob(rows, BODY_COLUMN, &len);
    return bt_buf_append(out, bytes, len) < 0 ? bt_fail(err, -EMSGSIZE, "A batch is too long") : 0;
}

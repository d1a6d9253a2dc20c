/**
 * A growing byte buffer born with a limit. Past the limit an append changes nothing and returns
 * -EMSGSIZE; memory that is gone returns -ENOMEM. The content is always followed by a NUL that
 * is not counted, so `data` of a text can be used as a string.
 */
#ifndef BT_BASE_BUF_H
#define BT_BASE_BUF_H

#include <stddef.h>

#include "base/compiler.h"

struct bt_buf {
    char *data;       // NULL until the first append
    size_t len;       // bytes used
    size_t capacity;  // bytes allocated
    size_t limit;     // len never passes this
};

void bt_buf_init(struct bt_buf *buf, size_t limit);
void bt_buf_finish(struct bt_buf *buf);
int bt_buf_append(struct bt_buf *buf, const void *bytes, size_t len) BT_NODISCARD;
int bt_buf_appendf(struct bt_buf *buf, const char *format, ...) BT_PRINTF(2, 3) BT_NODISCARD;
void bt_buf_clear(struct bt_buf *buf);  // keeps the memory

// The text so far ("" when empty), borrowed until the next change.
const char *bt_buf_text(const struct bt_buf *buf);

#define BT_AUTOBUF BT_AUTOFINISH(bt_buf_finish) struct bt_buf

#endif

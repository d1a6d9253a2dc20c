#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bt_buf_init(struct bt_buf *buf, size_t limit)
{
    *buf = (struct bt_buf){.limit = limit};
}

void bt_buf_finish(struct bt_buf *buf)
{
    free(buf->data);
    *buf = (struct bt_buf){.limit = buf->limit};
}

static int reserve(struct bt_buf *buf, size_t more)
{
    if (more > buf->limit || buf->len > buf->limit - more) {
        return -EMSGSIZE;
    }
    size_t needed = buf->len + more + 1;
    if (needed <= buf->capacity) {
        return 0;
    }
    size_t wanted = BT_MAX(needed, BT_MIN(buf->capacity * 2, buf->limit + 1));
    char *grown = realloc(buf->data, BT_MAX(wanted, (size_t)64));
    if (grown == NULL) {
        return -ENOMEM;
    }
    buf->data = grown;
    buf->capacity = BT_MAX(wanted, (size_t)64);
    return 0;
}

int bt_buf_append(struct bt_buf *buf, const void *bytes, size_t len)
{
    int r = reserve(buf, len);
    if (r < 0) {
        return r;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, bytes, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int bt_buf_appendf(struct bt_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    int r = len < 0 ? -EINVAL : reserve(buf, (size_t)len);
    if (r == 0) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    return r;
}

void bt_buf_clear(struct bt_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

const char *bt_buf_text(const struct bt_buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

#include "sync/event_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define NAME_BYTES 64
#define RETRY_MAX_MS 3600000

static const char byte_order_mark[] = "\xEF\xBB\xBF";

struct bt_event_stream {
    bt_event_fn on_event;  // set by create, never changed
    void *context;         // likewise
    struct bt_buf line, data;
    char name[NAME_BYTES];
    bool has_data;
    bool after_cr;  // the next '\n' belongs to the line that has ended
    bool begun;     // the first line is over
    int64_t retry_ms;
};

struct bt_event_stream *bt_event_stream_create(bt_event_fn on_event, void *context)
{
    struct bt_event_stream *stream = BT_NEW(struct bt_event_stream);
    stream->on_event = on_event;
    stream->context = context;
    stream->retry_ms = -1;
    bt_buf_init(&stream->line, BT_EVENT_MAX_BYTES);
    bt_buf_init(&stream->data, BT_EVENT_MAX_BYTES);
    return stream;
}

void bt_event_stream_destroy(struct bt_event_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    bt_buf_finish(&stream->line);
    bt_buf_finish(&stream->data);
    free(stream);
}

int64_t bt_event_stream_retry_ms(const struct bt_event_stream *stream)
{
    return stream->retry_ms;
}

static int too_long(struct bt_error *err)
{
    return bt_fail(err, -EMSGSIZE, "The stream has an event of more than %d bytes",
                   BT_EVENT_MAX_BYTES);
}

static int dispatch(struct bt_event_stream *stream, struct bt_error *err)
{
    const struct bt_event event = {
        .name = stream->name[0] != '\0' ? stream->name : "message",
        .data = bt_buf_text(&stream->data),
        .len = stream->data.len,
    };
    int r = stream->has_data ? stream->on_event(&event, stream->context, err) : 0;
    bt_buf_clear(&stream->data);
    stream->name[0] = '\0';
    stream->has_data = false;
    return r;
}

static int add_data(struct bt_event_stream *stream, const char *value, size_t len,
                    struct bt_error *err)
{
    int r = stream->has_data ? bt_buf_append(&stream->data, "\n", 1) : 0;
    stream->has_data = true;
    r = r == 0 ? bt_buf_append(&stream->data, value, len) : r;
    return r < 0 ? too_long(err) : 0;
}

static bool is_field(const char *line, size_t name_len, const char *name)
{
    return strlen(name) == name_len && memcmp(line, name, name_len) == 0;
}

// Ids are in the orders themselves, so "id" is not kept.
static int handle_field(struct bt_event_stream *stream, size_t name_len, const char *value,
                        size_t len, struct bt_error *err)
{
    const char *line = stream->line.data;
    if (is_field(line, name_len, "data")) {
        return add_data(stream, value, len, err);
    }
    if (is_field(line, name_len, "event")) {
        if (bt_format(stream->name, sizeof(stream->name), "%s", value) < 0) {
            return bt_fail(err, -EMSGSIZE, "The stream has an event with a long name");
        }
    } else if (is_field(line, name_len, "retry")) {
        int64_t retry_ms;
        if (bt_parse_int(value, 0, RETRY_MAX_MS, &retry_ms) == 0) {
            stream->retry_ms = retry_ms;
        }
    }
    return 0;
}

static void cut_byte_order_mark(struct bt_buf *line)
{
    const size_t len = sizeof(byte_order_mark) - 1;
    if (line->len >= len && memcmp(line->data, byte_order_mark, len) == 0) {
        memmove(line->data, line->data + len, line->len - len + 1);
        line->len -= len;
    }
}

static int end_line(struct bt_event_stream *stream, struct bt_error *err)
{
    if (!stream->begun) {
        cut_byte_order_mark(&stream->line);
        stream->begun = true;
    }
    int r = 0;
    if (stream->line.len == 0) {
        r = dispatch(stream, err);
    } else {
        const char *line = stream->line.data;
        const char *end = line + stream->line.len;
        const char *colon = memchr(line, ':', stream->line.len);
        const char *value = colon == NULL ? end : colon + 1;
        if (value < end && *value == ' ') {
            value++;
        }
        size_t name_len = (size_t)((colon == NULL ? end : colon) - line);
        r = handle_field(stream, name_len, value, (size_t)(end - value), err);
    }
    bt_buf_clear(&stream->line);
    return r;
}

int bt_event_stream_feed(struct bt_event_stream *stream, const void *bytes, size_t len,
                         struct bt_error *err)
{
    const char *at = bytes;
    const char *end = at + len;
    while (at < end) {
        if (stream->after_cr && *at == '\n') {
            stream->after_cr = false;
            at++;
            continue;
        }
        stream->after_cr = false;
        const char *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r') {
            stop++;
        }
        if (bt_buf_append(&stream->line, at, (size_t)(stop - at)) < 0) {
            return too_long(err);
        }
        if (stop < end) {
            stream->after_cr = *stop == '\r';
            int r = end_line(stream, err);
            if (r < 0) {
                return r;
            }
            stop++;
        }
        at = stop;
    }
    return 0;
}

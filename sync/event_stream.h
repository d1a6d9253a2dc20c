/**
 * Server-sent events (WHATWG HTML, "9.2.6 Interpreting an event stream"), read as they come in any
 * pieces. Bounded: a line or an event beyond its limit ends the stream. Touches nothing outside.
 */
#ifndef BT_SYNC_EVENT_STREAM_H
#define BT_SYNC_EVENT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// An order with a thousand hashes is 70 KiB.
#define BT_EVENT_MAX_BYTES (128 * 1024)

struct bt_event {
    const char *name;  // "message" when the server gave none
    const char *data;  // lines joined by '\n'; ends with a NUL that is not counted
    size_t len;
};

// An error ends the stream; bt_event_stream_feed returns it.
typedef int (*bt_event_fn)(const struct bt_event *event, void *context, struct bt_error *err);

struct bt_event_stream;

struct bt_event_stream *bt_event_stream_create(bt_event_fn on_event, void *context) BT_NODISCARD;
void bt_event_stream_destroy(struct bt_event_stream *stream);
BT_DEFINE_AUTO(bt_event_stream)

// Errors: -EMSGSIZE a line or an event is too long, or what on_event returned. Then it is over.
int bt_event_stream_feed(struct bt_event_stream *stream, const void *bytes, size_t len,
                         struct bt_error *err) BT_NODISCARD;

// What the server asked with "retry:", or -1.
int64_t bt_event_stream_retry_ms(const struct bt_event_stream *stream);

#endif

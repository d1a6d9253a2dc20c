#include "server/http/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/http/metrics.h"

// What libmicrohttpd asks us for at a time when it cannot send in chunks (HTTP/1.0).
#define BLOCK_BYTES 128

struct bt_stream {
    struct bt_streams *all;
    struct MHD_Connection *connection;
    struct MHD_Response *response;  // its headers have not left yet; NULL: they are let go
    void (*on_close)(struct bt_stream *stream, void *context);
    void *context;
    struct bt_stream *next, *previous;  // protected by all->lock

    pthread_mutex_t lock;
    // Protected by lock.
    char *text;  // what waits to be sent; NULL when nothing does
    uint32_t len, sent, capacity;
    bool parked;  // suspended until there is something to send
    bool ending;  // the rest is sent, then it is closed
    bool broken;  // nothing more is sent
};

struct bt_streams {
    struct bt_resuming *resuming;  // borrowed
    struct bt_metric *open, *dropped, *bytes;
    pthread_mutex_t lock;
    // Protected by lock.
    struct bt_stream *first;
    bool closed;
};

struct bt_streams *bt_streams_create(struct bt_resuming *resuming, struct bt_metrics *metrics)
{
    struct bt_streams *streams = BT_NEW(struct bt_streams);
    streams->resuming = resuming;
    pthread_mutex_init(&streams->lock, NULL);
    streams->open = bt_metrics_gauge(metrics, "bangtin_streams", "", "Open event streams.");
    streams->dropped =
        bt_metrics_counter(metrics, "bangtin_streams_dropped", "",
                           "Event streams given up because they were read too slowly.");
    streams->bytes =
        bt_metrics_counter(metrics, "bangtin_stream_bytes", "", "Bytes written to event streams.");
    return streams;
}

void bt_streams_destroy(struct bt_streams *streams)
{
    if (streams == NULL) {
        return;
    }
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}

static void link_in(struct bt_streams *streams, struct bt_stream *stream, bool *out_closed)
{
    pthread_mutex_lock(&streams->lock);
    stream->next = streams->first;
    if (streams->first != NULL) {
        streams->first->previous = stream;
    }
    streams->first = stream;
    *out_closed = streams->closed;
    pthread_mutex_unlock(&streams->lock);
}

static void unlink_from(struct bt_streams *streams, struct bt_stream *stream)
{
    pthread_mutex_lock(&streams->lock);
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        streams->first = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    pthread_mutex_unlock(&streams->lock);
}

void bt_streams_close(struct bt_streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    streams->closed = true;
    for (struct bt_stream *stream = streams->first; stream != NULL; stream = stream->next) {
        bt_stream_close(stream);
    }
    pthread_mutex_unlock(&streams->lock);
}

struct bt_stream *bt_stream_open(struct bt_streams *streams, struct MHD_Connection *connection,
                                 const struct bt_reply *reply)
{
    struct bt_stream *stream = BT_NEW(struct bt_stream);
    stream->all = streams;
    stream->connection = connection;
    stream->on_close = reply->on_close;
    stream->context = reply->context;
    pthread_mutex_init(&stream->lock, NULL);
    bt_metric_add(streams->open, 1);
    bt_resuming_count(streams->resuming, 1);
    bool closed;
    link_in(streams, stream, &closed);
    if (reply->on_open != NULL) {
        reply->on_open(stream, reply->context);
    }
    if (closed) {
        bt_stream_close(stream);
    }
    return stream;
}

void bt_stream_gone(struct bt_stream *stream)
{
    unlink_from(stream->all, stream);
    pthread_mutex_lock(&stream->lock);
    stream->broken = true;
    stream->parked = false;
    pthread_mutex_unlock(&stream->lock);
    if (stream->on_close != NULL) {
        stream->on_close(stream, stream->context);
    }
    bt_metric_add(stream->all->open, -1);
    bt_resuming_count(stream->all->resuming, -1);
    pthread_mutex_destroy(&stream->lock);
    free(stream->text);
    free(stream);
}

// Under the lock: the connections' thread looks at the stream again.
static void wake(struct bt_stream *stream)
{
    if (stream->parked) {
        stream->parked = false;
        bt_resuming_add(stream->all->resuming, stream->connection);
    }
}

static void append(struct bt_stream *stream, const char *text, uint32_t len)
{
    if (stream->sent > 0) {
        memmove(stream->text, stream->text + stream->sent, stream->len - stream->sent);
        stream->len -= stream->sent;
        stream->sent = 0;
    }
    size_t capacity = stream->capacity;
    BT_GROW(stream->text, capacity, (size_t)stream->len + len);
    stream->capacity = (uint32_t)capacity;
    memcpy(stream->text + stream->len, text, len);
    stream->len += len;
}

int bt_stream_write(struct bt_stream *stream, const char *text, size_t len)
{
    pthread_mutex_lock(&stream->lock);
    int r = stream->broken || stream->ending ? -EPIPE : 0;
    if (r == 0 && stream->len - stream->sent + len > BT_STREAM_QUEUE_MAX_BYTES) {
        stream->broken = true;
        bt_metric_add(stream->all->dropped, 1);
        r = -EPIPE;
    } else if (r == 0) {
        append(stream, text, (uint32_t)len);
    }
    wake(stream);
    pthread_mutex_unlock(&stream->lock);
    return r;
}

void bt_stream_close(struct bt_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ending = true;
    wake(stream);
    pthread_mutex_unlock(&stream->lock);
}

void bt_stream_lost(void *context)
{
    struct bt_stream *stream = context;
    pthread_mutex_lock(&stream->lock);
    stream->broken = true;
    wake(stream);
    pthread_mutex_unlock(&stream->lock);
}

static ssize_t take(struct bt_stream *stream, char *out, size_t room)
{
    size_t len = BT_MIN((size_t)(stream->len - stream->sent), room);
    memcpy(out, stream->text + stream->sent, len);
    stream->sent += (uint32_t)len;
    if (stream->sent == stream->len) {  // a quiet stream keeps no buffer
        free(BT_TAKE(stream->text));
        stream->len = stream->sent = stream->capacity = 0;
    }
    bt_metric_add(stream->all->bytes, (int64_t)len);
    return (ssize_t)len;
}

struct header {
    char *name, *value;  // owned
};

static enum MHD_Result take_one(void *context, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    (void)kind;
    struct header *header = context;
    *header = (struct header){.name = bt_strdup(name), .value = bt_strdup(value)};
    return MHD_NO;  // no more: the list changes now
}

// They were sent, and a stream that is open for days needs them no more.
static void forget_headers(struct MHD_Response *response)
{
    bool gone = true;
    while (gone) {
        struct header header = {0};
        MHD_get_response_headers(response, take_one, &header);
        gone = header.name != NULL &&
               MHD_del_response_header(response, header.name, header.value) == MHD_YES;
        free(header.name);
        free(header.value);
    }
}

// libmicrohttpd asks for more: text, the end, or nothing yet, in which case it is parked.
static ssize_t read_stream(void *context, uint64_t position, char *out, size_t room)
{
    (void)position;
    struct bt_stream *stream = context;
    ssize_t got = 0;
    if (stream->response != NULL) {
        forget_headers(BT_TAKE(stream->response));
    }
    pthread_mutex_lock(&stream->lock);
    if (stream->broken) {
        got = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (stream->text != NULL) {
        got = take(stream, out, room);
    } else if (stream->ending) {
        got = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        MHD_suspend_connection(stream->connection);
        stream->parked = true;
    }
    pthread_mutex_unlock(&stream->lock);
    return got;
}

struct MHD_Response *bt_stream_response(struct bt_stream *stream)
{
    // A connection has it until its end, before which it asks for nothing more.
    stream->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, stream, NULL);
    return stream->response;
}

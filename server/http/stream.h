/**
 * Streams: connections that stay open and get a little text now and then. Between texts such a
 * connection is parked (suspended in libmicrohttpd) and costs memory alone.
 *
 * Any thread may write. A stream has its own lock, which is held while libmicrohttpd's is taken and
 * never the other way round; on_close runs on the connections' thread with no lock held.
 */
#ifndef BT_SERVER_HTTP_STREAM_H
#define BT_SERVER_HTTP_STREAM_H

#include <microhttpd.h>

#include "server/http/call_private.h"
#include "server/http/resuming.h"

// A reader that is this far behind will not catch up.
#define BT_STREAM_QUEUE_MAX_BYTES 65536

struct bt_streams;  // all of one server
struct bt_streams *bt_streams_create(struct bt_resuming *resuming,
                                     struct bt_metrics *metrics) BT_NODISCARD;
void bt_streams_destroy(struct bt_streams *streams);  // all of them are gone by now
BT_DEFINE_AUTO(bt_streams)

// Ends every stream, and those that are opened later at once.
void bt_streams_close(struct bt_streams *streams);

// Takes the answer's callbacks; calls on_open. The connection is suspended, and its owner resumes
// it afterwards.
struct bt_stream *bt_stream_open(struct bt_streams *streams, struct MHD_Connection *connection,
                                 const struct bt_reply *reply) BT_NODISCARD;

// On the connections' thread: the answer that carries the stream; the end of the connection, which
// calls on_close and frees the stream.
struct MHD_Response *bt_stream_response(struct bt_stream *stream) BT_NODISCARD;
void bt_stream_gone(struct bt_stream *stream);

// On any thread: the other side has closed the connection.
void bt_stream_lost(void *context);  // a struct bt_stream

#endif

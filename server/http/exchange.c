#include "server/http/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/http/metrics.h"
#include "server/http/request.h"
#include "server/http/transaction.h"

// A refused body up to this size is read to its end and dropped, so that the answer arrives and the
// connection goes on; before a longer one the answer is sent, and the connection ends.
#define SWALLOW_MAX_BYTES 65536

// A body on its way into a file goes to a worker in pieces of this size. What comes while a piece
// is written is at most a connection's memory.
#define PIECE_BYTES ((size_t)256 * 1024)
#define PIECE_ROOM (PIECE_BYTES + (size_t)128 * 1024)

// An upload keeps two such buffers, so only this part of the jobs may be uploads.
#define UPLOAD_WEIGHT 16

enum phase {
    PHASE_LET_IN,           // the caller may send the body
    PHASE_BODY,             // collecting the body into memory (or expecting none)
    PHASE_SWALLOW,          // refused; the rest of the body is dropped
    PHASE_ASKED,            // a worker has it
    PHASE_BEGIN_RECEIVING,  // the handler has said where the body goes
    PHASE_RECEIVING,        // a worker may be writing a piece meanwhile
    PHASE_EARLY_REPLY,      // the answer is ready, and the body was not read
    PHASE_REPLY,            // the answer is ready
    PHASE_SENDING,
};

enum job {
    JOB_JUDGE,  // may the caller send a body at all?
    JOB_ANSWER,
    JOB_LATER,  // what the handler has put off
    JOB_WRITE,  // a piece of the body, into the handler's file
};

struct bt_exchange {
    const struct bt_exchange_world *world;
    struct MHD_Connection *connection;  // NULL: it was lost, and the handler is told
    struct bt_peer *peer;
    struct bt_call *call;      // NULL once a stream has begun
    struct bt_stream *stream;  // NULL until then
    enum phase phase;  // a worker changes it in bt_exchange_work while the connection is suspended
    enum job job;      // for the worker
    int weight;        // what it was admitted with; 0: it was not
    int64_t body_bytes;  // of the room for large bodies
};

static void give_room_back(struct bt_exchange *exchange)
{
    atomic_fetch_add(exchange->world->body_room_bytes, exchange->body_bytes);
    exchange->body_bytes = 0;
}

static void free_exchange(struct bt_exchange *exchange)
{
    bt_workers_dismiss(exchange->world->workers, exchange->weight);
    bt_call_destroy(exchange->call);
    give_room_back(exchange);
    free(exchange);
}

static struct bt_peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static void allow(struct bt_exchange *exchange, int64_t ns)
{
    if (exchange->peer != NULL) {
        bt_peer_allow(exchange->world->peers, exchange->peer, ns);
    }
}

// For the whole body, or for the next piece of one that may be huge.
static void allow_body(struct bt_exchange *exchange)
{
    bool pieces = exchange->call->route->body == BT_BODY_STREAM;
    int64_t bytes = pieces ? (int64_t)PIECE_BYTES : (int64_t)exchange->call->body.limit;
    allow(exchange, BT_PEER_BODY_NS + bytes / BT_PEER_BODY_BYTES_PER_S * BT_NS_PER_S);
}

static struct MHD_Response *take_bytes(struct bt_reply *reply)
{
    struct MHD_Response *response =
        reply->len == 0
            ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
            : MHD_create_response_from_buffer_with_free_callback(reply->len, reply->bytes, free);
    if (response != NULL && reply->len > 0) {
        reply->bytes = NULL;
    }
    return response;
}

static struct MHD_Response *take_file(struct bt_reply *reply)
{
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(
        (uint64_t)reply->file_len, reply->fd, (uint64_t)reply->offset);
    if (response != NULL) {
        reply->fd = -1;
    }
    return response;
}

static struct MHD_Response *make_response(struct bt_exchange *exchange)
{
    struct bt_reply *reply = &exchange->call->reply;
    struct MHD_Response *response = reply->kind == BT_REPLY_STREAM
                                        ? bt_stream_response(exchange->stream)
                                    : reply->kind == BT_REPLY_FILE ? take_file(reply)
                                                                   : take_bytes(reply);
    for (size_t i = 0; response != NULL && i < reply->headers.count; i++) {
        // A value with a line break is refused there; no such header is better than two.
        MHD_add_response_header(response, reply->headers.list[i].name,
                                reply->headers.list[i].value);
    }
    return response;
}

static void count_reply(struct bt_exchange *exchange, int status)
{
    bt_metric_add(exchange->world->requests[BT_CLAMP(status / 100, 0, 5)], 1);
}

static enum MHD_Result send_reply(struct bt_exchange *exchange)
{
    int status = exchange->call->reply.status;
    bt_call_add_standard_headers(exchange->call);
    struct MHD_Response *response = make_response(exchange);
    if (response == NULL) {
        return MHD_NO;
    }
    exchange->phase = PHASE_SENDING;
    allow(exchange, INT64_MAX);
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    count_reply(exchange, status);
    bt_buf_finish(&exchange->call->body);  // a slow reader holds it no longer
    give_room_back(exchange);
    if (exchange->stream != NULL) {  // parked for days, perhaps: keep nothing that is not needed
        bt_call_destroy(BT_TAKE(exchange->call));
    }
    return result;
}

// From here on a worker has it, until it resumes the connection.
static enum MHD_Result dispatch(struct bt_exchange *exchange, enum job job)
{
    exchange->job = job;
    exchange->phase = job == JOB_WRITE ? PHASE_RECEIVING : PHASE_ASKED;
    allow(exchange, INT64_MAX);
    MHD_suspend_connection(exchange->connection);
    bt_workers_push(exchange->world->workers, exchange);
    return MHD_YES;
}

static enum MHD_Result ask(struct bt_exchange *exchange, enum job job)
{
    bool pieces = exchange->call->route->body == BT_BODY_STREAM;
    int weight = pieces ? UPLOAD_WEIGHT : 1;
    bool person = exchange->call->route->who == BT_WHO_USER;
    int spare = person ? 0 : BT_WORKERS_PEOPLES_JOBS;
    if (bt_workers_admit(exchange->world->workers, weight, spare) < 0) {
        bt_metric_add(exchange->world->refused, 1);
        bt_call_set_header(exchange->call, "Retry-After", "2");
        bt_call_problem(exchange->call, 503, "busy", "Máy chủ đang bận; hãy thử lại sau giây lát",
                        "The server is busy; try again in a moment");
        return send_reply(exchange);
    }
    exchange->weight = weight;
    return dispatch(exchange, job);
}

static enum MHD_Result refuse(struct bt_exchange *exchange)
{
    int64_t length = bt_request_length(exchange->call);
    bool short_body = length >= 0 && length <= SWALLOW_MAX_BYTES;
    if (!short_body || bt_call_header(exchange->call, "Expect") != NULL ||
        bt_pairs_count_of(&exchange->call->headers, "Content-Length") > 1) {
        return send_reply(exchange);
    }
    exchange->phase = PHASE_SWALLOW;
    return MHD_YES;
}

// Otherwise nobody's bodies would fill our memory. Who sends none waits for no second look.
static bool is_judged_first(const struct bt_exchange *exchange)
{
    return exchange->call->route->who != BT_WHO_ANYONE && bt_request_length(exchange->call) != 0;
}

static void resume_later(void *owner)
{
    struct bt_exchange *exchange = owner;
    exchange->job = JOB_LATER;
    bt_workers_push(exchange->world->workers, exchange);
}

enum MHD_Result bt_exchange_begin(const struct bt_exchange_world *world,
                                  struct MHD_Connection *connection, const char *method,
                                  const char *path, struct bt_exchange **out)
{
    struct bt_exchange *exchange = BT_NEW(struct bt_exchange);
    exchange->world = world;
    exchange->connection = connection;
    exchange->peer = peer_of(connection);
    exchange->call = bt_call_create(world->server);
    exchange->call->gate = world->gate;
    exchange->call->workers = world->workers;
    *out = exchange;
    exchange->call->later.resume = resume_later;
    exchange->call->later.owner = exchange;
    bool taken = bt_request_take(exchange->call, world, connection, method, path);
    if (exchange->call->route != NULL) {
        allow_body(exchange);
    }
    if (!taken) {
        return refuse(exchange);
    }
    exchange->phase = PHASE_BODY;
    assert(exchange->call->route != NULL);  // without one it is refused
    if (exchange->call->route->body == BT_BODY_STREAM) {
        return ask(exchange, JOB_ANSWER);  // the handler is asked before the body in any case
    }
    return is_judged_first(exchange) ? ask(exchange, JOB_JUDGE) : MHD_YES;
}

static void swap_buffers(struct bt_receiving *receiving)
{
    struct bt_buf filled = receiving->filling;
    receiving->filling = receiving->writing;
    receiving->writing = filled;
}

// Everything is taken, always: libmicrohttpd gives up a connection whose buffer stays full, and
// offers the next chunk even while the connection is suspended.
static enum MHD_Result take_piece(struct bt_exchange *exchange, const char *data, size_t len)
{
    struct bt_receiving *receiving = &exchange->call->receiving;
    receiving->taken_bytes += (int64_t)len;
    if (receiving->taken_bytes > receiving->max_bytes) {
        receiving->too_long = true;  // dropped; it is said at the end
        return MHD_YES;
    }
    if (bt_buf_append(&receiving->filling, data, len) < 0) {
        return MHD_NO;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);
    bool busy = info == NULL || info->suspended == MHD_YES;
    if (receiving->filling.len < PIECE_BYTES || busy) {
        return MHD_YES;
    }
    swap_buffers(receiving);
    return dispatch(exchange, JOB_WRITE);
}

// False: other large bodies take all the memory that there is for them.
static bool take_room(struct bt_exchange *exchange, size_t len)
{
    int64_t large = (int64_t)(exchange->call->body.len + len) - BT_BODY_DEFAULT_MAX_BYTES;
    int64_t more = BT_MAX(large - exchange->body_bytes, 0);
    if (more > 0 && atomic_fetch_sub(exchange->world->body_room_bytes, more) < more) {
        atomic_fetch_add(exchange->world->body_room_bytes, more);
        return false;
    }
    exchange->body_bytes += more;
    return true;
}

static void refuse_body(struct bt_exchange *exchange)
{
    struct bt_call *call = exchange->call;
    bt_metric_add(exchange->world->refused, 1);
    bt_buf_finish(&call->body);
    give_room_back(exchange);
    bt_call_set_header(call, "Retry-After", "5");
    bt_call_problem(call, 503, "busy", "Máy chủ đang nhận nhiều nội dung lớn; hãy thử lại sau",
                    "The server is receiving many large bodies; try again in a moment");
    exchange->phase = PHASE_SWALLOW;
}

static enum MHD_Result take_body(struct bt_exchange *exchange, const char *data, size_t len)
{
    struct bt_call *call = exchange->call;
    if (!take_room(exchange, len)) {
        refuse_body(exchange);
    } else if (bt_buf_append(&call->body, data, len) < 0) {
        bt_call_problem(call, 413, "too-large", "Nội dung gửi lên quá lớn",
                        "The body is too large");
        exchange->phase = PHASE_SWALLOW;
    }
    return MHD_YES;
}

static enum MHD_Result take_data(struct bt_exchange *exchange, const char *data, size_t len)
{
    switch (exchange->phase) {
    case PHASE_BODY:
        return take_body(exchange, data, len);
    case PHASE_RECEIVING:
        return take_piece(exchange, data, len);
    case PHASE_SWALLOW:
        return MHD_YES;
    case PHASE_LET_IN:
    case PHASE_ASKED:
    case PHASE_BEGIN_RECEIVING:
    case PHASE_EARLY_REPLY:
    case PHASE_REPLY:
    case PHASE_SENDING:
    default:
        return MHD_NO;
    }
}

// The whole body is here, or a worker has brought the exchange further.
static enum MHD_Result step(struct bt_exchange *exchange)
{
    switch (exchange->phase) {
    case PHASE_LET_IN:
        exchange->phase = PHASE_BODY;
        return MHD_YES;
    case PHASE_BODY:
        return ask(exchange, JOB_ANSWER);
    case PHASE_EARLY_REPLY:
        return refuse(exchange);
    case PHASE_BEGIN_RECEIVING:
        exchange->phase = PHASE_RECEIVING;
        return MHD_YES;
    case PHASE_RECEIVING:
        exchange->call->receiving.ended = true;
        exchange->call->receiving.whole = true;
        return dispatch(exchange, JOB_ANSWER);
    case PHASE_SWALLOW:
    case PHASE_REPLY:
        return send_reply(exchange);
    case PHASE_ASKED:
    case PHASE_SENDING:
    default:
        return MHD_YES;
    }
}

enum MHD_Result bt_exchange_go_on(struct bt_exchange *exchange, const char *data, size_t *len)
{
    if (*len > 0) {
        enum MHD_Result result = take_data(exchange, data, *len);
        *len = 0;
        return result;
    }
    return step(exchange);
}

void bt_exchange_end(struct bt_exchange *exchange)
{
    allow(exchange, BT_PEER_IDLE_NS);
    if (exchange->stream != NULL) {
        bt_peer_unwatch(exchange->world->peers, exchange->peer);
        bt_stream_gone(exchange->stream);
        free_exchange(exchange);
        return;
    }
    if (exchange->phase == PHASE_RECEIVING || exchange->phase == PHASE_BEGIN_RECEIVING) {
        // The handler learns how much came before the connection was lost.
        exchange->connection = NULL;
        exchange->peer = NULL;
        exchange->call->receiving.ended = true;
        exchange->phase = PHASE_ASKED;
        exchange->job = JOB_ANSWER;
        bt_workers_push(exchange->world->workers, exchange);
        return;
    }
    free_exchange(exchange);
}

static void write_pieces(struct bt_receiving *receiving)
{
    const char *bytes = receiving->writing.data;
    size_t left = receiving->writing.len;
    while (left > 0 && receiving->write_error == 0) {
        ssize_t wrote = write(receiving->fd, bytes, left);
        if (wrote < 0 && errno != EINTR) {
            receiving->write_error = -errno;
        }
        size_t step_bytes = wrote > 0 ? (size_t)wrote : 0;
        bytes += step_bytes;
        left -= step_bytes;
        receiving->got_bytes += (int64_t)step_bytes;
    }
    bt_buf_clear(&receiving->writing);
}

// After the last piece: durable, and an error stands where the handler sees it.
static void finish_receiving(struct bt_receiving *receiving)
{
    swap_buffers(receiving);
    write_pieces(receiving);
    if (receiving->write_error == 0 && fdatasync(receiving->fd) < 0) {
        receiving->write_error = -errno;
    }
    receiving->whole = receiving->whole && !receiving->too_long && receiving->write_error == 0;
}

static void say_what_went_wrong(struct bt_call *call)
{
    if (call->receiving.too_long) {
        bt_call_problem(call, 413, "too-large", "Nội dung gửi lên quá lớn",
                        "The body is too large");
    } else if (call->receiving.write_error < 0) {
        bt_call_problem(call, 507, "storage", "Máy chủ không ghi được tệp (đầy đĩa?)",
                        "The server cannot write the file (disk full?)");
    }
}

static void answer(struct bt_exchange *exchange)
{
    struct bt_call *call = exchange->call;
    struct bt_receiving *receiving = &call->receiving;
    if (receiving->ended) {
        finish_receiving(receiving);
    }
    bt_call_answer(call);
    if (receiving->ended) {
        say_what_went_wrong(call);
    }
    bool early = call->route->body == BT_BODY_STREAM && !receiving->ended;
    bool begins = early && receiving->fd >= 0 && call->reply.kind == BT_REPLY_NONE;
    exchange->phase = begins ? PHASE_BEGIN_RECEIVING : early ? PHASE_EARLY_REPLY : PHASE_REPLY;
    if (begins) {
        bt_buf_init(&receiving->filling, PIECE_ROOM);
        bt_buf_init(&receiving->writing, PIECE_ROOM);
    }
}

// False: the handler has put it off, and whoever goes on with it comes after us.
static bool answer_now(struct bt_exchange *exchange)
{
    answer(exchange);
    return exchange->call->later.answer == NULL ||
           atomic_exchange(&exchange->call->later.met, true);
}

static void dismiss(struct bt_exchange *exchange)
{
    bt_workers_dismiss(exchange->world->workers, exchange->weight);
    exchange->weight = 0;
}

static void judge(struct bt_exchange *exchange)
{
    exchange->phase = bt_call_judge(exchange->call) ? PHASE_LET_IN : PHASE_EARLY_REPLY;
    dismiss(exchange);  // the body may take its time
    allow_body(exchange);
}

static void finish_answer(struct bt_exchange *exchange)
{
    if (exchange->phase != PHASE_REPLY) {
        allow_body(exchange);
    }
    if (exchange->phase == PHASE_BEGIN_RECEIVING) {
        return;
    }
    dismiss(exchange);
    if (exchange->call->reply.kind == BT_REPLY_STREAM) {
        exchange->stream =
            bt_stream_open(exchange->world->streams, exchange->connection, &exchange->call->reply);
        bt_peer_watch(exchange->world->peers, exchange->peer, bt_stream_lost, exchange->stream);
    }
}

void bt_exchange_work(void *job)
{
    struct bt_exchange *exchange = job;
    if (exchange->job == JOB_WRITE) {
        write_pieces(&exchange->call->receiving);
        bt_call_settle(exchange->call);
        allow_body(exchange);
        bt_resuming_add(exchange->world->resuming, exchange->connection);
        return;
    }
    if (exchange->job == JOB_JUDGE) {
        judge(exchange);
        bt_resuming_add(exchange->world->resuming, exchange->connection);
        return;
    }
    if (exchange->job == JOB_ANSWER && !answer_now(exchange)) {
        return;  // it may belong to another worker by now
    }
    if (exchange->call->later.answer != NULL) {
        bt_call_answer_later(exchange->call);
    }
    if (exchange->connection == NULL) {
        free_exchange(exchange);
        return;
    }
    finish_answer(exchange);
    bt_resuming_add(exchange->world->resuming, exchange->connection);
}

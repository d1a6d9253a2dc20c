/**
 * What a call is made of, for the files of server/http/ alone. A call belongs to one thread at a
 * time: the connections' thread until it is dispatched, then a worker, then the connections' again;
 * between them it passes through a queue or through libmicrohttpd's own lock.
 */
#ifndef BT_SERVER_HTTP_CALL_PRIVATE_H
#define BT_SERVER_HTTP_CALL_PRIVATE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "server/http/call.h"
#include "server/http/pairs.h"
#include "server/http/route.h"
#include "server/http/workers.h"

#define BT_BODY_DEFAULT_MAX_BYTES 65536

enum bt_reply_kind { BT_REPLY_NONE, BT_REPLY_BYTES, BT_REPLY_FILE, BT_REPLY_STREAM };

struct bt_reply {
    enum bt_reply_kind kind;
    int status;
    struct bt_pairs headers;  // Content-Type among them
    void *bytes;              // BYTES: allocated with malloc
    size_t len;
    int fd;  // FILE: owned
    int64_t offset, file_len;
    void (*on_open)(struct bt_stream *stream, void *context);  // STREAM
    void (*on_close)(struct bt_stream *stream, void *context);
    void *context;
};

struct bt_hook {
    void (*run)(struct bt_server *server, void *context);
    void *context;
    void (*free_context)(void *context);
    struct bt_hook *next;
};

// An answer that was put off.
struct bt_later {
    int (*answer)(struct bt_call *call, void *context, struct bt_error *err);  // NULL: it was not
    void *context;
    void (*free_context)(void *context);
    atomic_bool met;  // of the handler's end and bt_call_go_on, one has come: the other goes on
    void (*resume)(void *owner);  // set by whoever dispatches calls
    void *owner;
};

// A body on its way into a file. Two buffers: one is filled while the other is written.
struct bt_receiving {
    int fd;  // owned; -1: the handler asked for nothing yet
    int64_t max_bytes;

    // The connections' thread.
    int64_t taken_bytes;
    struct bt_buf filling;
    bool too_long;  // passed max_bytes
    bool ended;     // nothing more comes: it is whole, or the connection is lost
    bool whole;

    // The worker's.
    struct bt_buf writing;
    int64_t got_bytes;  // written
    int write_error;    // negative errno

    // What is made sure of in between, by the worker.
    int (*settle)(struct bt_call *call, struct bt_error *err);  // NULL: nothing
    int64_t settle_bytes;                                       // each time so many more are there
    int64_t settled_bytes;  // of got_bytes, when it was done or tried last
};

struct bt_call {
    struct bt_server *server;
    struct bt_workers *workers;  // borrowed; one of them answers. NULL: somebody else does
    const struct bt_route *route;
    bool (*gate)(struct bt_call *call, const struct bt_route *route);

    // The request; does not change after the headers.
    char method[16];  // GET for HEAD
    bool head;
    char *target;  // path and query as they came, for the idempotency key
    struct bt_pairs headers, query, values, cookies;
    char remote[64];
    bool secure;
    struct bt_buf body;
    struct bt_receiving receiving;

    // While the gate is asked for the first time.
    bool body_awaited;  // it was not read yet
    int tries;          // how often the database refused it
    bool body_missed;   // and somebody wanted it
    bool let_in;

    // While it is answered.
    int64_t now_ms;
    struct bt_db *db;  // borrowed from the pool, for the time of a transaction
    bool committed;    // a transaction that the handler began itself
    bool writing;      // the transaction that is open may write
    bool failed;       // the database could not be reached; bt_call_db answered NULL
    cJSON *json;       // parsed body
    struct bt_caller caller;
    struct bt_hook *hooks;
    struct bt_reply reply;
    struct bt_later later;
};

struct bt_call *bt_call_create(struct bt_server *server) BT_NODISCARD;
void bt_call_destroy(struct bt_call *call);
BT_DEFINE_AUTO(bt_call)

void bt_reply_reset(struct bt_reply *reply);

// Forgets the answer, the caller and the hooks: the transaction is run again from the beginning.
void bt_call_start_over(struct bt_call *call);
void bt_call_run_hooks(struct bt_call *call);

// Splits "a=1&b=%20" into call->query, and the Cookie header into call->cookies. -EINVAL when it
// cannot be decoded.
int bt_call_take_query(struct bt_call *call, const char *text) BT_NODISCARD;
int bt_call_take_cookies(struct bt_call *call) BT_NODISCARD;

// Headers that every answer has.
void bt_call_add_standard_headers(struct bt_call *call);

#endif

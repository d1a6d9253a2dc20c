/**
 * One request and its answer on a connection: from the headers, through the body and a worker, to
 * the answer or the stream. The state machine between libmicrohttpd's callbacks and the workers.
 */
#ifndef BT_SERVER_HTTP_EXCHANGE_H
#define BT_SERVER_HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server/http/peers.h"
#include "server/http/resuming.h"
#include "server/http/route.h"
#include "server/http/stream.h"
#include "server/http/workers.h"

// What all exchanges of a server share; borrowed.
struct bt_exchange_world {
    struct bt_server *server;
    struct bt_workers *workers;
    struct bt_streams *streams;
    struct bt_resuming *resuming;
    struct bt_peers *peers;
    bool (*gate)(struct bt_call *call, const struct bt_route *route);
    const struct bt_route_table *const *tables;
    size_t tables_count;
    const char *trusted_proxy;
    bool tls, is_unix;
    struct bt_metric *requests[6];  // by the status' first digit
    struct bt_metric *refused;      // 503, no worker was free
    atomic_llong *body_room_bytes;  // what is left of it for large bodies
};

struct bt_exchange;

// The three callbacks of libmicrohttpd. `exchange` is what the request's own pointer points to.
enum MHD_Result bt_exchange_begin(const struct bt_exchange_world *world,
                                  struct MHD_Connection *connection, const char *method,
                                  const char *path, struct bt_exchange **out);
enum MHD_Result bt_exchange_go_on(struct bt_exchange *exchange, const char *data, size_t *len);
void bt_exchange_end(struct bt_exchange *exchange);

// What a worker does with it; a struct bt_exchange.
void bt_exchange_work(void *job);

#endif

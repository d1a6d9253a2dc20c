/**
 * The HTTP server: libmicrohttpd with epoll, a bounded pool of workers for everything that touches
 * the database, parked connections for streams. TLS with its own certificate, or plain on loopback
 * or a unix socket behind a proxy. Refuses what is ambiguous (two Content-Length, Content-Length
 * with Transfer-Encoding), and whatever passes a limit: 431, 413, 429, 503.
 */
#ifndef BT_SERVER_HTTP_HTTP_H
#define BT_SERVER_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/server.h"

struct bt_http;
struct bt_route;
struct bt_route_table;
struct bt_call;

struct bt_http_options {
    const char *listen;       // "127.0.0.1:8080", "[::]:8443", "unix:/run/bangtin/http.sock"
    const char *certificate;  // PEM files; NULL: plain, allowed on loopback and unix sockets alone
    const char *private_key;
    int workers;  // 0: twice the processors, at least 8

    // Whose X-Forwarded-For and X-Forwarded-Proto count: an address; NULL: nobody's. What comes
    // over a unix socket is always from a proxy.
    const char *trusted_proxy;
    int connections;              // at the same time; 0: 20,000, or what the system allows
    int connections_per_address;  // 0: 256; negative, or with a trusted proxy: no limit

    // This much of the large bodies together (what passes 64 KiB of each) is held in memory, and
    // the next is told to come back. 0: 256 MiB.
    long body_memory_bytes;

    /**
     * Before a handler: who asks, and may they? Answers 401, 403 or 404 itself and returns false.
     * Runs in the call's transaction (one of its own when the route has no_transaction); and before
     * that, when there is a body and the route is not for anyone, in a reading one before the body
     * is read (bt_call_missed_body). Given by main, so that http/ knows nothing of accounts; NULL
     * lets everyone in.
     */
    bool (*gate)(struct bt_call *call, const struct bt_route *route);

    const struct bt_route_table *const *tables;  // NULL: bt_all_routes
    size_t tables_count;
};

int bt_http_start(struct bt_server *server, const struct bt_http_options *options,
                  struct bt_http **out, struct bt_error *err) BT_NODISCARD;
int bt_http_port(const struct bt_http *http);  // the one it listens on, when 0 was asked for

/**
 * Does its loop turn, and do its workers work? It asks itself over its own listener and looks
 * whether anything was done for those who wait. -ETIMEDOUT and what hangs. For one thread, at
 * intervals; one hung worker is not noticed as long as others go on.
 */
int bt_http_prove(struct bt_http *http, int64_t patience_ns, struct bt_error *err) BT_NODISCARD;

void bt_http_close(struct bt_http *http);  // no new calls; streams are ended
void bt_http_destroy(struct bt_http *http);

#endif

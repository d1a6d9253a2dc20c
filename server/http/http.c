#include "server/http/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/http/exchange.h"
#include "server/http/knock.h"
#include "server/http/listen.h"
#include "server/http/metrics.h"

// One connection's memory in libmicrohttpd: request line, headers, and the answer's headers. A
// parked stream keeps it, which is why it is small; what does not fit is answered 431.
#define CONNECTION_BYTES ((size_t)6144)

// Without a byte for so long a connection is closed; streams are parked and have no such limit.
// Where we wait for a request, peers.h is stricter. Longer than from ping to ping: a player's
// answers share a connection, and its TLS.
#define QUIET_S 75U

#define DEFAULT_CONNECTIONS 20000
#define DEFAULT_CONNECTIONS_PER_ADDRESS 256
#define DEFAULT_BODY_MEMORY_BYTES (256L * 1024 * 1024)
#define SPARE_DESCRIPTORS 256  // for the database, files that are sent, and what libraries open
#define PEM_MAX_BYTES 65536

static const struct bt_log mhd_log = {"server/libmicrohttpd"};

struct bt_http {
    struct bt_exchange_world world;
    struct bt_listener listener;
    struct MHD_Daemon *daemon;
    struct bt_buf certificate, private_key;
    bool closed;
    int quiesced_fd;  // -1: libmicrohttpd has it
    atomic_llong body_room_bytes;
    unsigned connection_limit;
    struct bt_metric *connections;
};

BT_PRINTF(2, 0) static void log_library(void *context, const char *format, va_list args)
{
    (void)context;
    char line[256];
    vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    bt_log_debug(&mhd_log, "%s", line);
}

// Paths and parameters come to us as they were sent; server/http/uri.c decodes them.
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static enum MHD_Result handle_access(void *context, struct MHD_Connection *connection,
                                     const char *path, const char *method, const char *version,
                                     const char *data, size_t *len, void **request)
{
    (void)version;
    struct bt_http *http = context;
    if (*request == NULL) {
        struct bt_exchange *exchange = NULL;
        enum MHD_Result result =
            bt_exchange_begin(&http->world, connection, method, path, &exchange);
        *request = exchange;
        return result;
    }
    return bt_exchange_go_on(*request, data, len);
}

static void handle_completed(void *context, struct MHD_Connection *connection, void **request,
                             enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    (void)how;
    if (*request != NULL) {
        bt_exchange_end(*request);
        *request = NULL;
    }
}

static void handle_connection(void *context, struct MHD_Connection *connection, void **peer,
                              enum MHD_ConnectionNotificationCode what)
{
    struct bt_http *http = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        bt_metric_add(http->connections, -1);
        bt_peers_remove(http->world.peers, *peer);
        *peer = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    bt_metric_add(http->connections, 1);
    *peer = bt_peers_add(http->world.peers, info->connect_fd);
}

static int worker_count(const struct bt_http_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return options->workers > 0 ? options->workers : (int)BT_MAX(processors * 2, 8L);
}

// As many descriptors as the system gives us bound the number of connections.
static unsigned connection_limit(const struct bt_http_options *options)
{
    struct rlimit limit;
    long wanted = options->connections > 0 ? options->connections : DEFAULT_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 512;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    long possible = limit.rlim_max == RLIM_INFINITY ? wanted : (long)limit.rlim_max;
    return (unsigned)BT_MAX(BT_MIN(wanted, possible - SPARE_DESCRIPTORS), 16L);
}

static unsigned address_limit(const struct bt_http *http, const struct bt_http_options *options)
{
    bool none = options->connections_per_address < 0 || options->trusted_proxy != NULL ||
                http->listener.is_unix;
    return none                                    ? 0
           : options->connections_per_address == 0 ? DEFAULT_CONNECTIONS_PER_ADDRESS
                                                   : (unsigned)options->connections_per_address;
}

static int read_pem(const char *path, struct bt_buf *buf, struct bt_error *err)
{
    bt_buf_init(buf, PEM_MAX_BYTES);
    return bt_file_read(path, buf, err);
}

static int load_tls(struct bt_http *http, const struct bt_http_options *options,
                    struct bt_error *err)
{
    if (options->certificate == NULL) {
        return http->listener.loopback
                   ? 0
                   : bt_fail(err, -EPERM,
                             "'%s' can be reached from outside, and there is no certificate",
                             options->listen);
    }
    http->world.tls = true;
    int r = read_pem(options->certificate, &http->certificate, err);
    return r < 0 ? r : read_pem(options->private_key, &http->private_key, err);
}

static int start_daemon(struct bt_http *http, const struct bt_http_options *options,
                        struct bt_error *err)
{
    char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, http->certificate.data},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, http->private_key.data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem *more = http->world.tls ? tls : &tls[BT_ARRAY_LEN(tls) - 1];
    http->connection_limit = connection_limit(options);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (http->world.tls ? MHD_USE_TLS : 0);
    http->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, handle_access, http,             //
                         MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,         //
                         MHD_OPTION_LISTEN_SOCKET, http->listener.fd,           //
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,  //
                         MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)1024,  //
                         MHD_OPTION_CONNECTION_LIMIT, http->connection_limit,   //
                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, address_limit(http, options),
                         MHD_OPTION_CONNECTION_TIMEOUT, QUIET_S,                 //
                         MHD_OPTION_STRICT_FOR_CLIENT, 1,                        //
                         MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,      //
                         MHD_OPTION_NOTIFY_COMPLETED, handle_completed, http,    //
                         MHD_OPTION_NOTIFY_CONNECTION, handle_connection, http,  //
                         MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    return http->daemon != NULL
               ? 0
               : bt_fail(err, -EIO, "libmicrohttpd does not start; is the certificate valid?");
}

static void open_metrics(struct bt_http *http, struct bt_metrics *metrics)
{
    static const char *const labels[] = {"status=\"0xx\"", "status=\"1xx\"", "status=\"2xx\"",
                                         "status=\"3xx\"", "status=\"4xx\"", "status=\"5xx\""};
    for (size_t i = 2; i < BT_ARRAY_LEN(labels); i++) {
        http->world.requests[i] =
            bt_metrics_counter(metrics, "bangtin_http_answers", labels[i], "Answers by status.");
    }
    http->world.refused = bt_metrics_counter(metrics, "bangtin_http_refused", "",
                                             "Requests refused because all workers were busy.");
    http->connections =
        bt_metrics_gauge(metrics, "bangtin_http_connections", "", "Open connections.");
}

static int start_threads(struct bt_http *http, const struct bt_http_options *options,
                         struct bt_error *err)
{
    int r = bt_peers_start(bt_clock_real(), &http->world.peers, err);
    r = r < 0
            ? r
            : bt_workers_start(worker_count(options), bt_exchange_work, &http->world.workers, err);
    return r < 0 ? r : start_daemon(http, options, err);
}

int bt_http_start(struct bt_server *server, const struct bt_http_options *options,
                  struct bt_http **out, struct bt_error *err)
{
    struct bt_http *http = BT_NEW(struct bt_http);
    http->listener.fd = http->quiesced_fd = -1;
    http->world = (struct bt_exchange_world){.server = server,
                                             .gate = options->gate,
                                             .tables = options->tables,
                                             .tables_count = options->tables_count,
                                             .trusted_proxy = options->trusted_proxy};
    atomic_init(&http->body_room_bytes, options->body_memory_bytes > 0 ? options->body_memory_bytes
                                                                       : DEFAULT_BODY_MEMORY_BYTES);
    http->world.body_room_bytes = &http->body_room_bytes;
    if (options->tables == NULL) {
        http->world.tables = bt_all_routes;
        http->world.tables_count = bt_all_routes_count;
    }
    open_metrics(http, server->metrics);
    int r = bt_resuming_start(&http->world.resuming, err);
    http->world.streams = r == 0 ? bt_streams_create(http->world.resuming, server->metrics) : NULL;
    r = r < 0 ? r : bt_listen_open(options->listen, &http->listener, err);
    http->world.is_unix = http->listener.is_unix;
    r = r < 0 ? r : load_tls(http, options, err);
    r = r < 0 ? r : start_threads(http, options, err);
    if (r < 0) {
        bt_http_destroy(http);
        return r;
    }
    *out = http;
    return 0;
}

int bt_http_port(const struct bt_http *http)
{
    return http->listener.port;
}

// Then nobody is let in, and we are not either.
static bool is_full(const struct bt_http *http)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != NULL && info->num_connections >= http->connection_limit;
}

int bt_http_prove(struct bt_http *http, int64_t patience_ns, struct bt_error *err)
{
    if (bt_workers_stand_still(http->world.workers)) {
        return bt_fail(err, -ETIMEDOUT, "Requests wait, and no worker has taken one");
    }
    int r = bt_knock(http->listener.fd, patience_ns, err);
    return r < 0 && is_full(http) ? 0 : r;
}

void bt_http_close(struct bt_http *http)
{
    if (http->closed) {
        return;
    }
    http->closed = true;
    if (http->daemon != NULL) {
        http->quiesced_fd = MHD_quiesce_daemon(http->daemon);
    }
    if (http->world.workers != NULL) {
        bt_workers_close(http->world.workers);
    }
    if (http->world.streams != NULL) {
        bt_streams_close(http->world.streams);
    }
}

void bt_http_destroy(struct bt_http *http)
{
    if (http == NULL) {
        return;
    }
    bt_http_close(http);
    if (http->world.workers != NULL) {
        bt_workers_stop(http->world.workers);
    }
    if (http->world.resuming != NULL) {
        bt_resuming_stop(http->world.resuming);
    }
    // Nothing is suspended any more, which it demands.
    if (http->daemon != NULL) {
        MHD_stop_daemon(http->daemon);
        http->listener.fd = http->quiesced_fd;
    }
    if (http->listener.fd >= 0) {
        close(http->listener.fd);
    }
    bt_workers_destroy(http->world.workers);
    bt_peers_destroy(http->world.peers);
    bt_streams_destroy(http->world.streams);
    bt_resuming_destroy(http->world.resuming);
    bt_buf_finish(&http->certificate);
    bt_buf_finish(&http->private_key);
    free(http);
}

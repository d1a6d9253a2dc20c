// The routes that belong to no part: is the server alive, ready, how is it, what can it do.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "server/http/call_private.h"
#include "server/http/embedded.h"
#include "server/http/metrics.h"
#include "server/http/route.h"
#include "server/media/blobs.h"

#define METRICS_MAX_BYTES ((size_t)256 * 1024)

static int handle_alive(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    return bt_call_bytes_reply(call, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

static int handle_ready(struct bt_call *call, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    bool ready = db != NULL && bt_db_begin(db, false, err) == 0;
    if (ready) {
        bt_db_rollback(db);
        struct bt_s3 *store = bt_blobs_store(call->server->blobs);
        // It goes on with what it has: whoever takes it out of service has fewer servers, and no
        // other store.
        const char *text =
            store != NULL && bt_s3_away(store) ? "ready\nblob store: away\n" : "ready\n";
        return bt_call_bytes_reply(call, 200, "text/plain; charset=utf-8", text, strlen(text));
    }
    return bt_call_problem(call, 503, "database", "Không kết nối được cơ sở dữ liệu",
                           "The database cannot be reached");
}

// Numbers say how many screens there are and when they fail: for this machine's own monitoring.
static bool asks_from_here(const struct bt_call *call)
{
    const char *remote = bt_call_remote(call);
    return strcmp(remote, "unix") == 0 || strcmp(remote, "::1") == 0 ||
           bt_str_starts(remote, "127.");
}

static void note_memory(struct bt_metrics *metrics)
{
    struct bt_metric *resident = bt_metrics_gauge(metrics, "process_resident_memory_bytes", "",
                                                  "Memory of the process that is in RAM.");
    BT_AUTOBUF text;
    bt_buf_init(&text, 256);
    int64_t pages = 0;
    if (bt_file_read("/proc/self/statm", &text, NULL) < 0) {
        return;
    }
    char *second = strchr(text.data, ' ');
    if (second != NULL) {
        second[1 + strcspn(second + 1, " ")] = '\0';
        if (bt_parse_int(second + 1, 0, INT64_MAX / 65536, &pages) == 0) {
            bt_metric_set(resident, pages * sysconf(_SC_PAGESIZE));
        }
    }
}

static void note_database(struct bt_server *server)
{
    if (server->db != NULL) {
        struct bt_metric *away = bt_metrics_gauge(server->metrics, "bangtin_database_away", "",
                                                  "1 while the database cannot be reached.");
        bt_metric_set(away, bt_db_away(server->db));
    }
}

static int handle_metrics(struct bt_call *call, struct bt_error *err)
{
    if (!asks_from_here(call)) {
        return bt_call_problem(call, 403, "metrics", "Chỉ đọc được số liệu từ chính máy chủ",
                               "Metrics are given to this machine alone");
    }
    note_memory(call->server->metrics);
    note_database(call->server);
    BT_AUTOBUF text;
    bt_buf_init(&text, METRICS_MAX_BYTES);
    int r = bt_metrics_write(call->server->metrics, &text);
    if (r < 0) {
        return bt_fail(err, r, "Too many metrics");
    }
    return bt_call_bytes_reply(call, 200,
                               "application/openmetrics-text; version=1.0.0; charset=utf-8",
                               text.data, text.len);
}

static int handle_openapi(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_set_header(call, "Cache-Control", "no-cache");
    return bt_call_bytes_reply(call, 200, "application/json", bt_openapi_json.bytes,
                               bt_openapi_json.len);
}

static int handle_start_page(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_set_header(call, "Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                       "'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'");
    bt_call_set_header(call, "Cache-Control", "no-cache");
    return bt_call_bytes_reply(call, 200, "text/html; charset=utf-8", bt_start_html.bytes,
                               bt_start_html.len);
}

static int handle_start_script(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_set_header(call, "Cache-Control", "no-cache");
    return bt_call_bytes_reply(call, 200, "text/javascript; charset=utf-8", bt_start_js.bytes,
                               bt_start_js.len);
}

static int handle_start_style(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_set_header(call, "Cache-Control", "no-cache");
    return bt_call_bytes_reply(call, 200, "text/css; charset=utf-8", bt_start_css.bytes,
                               bt_start_css.len);
}

#define OWN(path_, handle_)                                                                        \
    {                                                                                              \
        .method = "GET", .path = (path_), .who = BT_WHO_ANYONE, .no_transaction = true,            \
        .handle = (handle_)                                                                        \
    }

static const struct bt_route routes[] = {
    OWN("/", handle_start_page),           OWN("/start.js", handle_start_script),
    OWN("/start.css", handle_start_style), OWN("/healthz", handle_alive),
    OWN("/readyz", handle_ready),          OWN("/metrics", handle_metrics),
    OWN("/openapi.json", handle_openapi),
};

const struct bt_route_table bt_http_routes = {routes, BT_ARRAY_LEN(routes)};

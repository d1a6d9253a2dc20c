#include "server/http/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/http/listen.h"
#include "server/http/router.h"

static const char token_characters[] =
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool refuse_request(struct bt_call *call, const char *vi, const char *en)
{
    bt_call_problem(call, 400, "request", vi, en);
    return false;
}

struct collecting {
    struct bt_call *call;
    struct bt_buf query;
    bool bad;
};

static enum MHD_Result collect_header(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    (void)kind;
    struct collecting *collecting = context;
    size_t len = strlen(name);
    if (len == 0 || strspn(name, token_characters) != len ||
        bt_pairs_add(&collecting->call->headers, name, value == NULL ? "" : value) < 0) {
        collecting->bad = true;
    }
    return MHD_YES;
}

// Parameters are not decoded by libmicrohttpd, so that only one place does it.
static enum MHD_Result collect_parameter(void *context, enum MHD_ValueKind kind, const char *name,
                                         const char *value)
{
    (void)kind;
    struct collecting *collecting = context;
    struct bt_buf *query = &collecting->query;
    int r = bt_buf_appendf(query, "%s%s%s%s", query->len > 0 ? "&" : "", name,
                           value == NULL ? "" : "=", value == NULL ? "" : value);
    collecting->bad = collecting->bad || r < 0;
    return MHD_YES;
}

static bool collect(struct bt_call *call, struct MHD_Connection *connection, const char *path)
{
    struct collecting collecting = {.call = call};
    bt_buf_init(&collecting.query, 4096);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &collecting);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, collect_parameter, &collecting);
    bool bad = collecting.bad || bt_call_take_query(call, bt_buf_text(&collecting.query)) < 0 ||
               bt_call_take_cookies(call) < 0;
    call->target = bt_strf("%s?%s", path, bt_buf_text(&collecting.query));
    bt_buf_finish(&collecting.query);
    return !bad;
}

static bool is_unambiguous(struct bt_call *call)
{
    const char *coding = bt_call_header(call, "Transfer-Encoding");
    size_t lengths = bt_pairs_count_of(&call->headers, "Content-Length");
    size_t codings = bt_pairs_count_of(&call->headers, "Transfer-Encoding");
    if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) {
        return refuse_request(call, "Độ dài nội dung không rõ ràng",
                              "The length of the body is ambiguous");
    }
    if (coding != NULL && strcasecmp(coding, "chunked") != 0) {
        return refuse_request(call, "Chỉ nhận Transfer-Encoding: chunked",
                              "No Transfer-Encoding but 'chunked' is understood");
    }
    if (bt_pairs_count_of(&call->headers, "Host") > 1) {
        return refuse_request(call, "Có hai Host", "There are two Host headers");
    }
    return true;
}

// The last address of X-Forwarded-For is the one the proxy itself saw.
static void take_forwarded(struct bt_call *call)
{
    const char *list = bt_call_header(call, "X-Forwarded-For");
    const char *comma = list == NULL ? NULL : strrchr(list, ',');
    const char *last = comma == NULL ? list : comma + 1;
    if (last != NULL) {
        bt_copy_cut(call->remote, sizeof(call->remote), last + strspn(last, " "));
    }
    const char *scheme = bt_call_header(call, "X-Forwarded-Proto");
    call->secure = call->secure || (scheme != NULL && strcasecmp(scheme, "https") == 0);
}

static void take_address(struct bt_call *call, const struct bt_exchange_world *world,
                         struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    call->secure = world->tls;
    bt_address_text(info == NULL ? NULL : info->client_addr, call->remote, sizeof(call->remote));
    if (world->is_unix ||
        (world->trusted_proxy != NULL && strcmp(world->trusted_proxy, call->remote) == 0)) {
        take_forwarded(call);
    }
}

static bool find_route(struct bt_call *call, const struct bt_exchange_world *world,
                       const char *method, const char *path)
{
    char allow[BT_ALLOW_MAX_BYTES];
    int r = bt_route_find(world->tables, world->tables_count, method, path, &call->route,
                          &call->values, allow);
    if (r == 0) {
        return true;
    }
    if (r == -ENOTSUP && strcmp(method, "OPTIONS") == 0) {
        bt_call_empty_reply(call, 204);
        bt_call_set_header(call, "Allow", allow);
    } else if (r == -ENOTSUP) {
        bt_call_problem(call, 405, "method", "Địa chỉ này không nhận phương thức đó",
                        "This address does not take that method");
        bt_call_set_header(call, "Allow", allow);
    } else {
        bt_call_problem(call, 404, "not-found", "Không có địa chỉ này", "There is no such address");
    }
    return false;
}

int64_t bt_request_length(const struct bt_call *call)
{
    const char *text = bt_call_header(call, "Content-Length");
    int64_t length = 0;
    if (bt_call_header(call, "Transfer-Encoding") != NULL) {
        return -1;
    }
    return text == NULL || bt_parse_int(text, 0, INT64_MAX, &length) < 0 ? 0 : length;
}

static bool check_body(struct bt_call *call)
{
    const struct bt_route *route = call->route;
    int64_t length = bt_request_length(call);
    int64_t max = route->body == BT_BODY_NONE ? 0
                  : route->max_body > 0       ? route->max_body
                                              : BT_BODY_DEFAULT_MAX_BYTES;
    bt_buf_init(&call->body, (size_t)max);
    if (route->body == BT_BODY_STREAM) {
        return true;  // the handler says how much it takes
    }
    if (route->body == BT_BODY_NONE && length < 0) {
        bt_call_problem(call, 413, "too-large", "Yêu cầu này không kèm nội dung",
                        "This request has no body");
        return false;
    }
    if (length > max) {
        bt_call_problem(call, 413, "too-large", "Nội dung gửi lên quá lớn",
                        "The body is too large");
        return false;
    }
    const char *type = bt_call_header(call, "Content-Type");
    if (route->body == BT_BODY_JSON && type != NULL &&
        strncasecmp(type, "application/json", 16) != 0) {
        bt_call_problem(call, 415, "media-type", "Nội dung phải là application/json",
                        "The body must be application/json");
        return false;
    }
    return true;
}

bool bt_request_take(struct bt_call *call, const struct bt_exchange_world *world,
                     struct MHD_Connection *connection, const char *method, const char *path)
{
    call->head = strcmp(method, "HEAD") == 0;
    bool known =
        bt_format(call->method, sizeof(call->method), "%s", call->head ? "GET" : method) == 0;
    bool good = collect(call, connection, path);
    take_address(call, world, connection);
    if (!known || !good) {
        return refuse_request(call, "Yêu cầu có phần đầu không hợp lệ",
                              "The request's line or headers are malformed");
    }
    return is_unambiguous(call) && find_route(call, world, method, path) && check_body(call);
}

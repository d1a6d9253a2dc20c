// Who may send a body: judged by a request's headers, before the body is read. Over real sockets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/http/http.h"
#include "server/http/metrics.h"
#include "server/http/route.h"

#define ANSWER_MAX_BYTES 65536
#define PATIENCE_MS 180000

static struct {
    atomic_int judged;
    atomic_llong received_bytes;
} shared;

static int handle_body(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    size_t len;
    (void)bt_call_body(call, &len);
    atomic_store(&shared.received_bytes, (int64_t)len);
    return bt_call_empty_reply(call, 204);
}

static int handle_file(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    return bt_call_problem(call, 409, "offset", "Sai chỗ", "Wrong place");
}

static const struct bt_route routes[] = {
    {"POST", "/mine", BT_WHO_USER, .body = BT_BODY_BYTES, .max_body = 2LL << 30,
     .handle = handle_body},
    {"POST", "/ours", BT_WHO_USER, .body = BT_BODY_JSON, .handle = handle_body},
    {"POST", "/anyones", BT_WHO_ANYONE, .body = BT_BODY_BYTES, .handle = handle_body},
    {"PUT", "/file", BT_WHO_USER, .body = BT_BODY_STREAM, .handle = handle_file},
    {"GET", "/mine", BT_WHO_USER, .handle = handle_body},
};
static const struct bt_route_table table = {routes, BT_ARRAY_LEN(routes)};
static const struct bt_route_table *const tables[] = {&table};

// Whose "/ours" is, the body says.
static bool is_theirs(struct bt_call *call, const struct bt_route *route)
{
    const cJSON *body = strcmp(route->path, "/ours") == 0 ? bt_call_json(call) : NULL;
    return cJSON_GetObjectItemCaseSensitive(body, "theirs") != NULL;
}

static bool gate(struct bt_call *call, const struct bt_route *route)
{
    atomic_fetch_add(&shared.judged, 1);
    if (is_theirs(call, route)) {
        bt_call_problem(call, 403, "theirs", "Không phải của bạn", "Not yours");
        return false;
    }
    if (bt_call_header(call, "X-Nobody") != NULL) {
        bt_call_problem(call, 401, "who", "Hãy đăng nhập", "Log in");
        return false;
    }
    return true;
}

struct world {
    struct bt_server server;
    struct bt_http *http;
};

static int start_world(void **state)
{
    struct world *world = BT_NEW(struct world);
    world->server = (struct bt_server){.clock = bt_clock_real(), .metrics = bt_metrics_create()};
    const struct bt_http_options options = {
        .listen = "127.0.0.1:0", .workers = 2, .gate = gate, .tables = tables, .tables_count = 1};
    struct bt_error err = {0};
    if (bt_http_start(&world->server, &options, &world->http, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    atomic_store(&shared.judged, 0);
    atomic_store(&shared.received_bytes, -1);
    *state = world;
    return 0;
}

static int stop_world(void **state)
{
    struct world *world = *state;
    bt_http_destroy(world->http);
    bt_metrics_destroy(world->server.metrics);
    free(world);
    return 0;
}

static int connect_and_send(const struct world *world, const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)bt_http_port(world->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return fd;
}

// Reads until the text is there; NULL: to the end.
static void read_until(int fd, struct bt_buf *out, const char *wanted)
{
    char chunk[4096];
    while (wanted == NULL || strstr(bt_buf_text(out), wanted) == NULL) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
        if (got <= 0) {
            assert_null(wanted);
            return;
        }
        assert_int_equal(bt_buf_append(out, chunk, (size_t)got), 0);
    }
}

#define HOST "Host: a.example\r\nConnection: close\r\n"
#define NOBODY "X-Nobody: 1\r\n"
#define GIBIBYTE "Content-Length: 1073741824\r\n"

static void assert_answer(const struct world *world, const char *request, int status)
{
    BT_AUTOBUF answer;
    bt_buf_init(&answer, ANSWER_MAX_BYTES);
    int fd = connect_and_send(world, request);
    read_until(fd, &answer, NULL);
    close(fd);
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "HTTP/1.1 %d ", status);
    if (!bt_str_starts(bt_buf_text(&answer), wanted)) {
        fail_msg("not %d: %s", status, bt_buf_text(&answer));
    }
}

// The head alone is sent: an answer that waited for the body would never come.
static void nobodys_body_is_not_read(void **state)
{
    static const char *const heads[] = {
        "POST /mine HTTP/1.1\r\n" HOST NOBODY GIBIBYTE "\r\n",
        "POST /mine HTTP/1.1\r\n" HOST NOBODY GIBIBYTE "Expect: 100-continue\r\n\r\n",
        "POST /mine HTTP/1.1\r\n" HOST NOBODY "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        "POST /mine HTTP/1.1\r\n" HOST NOBODY "Transfer-Encoding: chunked\r\n\r\n",
        "POST /ours HTTP/1.1\r\n" HOST NOBODY "Transfer-Encoding: chunked\r\n\r\n",
        "PUT /file HTTP/1.1\r\n" HOST NOBODY GIBIBYTE "\r\n",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(heads); i++) {
        assert_answer(*state, heads[i], 401);
    }
    assert_int_equal(atomic_load(&shared.judged), BT_ARRAY_LEN(heads));
    assert_int_equal(atomic_load(&shared.received_bytes), -1);
}

// On a connection that goes on: the next request is not taken for a part of the body.
static void a_short_body_that_nobody_wants_is_dropped(void **state)
{
    static const char *const bodies[] = {
        "POST /mine HTTP/1.1\r\nHost: a\r\n" NOBODY "Content-Length: 4\r\n\r\nGET ",
        "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(bodies); i++) {
        BT_AUTOFREE char *requests =
            bt_strf("%sPOST /anyones HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab", bodies[i]);
        BT_AUTOBUF answer;
        bt_buf_init(&answer, ANSWER_MAX_BYTES);
        int fd = connect_and_send(*state, requests);
        read_until(fd, &answer, NULL);
        close(fd);
        assert_true(bt_str_starts(bt_buf_text(&answer), "HTTP/1.1 4"));
        assert_non_null(strstr(bt_buf_text(&answer), "HTTP/1.1 204 "));
        assert_int_equal(atomic_exchange(&shared.received_bytes, -1), 2);
    }
}

static void who_may_send_a_body_is_told_to(void **state)
{
    BT_AUTOBUF answer;
    bt_buf_init(&answer, ANSWER_MAX_BYTES);
    int fd = connect_and_send(*state, "POST /mine HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                                      "Content-Length: 4\r\n\r\n");
    read_until(fd, &answer, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(send(fd, "abcd", 4, MSG_NOSIGNAL), 4);
    read_until(fd, &answer, NULL);
    close(fd);
    assert_non_null(strstr(bt_buf_text(&answer), "HTTP/1.1 204 "));
    assert_int_equal(atomic_load(&shared.received_bytes), 4);
    assert_int_equal(atomic_load(&shared.judged), 2);  // and again with the answer
}

static void who_sends_no_body_is_judged_once(void **state)
{
    assert_answer(*state, "GET /mine HTTP/1.1\r\n" HOST "\r\n", 204);
    assert_int_equal(atomic_load(&shared.judged), 1);
    assert_answer(*state, "POST /mine HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 204);
    assert_int_equal(atomic_load(&shared.judged), 2);
}

static void what_the_body_says_is_judged_when_it_is_here(void **state)
{
    assert_answer(*state, "POST /ours HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\n{\"theirs\":1}",
                  403);
    assert_int_equal(atomic_load(&shared.received_bytes), -1);
    assert_answer(*state, "POST /ours HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n{\"mine\":1}",
                  204);
    assert_int_equal(atomic_load(&shared.received_bytes), 10);
}

int main(void)
{
#define WITH_WORLD(test_) cmocka_unit_test_setup_teardown(test_, start_world, stop_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(nobodys_body_is_not_read),
        WITH_WORLD(a_short_body_that_nobody_wants_is_dropped),
        WITH_WORLD(who_may_send_a_body_is_told_to),
        WITH_WORLD(who_sends_no_body_is_judged_once),
        WITH_WORLD(what_the_body_says_is_judged_when_it_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Answers that are put off: no worker waits for them. Over real sockets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"
#include "server/http/http.h"
#include "server/http/metrics.h"
#include "server/http/route.h"

#define PATIENCE_MS 180000
#define MANY 50

struct world {
    struct bt_server server;
    struct bt_http *http;
};

// Calls that wait: handlers cannot be given a context.
static struct bt_queue *waiting;

static int answer_later(struct bt_call *call, void *context, struct bt_error *err)
{
    (void)err;
    const char *text = context;
    return bt_call_bytes_reply(call, 200, "text/plain", text, strlen(text));
}

static int handle_at_once(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_put_off(call, answer_later, bt_strdup("at once"), free);
    bt_call_go_on(call);  // before the handler has returned
    return 0;
}

static int handle_wait(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_put_off(call, answer_later, bt_strdup("at last"), free);
    assert_int_equal(bt_queue_push(waiting, call), 0);
    return 0;
}

static int fail_later(struct bt_call *call, void *context, struct bt_error *err)
{
    (void)call;
    (void)context;
    return bt_fail(err, -1, "It did not work");
}

static int handle_fail(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_put_off(call, fail_later, NULL, NULL);
    bt_call_go_on(call);
    return 0;
}

static const struct bt_route routes[] = {
    {"GET", "/at-once", BT_WHO_ANYONE, .no_transaction = true, .handle = handle_at_once},
    {"GET", "/wait", BT_WHO_ANYONE, .no_transaction = true, .handle = handle_wait},
    {"GET", "/fail", BT_WHO_ANYONE, .no_transaction = true, .handle = handle_fail},
};
static const struct bt_route_table table = {routes, BT_ARRAY_LEN(routes)};
static const struct bt_route_table *const tables[] = {&table};

static int start_world(void **state)
{
    struct world *world = BT_NEW(struct world);
    world->server = (struct bt_server){.clock = bt_clock_real(), .metrics = bt_metrics_create()};
    const struct bt_http_options options = {
        .listen = "127.0.0.1:0", .workers = 2, .tables = tables, .tables_count = 1};
    struct bt_error err = {0};
    if (bt_http_start(&world->server, &options, &world->http, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    waiting = bt_queue_create(MANY, NULL, (struct bt_waker){0});
    *state = world;
    return 0;
}

static int stop_world(void **state)
{
    struct world *world = *state;
    bt_http_destroy(world->http);
    bt_queue_destroy(waiting);
    bt_metrics_destroy(world->server.metrics);
    free(world);
    return 0;
}

static int ask(const struct world *world, const char *path)
{
    BT_AUTOFREE char *text =
        bt_strf("GET %s HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", path);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)bt_http_port(world->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return fd;
}

static void assert_answer(int fd, const char *wanted)
{
    char chunk[4096];
    ssize_t got = 1;
    BT_AUTOBUF answer;
    bt_buf_init(&answer, 65536);
    while (got > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        got = recv(fd, chunk, sizeof(chunk), 0);
        assert_true(got <= 0 || bt_buf_append(&answer, chunk, (size_t)got) == 0);
    }
    close(fd);
    assert_non_null(strstr(bt_buf_text(&answer), wanted));
}

static void a_call_may_go_on_before_its_handler_has_returned(void **state)
{
    for (int i = 0; i < MANY; i++) {
        assert_answer(ask(*state, "/at-once"), "at once");
    }
}

static void more_calls_wait_than_there_are_workers(void **state)
{
    int fds[MANY];
    struct bt_call *calls[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = ask(*state, "/wait");
        calls[i] = bt_queue_pop_wait(waiting, INT64_MAX);
        assert_non_null(calls[i]);
    }
    assert_answer(ask(*state, "/at-once"), "at once");  // others are answered meanwhile
    for (int i = 0; i < MANY; i++) {
        bt_call_go_on(calls[i]);
        assert_answer(fds[i], "at last");
    }
}

static void one_that_fails_at_last_is_said(void **state)
{
    assert_answer(ask(*state, "/fail"), "HTTP/1.1 500 ");
}

static void who_has_gone_meanwhile_is_no_trouble(void **state)
{
    close(ask(*state, "/wait"));
    bt_call_go_on(bt_queue_pop_wait(waiting, INT64_MAX));
    assert_answer(ask(*state, "/at-once"), "at once");
}

int main(void)
{
#define WITH_WORLD(test_) cmocka_unit_test_setup_teardown(test_, start_world, stop_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_call_may_go_on_before_its_handler_has_returned),
        WITH_WORLD(more_calls_wait_than_there_are_workers),
        WITH_WORLD(one_that_fails_at_last_is_said),
        WITH_WORLD(who_has_gone_meanwhile_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

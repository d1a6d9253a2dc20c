// A body that goes into a file is made sure of while it comes. Over real sockets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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

#define PATIENCE_MS 180000
#define BODY_BYTES 4000000
#define SETTLE_BYTES 1000000

struct world {
    struct bt_server server;
    struct bt_http *http;
};

// Handlers cannot be given a context.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Protected by lock.
    int fails_with;  // negative errno, or 0
    int tries;
    int64_t settled_bytes;
    struct bt_buf got;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

// What lies in the file goes on to `got`; under the lock.
static void take_out(int fd)
{
    char chunk[65536];
    ssize_t len = 1;
    for (off_t at = 0; len > 0; at += len) {
        len = pread(fd, chunk, sizeof(chunk), at);
        assert_true(len >= 0 && bt_buf_append(&shared.got, chunk, (size_t)len) == 0);
    }
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static int settle(struct bt_call *call, struct bt_error *err)
{
    pthread_mutex_lock(&shared.lock);
    int r = shared.fails_with;
    shared.tries++;
    if (r == 0) {
        take_out(bt_call_received_file(call));
        shared.settled_bytes = (int64_t)shared.got.len;
    }
    pthread_cond_broadcast(&shared.changed);
    pthread_mutex_unlock(&shared.lock);
    return r < 0 ? bt_fail(err, r, "It did not work") : 0;
}

static int handle(struct bt_call *call, struct bt_error *err)
{
    int64_t bytes;
    bool whole;
    if (bt_call_received(call, &bytes, &whole)) {
        pthread_mutex_lock(&shared.lock);
        take_out(bt_call_received_file(call));
        pthread_mutex_unlock(&shared.lock);
        return bt_call_empty_reply(call, whole ? 204 : 202);
    }
    char path[] = "/tmp/bt-settling-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot make a file");
    }
    unlink(path);
    int r = bt_call_receive(call, fd, BODY_BYTES);
    bt_call_settle_every(call, SETTLE_BYTES, settle);
    return r;
}

static const struct bt_route routes[] = {
    {"PUT", "/", BT_WHO_ANYONE, .no_transaction = true, .body = BT_BODY_STREAM, .handle = handle},
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
    shared.fails_with = shared.tries = 0;
    shared.settled_bytes = 0;
    bt_buf_init(&shared.got, BODY_BYTES);
    *state = world;
    return 0;
}

static int stop_world(void **state)
{
    struct world *world = *state;
    bt_http_destroy(world->http);
    bt_buf_finish(&shared.got);
    bt_metrics_destroy(world->server.metrics);
    free(world);
    return 0;
}

static char *make_bytes(void)
{
    char *bytes = bt_alloc(BODY_BYTES);
    for (size_t i = 0; i < BODY_BYTES; i++) {
        bytes[i] = (char)(i * 2654435761U >> 13);
    }
    return bytes;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes += sent;
        len -= (size_t)sent;
    }
}

static int begin(const struct world *world)
{
    BT_AUTOFREE char *head = bt_strf(
        "PUT / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
        BODY_BYTES);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)bt_http_port(world->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    send_all(fd, head, strlen(head));
    return fd;
}

static void assert_all_is_here(int fd, const char *bytes)
{
    char answer[64] = "";
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    assert_true(recv(fd, answer, sizeof(answer) - 1, 0) > 0);
    assert_non_null(strstr(answer, "HTTP/1.1 204 "));
    close(fd);
    assert_int_equal(shared.got.len, BODY_BYTES);
    assert_memory_equal(shared.got.data, bytes, BODY_BYTES);
}

static void what_came_is_settled_while_the_rest_is_awaited(void **state)
{
    BT_AUTOFREE char *bytes = make_bytes();
    int fd = begin(*state);
    const size_t first = 2700000;
    send_all(fd, bytes, first);
    pthread_mutex_lock(&shared.lock);
    while (shared.settled_bytes < 2 * SETTLE_BYTES) {
        pthread_cond_wait(&shared.changed, &shared.lock);
    }
    pthread_mutex_unlock(&shared.lock);
    send_all(fd, bytes + first, BODY_BYTES - first);
    assert_all_is_here(fd, bytes);
    assert_in_range(shared.tries, 2, 3);  // and not for the last bytes
}

static void one_that_fails_is_tried_again_with_more(void **state)
{
    BT_AUTOFREE char *bytes = make_bytes();
    shared.fails_with = -EIO;
    int fd = begin(*state);
    send_all(fd, bytes, BODY_BYTES);
    assert_all_is_here(fd, bytes);
    assert_in_range(shared.tries, 2, 3);
}

static void one_that_went_on_elsewhere_is_settled_no_more(void **state)
{
    BT_AUTOFREE char *bytes = make_bytes();
    shared.fails_with = -ESTALE;
    int fd = begin(*state);
    send_all(fd, bytes, BODY_BYTES);
    assert_all_is_here(fd, bytes);
    assert_int_equal(shared.tries, 1);
}

int main(void)
{
#define WITH_WORLD(test_) cmocka_unit_test_setup_teardown(test_, start_world, stop_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(what_came_is_settled_while_the_rest_is_awaited),
        WITH_WORLD(one_that_fails_is_tried_again_with_more),
        WITH_WORLD(one_that_went_on_elsewhere_is_settled_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

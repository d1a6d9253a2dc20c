#include "server/http/knock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/http/listen.h"

#define LONG_NS (180 * BT_NS_PER_S)

static struct bt_listener listen_on(const char *where)
{
    struct bt_listener listener;
    assert_int_equal(bt_listen_open(where, &listener, NULL), 0);
    return listener;
}

// The listener does not wait by itself, and whoever knocks may come later than this thread.
static int accept_one(int listener_fd)
{
    struct pollfd waits = {.fd = listener_fd, .events = POLLIN};
    while (poll(&waits, 1, -1) < 0 && errno == EINTR) {
    }
    return accept(listener_fd, NULL, NULL);
}

static void *answer_one(void *context)
{
    const int *listener_fd = context;
    char asked[256];
    int fd = accept_one(*listener_fd);
    assert_true(recv(fd, asked, sizeof(asked), 0) > 0);
    assert_int_equal(send(fd, "H", 1, MSG_NOSIGNAL), 1);
    close(fd);
    return NULL;
}

static void *end_one(void *context)
{
    const int *listener_fd = context;
    close(accept_one(*listener_fd));
    return NULL;
}

// With `other` at the other end.
static int knock_at(int listener_fd, void *(*other)(void *context))
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other, &listener_fd), 0);
    int r = bt_knock(listener_fd, LONG_NS, NULL);
    pthread_join(thread, NULL);
    return r;
}

static void an_answer_and_an_end_are_heard(void **state)
{
    (void)state;
    char directory[] = "/tmp/bangtin-knock-XXXXXX";
    assert_non_null(mkdtemp(directory));
    BT_AUTOFREE char *path = bt_strf("%s/http.sock", directory);
    BT_AUTOFREE char *local = bt_strf("unix:%s", path);
    const char *const places[] = {"127.0.0.1:0", "[::]:0", "0.0.0.0:0", local};
    for (size_t i = 0; i < BT_ARRAY_LEN(places); i++) {
        struct bt_listener listener = listen_on(places[i]);
        assert_int_equal(knock_at(listener.fd, answer_one), 0);
        assert_int_equal(knock_at(listener.fd, end_one), 0);
        close(listener.fd);
    }
    unlink(path);
    rmdir(directory);
}

static void silence_is_no_answer(void **state)
{
    (void)state;
    struct bt_listener listener = listen_on("127.0.0.1:0");
    struct bt_error err = {0};
    assert_int_equal(bt_knock(listener.fd, 10 * BT_NS_PER_MS, &err), -ETIMEDOUT);
    assert_string_equal(err.msg, "Our own listener does not answer");
    close(listener.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_and_an_end_are_heard),
        cmocka_unit_test(silence_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

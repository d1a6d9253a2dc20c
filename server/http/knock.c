#include "server/http/knock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"

static const char request[] = "OPTIONS /healthz HTTP/1.1\r\n"
                              "Host: localhost\r\n"
                              "Connection: close\r\n\r\n";

// An end, however rude, is an answer of the loop, too.
static bool is_end(int error)
{
    return error == ECONNRESET || error == EPIPE;
}

static int wait_for(int fd, short events, int64_t until_ns, struct bt_error *err)
{
    struct pollfd waits = {.fd = fd, .events = events};
    int r;
    do {
        int64_t left_ns = until_ns - bt_clock_mono_ns(bt_clock_real());
        r = poll(&waits, 1, (int)(BT_MAX(left_ns, 0) / BT_NS_PER_MS));
    } while (r < 0 && errno == EINTR);
    return r > 0 ? 0 : bt_fail(err, -ETIMEDOUT, "Our own listener does not answer");
}

static int ask(int fd, int64_t until_ns, struct bt_error *err)
{
    int r = wait_for(fd, POLLOUT, until_ns, err);
    if (r < 0) {
        return r;
    }
    char byte;
    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
        return is_end(errno) ? 0 : bt_fail_errno(err, "Cannot ask our own listener");
    }
    r = wait_for(fd, POLLIN, until_ns, err);
    if (r == 0 && recv(fd, &byte, 1, 0) < 0 && !is_end(errno)) {
        return bt_fail_errno(err, "Cannot hear our own listener");
    }
    return r;
}

int bt_knock(int listener_fd, int64_t patience_ns, struct bt_error *err)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + patience_ns;
    struct sockaddr_storage where = {0};
    socklen_t len = sizeof(where);
    if (getsockname(listener_fd, (struct sockaddr *)&where, &len) < 0) {
        return bt_fail_errno(err, "Cannot find our own listener");
    }
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot ask our own listener");
    }
    int r = connect(fd, (struct sockaddr *)&where, len) < 0 && errno != EINPROGRESS
                ? bt_fail_errno(err, "Cannot reach our own listener")
                : ask(fd, until_ns, err);
    close(fd);
    return r;
}

#include "server/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44  // linux/tcp.h
#endif

// Into a line that was dead what waits is sent again this often, and not after twice the time each
// time: a takedown given meanwhile is there as soon as the line is.
#define AGAIN_MS 3000
// With that, the system would give a connection up after less than a minute; a player that is gone
// for so long connects anew.
#define PATIENCE_MS 120000

static const char unix_prefix[] = "unix:";

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static int parse_port(const char *text, in_port_t *out)
{
    int64_t port;
    if (*text++ != ':' || bt_parse_int(text, 0, 65535, &port) < 0) {
        return -EINVAL;
    }
    *out = htons((in_port_t)port);
    return 0;
}

// "[HOST]:PORT" or "HOST:PORT"; the host in `host`.
static int split(const char *where, char host[INET6_ADDRSTRLEN], in_port_t *out_port)
{
    bool brackets = *where == '[';
    const char *start = where + brackets;
    const char *end = brackets ? strchr(start, ']') : strrchr(start, ':');
    if (end == NULL || bt_format(host, INET6_ADDRSTRLEN, "%.*s", (int)(end - start), start) < 0) {
        return -EINVAL;
    }
    return parse_port(end + brackets, out_port);
}

static int parse(const char *where, union address *out, socklen_t *out_len)
{
    *out = (union address){0};
    if (bt_str_starts(where, unix_prefix)) {
        out->local.sun_family = AF_UNIX;
        *out_len = sizeof(out->local);
        return bt_format(out->local.sun_path, sizeof(out->local.sun_path), "%s",
                         where + sizeof(unix_prefix) - 1);
    }
    char host[INET6_ADDRSTRLEN];
    in_port_t port;
    if (split(where, host, &port) < 0) {
        return -EINVAL;
    }
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = port;
        *out_len = sizeof(out->v4);
        return 0;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = port;
    *out_len = sizeof(out->v6);
    return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1 ? 0 : -EINVAL;
}

static bool is_loopback(const union address *address)
{
    switch (address->any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    default:
        return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    }
}

bool bt_listen_is_loopback(const char *where)
{
    union address address;
    socklen_t len;
    return parse(where, &address, &len) == 0 && is_loopback(&address);
}

// A socket file that a dead server left behind is in the way; a living one's is not touched.
static void remove_stale(const union address *address, socklen_t len)
{
    BT_AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat status;
    if (fd >= 0 && lstat(address->local.sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        connect(fd, &address->any, len) < 0 && errno == ECONNREFUSED) {
        unlink(address->local.sun_path);
    }
}

static void set_options(int fd, const union address *address)
{
    const int on = 1, again_ms = AGAIN_MS, patience_ms = PATIENCE_MS;
    if (address->any.sa_family == AF_UNIX) {
        return;
    }
    // A server that is started again listens at once; small answers leave at once.
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    // Kernels before 6.15 refuse the first, and then neither is needed.
    if (setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, &again_ms, sizeof(again_ms)) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
    }
}

static int port_of(int fd)
{
    union address address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(fd, &address.any, &len) < 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET    ? address.v4.sin_port
                 : address.any.sa_family == AF_INET6 ? address.v6.sin6_port
                                                     : 0);
}

int bt_listen_open(const char *where, struct bt_listener *out, struct bt_error *err)
{
    union address address;
    socklen_t len;
    if (parse(where, &address, &len) < 0) {
        return bt_fail(err, -EINVAL, "'%s' is neither ADDRESS:PORT nor unix:PATH", where);
    }
    bool is_unix = address.any.sa_family == AF_UNIX;
    if (is_unix) {
        remove_stale(&address, len);
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot make a socket");
    }
    set_options(fd, &address);
    if (bind(fd, &address.any, len) < 0 || listen(fd, SOMAXCONN) < 0) {
        int r = bt_fail_errno(err, "Cannot listen on '%s'", where);
        close(fd);
        return r;
    }
    if (is_unix) {
        chmod(address.local.sun_path, 0660);  // the proxy is in our group
    }
    *out = (struct bt_listener){
        .fd = fd, .is_unix = is_unix, .loopback = is_loopback(&address), .port = port_of(fd)};
    return 0;
}

void bt_address_network(const char *text, char out[BT_NETWORK_BYTES])
{
    struct in6_addr address;
    if (inet_pton(AF_INET6, text, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address)) {
        bt_hex(address.s6_addr, 8, out);
    } else {
        bt_copy_cut(out, BT_NETWORK_BYTES, text);
    }
}

void bt_address_text(const struct sockaddr *address, char *out, size_t size)
{
    union address copy = {0};
    const char *text = NULL;
    bt_copy_cut(out, size, "unix");
    if (address == NULL || address->sa_family == AF_UNIX) {
        return;
    }
    if (address->sa_family == AF_INET) {
        memcpy(&copy.v4, address, sizeof(copy.v4));
        text = inet_ntop(AF_INET, &copy.v4.sin_addr, out, (socklen_t)size);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&copy.v6, address, sizeof(copy.v6));
        const uint8_t *bytes = copy.v6.sin6_addr.s6_addr;
        text = IN6_IS_ADDR_V4MAPPED(&copy.v6.sin6_addr)
                   ? inet_ntop(AF_INET, bytes + 12, out, (socklen_t)size)
                   : inet_ntop(AF_INET6, bytes, out, (socklen_t)size);
    }
    if (text == NULL) {
        bt_copy_cut(out, size, "unknown");
    }
}

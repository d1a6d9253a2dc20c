#include "bench/fleet/line.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define MAX_BYTES (4 << 20)
#define READ_BYTES 65536

// A slow line takes so much in so long: 160 kbit/s.
#define SLOW_BYTES 1000
#define SLOW_NS (50 * BT_NS_PER_MS)

static struct line_bytes all_bytes;

struct line_bytes line_bytes_of_all(void)
{
    return all_bytes;
}

void line_init(struct line *line)
{
    *line = (struct line){.fd = -1};
    bt_buf_init(&line->out, MAX_BYTES);
    bt_buf_init(&line->in, MAX_BYTES);
    bt_buf_init(&line->text, MAX_BYTES);
}

void line_close(struct line *line)
{
    if (line->fd >= 0) {
        close(line->fd);
    }
    bt_buf_finish(&line->out);
    bt_buf_finish(&line->in);
    bt_buf_finish(&line->text);
    bool slow = line->slow;
    line_init(line);
    line->slow = slow;
}

static void fail(struct line *line)
{
    struct line_user user = line->user;
    bool busy = line->busy;
    line_close(line);
    if (busy) {
        user.answered(line, &(struct line_answer){.head = "", .body = ""}, user.context);
    }
}

static bool join(struct line *line, int epoll, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (bt_format(address.sun_path, sizeof(address.sun_path), "%s", path) < 0) {
        return false;
    }
    line->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (line->fd < 0 || connect(line->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return false;  // EAGAIN, too: the server's backlog is full
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, line->fd, &event) == 0;
}

static void want(struct line *line, int epoll, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = line};
    epoll_ctl(epoll, EPOLL_CTL_MOD, line->fd, &event);
}

static bool push(struct line *line, int epoll)
{
    while (line->sent < line->out.len) {
        ssize_t sent =
            send(line->fd, line->out.data + line->sent, line->out.len - line->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            want(line, epoll, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (sent <= 0) {
            return false;
        }
        line->sent += (size_t)sent;
        all_bytes.sent += sent;
    }
    want(line, epoll, EPOLLIN);
    return true;
}

bool line_send(struct line *line, int epoll, const char *path, const struct bt_buf *request,
               const struct line_user *user)
{
    bt_buf_clear(&line->out);
    line->sent = 0;
    line->user = *user;
    if ((line->fd < 0 && !join(line, epoll, path)) ||
        bt_buf_append(&line->out, request->data, request->len) < 0 || !push(line, epoll)) {
        line_close(line);
        return false;
    }
    line->busy = true;
    return true;
}

static void drop_front(struct bt_buf *buf, size_t len)
{
    memmove(buf->data, buf->data + len, buf->len - len + 1);  // bt_buf_text has ended it
    buf->len -= len;
}

/*
 * Events.
 */

static void tell_event(struct line *line, char *text)
{
    const char *name = "", *data = "";
    for (char *row = text, *end; row != NULL; row = end != NULL ? end + 1 : NULL) {
        end = strchr(row, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        name = bt_str_starts(row, "event: ") ? row + strlen("event: ") : name;
        data = bt_str_starts(row, "data: ") ? row + strlen("data: ") : data;
    }
    if (name[0] != '\0') {
        line->user.event(line, name, data, line->user.context);
    }
}

static void tell_events(struct line *line)
{
    char *end;
    while (line->fd >= 0 && (end = strstr(bt_buf_text(&line->text), "\n\n")) != NULL) {
        *end = '\0';
        char *text = line->text.data;
        size_t len = (size_t)(end - text) + 2;
        tell_event(line, text);
        if (line->fd >= 0) {
            drop_front(&line->text, len);
        }
    }
}

// Chunks that are whole become text. False: the stream is over.
static bool unchunk(struct line *line)
{
    for (;;) {
        const char *start = bt_buf_text(&line->in);
        const char *end = strstr(start, "\r\n");
        size_t size = 0;
        if (end == NULL) {
            return true;
        }
        for (const char *c = start; c < end; c++) {
            const char *digits = "0123456789abcdef", *digit = strchr(digits, *c | 0x20);
            size = size * 16 + (size_t)(digit != NULL ? digit - digits : 0);
        }
        size_t head = (size_t)(end - start) + 2;
        if (size == 0) {
            return false;
        }
        if (line->in.len < head + size + 2) {
            return true;
        }
        if (bt_buf_append(&line->text, start + head, size) < 0) {
            return false;
        }
        drop_front(&line->in, head + size + 2);
    }
}

/*
 * Answers.
 */

static size_t length_of(const char *head, const char *end)
{
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = head; at < end; at++) {
        if (strncasecmp(at, name, sizeof(name) - 1) == 0) {
            size_t len = 0;
            for (at += sizeof(name) - 1; *at == ' ' || (*at >= '0' && *at <= '9'); at++) {
                len = *at == ' ' ? len : len * 10 + (size_t)(*at - '0');
            }
            return len;
        }
    }
    return 0;
}

static int status_of(const char *head)
{
    static const char version[] = "HTTP/1.1 ";
    bool known = bt_str_starts(head, version) && strlen(head) > sizeof(version) + 2;
    const char *digits = head + sizeof(version) - 1;
    return known ? (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0' : 0;
}

// Once all of it is here. True: there may be more to look at.
static bool take_answer(struct line *line)
{
    char *end = strstr(bt_buf_text(&line->in), "\r\n\r\n");
    if (end == NULL || !line->busy) {
        return false;
    }
    size_t head_len = (size_t)(end - line->in.data) + 4;
    size_t body_len = length_of(line->in.data, end);
    if (line->in.len < head_len + body_len) {
        return false;
    }
    struct line_answer answer = {.status = status_of(line->in.data),
                                 .head = line->in.data,
                                 .body = line->in.data + head_len,
                                 .body_len = body_len};
    *end = '\0';
    line->streaming = strcasestr(line->in.data, "text/event-stream") != NULL;
    line->busy = line->streaming;
    if (line->streaming) {
        drop_front(&line->in, head_len);
        answer.head = answer.body = "";
        line->user.answered(line, &answer, line->user.context);
        return true;
    }
    struct bt_buf taken = line->in;
    bt_buf_init(&line->in, MAX_BYTES);
    bt_buf_finish(&line->out);
    bt_buf_init(&line->out, MAX_BYTES);
    line->user.answered(line, &answer, line->user.context);
    bt_buf_finish(&taken);
    return false;
}

static void take(struct line *line)
{
    if (!line->streaming && !take_answer(line)) {
        return;
    }
    bool goes_on = unchunk(line);
    tell_events(line);
    if (!goes_on && line->fd >= 0) {
        fail(line);
    }
}

static bool receive(struct line *line, int epoll)
{
    static char bytes[READ_BYTES];
    size_t most = line->slow ? SLOW_BYTES : sizeof(bytes);
    ssize_t got = recv(line->fd, bytes, most, 0);
    if (got < 0 && errno == EAGAIN) {
        return true;
    }
    if (got <= 0 || bt_buf_append(&line->in, bytes, (size_t)got) < 0) {
        return false;
    }
    all_bytes.taken += got;
    if (line->slow && !line->streaming) {
        line->wake_ns = bt_clock_mono_ns(bt_clock_real()) + SLOW_NS;
        want(line, epoll, 0);
    }
    take(line);
    return true;
}

void line_ready(struct line *line, int epoll, uint32_t events)
{
    if ((events & EPOLLOUT) != 0 && !push(line, epoll)) {
        fail(line);
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !receive(line, epoll)) {
        fail(line);
    }
}

void line_look(struct line *line, int epoll, int64_t now_ns)
{
    if (line->fd >= 0 && line->wake_ns > 0 && now_ns >= line->wake_ns) {
        line->wake_ns = 0;
        want(line, epoll, EPOLLIN);
    }
}

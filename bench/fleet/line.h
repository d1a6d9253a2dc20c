/**
 * A connection of the simulated fleet to the server's unix socket: requests one after the other, or
 * one that is answered with a stream of events. Non-blocking, in one epoll set, on one thread.
 */
#ifndef BT_BENCH_FLEET_LINE_H
#define BT_BENCH_FLEET_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct line;

struct line_answer {
    int status;               // 0: there was none, the connection has ended
    const char *head, *body;  // both end with a NUL; borrowed during the call
    size_t body_len;
};

struct line_user {
    void (*answered)(struct line *line, const struct line_answer *answer, void *context);
    void (*event)(struct line *line, const char *name, const char *data, void *context);
    void *context;
};

struct line {
    int fd;  // -1: closed
    bool busy, streaming;
    bool slow;  // takes a little at a time
    int64_t wake_ns;
    struct bt_buf out, in, text;  // text: of the stream, unchunked
    size_t sent;
    struct line_user user;
};

// Of all lines, headers and chunks among them.
struct line_bytes {
    int64_t sent, taken;
};
struct line_bytes line_bytes_of_all(void);

void line_init(struct line *line);
void line_close(struct line *line);  // says nothing to its user

// The request is copied. False: no connection; the user hears nothing.
bool line_send(struct line *line, int epoll, const char *path, const struct bt_buf *request,
               const struct line_user *user);

void line_ready(struct line *line, int epoll, uint32_t events);  // from epoll

// A slow line goes on when its time has come.
void line_look(struct line *line, int epoll, int64_t now_ns);

#endif

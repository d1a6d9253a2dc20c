#include "tests/ledger/chaos.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_HEAD 16384
#define MAX_MESSAGE (2 << 20)
#define MAX_LATE 64
#define SLOW_NS (20 * BT_NS_PER_MS)

// Of a hundred requests that carry plays, and of a hundred others: a player must be able to log in.
#define FAULTS_OF_PLAYS 45
#define FAULTS_OF_OTHERS 6

// One in so many requests brings one that was held back.
#define LATE_ONE_IN 3

const char *const chaos_words[CHAOS_FAULT_COUNT] = {
    [CHAOS_NONE] = "passed",
    [CHAOS_SLOW] = "slow",
    [CHAOS_TWICE] = "twice",
    [CHAOS_AT_ONCE] = "at once",
    [CHAOS_LATE] = "late",
    [CHAOS_CUT_REQUEST] = "request cut",
    [CHAOS_LOST_ANSWER] = "answer lost",
    [CHAOS_CUT_ANSWER] = "answer cut",
    [CHAOS_CHANGED] = "bit changed",
    [CHAOS_DROPPED] = "dropped",
    [CHAOS_OTHERS] = "502",
};

struct message {
    struct bt_buf bytes;
    size_t body;  // where it begins
};

// A player's connection and ours to the server behind it.
struct wire {
    struct chaos *chaos;
    int player, server;  // -1: not open
    struct message request, answer;
};

static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;
// Protected by late_lock.
static struct bt_buf late[MAX_LATE];
static size_t late_count;

static uint64_t draw(struct chaos *chaos, uint64_t below)
{
    uint64_t x = atomic_fetch_add(&chaos->chance, 0x9E3779B97F4A7C15ULL);  // splitmix64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return (x ^ (x >> 31)) % below;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static struct sockaddr_in address_of(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void set_no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int connect_to_server(struct chaos *chaos)
{
    struct sockaddr_in address = address_of(atomic_load(&chaos->upstream));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        close_fd(&fd);
    }
    if (fd >= 0) {
        set_no_delay(fd);
    }
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static size_t declared_length(const char *head)
{
    int64_t len = 0;
    const char *found = strcasestr(head, "\r\nContent-Length:");
    if (found == NULL) {
        return 0;
    }
    found += strlen("\r\nContent-Length:");
    found += strspn(found, " ");
    BT_AUTOFREE char *digits = bt_strndup(found, strspn(found, "0123456789"));
    return bt_parse_int(digits, 0, MAX_MESSAGE - MAX_HEAD, &len) < 0 ? 0 : (size_t)len;
}

static bool receive_more(int fd, struct bt_buf *out)
{
    char bytes[MAX_HEAD];
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    return got > 0 && bt_buf_append(out, bytes, (size_t)got) == 0;
}

// One message with its declared length: what the parts of this protocol send.
static bool receive(int fd, struct message *out)
{
    const char *end = NULL;
    bt_buf_clear(&out->bytes);
    while (end == NULL) {
        if (!receive_more(fd, &out->bytes)) {
            return false;
        }
        end = strstr(bt_buf_text(&out->bytes), "\r\n\r\n");
    }
    out->body = (size_t)(end - bt_buf_text(&out->bytes)) + 4;
    size_t whole = out->body + declared_length(bt_buf_text(&out->bytes));
    while (out->bytes.len < whole) {
        if (!receive_more(fd, &out->bytes)) {
            return false;
        }
    }
    return true;
}

// A connection that was idle may have been closed: then a new one, once.
static bool ask(struct wire *wire)
{
    for (int tries = 0; tries < 2; tries++) {
        if (wire->server < 0) {
            wire->server = connect_to_server(wire->chaos);
        }
        if (wire->server >= 0 &&
            send_all(wire->server, bt_buf_text(&wire->request.bytes), wire->request.bytes.len) &&
            receive(wire->server, &wire->answer)) {
            return true;
        }
        close_fd(&wire->server);
    }
    return false;
}

static bool pass(struct wire *wire)
{
    return ask(wire) &&
           send_all(wire->player, bt_buf_text(&wire->answer.bytes), wire->answer.bytes.len);
}

// Over a connection of its own; what is answered nobody hears.
static void ask_aside(struct chaos *chaos, const struct bt_buf *request)
{
    struct message answer;
    bt_buf_init(&answer.bytes, MAX_MESSAGE);
    int fd = connect_to_server(chaos);
    if (fd >= 0 && send_all(fd, bt_buf_text(request), request->len)) {
        (void)!receive(fd, &answer);
    }
    close_fd(&fd);
    bt_buf_finish(&answer.bytes);
}

static void hold_back(struct wire *wire)
{
    pthread_mutex_lock(&late_lock);
    if (late_count < MAX_LATE) {
        struct bt_buf *held = &late[late_count++];
        bt_buf_init(held, MAX_MESSAGE);
        (void)!bt_buf_append(held, bt_buf_text(&wire->request.bytes), wire->request.bytes.len);
    }
    pthread_mutex_unlock(&late_lock);
}

static void bring_a_late_one(struct chaos *chaos)
{
    struct bt_buf request;
    bool found = false;
    pthread_mutex_lock(&late_lock);
    if (late_count > 0) {
        size_t at = draw(chaos, late_count);
        request = late[at];
        late[at] = late[--late_count];
        found = true;
    }
    pthread_mutex_unlock(&late_lock);
    if (found) {
        ask_aside(chaos, &request);
        bt_buf_finish(&request);
    }
}

/*
 * The faults. True: the connection goes on.
 */

static void *ask_at_once(void *context)
{
    struct wire *wire = context;
    ask_aside(wire->chaos, &wire->request.bytes);
    return NULL;
}

static bool at_once(struct wire *wire)
{
    pthread_t other;
    if (pthread_create(&other, NULL, ask_at_once, wire) != 0) {
        return false;
    }
    bool passed = pass(wire);
    pthread_join(other, NULL);
    return passed;
}

static bool cut_request(struct wire *wire)
{
    int fd = connect_to_server(wire->chaos);
    if (fd >= 0) {
        size_t len = 1 + draw(wire->chaos, wire->request.bytes.len - 1);
        (void)!send_all(fd, bt_buf_text(&wire->request.bytes), len);
    }
    close_fd(&fd);
    return false;
}

static bool cut_answer(struct wire *wire)
{
    if (ask(wire)) {
        size_t len = 1 + draw(wire->chaos, wire->answer.bytes.len - 1);
        (void)!send_all(wire->player, bt_buf_text(&wire->answer.bytes), len);
    }
    return false;
}

static bool change_a_bit(struct wire *wire)
{
    struct bt_buf *bytes = &wire->request.bytes;
    if (bytes->len > wire->request.body) {
        size_t at = wire->request.body + draw(wire->chaos, bytes->len - wire->request.body);
        bytes->data[at] = (char)(bytes->data[at] ^ (1 << draw(wire->chaos, 8)));
    }
    return pass(wire);
}

static bool answer_for_others(struct wire *wire)
{
    static const char page[] = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
                               "Content-Length: 13\r\n\r\n<h1>502</h1>\n";
    return send_all(wire->player, page, sizeof(page) - 1);
}

static void wait_a_while(struct chaos *chaos)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + (int64_t)draw(chaos, SLOW_NS));
}

static bool carry_out(struct wire *wire, enum chaos_fault fault)
{
    switch (fault) {
    case CHAOS_SLOW:
        wait_a_while(wire->chaos);
        return pass(wire);
    case CHAOS_TWICE:
        return ask(wire) && pass(wire);
    case CHAOS_AT_ONCE:
        return at_once(wire);
    case CHAOS_LATE:
        hold_back(wire);
        return false;
    case CHAOS_CUT_REQUEST:
        return cut_request(wire);
    case CHAOS_LOST_ANSWER:
        return ask(wire) && false;
    case CHAOS_CUT_ANSWER:
        return cut_answer(wire);
    case CHAOS_CHANGED:
        return change_a_bit(wire);
    case CHAOS_DROPPED:
        return false;
    case CHAOS_OTHERS:
        return answer_for_others(wire);
    case CHAOS_NONE:
    case CHAOS_FAULT_COUNT:
    default:
        return pass(wire);
    }
}

static enum chaos_fault choose(struct wire *wire)
{
    struct chaos *chaos = wire->chaos;
    bool plays = bt_str_starts(bt_buf_text(&wire->request.bytes), "POST /v1/player/plays");
    uint64_t faults = plays ? FAULTS_OF_PLAYS : FAULTS_OF_OTHERS;
    if (atomic_load(&chaos->calm) || draw(chaos, 100) >= faults) {
        return CHAOS_NONE;
    }
    return (enum chaos_fault)(1 + draw(chaos, CHAOS_FAULT_COUNT - 1));
}

static void *serve(void *context)
{
    struct wire *wire = context;
    bool open = true;
    while (open && receive(wire->player, &wire->request)) {
        enum chaos_fault fault = choose(wire);
        atomic_fetch_add(&wire->chaos->happened[fault], 1);
        open = carry_out(wire, fault);
        if (!atomic_load(&wire->chaos->calm) && draw(wire->chaos, LATE_ONE_IN) == 0) {
            bring_a_late_one(wire->chaos);
        }
    }
    close_fd(&wire->player);
    close_fd(&wire->server);
    bt_buf_finish(&wire->request.bytes);
    bt_buf_finish(&wire->answer.bytes);
    free(wire);
    return NULL;
}

static void accept_one(int fd, struct chaos *chaos)
{
    pthread_t thread;
    int player = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (player < 0) {
        return;
    }
    set_no_delay(player);
    struct wire *wire = BT_NEW(struct wire);
    *wire = (struct wire){.chaos = chaos, .player = player, .server = -1};
    bt_buf_init(&wire->request.bytes, MAX_MESSAGE);
    bt_buf_init(&wire->answer.bytes, MAX_MESSAGE);
    if (pthread_create(&thread, NULL, serve, wire) != 0) {
        abort();
    }
    pthread_detach(thread);
}

int chaos_listen(int *out_port)
{
    struct sockaddr_in address = address_of(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
        return -1;
    }
    *out_port = ntohs(address.sin_port);
    return fd;
}

_Noreturn void chaos_run(int fd, struct chaos *chaos)
{
    for (;;) {
        accept_one(fd, chaos);
    }
}

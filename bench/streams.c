/**
 * Event streams: how much memory each takes, and how long an event takes to reach all of them.
 * One process serves (server/http/ with one route), its child is all the clients.
 *
 * Usage: streams-bench [--tls] [--clients N] [--rounds N] [--quiet] [--strict]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/str.h"
#include "server/http/http.h"
#include "server/http/metrics.h"
#include "server/http/route.h"
#include "server/http/tls.h"

#define MAX_CLIENTS 20000
#define BATCH 256
#define PLAIN_LIMIT_BYTES 8192
#define TLS_LIMIT_BYTES 24576
#define P99_LIMIT_MS 250

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

// ---- the clients

struct client {
    int fd;
    SSL *tls;
};

static int read_some(struct client *client, char *out, int room)
{
    if (client->tls != NULL) {
        return SSL_read(client->tls, out, room);
    }
    return (int)recv(client->fd, out, (size_t)room, MSG_DONTWAIT);
}

static bool connect_client(struct client *client, int port, SSL_CTX *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char request[] = "GET /events HTTP/1.1\r\nHost: bangtin.example.vn\r\n"
                                  "User-Agent: bangtin-player/1\r\nAccept: text/event-stream\r\n"
                                  "Authorization: Bearer 0123456789abcdef0123456789abcdef01234567"
                                  "89abcdef0123456789abcdef\r\n\r\n";
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return false;
    }
    if (context != NULL) {
        client->tls = SSL_new(context);
        SSL_set_fd(client->tls, client->fd);
        return SSL_connect(client->tls) == 1 &&
               SSL_write(client->tls, request, sizeof(request) - 1) > 0;
    }
    return send(client->fd, request, sizeof(request) - 1, 0) > 0;
}

// Waits until the last `left` of `count` clients have got a text that contains `wanted`; notes
// when.
static bool collect(struct client *clients, int count, int left, int epoll_fd, const char *wanted,
                    int64_t *out_ns)
{
    struct epoll_event events[256];
    for (int i = count - left; i < count; i++) {
        out_ns[i] = 0;
    }
    while (left > 0) {
        int ready = epoll_wait(epoll_fd, events, 256, 30000);
        if (ready <= 0) {
            fprintf(stderr, "%d clients got nothing\n", left);
            return false;
        }
        for (int i = 0; i < ready; i++) {
            int index = (int)events[i].data.u32;
            char text[2048];
            int got;
            while ((got = read_some(&clients[index], text, sizeof(text) - 1)) > 0) {
                text[got] = '\0';
                if (out_ns[index] == 0 && strstr(text, wanted) != NULL) {
                    out_ns[index] = now_ns();
                    left--;
                }
            }
        }
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

struct round {
    int64_t sent_ns, p50_ns, p99_ns, max_ns;
};

static int run_clients(int from_server, int to_server, int count, bool tls)
{
    int port;
    SSL_CTX *context = tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    struct client *clients = BT_NEW_ARRAY(struct client, (size_t)count);
    int64_t *at_ns = BT_NEW_ARRAY(int64_t, (size_t)count);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (read(from_server, &port, sizeof(port)) != sizeof(port)) {
        return 1;
    }
    for (int i = 0; i < count; i++) {
        if (!connect_client(&clients[i], port, context)) {
            fprintf(stderr, "client %d cannot connect: %m\n", i);
            return 1;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &event);
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        // A crowd that comes all at once is told to come again; real players wait a while each.
        int batch = i % BATCH + 1;
        if ((batch == BATCH || i == count - 1) &&
            !collect(clients, i + 1, batch, epoll_fd, "retry: 5000", at_ns)) {
            return 1;
        }
    }
    char go = 'r';
    while (write(to_server, &go, 1) == 1) {
        struct round round = {0};
        char wanted[40];
        if (read(from_server, &round.sent_ns, sizeof(round.sent_ns)) != sizeof(round.sent_ns)) {
            return 0;
        }
        snprintf(wanted, sizeof(wanted), "\"at\":%" PRId64, round.sent_ns);
        if (!collect(clients, count, count, epoll_fd, wanted, at_ns)) {
            return 1;
        }
        qsort(at_ns, (size_t)count, sizeof(at_ns[0]), by_value);
        round.p50_ns = at_ns[count / 2] - round.sent_ns;
        round.p99_ns = at_ns[count - 1 - count / 100] - round.sent_ns;
        round.max_ns = at_ns[count - 1] - round.sent_ns;
        if (write(to_server, &round, sizeof(round)) != sizeof(round)) {
            return 1;
        }
    }
    return 0;
}

// ---- the server

static struct {
    pthread_mutex_t lock;
    struct bt_stream *list[MAX_CLIENTS];
    int count;
} streams = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_open(struct bt_stream *stream, void *context)
{
    (void)context;
    pthread_mutex_lock(&streams.lock);
    streams.list[streams.count++] = stream;
    pthread_mutex_unlock(&streams.lock);
    (void)!bt_stream_write(stream, "retry: 5000\n\n", 13);
}

static int handle_events(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    return bt_call_stream_reply(call, on_open, NULL, NULL);
}

static const struct bt_route routes[] = {
    {"GET", "/events", .no_transaction = true, .handle = handle_events}};
static const struct bt_route_table table = {routes, 1};
static const struct bt_route_table *const tables[] = {&table};

// The second number of the file: pages that are in memory.
static int64_t resident_bytes(void)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 256);
    int64_t pages = 0;
    if (bt_file_read("/proc/self/statm", &text, NULL) < 0) {
        return 0;
    }
    char *second = strchr(text.data, ' ') + 1;
    second[strcspn(second, " ")] = '\0';
    return bt_parse_int(second, 0, INT64_MAX / 65536, &pages) < 0 ? 0
                                                                  : pages * sysconf(_SC_PAGESIZE);
}

static void broadcast(int64_t at_ns)
{
    char text[96];
    int len = snprintf(text, sizeof(text),
                       "event: hint\ndata: {\"timestamp\":4711,\"at\":%" PRId64 "}\n\n", at_ns);
    pthread_mutex_lock(&streams.lock);
    for (int i = 0; i < streams.count; i++) {
        (void)!bt_stream_write(streams.list[i], text, (size_t)len);
    }
    pthread_mutex_unlock(&streams.lock);
}

struct settings {
    int clients, rounds;
    bool tls, strict, quiet;
};

// The p99 of each round is noted in `p99_ns`; false when the clients are gone.
static bool run_rounds(const struct settings *settings, int from_clients, int to_clients,
                       int64_t *p99_ns)
{
    for (int i = 0; i < settings->rounds; i++) {
        struct round round;
        char go;
        int64_t at_ns = now_ns();
        if (write(to_clients, &at_ns, sizeof(at_ns)) != sizeof(at_ns)) {
            return false;
        }
        broadcast(at_ns);
        int64_t queued_ns = now_ns() - at_ns;
        if (read(from_clients, &round, sizeof(round)) != sizeof(round) ||
            read(from_clients, &go, 1) != 1) {
            return false;
        }
        p99_ns[i] = round.p99_ns;
        if (!settings->quiet) {
            printf("  queued in %.1f ms; received p50 %.1f, p99 %.1f, max %.1f ms\n",
                   (double)queued_ns / 1e6, (double)round.p50_ns / 1e6, (double)round.p99_ns / 1e6,
                   (double)round.max_ns / 1e6);
        }
    }
    qsort(p99_ns, (size_t)settings->rounds, sizeof(p99_ns[0]), by_value);
    return true;
}

static bool floor_holds(const char *what, int64_t value, int64_t limit, const char *unit)
{
    printf("  %s: %" PRId64 " %s  (floor: ≤ %" PRId64 " %s)  %s\n", what, value, unit, limit, unit,
           value <= limit ? "holds" : "MISSES");
    return value <= limit;
}

static int serve(const struct settings *settings, int from_clients, int to_clients)
{
    struct bt_error err = {0};
    char dir[] = "/tmp/bt-streams-XXXXXX";
    BT_AUTOFREE char *certificate = bt_strf("%s/certificate.pem", mkdtemp(dir));
    BT_AUTOFREE char *key = bt_strf("%s/key.pem", dir);
    BT_AUTO(bt_metrics) metrics = bt_metrics_create();
    struct bt_server server = {.clock = bt_clock_real(), .metrics = metrics};
    struct bt_http_options options = {.listen = "127.0.0.1:0",
                                      .tables = tables,
                                      .tables_count = 1,
                                      .connections_per_address = -1};
    if (settings->tls) {
        options.certificate = certificate;
        options.private_key = key;
    }
    struct bt_http *http;
    if ((settings->tls && bt_tls_make(dir, &err) < 0) ||
        bt_http_start(&server, &options, &http, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return EXIT_FAILURE;
    }
    int port = bt_http_port(http);
    int64_t before = resident_bytes();
    char go;
    if (write(to_clients, &port, sizeof(port)) != sizeof(port) || read(from_clients, &go, 1) != 1) {
        return EXIT_FAILURE;
    }
    printf("%d clients, %s\n", settings->clients, settings->tls ? "TLS" : "plain");
    int64_t parked = (resident_bytes() - before) / settings->clients;
    BT_AUTOFREE int64_t *p99_ns = BT_NEW_ARRAY(int64_t, (size_t)settings->rounds);
    bool good = run_rounds(settings, from_clients, to_clients, p99_ns);
    int64_t after = (resident_bytes() - before) / settings->clients;
    printf("  %" PRId64 " KiB before; %" PRId64 " bytes for each stream when it is open\n",
           before / 1024, parked);
    good = floor_holds("memory of each stream after the rounds", after,
                       settings->tls ? TLS_LIMIT_BYTES : PLAIN_LIMIT_BYTES, "bytes") &&
           good;
    printf("  received, p99 of the worst round: %.1f ms\n",
           (double)p99_ns[settings->rounds - 1] / 1e6);
    good = floor_holds("received, p99 in nine of ten rounds",
                       p99_ns[settings->rounds * 9 / 10] / BT_NS_PER_MS, P99_LIMIT_MS, "ms") &&
           good;
    bt_http_destroy(http);
    unlink(certificate);
    unlink(key);
    rmdir(dir);
    return good || !settings->strict ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_both(const struct settings *settings)
{
    mallopt(M_ARENA_MAX, 2);  // as the server itself
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0) {
        return EXIT_FAILURE;
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    pid_t child = fork();
    if (child == 0) {
        close(down[1]);
        close(up[0]);
        _exit(run_clients(down[0], up[1], settings->clients, settings->tls));
    }
    close(down[0]);
    close(up[1]);
    int status = serve(settings, up[0], down[1]);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    return status;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)err;
    bool tls = bt_argument_flag(arguments, "tls");
    return run_both(&(struct settings){
        .clients = (int)bt_argument_int(arguments, "clients", tls ? 2000 : 10000),
        .rounds = (int)bt_argument_int(arguments, "rounds", 10),
        .tls = tls,
        .quiet = bt_argument_flag(arguments, "quiet"),
        .strict = bt_argument_flag(arguments, "strict")});
}

int main(int argc, char **argv)
{
    static const struct bt_option options[] = {
        {"tls", NULL, "mã hoá, mặc định 2000 luồng / with TLS, 2000 streams as a rule"},
        {"clients", "N", "số luồng, mặc định 10000 / so many streams, 10000 as a rule", .min = 1,
         .max = MAX_CLIENTS},
        {"rounds", "N", "số lượt, mặc định 10 / so many rounds, 10 as a rule", .min = 1,
         .max = 1000000},
        {"quiet", NULL, "không in từng lượt / does not tell of each round"},
        {"strict", NULL, "kết thúc bằng 1 khi không đạt / status 1 when a floor is missed"},
    };
    static const struct bt_subcommand command = {
        .about = "Đo luồng sự kiện của máy chủ.\nMeasures a server's event streams.",
        BT_OPTIONS(options),
        .run = run};
    static const struct bt_command_group group = {
        .summary = "streams-bench — luồng sự kiện / event streams",
        .commands = &command,
        .count = 1};
    static const struct bt_program program = {.name = "streams-bench"};
    return bt_command_group_run(&program, &group, argc, argv);
}

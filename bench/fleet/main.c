/*
 * A simulated fleet: thousands of players in one process that speak the protocol to a server's unix
 * socket. bench/fleet.py runs it.
 *
 *     fleet-bench keys COUNT                    their public keys, one on a line
 *     fleet-bench run SOCKET COUNT SEED SPEED SEND_MS   a player's plays leave it every SEND_MS;
 *                                                       commands from stdin:
 *
 *     start N     so many begin in a second       mark     what is counted and timed begins anew
 *     stats       a line of JSON                  forget   nobody has a session or a stream any
 * more
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/fleet/member.h"

#define MAX_MEMBERS 50000
#define LOOK_NS (10 * BT_NS_PER_MS)
#define EVENTS 512

static struct fleet fleet;
static struct member *members;
static int member_count;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "fleet-bench: %s\n", what);
    _exit(1);
}

static int64_t number_of(const char *text, int64_t min, int64_t max)
{
    int64_t number;
    if (bt_parse_int(text, min, max, &number) < 0) {
        give_up("not such a number");
    }
    return number;
}

static int print_keys(int count)
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    char hex[2 * sizeof(key) + 1];
    for (int i = 0; i < count; i++) {
        member_key(i, key, secret);
        bt_hex(key, sizeof(key), hex);
        puts(hex);
    }
    return 0;
}

static void start(int64_t a_second)
{
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    for (int i = 0; i < member_count; i++) {
        members[i].start_ns = now_ns + i * BT_NS_PER_S / a_second;
    }
}

static void obey(const char *line)
{
    if (bt_str_starts(line, "start ")) {
        start(number_of(line + strlen("start "), 1, 1000000));
    } else if (strcmp(line, "forget") == 0) {
        for (int i = 0; i < member_count; i++) {
            member_forget(&members[i]);
        }
    } else if (strcmp(line, "mark") == 0) {
        counts_mark(&fleet.counts, bt_clock_mono_ns(bt_clock_real()));
    } else if (strcmp(line, "stats") == 0) {
        fleet.counts.of[COUNT_SENT] = line_bytes_of_all().sent;
        fleet.counts.of[COUNT_TAKEN] = line_bytes_of_all().taken;
        counts_print(&fleet.counts, fleet.streams, pool_waiting(fleet.pool), stdout);
    }
}

// False at the end of the commands. They come as whole lines.
static bool take_command(void)
{
    char line[128];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 0) <= 0) {
        return true;
    }
    ssize_t got = read(STDIN_FILENO, line, sizeof(line) - 1);
    if (got <= 0) {
        return false;
    }
    line[got] = '\0';
    for (char *one = line, *end; (end = strchr(one, '\n')) != NULL; one = end + 1) {
        *end = '\0';
        obey(one);
    }
    return true;
}

static void work(int64_t *look_ns)
{
    static struct epoll_event events[EVENTS];
    int count = epoll_wait(fleet.epoll, events, EVENTS, 5);
    for (int i = 0; i < count; i++) {
        line_ready(events[i].data.ptr, fleet.epoll, events[i].events);
    }
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    if (now_ns >= *look_ns) {
        for (int i = 0; i < member_count; i++) {
            member_look(&members[i], now_ns);
        }
        *look_ns = now_ns + LOOK_NS;
    }
    pool_look(fleet.pool, now_ns);
}

static int run(const char *path, int count, uint64_t seed, int speed, int64_t send_ns)
{
    int64_t look_ns = 0;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    fleet = (struct fleet){.epoll = epoll_create1(EPOLL_CLOEXEC),
                           .path = path,
                           .chance = seed,
                           .speed = speed,
                           .send_ns = send_ns,
                           .begin_ns = bt_clock_mono_ns(bt_clock_real()),
                           .begin_ms = bt_clock_wall_ms(bt_clock_real()) - BT_MS_PER_DAY};
    fleet.pool = pool_create(fleet.epoll, path);
    members = BT_NEW_ARRAY(struct member, (size_t)count);
    member_count = count;
    for (int i = 0; i < count; i++) {
        member_init(&members[i], &fleet, i);
        members[i].start_ns = INT64_MAX;
    }
    while (take_command()) {
        work(&look_ns);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        give_up("libsodium cannot start");
    }
    if (argc == 3 && strcmp(argv[1], "keys") == 0) {
        return print_keys((int)number_of(argv[2], 1, MAX_MEMBERS));
    }
    if (argc == 7 && strcmp(argv[1], "run") == 0) {
        return run(argv[2], (int)number_of(argv[3], 1, MAX_MEMBERS),
                   (uint64_t)number_of(argv[4], 0, INT32_MAX), (int)number_of(argv[5], 1, 1000),
                   number_of(argv[6], 100, BT_MS_PER_DAY) * BT_NS_PER_MS);
    }
    give_up("keys COUNT, or run SOCKET COUNT SEED SPEED SEND_MS");
}

// bangtin-server: the central server. One data directory, one process.
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/str.h"
#include "server/accounts/accounts.h"
#include "server/backup/commands.h"
#include "server/house.h"
#include "server/media/inspector.h"
#include "server/watchdog.h"
#include "server/where.h"

static const struct bt_log logger = {"server"};

static void find_where(const struct bt_house *house, struct bt_where *out)
{
    const struct bt_http_options *http = &house->options->http;
    if (house->options->url != NULL) {
        *out = (struct bt_where){.count = 1};
        bt_copy_cut(out->urls[0], sizeof(out->urls[0]), house->options->url);
        return;
    }
    bt_where_find(http->listen, bt_http_port(house->http), http->certificate != NULL, out);
}

// While nobody has an account: a link that makes whoever opens it the first administrator, once.
static int say_first_link(struct bt_house *house, const struct bt_where *where,
                          struct bt_error *err)
{
    char secret[BT_FIRST_SECRET_BYTES];
    int r = bt_accounts_first_secret(house->server.db, house->name,
                                     bt_clock_wall_ms(house->server.clock), secret, err);
    if (r == BT_FIRST_ELSEWHERE) {
        puts("\nLiên kết tạo người quản trị đầu tiên: xem nhật ký của máy chủ đã chạy trước.\n"
             "The link for the first administrator stands in the log of the server that ran "
             "before.\n");
    }
    if (r != BT_FIRST_MADE) {
        return BT_MIN(r, 0);
    }
    puts("\nMở liên kết này để tạo người quản trị đầu tiên; chỉ dùng được một lần.\n"
         "Open this link to make the first administrator; it is good once.");
    for (size_t i = 0; i < where->count; i++) {
        printf("  %s/#first=%s\n", where->urls[i], secret);
    }
    if (where->count > 1) {
        puts("Dùng liên kết nào mở được; --url URL in đúng một liên kết.\n"
             "Use the one that opens; --url URL prints a single one.");
    }
    puts("");
    return r;
}

static int say_where(struct bt_house *house, struct bt_error *err)
{
    struct bt_where where;
    find_where(house, &where);
    printf("Máy chủ bảng tin / Bangtin server: %s\n", where.urls[0]);
    for (size_t i = 1; i < where.count; i++) {
        printf("  hoặc / or: %s\n", where.urls[i]);
    }
    if (house->pin[0] != '\0') {
        printf("Khóa TLS / TLS pin: %s\n", house->pin);
    }
    int r = house->options->role == BT_SERVER_WORKER ? 0 : say_first_link(house, &where, err);
    puts("Sẵn sàng / ready");
    fflush(stdout);
    sd_notifyf(0, "READY=1\nSTATUS=%s", where.urls[0]);
    return r;
}

// Signals come where we wait for them, and not into threads.
static sigset_t block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return signals;
}

static void feed_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

// Only where somebody listens for it.
static int start_watchdog(struct bt_house *house, struct bt_watchdog **out, struct bt_error *err)
{
    uint64_t patience_us = 0;
    if (sd_watchdog_enabled(0, &patience_us) <= 0) {
        return 0;
    }
    const struct bt_watchdog_options options = {.server = &house->server,
                                                .http = house->http,
                                                .patience_ns = (int64_t)(patience_us * 1000),
                                                .feed = feed_watchdog};
    return bt_watchdog_start(&options, out, err);
}

static int serve(const struct bt_options *options)
{
    sigset_t signals = block_signals();
    struct bt_error err = {0};
    struct bt_house house;
    struct bt_watchdog *watchdog = NULL;
    int r = bt_house_open(options, &house, &err);
    r = r < 0 ? r : say_where(&house, &err);
    r = r < 0 ? r : start_watchdog(&house, &watchdog, &err);
    if (r < 0) {
        bt_log_error(&logger, "%s; not started", err.msg);
    } else {
        int signal_number = 0;
        sigwait(&signals, &signal_number);
        bt_log_info(&logger, "Stopping");
        sd_notify(0, "STOPPING=1");
        bt_inspector_close(house.server.inspector);  // takes up no other file while the rest ends
        bt_watchdog_destroy(watchdog);
        bt_accounts_leave_first_secret(house.server.db, house.name);
        bt_house_close(&house);
    }
    bt_house_destroy(&house);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    // Few arenas: many threads that allocate little would otherwise keep a lot.
    mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe): no other thread is there yet
    // And what is as large as a report goes back at once, instead of leaving holes.
    mallopt(M_MMAP_THRESHOLD, 1024 * 1024);  // NOLINT(concurrency-mt-unsafe): likewise
    umask(0077);
    if (argc > 1 && bt_backup_is_command(argv[1])) {
        return bt_backup_command(argc, argv);
    }
    return bt_options_run(argc, argv, serve);
}

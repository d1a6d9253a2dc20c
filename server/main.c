// bangtin-server: the central server. One data directory, one process.
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/db.h"
#include "server/http/http.h"
#include "server/http/metrics.h"
#include "server/http/tls.h"
#include "server/options.h"
#include "server/server.h"

// As many transactions at a time as workers there are, and the hub and the housekeeper.
#define DATABASE_CONNECTIONS 12

static const struct bt_log logger = {"server"};

// Everything that is open, in the order in which it was opened.
struct house {
    const struct bt_options *options;
    struct bt_server server;
    int lock_fd;
    char pin[BT_TLS_PIN_BYTES];
    struct bt_http *http;
};

static int enter_data_directory(struct house *house, struct bt_error *err)
{
    const char *dir = house->options->data;
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    if (chmod(dir, 0700) < 0) {
        return bt_fail_errno(err, "Cannot protect '%s'", dir);
    }
    BT_AUTOFREE char *lock = bt_strf("%s/lock", dir);
    house->lock_fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (house->lock_fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", lock);
    }
    if (flock(house->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return bt_fail(err, -EBUSY, "Another server uses '%s'", dir);
    }
    house->server.data_dir = dir;
    return 0;
}

static int prepare_certificate(struct house *house, struct bt_error *err)
{
    const struct bt_options *options = house->options;
    if (options->http.certificate == NULL) {
        return 0;
    }
    if (options->made_certificate != NULL) {
        BT_AUTOFREE char *dir = bt_strf("%s/tls", options->data);
        int r = bt_tls_make(dir, err);
        if (r < 0) {
            return r;
        }
    }
    return bt_tls_pin(options->http.certificate, house->pin, err);
}

static int open_parts(struct house *house, struct bt_error *err)
{
    struct bt_server *server = &house->server;
    server->clock = bt_clock_real();
    server->metrics = bt_metrics_create();
    return bt_db_open(house->options->database, DATABASE_CONNECTIONS, &server->db, err);
}

static int open_house(struct house *house, struct bt_error *err)
{
    if (sodium_init() < 0) {
        return bt_fail(err, -EIO, "libsodium does not start");
    }
    int r = enter_data_directory(house, err);
    r = r < 0 ? r : prepare_certificate(house, err);
    r = r < 0 ? r : open_parts(house, err);
    return r < 0 ? r : bt_http_start(&house->server, &house->options->http, &house->http, err);
}

static void close_house(struct house *house)
{
    bt_http_destroy(house->http);
    bt_db_pool_destroy(house->server.db);
    bt_metrics_destroy(house->server.metrics);
    if (house->lock_fd >= 0) {
        close(house->lock_fd);
    }
}

static char *address_of(const struct house *house)
{
    const struct bt_http_options *http = &house->options->http;
    if (house->options->url != NULL) {
        return bt_strdup(house->options->url);
    }
    if (bt_str_starts(http->listen, "unix:")) {
        return bt_strdup(http->listen);
    }
    int host_len = (int)(strrchr(http->listen, ':') - http->listen);
    return bt_strf("%s://%.*s:%d", http->certificate == NULL ? "http" : "https", host_len,
                   http->listen, bt_http_port(house->http));
}

static void say_where(const struct house *house)
{
    BT_AUTOFREE char *address = address_of(house);
    printf("Máy chủ bảng tin / Bangtin server: %s\n", address);
    if (house->pin[0] != '\0') {
        printf("Khóa TLS / TLS pin: %s\n", house->pin);
    }
    fflush(stdout);
    sd_notifyf(0, "READY=1\nSTATUS=%s", address);
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

static int serve(struct house *house)
{
    sigset_t signals = block_signals();
    struct bt_error err = {0};
    if (open_house(house, &err) < 0) {
        bt_log_error(&logger, "%s; not started", err.msg);
        return EXIT_FAILURE;
    }
    say_where(house);
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    bt_log_info(&logger, "Stopping");
    sd_notify(0, "STOPPING=1");
    bt_http_close(house->http);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    // Few arenas: many threads that allocate little would otherwise keep a lot.
    mallopt(M_ARENA_MAX, 2);
    umask(0077);
    struct bt_options options;
    enum bt_outcome outcome = bt_options_parse(argc, argv, &options);
    int status = outcome == BT_OUTCOME_USAGE ? 2 : EXIT_SUCCESS;
    if (outcome == BT_OUTCOME_GO_ON) {
        struct house house = {.options = &options, .lock_fd = -1};
        status = serve(&house);
        close_house(&house);
    }
    bt_options_finish(&options);
    return status;
}

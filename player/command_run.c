#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "player/commands.h"
#include "player/directed.h"
#include "player/process.h"
#include "player/supervisor.h"

static const struct bt_log logger = {"player"};

static const char help[] =
    "Cách dùng / usage: bangtin-player run --data DIR [--server URL] [lựa chọn / options]\n"
    "\n"
    "Ghép với máy chủ (lần đầu hiện mã lên màn hình), rồi phát những gì đã được duyệt, mãi mãi; "
    "không\n"
    "có mạng vẫn phát tiếp.\n"
    "Pairs with the server (the first time a code is shown), then plays what was approved, for "
    "ever;\n"
    "without a network it plays on.\n"
    "\n"
    "  --data DIR           mọi thứ của máy phát: khóa, nội dung, sổ / all that is the player's\n"
    "  --server URL         máy chủ để ghép / where to pair: https://… (http://127.0.0.1…)\n"
    "  --pin PIN            khóa của máy chủ / the server's key: sha256//…\n"
    "  --root-sha256 HEX    chỉ ghép với gốc tin cậy này / pairs with this root alone\n"
    "  --rate BYTES         tải không nhanh hơn, byte mỗi giây / fetch no faster, bytes a second\n"
    "  --month BYTES        tải không quá, mỗi tháng / fetch no more in a month\n"
    "  --night HH-HH        tải trước chỉ trong giờ ấy / fetch ahead only then: 22-05\n"  //
    BT_SCREEN_OPTIONS_HELP "  --verbose            nói nhiều hơn / say more\n";

enum option_key {
    OPT_DATA = BT_OPTION_OWN,
    OPT_SERVER,
    OPT_PIN,
    OPT_ROOT,
    OPT_RATE,
    OPT_MONTH,
    OPT_NIGHT,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPT_DATA},
    {"server", required_argument, NULL, OPT_SERVER},
    {"pin", required_argument, NULL, OPT_PIN},
    {"root-sha256", required_argument, NULL, OPT_ROOT},
    {"rate", required_argument, NULL, OPT_RATE},
    {"month", required_argument, NULL, OPT_MONTH},
    {"night", required_argument, NULL, OPT_NIGHT},
    {"help", no_argument, NULL, OPT_HELP},
    BT_SCREEN_OPTIONS,
    {NULL, 0, NULL, 0},
};

// News wait here while the display is away; far more than ever come at once.
#define MAX_NEWS 1024

#define HOUR_MIN 60

struct options {
    struct bt_screen_options screen;
    struct bt_sync_options sync;
    bool help;
};

// "22-05": whole hours.
static int parse_night(const char *value, struct bt_sync_options *sync)
{
    BT_AUTOFREE char *from = bt_strdup(value);
    char *until = strchr(from, '-');
    int64_t from_h, until_h;
    if (until == NULL) {
        return -EINVAL;
    }
    *until++ = '\0';
    if (bt_parse_int(from, 0, 24, &from_h) < 0 || bt_parse_int(until, 0, 24, &until_h) < 0) {
        return -EINVAL;
    }
    sync->night_from_min = (int)from_h * HOUR_MIN;
    sync->night_until_min = (int)until_h * HOUR_MIN;
    return 0;
}

static int read_root(const char *value, struct bt_sync_options *sync)
{
    struct bt_sha256 sha256;
    sync->root_sha256 = value;
    return bt_unhex(value, sha256.bytes, BT_SHA256_BYTES);
}

static int apply_option(int key, const char *value, struct options *options)
{
    switch (key) {
    case OPT_DATA:
        options->sync.directory = value;
        return 0;
    case OPT_SERVER:
        options->sync.server = value;
        return 0;
    case OPT_PIN:
        options->sync.pin = value;
        return 0;
    case OPT_ROOT:
        return read_root(value, &options->sync);
    case OPT_RATE:
        return bt_parse_int(value, 1, INT64_MAX, &options->sync.max_bytes_per_s);
    case OPT_MONTH:
        return bt_parse_int(value, 1, INT64_MAX, &options->sync.month_bytes);
    case OPT_NIGHT:
        return parse_night(value, &options->sync);
    case OPT_HELP:
        options->help = true;
        return 0;
    default:
        return bt_screen_options_apply(&options->screen, key, value);
    }
}

static int parse_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.sync = {.model = "bangtin-player", .version = BT_VERSION}};
    bt_screen_options_init(&options->screen);
    int index = 0;
    for (int key; (key = getopt_long(argc, argv, "", long_options, &index)) != -1;) {
        if (key == '?') {
            return -EINVAL;
        }
        if (apply_option(key, optarg, options) < 0) {
            fprintf(stderr, "bangtin-player run: --%s không nhận / does not take '%s'\n",
                    long_options[index].name, optarg);
            return -EINVAL;
        }
    }
    if (!options->help && (options->sync.directory == NULL || optind < argc)) {
        fputs("bangtin-player run: cần --data DIR / --data DIR is needed\n", stderr);
        return -EINVAL;
    }
    return 0;
}

static void done(void *context, int64_t number, enum bt_order_state state, const char *detail)
{
    bt_sync_done(context, number, state, detail);
}

static void pong(void *context, int64_t ping)
{
    bt_sync_pong(context, ping);
}

static void screenshot(void *context, int64_t number, void *png, size_t len)
{
    bt_sync_screenshot(context, number, png, len);
}

static void set_status(void *context, const char *json)
{
    bt_sync_set_status(context, json);
}

static void content_is_on(void *context)
{
    bt_sync_content_is_on(context);
}

static void asset_is_damaged(void *context, const struct bt_sha256 *sha256)
{
    bt_sync_asset_is_damaged(context, sha256);
}

static void free_news(void *item)
{
    bt_news_destroy(item);
}

static int run(struct options *options, const volatile int *stop, struct bt_error *err)
{
    BT_AUTO(bt_wake) wake = NULL;
    int r = bt_wake_open(&wake, err);
    if (r < 0 || (r = bt_file_make_dirs(options->sync.directory, err)) < 0) {
        return r;
    }
    BT_AUTO(bt_queue) news = bt_queue_create(MAX_NEWS, free_news, bt_wake_waker(wake));
    BT_AUTO(bt_sync) sync = NULL;
    options->sync.clock = bt_clock_real();
    r = bt_sync_start(&options->sync, news, &sync, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *plays = bt_strf("%s/plays.db", options->sync.directory);
    BT_AUTOFREE char *held = bt_strf("%s/held.json", options->sync.directory);
    const struct bt_directed directed = {
        .screen = &options->screen,
        .assets = bt_sync_store_directory(sync),
        .plays = plays,
        .held = held,
        .source = {news, sync, done, pong, screenshot, set_status, content_is_on, asset_is_damaged},
        .wake = wake,
        .stop = stop,
    };
    r = bt_play_directed(&directed, err);
    bt_sync_close(sync);
    return r;
}

int bt_command_run(int argc, char **argv)
{
    struct options options;
    if (parse_options(argc, argv, &options) < 0) {
        fputs("bangtin-player run --help\n", stderr);
        return BT_EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    struct bt_error err = {""};
    int r = run(&options, bt_process_prepare(), &err);
    bt_supervisor_stopping();
    if (r < 0) {
        bt_log_error(&logger, "%s", err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

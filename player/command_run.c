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
#include "player/running_order.h"
#include "player/supervisor.h"

static const struct bt_log logger = {"player"};

// News wait here while the display is away; far more than ever come at once.
#define MAX_NEWS 1024

#define HOUR_MIN 60

struct options {
    struct bt_screen_options screen;
    struct bt_sync_options sync;
    const char *frames;  // directory
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

static int read_options(const struct bt_arguments *arguments, struct options *out,
                        struct bt_error *err)
{
    const char *root = bt_argument(arguments, "root-sha256");
    const char *night = bt_argument(arguments, "night");
    *out = (struct options){
        .sync = {.model = "bangtin-player",
                 .version = BT_VERSION,
                 .directory = bt_argument(arguments, "data"),
                 .server = bt_argument(arguments, "server"),
                 .pin = bt_argument(arguments, "pin"),
                 .usb = bt_argument(arguments, "usb"),
                 .platform = bt_argument(arguments, "platform"),
                 .installer = bt_argument(arguments, "installer"),
                 .max_bytes_per_s = bt_argument_int(arguments, "rate", 0),
                 .month_bytes = bt_argument_int(arguments, "month", 0)},
    };
    const char *frames = bt_argument(arguments, "frames");
    out->frames = frames != NULL ? frames : out->sync.directory;
    if (root != NULL && read_root(root, &out->sync) < 0) {
        return bt_fail(err, -EINVAL,
                       "--root-sha256 '%s': cần 64 chữ số hex / must be 64 hex digits", root);
    }
    if (night != NULL && parse_night(night, &out->sync) < 0) {
        return bt_fail(err, -EINVAL, "--night '%s': cần dạng / must look like 22-05", night);
    }
    return bt_screen_options_read(arguments, &out->screen, err);
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options;
    return read_options(arguments, &options, err);
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

static bool clock_is_trusted(void *context)
{
    const struct bt_screen_options *screen = context;
    return bt_clock_is_trusted(screen->trust);
}

static void free_news(void *item)
{
    bt_news_destroy(item);
}

static int play(struct options *options, const volatile int *stop, struct bt_error *err)
{
    BT_AUTO(bt_wake) wake = NULL;
    int r = bt_wake_open(&wake, err);
    if (r < 0 || (r = bt_file_make_dirs(options->sync.directory, err)) < 0) {
        return r;
    }
    BT_AUTO(bt_queue) news = bt_queue_create(MAX_NEWS, free_news, bt_wake_waker(wake));
    BT_AUTO(bt_sync) sync = NULL;
    BT_AUTOFREE char *plays = bt_strf("%s/plays.db", options->sync.directory);
    options->sync.clock = bt_clock_real();
    options->sync.plays = plays;
    options->sync.root = options->screen.stage.root;
    options->sync.clock_is_trusted = clock_is_trusted;
    options->sync.clock_context = &options->screen;
    r = bt_sync_start(&options->sync, news, &sync, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *frames = bt_strf("%s/frames.json", options->frames);
    BT_AUTOFREE char *held = bt_strf("%s/held.json", options->sync.directory);
    const struct bt_directed directed = {
        .screen = &options->screen,
        .assets = bt_sync_store_directory(sync),
        .plays = plays,
        .held = held,
        .frames = frames,
        .source = {news, sync, done, pong, screenshot, set_status, content_is_on, asset_is_damaged},
        .wake = wake,
        .stop = stop,
    };
    r = bt_play_directed(&directed, err);
    bt_sync_close(sync);
    return r;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options;
    int r = read_options(arguments, &options, err);
    r = r < 0 ? r : play(&options, bt_process_prepare(), err);
    bt_supervisor_stopping();
    if (r < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const struct bt_option options_table[] = {
    {"data", "DIR", "mọi thứ của máy phát: khóa, nội dung, sổ / all that is the player's",
     .required = true},
    {"server", "URL", "máy chủ để ghép / where to pair: https://… (http://127.0.0.1…)"},
    {"pin", "PIN", "khóa của máy chủ / the server's key: sha256//…"},
    {"root-sha256", "HEX", "chỉ ghép với gốc tin cậy này / pairs with this root alone"},
    {"rate", "BYTES", "tải không nhanh hơn, byte mỗi giây / fetch no faster, bytes a second",
     .min = 1, .max = INT64_MAX},
    {"month", "BYTES", "tải không quá, mỗi tháng / fetch no more in a month", .min = 1,
     .max = INT64_MAX},
    {"frames", "DIR", "nơi ghi frames.json / where frames.json is written (--data)"},
    {"platform", "NAME", "tìm bản mới cho / looks for new versions for: debian-13-arm64"},
    {"installer", "DIR",
     "nơi có record.json của bangtin-update / where bangtin-update keeps its record.json"},
    {"usb", "DIR", "nơi giao USB / where USB sticks are handed over"},
    {"night", "HH-HH", "tải trước chỉ trong giờ ấy / fetch ahead only then: 22-05"},
    BT_SCREEN_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {NULL, NULL, 0, 0,
     "Ghép với máy chủ (lần đầu hiện mã lên màn hình), rồi phát những gì đã được duyệt, mãi mãi;\n"
     "không có mạng vẫn phát tiếp.\n"
     "Pairs with the server (the first time a code is shown), then plays what was approved, for\n"
     "ever; without a network it plays on.",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_run_commands = {
    .name = "run",
    .summary =
        "Ghép với máy chủ, phát những gì đã duyệt / pair with a server, play what is approved",
    .example = "  bangtin-player run --data may-phat --server https://bangtin.tinh.gov.vn\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "player/commands.h"
#include "player/moment.h"
#include "player/show_load.h"

static const struct bt_log logger = {"player/render"};

static const char help[] =
    "Cách dùng / usage: bangtin-player render PUBLICATION… --assets DIR --at TIME --out PNG\n"
    "\n"
    "Vẽ đúng khung hình của thời điểm ấy, qua cùng bộ dựng hình với khi phát.\n"
    "Draws the exact canvas of that moment, through the compositor that plays.\n"
    "\n"
    "  --assets DIR    kho tệp theo SHA-256 / the content store\n"
    "  --at TIME       2026-10-10T19:00 (giờ của màn hình / the screen's time zone) hoặc / or\n"
    "                  2026-10-10T19:00:00+07:00\n"
    "  --out PNG       tệp ảnh / the picture\n"
    "  --anchor TIME   vòng phát bắt đầu lúc nào; mặc định: 0 giờ ngày ấy / when the loop\n"
    "                  started; default: midnight of that day\n";

static const struct option long_options[] = {
    {"assets", required_argument, NULL, 'a'}, {"at", required_argument, NULL, 't'},
    {"out", required_argument, NULL, 'o'},    {"anchor", required_argument, NULL, 'n'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

struct options {
    const char *assets, *at, *out, *anchor;
    bool help;
};

static int parse_options(int argc, char **argv, struct options *options)
{
    for (int key; (key = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (key) {
        case 'a':
            options->assets = optarg;
            break;
        case 't':
            options->at = optarg;
            break;
        case 'o':
            options->out = optarg;
            break;
        case 'n':
            options->anchor = optarg;
            break;
        case 'h':
            options->help = true;
            return 0;
        default:
            return -EINVAL;
        }
    }
    if (options->assets == NULL || options->at == NULL || options->out == NULL || optind >= argc) {
        fputs("bangtin-player render: cần PUBLICATION, --assets, --at, --out / all are needed\n",
              stderr);
        return -EINVAL;
    }
    return 0;
}

static int64_t midnight_before_ns(const struct bt_tz *tz, int64_t at_ns)
{
    const int64_t day_s = 86400;
    int64_t local_s = bt_tz_to_local_s(tz, at_ns / BT_NS_PER_S);
    return bt_tz_to_utc_s(tz, local_s - local_s % day_s) * BT_NS_PER_S;
}

static int render(const struct options *options, char *const *paths, int count,
                  struct bt_error *err)
{
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_show) show = NULL;
    BT_AUTO(bt_image) image = NULL;
    int64_t at_ns, anchor_ns;
    int r = bt_show_load(paths, count, &show, err);
    if (r < 0 || (r = bt_moment_parse(options->at, bt_show_tz(show), &at_ns, err)) < 0) {
        return r;
    }
    anchor_ns = midnight_before_ns(bt_show_tz(show), at_ns);
    if (options->anchor != NULL &&
        (r = bt_moment_parse(options->anchor, bt_show_tz(show), &anchor_ns, err)) < 0) {
        return r;
    }
    if (anchor_ns > at_ns) {
        return bt_fail(err, -EINVAL, "--anchor comes after --at");
    }
    if ((r = bt_kitchen_open(options->assets, &kitchen, err)) < 0 ||
        (r = bt_moment_draw(kitchen, show, anchor_ns, at_ns, &image, err)) < 0) {
        return r;
    }
    return bt_image_write_png(image, options->out, err);
}

int bt_command_render(int argc, char **argv)
{
    struct options options = {0};
    if (parse_options(argc, argv, &options) < 0) {
        fputs("bangtin-player render --help\n", stderr);
        return BT_EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    struct bt_error err = {""};
    if (render(&options, argv + optind, argc - optind, &err) < 0) {
        bt_log_error(&logger, "%s", err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "player/commands.h"
#include "player/process.h"
#include "player/screen_options.h"
#include "player/show_load.h"
#include "player/supervisor.h"

static const struct bt_log logger = {"player"};

static const char help[] =
    "Cách dùng / usage: bangtin-player play PUBLICATION… --assets DIR [lựa chọn / options]\n"
    "\n"
    "Phát các ấn phẩm (gộp theo lớp: màn hình, tỉnh, đơn vị, khẩn cấp) cho đến khi dừng.\n"
    "Shows the publications, merged as layers, until it is stopped (Ctrl-C, Escape, SIGTERM).\n"
    "\n"
    "  --assets DIR         kho tệp theo SHA-256 / the content store (bangtin new makes one)\n"
    "  --plays DB           ghi lượt phát vào sổ này / record plays in this "
    "journal\n" BT_SCREEN_OPTIONS_HELP
    "  --screen NAME        tên màn hình ghi trong sổ / the screen's name in the journal\n"
    "  --verbose            nói nhiều hơn / say more\n";

enum option_key {
    OPT_ASSETS = BT_OPTION_OWN,
    OPT_PLAYS,
    OPT_SCREEN,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"assets", required_argument, NULL, OPT_ASSETS},
    {"plays", required_argument, NULL, OPT_PLAYS},
    {"screen", required_argument, NULL, OPT_SCREEN},
    {"help", no_argument, NULL, OPT_HELP},
    BT_SCREEN_OPTIONS,
    {NULL, 0, NULL, 0},
};

struct options {
    struct bt_screen_options screen;
    const char *assets, *plays, *name;
    bool help;
};

static int apply_option(int key, const char *value, struct options *options)
{
    switch (key) {
    case OPT_ASSETS:
        options->assets = value;
        return 0;
    case OPT_PLAYS:
        options->plays = value;
        return 0;
    case OPT_SCREEN:
        options->name = value;
        return 0;
    case OPT_HELP:
        options->help = true;
        return 0;
    default:
        return bt_screen_options_apply(&options->screen, key, value);
    }
}

static int parse_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.name = ""};
    bt_screen_options_init(&options->screen);
    int index = 0;
    for (int key; (key = getopt_long(argc, argv, "", long_options, &index)) != -1;) {
        if (key == '?') {
            return -EINVAL;
        }
        if (apply_option(key, optarg, options) < 0) {
            fprintf(stderr, "bangtin-player play: --%s không nhận / does not take '%s'\n",
                    long_options[index].name, optarg);
            return -EINVAL;
        }
    }
    if (!options->help && (options->assets == NULL || optind >= argc)) {
        fputs("bangtin-player play: cần PUBLICATION và --assets DIR / both are needed\n", stderr);
        return -EINVAL;
    }
    return 0;
}

static int open_recorder(const struct options *options, struct bt_running_order *order,
                         struct bt_recorder **out, struct bt_error *err)
{
    if (options->plays == NULL) {
        return 0;
    }
    enum bt_clock_trust trust;
    int64_t wall_ms = bt_running_order_wall_ms(order, bt_clock_mono_ns(bt_clock_real()), &trust);
    const struct bt_recorder_options recorder = {.path = options->plays,
                                                 .screen = options->name,
                                                 .player = BT_VERSION,
                                                 .wall_ms = wall_ms,
                                                 .clock_trust = (int)trust};
    return bt_recorder_open(&recorder, out, err);
}

static int play(struct options *options, char *const *paths, int count, const volatile int *stop,
                struct bt_error *err)
{
    struct bt_show *show = NULL;
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_frame_log) frame_log = NULL;
    BT_AUTO(bt_recorder) recorder = NULL;
    int r = bt_kitchen_open(options->assets, &kitchen, err);
    if (r == 0 && options->screen.frame_log != NULL) {
        r = bt_frame_log_open(options->screen.frame_log, &frame_log, err);
    }
    if (r < 0 || (r = bt_show_load(paths, count, &show, err)) < 0) {
        return r;
    }
    options->screen.stage.output.canvas_width = (int)bt_show_canvas(show)->width;
    options->screen.stage.output.canvas_height = (int)bt_show_canvas(show)->height;
    BT_AUTO(bt_running_order) order = NULL;
    order = bt_running_order_create(show, bt_clock_real(), options->screen.trust,
                                    bt_process_last_wall_ms(options->plays));
    r = open_recorder(options, order, &recorder, err);
    return r < 0 ? r
                 : bt_stage_play(&options->screen.stage, order, kitchen, recorder, frame_log, stop,
                                 err);
}

int bt_command_play(int argc, char **argv)
{
    struct options options;
    if (parse_options(argc, argv, &options) < 0) {
        fputs("bangtin-player play --help\n", stderr);
        return BT_EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    struct bt_error err = {""};
    int r = play(&options, argv + optind, argc - optind, bt_process_prepare(), &err);
    bt_supervisor_stopping();
    if (r < 0) {
        bt_log_error(&logger, "%s", err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

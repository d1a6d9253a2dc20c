#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "player/commands.h"
#include "player/process.h"
#include "player/screen_options.h"
#include "player/show_load.h"
#include "player/supervisor.h"

static const struct bt_log logger = {"player"};

struct options {
    struct bt_screen_options screen;
    const char *assets, *plays, *name;
};

static int read_options(const struct bt_arguments *arguments, struct options *out,
                        struct bt_error *err)
{
    const char *name = bt_argument(arguments, "screen");
    *out = (struct options){.assets = bt_argument(arguments, "assets"),
                            .plays = bt_argument(arguments, "plays"),
                            .name = name != NULL ? name : ""};
    return bt_screen_options_read(arguments, &out->screen, err);
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options;
    return read_options(arguments, &options, err);
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

static int play(struct options *options, const struct bt_arguments *paths, const volatile int *stop,
                struct bt_error *err)
{
    struct bt_show *show = NULL;
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_frame_log) frame_log = NULL;
    BT_AUTO(bt_recorder) recorder = NULL;
    int r = bt_kitchen_open(options->assets, &kitchen, err);
    if (r == 0) {
        bt_kitchen_choose_decoder(kitchen, options->screen.decoder);
    }
    r = r < 0 ? r : bt_screen_options_receive(&options->screen, kitchen, err);
    if (r == 0 && options->screen.frame_log != NULL) {
        r = bt_frame_log_open(options->screen.frame_log, &frame_log, err);
    }
    if (r < 0 || (r = bt_show_load(paths, &show, err)) < 0) {
        return r;
    }
    options->screen.stage.output.canvas_width = (int)bt_show_canvas(show)->width;
    options->screen.stage.output.canvas_height = (int)bt_show_canvas(show)->height;
    options->screen.stage.output.plan = bt_show_output(show);
    BT_AUTO(bt_running_order) order = NULL;
    order = bt_running_order_create(show, bt_clock_real(), options->screen.trust,
                                    bt_process_last_wall_ms(options->plays));
    r = open_recorder(options, order, &recorder, err);
    return r < 0 ? r
                 : bt_stage_play(&options->screen.stage, order, kitchen, recorder, frame_log, stop,
                                 err);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options;
    int r = read_options(arguments, &options, err);
    r = r < 0 ? r : play(&options, arguments, bt_process_prepare(), err);
    bt_supervisor_stopping();
    if (r < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const struct bt_option options_table[] = {
    {"assets", "DIR", "kho tệp theo SHA-256 / the content store (bangtin new makes one)",
     .required = true},
    {"plays", "DB", "ghi lượt phát vào sổ này / record plays in this journal"},
    {"screen", "NAME", "tên màn hình ghi trong sổ / the screen's name in the journal"},
    BT_SCREEN_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {NULL, "PUBLICATION…", 1, INT32_MAX,
     "Phát các ấn phẩm (gộp theo lớp: màn hình, tỉnh, đơn vị, khẩn cấp) cho đến khi dừng.\n"
     "Shows the publications, merged as layers, until it is stopped (Ctrl-C, Escape, SIGTERM).",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_play_commands = {
    .name = "play",
    .summary = "Phát nội dung từ tệp / show publications from files",
    .example = "  bangtin-player play thu-muc/publication.json --assets thu-muc/assets --window "
               "1280x720\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "player/commands.h"
#include "player/measure.h"
#include "player/process.h"
#include "player/screen_options.h"
#include "player/show_load.h"

static const struct bt_log logger = {"player"};

#define MEASURED_S 60

static int read_options(const struct bt_arguments *arguments, struct bt_screen_options *out,
                        struct bt_error *err)
{
    int r = bt_screen_options_read(arguments, out, err);
    if (out->stage.run_ns == 0) {
        out->stage.run_ns = MEASURED_S * BT_NS_PER_S;
    }
    return r;
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_screen_options options;
    return read_options(arguments, &options, err);
}

static int play(struct bt_screen_options *options, const struct bt_arguments *arguments,
                const volatile int *stop, struct bt_error *err)
{
    struct bt_show *show = NULL;
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_frame_log) frame_log = NULL;
    int r = bt_kitchen_open(bt_argument(arguments, "assets"), &kitchen, err);
    if (r == 0 && options->frame_log != NULL) {
        r = bt_frame_log_open(options->frame_log, &frame_log, err);
    }
    if (r < 0 || (r = bt_show_load(arguments, &show, err)) < 0) {
        return r;
    }
    options->stage.output.canvas_width = (int)bt_show_canvas(show)->width;
    options->stage.output.canvas_height = (int)bt_show_canvas(show)->height;
    BT_AUTO(bt_running_order)
    order = bt_running_order_create(show, bt_clock_real(), options->trust, 0);
    return bt_stage_play(&options->stage, order, kitchen, NULL, frame_log, stop, err);
}

static int tell(const struct bt_measure *measure, const char *json, struct bt_error *err)
{
    bt_measure_print(measure, stdout);
    if (json == NULL) {
        return 0;
    }
    BT_AUTOFREE char *text = bt_measure_json(measure);
    return bt_file_replace(json, text, strlen(text), err);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_screen_options options;
    int r = read_options(arguments, &options, err);
    BT_AUTO(bt_measure) measure = bt_measure_start(options.stage.root);
    options.stage.listener = (struct bt_present_listener){bt_measure_presented, measure};
    r = r < 0 ? r : play(&options, arguments, bt_process_prepare(), err);
    bt_measure_stop(measure);
    r = r < 0 ? r : tell(measure, bt_argument(arguments, "json"), err);
    if (r < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const struct bt_option options_table[] = {
    {"assets", "DIR", "kho tệp theo SHA-256 / the content store (bangtin new makes one)",
     .required = true},
    {"json", "FILE", "ghi kết quả dạng JSON / the result as JSON"},
    BT_SCREEN_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {NULL, "PUBLICATION…", 1, INT32_MAX,
     "Phát trong 60 giây (--for) và đo: số lần hiện thật theo nhịp làm tươi, nhiệt độ, nguồn, "
     "CMA.\n"
     "Plays for 60 seconds (--for) and measures: presents against the display's refreshes, heat,\n"
     "power, CMA. Nothing is recorded. docs/hardware-tests.md says what should come out.",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_measure_commands = {
    .name = "measure",
    .summary = "Đo máy và màn hình này / measure this board and display",
    .example = "  bangtin-player measure thu-muc/publication.json --assets thu-muc/assets --json "
               "ket-qua.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

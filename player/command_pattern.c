#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/commands.h"
#include "player/grid.h"
#include "player/pattern.h"
#include "player/process.h"
#include "player/raster_watch.h"
#include "player/screen_options.h"
#include "player/supervisor.h"

static const struct bt_log logger = {"player/pattern"};

// Where no display and no file says another.
#define WIDTH_PX 1920
#define HEIGHT_PX 1080

struct options {
    struct bt_screen_options screen;
    struct bt_pattern pattern;
    struct bt_publication *publication;  // owned; NULL: none
    const char *out;
};

static int read_module(const struct bt_arguments *arguments, struct bt_pattern *pattern,
                       struct bt_error *err)
{
    const char *text = bt_argument(arguments, "module");
    struct bt_size size;
    if (text == NULL) {
        return 0;
    }
    if (bt_size_parse(text, 4, BT_CANVAS_MAX_PX, &size) < 0) {
        return bt_fail(err, -EINVAL, "--module '%s': cần dạng / must look like 64x32", text);
    }
    pattern->module_width = size.width;
    pattern->module_height = size.height;
    return 0;
}

static int read_options(const struct bt_arguments *arguments, struct options *out,
                        struct bt_error *err)
{
    out->out = bt_argument(arguments, "out");
    int r = read_module(arguments, &out->pattern, err);
    return r < 0 ? r : bt_screen_options_read(arguments, &out->screen, err);
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options = {.out = NULL};
    return read_options(arguments, &options, err);
}

// The canvas of the file; else the display is the canvas.
static int read_screen(struct options *options, const char *path, struct bt_error *err)
{
    struct bt_output_options *output = &options->screen.stage.output;
    output->canvas_width = output->window_width > 0 ? output->window_width : WIDTH_PX;
    output->canvas_height = output->window_height > 0 ? output->window_height : HEIGHT_PX;
    if (path == NULL) {
        return 0;
    }
    int r = bt_publication_load(path, BT_UNKNOWN_IGNORE, &options->publication, err);
    if (r < 0) {
        return r;
    }
    const struct bt_publication *publication = options->publication;
    if (publication->canvas.width == 0) {
        return bt_fail(err, -EINVAL, "%s: không có / has no 'canvas'", path);
    }
    output->canvas_width = (int)publication->canvas.width;
    output->canvas_height = (int)publication->canvas.height;
    output->plan = publication->output.slice_count > 0 ? &publication->output : NULL;
    return 0;
}

static int open_output(struct options *options, struct bt_output **out, struct bt_error *err)
{
    const struct bt_output_options *wanted = &options->screen.stage.output;
    BT_AUTO(bt_output) output = NULL;
    int r = bt_output_open(wanted, &output, err);
    if (r < 0) {
        return r;
    }
    const struct bt_output_info *info = bt_output_info(output);
    char wrong[BT_WRONG_MODE_BYTES];
    bt_wrong_mode(wanted->plan, info, wrong);
    bt_log_info(&logger, "Output: %s on %s, %d × %d", info->backend, info->video_driver,
                info->width, info->height);
    if (wanted->fullscreen && wrong[0] != '\0') {
        bt_log_warn(&logger, "The display has another mode: %s; what does not fit is cut off",
                    wrong);
    }
    const char *refused = bt_windows_refused(wanted->plan, info);
    if (refused != NULL) {
        bt_log_error(&logger, "%s", refused);
    }
    options->pattern.width = wanted->canvas_width;
    options->pattern.height = wanted->canvas_height;
    options->pattern.plan = wanted->plan;
    if (options->publication == NULL && wanted->fullscreen && info->width > 0) {
        options->pattern.width = BT_MIN(info->width, BT_CANVAS_MAX_PX);
        options->pattern.height = BT_MIN(info->height, BT_CANVAS_MAX_PX);
    }
    r = bt_output_resize(output, options->pattern.width, options->pattern.height, wanted->plan,
                         err);
    if (r == 0) {
        *out = BT_TAKE(output);
    }
    return r;
}

static int show_step(const struct options *options, struct bt_output *output,
                     const struct bt_image *image, int64_t step, struct bt_error *err)
{
    struct bt_scene scene;
    int64_t presented_ns;
    bt_pattern_scene(&options->pattern, image, step, &scene);
    int r = bt_output_compose(output, &scene, err);
    return r < 0 ? r : bt_output_present(output, &presented_ns, err);
}

// One step of the lines at each refresh.
static int show(const struct options *options, struct bt_output *output,
                const struct bt_image *image, const volatile int *stop, struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    const struct bt_output_info *info = bt_output_info(output);
    double hz = options->screen.stage.refresh_hz > 0 ? (double)options->screen.stage.refresh_hz
                : info->display_hz > 0               ? info->display_hz
                                                     : BT_GRID_DEFAULT_HZ;
    int64_t started_ns = bt_clock_mono_ns(clock), run_ns = options->screen.stage.run_ns;
    int r = 0;
    for (int64_t step = 0; r == 0 && *stop == 0; step++) {
        int64_t now_ns = bt_clock_mono_ns(clock);
        enum bt_output_event event = bt_output_poll(output);
        if (event == BT_OUTPUT_QUIT || event == BT_OUTPUT_LOST ||
            (run_ns > 0 && now_ns - started_ns >= run_ns)) {
            return 0;
        }
        bt_supervisor_alive();
        r = show_step(options, output, image, step, err);
        if (!info->vsync) {
            bt_clock_sleep_until(clock, now_ns + (int64_t)((double)BT_NS_PER_S / hz));
        }
    }
    return r;
}

// As the display would be given it, in a file.
static int write_picture(const struct options *options, struct bt_output *output,
                         const struct bt_image *image, struct bt_error *err)
{
    BT_AUTO(bt_image) raster = NULL;
    int r = show_step(options, output, image, options->pattern.height / 3, err);
    r = r < 0 ? r : bt_output_read_raster(output, &raster, err);
    return r < 0 ? r : bt_image_write_png(raster, options->out, err);
}

static int run_pattern(struct options *options, const volatile int *stop, struct bt_error *err)
{
    BT_AUTO(bt_text) text = NULL;
    BT_AUTO(bt_image) image = NULL;
    BT_AUTO(bt_output) output = NULL;  // goes before the picture it has borrowed
    options->screen.stage.output.headless |= options->out != NULL;
    int r = bt_text_open(&text, err);
    if (r < 0 || (r = open_output(options, &output, err)) < 0 ||
        (r = bt_pattern_draw(&options->pattern, text, &image, err)) < 0) {
        return r;
    }
    return options->out != NULL ? write_picture(options, output, image, err)
                                : show(options, output, image, stop, err);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options = {.out = NULL};
    int r = read_options(arguments, &options, err);
    r = r < 0 ? r : read_screen(&options, bt_argument(arguments, "screen"), err);
    r = r < 0 ? r : run_pattern(&options, bt_process_prepare(), err);
    bt_publication_destroy(options.publication);
    if (r < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const struct bt_option options_table[] = {
    {"screen", "FILE",
     "bản mô tả màn hình: khung hình và vị trí ('canvas', 'output') / the screen's publication"},
    {"module", "WxH", "cỡ một module LED, điểm ảnh / the size of an LED module: 64x32"},
    {"out", "PNG",
     "không chiếu, ghi khung mà màn hình nhận vào tệp / shows nothing, writes what the display "
     "would "
     "be given"},
    BT_SCREEN_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {NULL, NULL, 0, 0,
     "Chiếu hình thử cho người lắp màn hình: viền và góc, lưới module có số, số của từng mảnh,\n"
     "thang xám, vạch màu, vạch chạy, chữ để chỉnh nét. Dừng: Ctrl-C, hoặc Escape trong cửa sổ.\n"
     "Shows a test pattern for whoever puts the screen up, through the same mapping as the show.",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_pattern_commands = {
    .name = "pattern",
    .summary = "Hình thử cho người lắp màn hình / a test pattern for installers",
    .example = "  bangtin-player pattern --screen man-hinh.json --module 64x32\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

#include "render/output.h"

#include <assert.h>
#include <errno.h>
#include <glob.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "render/output_impl.h"
#include "render/window.h"

static void set_plan(struct bt_output *output, const struct bt_output_plan *plan)
{
    output->mapping.shift_x = output->mapping.shift_y = 0;
    output->plan = output->mapping.plan = plan != NULL ? *plan : (struct bt_output_plan){0};
    if (output->plan.window_count == 0 || output->headless) {
        return;
    }
    if (output->fullscreen) {
        bt_output_plan_window(&output->plan, 0, &output->mapping.plan);
    } else {
        output->mapping.plan = (struct bt_output_plan){0};
    }
}

void bt_output_default_size(const struct bt_output_options *options, int *out_width,
                            int *out_height)
{
    *out_width = options->canvas_width;
    *out_height = options->canvas_height;
    if (options->plan != NULL && options->plan->window_count == 0) {
        const struct bt_mapping mapping = {.plan = *options->plan};
        bt_mapping_size(&mapping, out_width, out_height);
    }
}

void bt_output_wanted_size(const struct bt_output *output, int *out_width, int *out_height)
{
    const struct bt_output_options options = {
        .canvas_width = output->canvas_width,
        .canvas_height = output->canvas_height,
        .plan = bt_mapping_is_on(&output->mapping) ? &output->mapping.plan : NULL,
    };
    bt_output_default_size(&options, out_width, out_height);
}

void bt_output_init(struct bt_output *output, const struct bt_output_impl *impl,
                    const struct bt_output_options *options)
{
    assert(impl->resize != NULL && impl->compose != NULL && impl->present != NULL &&
           impl->read != NULL && impl->read_raster != NULL);
    assert(impl->poll != NULL && impl->destroy != NULL);
    output->impl = impl;
    output->canvas_width = options->canvas_width;
    output->canvas_height = options->canvas_height;
    output->headless = options->headless;
    output->fullscreen = options->fullscreen;
    set_plan(output, options->plan);
    output->follows_canvas = !options->fullscreen && options->window_width == 0;
}

// Presents in a row that show whether the display makes us wait: a queue of three pictures fills
// with the first ones.
#define QUEUED_PRESENTS 4
#define TIMED_PRESENTS 6

// What of the time must pass in presents of a picture that is drawn: else the drawing is what takes
// as long as a refresh.
#define WAITED_PERCENT 25

struct presents {
    int64_t passed_ns, waited_ns;  // in all; in presents alone
};

static int present_times(struct bt_output *output, int count, struct presents *out,
                         struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t started_ns = bt_clock_mono_ns(clock);
    *out = (struct presents){0};
    for (int i = 0; i < count; i++) {
        int r = output->impl->draw != NULL ? output->impl->draw(output, err) : 0;
        int64_t drawn_ns = bt_clock_mono_ns(clock);
        r = r < 0 ? r : output->impl->present(output, err);
        if (r < 0) {
            return r;
        }
        out->waited_ns += bt_clock_mono_ns(clock) - drawn_ns;
    }
    out->passed_ns = bt_clock_mono_ns(clock) - started_ns;
    return 0;
}

// The same picture a few times: nothing else is seen meanwhile.
static int present_measuring(struct bt_output *output, struct bt_error *err)
{
    struct presents queued, timed;
    int r = present_times(output, QUEUED_PRESENTS, &queued, err);
    r = r < 0 ? r : present_times(output, TIMED_PRESENTS, &timed, err);
    if (r < 0) {
        return r;
    }
    output->may_wait = false;
    double period_s = (double)timed.passed_ns / TIMED_PRESENTS / (double)BT_NS_PER_S;
    double mode_hz = output->info.display_hz;
    // A mode that does not say its rate: any rate that displays have.
    double low_hz = mode_hz > 0 ? mode_hz * 0.9 : 20;
    double high_hz = mode_hz > 0 ? mode_hz * 1.1 : 250;
    output->info.vsync = period_s > 1 / high_hz && period_s < 1 / low_hz &&
                         timed.waited_ns * 100 > timed.passed_ns * WAITED_PERCENT;
    return 0;
}

bool bt_output_is_software_gl(const char *renderer)
{
    static const char *const words[] = {"llvmpipe", "softpipe", "swrast", "SwiftShader"};
    for (size_t i = 0; i < BT_ARRAY_LEN(words); i++) {
        if (strcasestr(renderer, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

// A GPU that draws has a render node. Looking for one costs nothing; a GL context without one
// costs tens of milliseconds before the first picture.
static bool has_render_node(void)
{
    glob_t found = {0};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no ~ in the pattern, so no environment is read
    bool any = glob("/dev/dri/renderD*", GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
    globfree(&found);
    return any;
}

static int open_gpu(const struct bt_output_options *options, struct bt_output **out,
                    struct bt_error *err)
{
    BT_AUTO(bt_output) output = NULL;
    int r = bt_output_open_gles2(options, &output, err);
    if (r < 0) {
        return r;
    }
    // Only there can the soft back-end do better: KMS and Wayland give no surface in memory.
    if (bt_output_is_software_gl(output->info.renderer) &&
        bt_str_equal(output->info.video_driver, "x11")) {
        return bt_fail(err, -ENOTSUP, "'%s' draws on the CPU", output->info.renderer);
    }
    *out = BT_TAKE(output);
    return 0;
}

// Where there is no render node and the soft back-end finds no surface, even a software rasteriser
// is better than nothing.
static int open_best(const struct bt_output_options *options, struct bt_output **out,
                     struct bt_error *err)
{
    if (has_render_node() && open_gpu(options, out, err) == 0) {
        return 0;
    }
    int r = bt_output_open_soft(options, out, err);
    return r == -ENOTSUP ? bt_output_open_gles2(options, out, err) : r;
}

static int check_canvas(int width, int height, struct bt_error *err)
{
    if (width < 1 || width > BT_CANVAS_MAX_PX || height < 1 || height > BT_CANVAS_MAX_PX) {
        return bt_fail(err, -EINVAL, "A canvas of %d × %d is outside 1..%d", width, height,
                       BT_CANVAS_MAX_PX);
    }
    return 0;
}

// What was read from a publication was checked against its canvas; this is for everybody else.
static int check_plan(const struct bt_output_plan *plan, int canvas_width, int canvas_height,
                      struct bt_error *err)
{
    int r = check_canvas(canvas_width, canvas_height, err);
    if (r < 0 || plan == NULL) {
        return r;
    }
    bool any = plan->mode_width == 0;
    return bt_output_plan_check(plan, canvas_width, canvas_height,
                                any ? BT_CANVAS_MAX_PX : (int)plan->mode_width,
                                any ? BT_CANVAS_MAX_PX : (int)plan->mode_height, err);
}

int bt_output_open(const struct bt_output_options *options, struct bt_output **out,
                   struct bt_error *err)
{
    int r = check_plan(options->plan, options->canvas_width, options->canvas_height, err);
    if (r < 0) {
        return r;
    }
    if (options->headless) {
        return bt_output_open_memory(options, out, err);
    }
    switch (options->backend) {
    case BT_BACKEND_SOFT:
        return bt_output_open_soft(options, out, err);
    case BT_BACKEND_GLES2:
        return bt_output_open_gles2(options, out, err);
    case BT_BACKEND_AUTO:
        break;
    }
    return open_best(options, out, err);
}

bool bt_output_expects_card(void)
{
    return bt_window_expects_card();
}

void bt_output_destroy(struct bt_output *output)
{
    if (output != NULL) {
        output->impl->destroy(output);
    }
}

const struct bt_output_info *bt_output_info(const struct bt_output *output)
{
    return &output->info;
}

static bool same_plan(const struct bt_output *output, const struct bt_output_plan *plan)
{
    return plan == NULL ? output->plan.slice_count == 0 : bt_output_plan_same(&output->plan, plan);
}

int bt_output_resize(struct bt_output *output, int canvas_width, int canvas_height,
                     const struct bt_output_plan *plan, struct bt_error *err)
{
    int r = check_plan(plan, canvas_width, canvas_height, err);
    if (r < 0 || (canvas_width == output->canvas_width && canvas_height == output->canvas_height &&
                  same_plan(output, plan))) {
        return r;
    }
    output->canvas_width = canvas_width;
    output->canvas_height = canvas_height;
    set_plan(output, plan);
    output->composed = false;
    return output->impl->resize(output, err);
}

int bt_output_shift(struct bt_output *output, int x, int y, struct bt_error *err)
{
    struct bt_mapping *mapping = &output->mapping;
    if (!bt_mapping_is_on(mapping) || (mapping->shift_x == x && mapping->shift_y == y)) {
        return 0;
    }
    mapping->shift_x = x;
    mapping->shift_y = y;
    output->composed = false;
    return output->impl->resize(output, err);
}

bool bt_output_ahead(struct bt_output *output, const struct bt_image *const *images, size_t count)
{
    return output->impl->ahead != NULL && output->impl->ahead(output, images, count);
}

int bt_output_compose(struct bt_output *output, const struct bt_scene *scene, struct bt_error *err)
{
    int r = output->impl->compose(output, scene, err);
    output->composed = r >= 0;
    return r;
}

int bt_output_present(struct bt_output *output, int64_t *out_ns, struct bt_error *err)
{
    if (!output->composed) {
        return bt_fail(err, -EAGAIN, "Nothing was composed yet");
    }
    int r = output->may_wait ? present_measuring(output, err) : output->impl->present(output, err);
    if (r < 0) {
        return r;
    }
    *out_ns = bt_clock_mono_ns(bt_clock_real());
    return 0;
}

static int read_into(struct bt_output *output, int width, int height,
                     int (*read)(struct bt_output *output, struct bt_image *into,
                                 struct bt_error *err),
                     struct bt_image **out, struct bt_error *err)
{
    BT_AUTO(bt_image) image = bt_image_create(width, height);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a copy of the picture");
    }
    int r = read(output, image, err);
    if (r < 0) {
        return r;
    }
    image->opaque = true;
    *out = BT_TAKE(image);
    return 0;
}

int bt_output_read(struct bt_output *output, struct bt_image **out, struct bt_error *err)
{
    return read_into(output, output->canvas_width, output->canvas_height, output->impl->read, out,
                     err);
}

int bt_output_read_raster(struct bt_output *output, struct bt_image **out, struct bt_error *err)
{
    if (!bt_mapping_is_on(&output->mapping)) {
        return bt_output_read(output, out, err);
    }
    int width, height;
    bt_mapping_size(&output->mapping, &width, &height);
    return read_into(output, width, height, output->impl->read_raster, out, err);
}

enum bt_output_event bt_output_poll(struct bt_output *output)
{
    return output->impl->poll(output);
}

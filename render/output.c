#include "render/output.h"

#include <assert.h>
#include <errno.h>
#include <glob.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "render/output_impl.h"

void bt_output_init(struct bt_output *output, const struct bt_output_impl *impl,
                    const struct bt_output_options *options)
{
    assert(impl->resize != NULL && impl->compose != NULL && impl->present != NULL &&
           impl->read != NULL);
    assert(impl->poll != NULL && impl->destroy != NULL);
    output->impl = impl;
    output->canvas_width = options->canvas_width;
    output->canvas_height = options->canvas_height;
    output->follows_canvas = !options->fullscreen && options->window_width == 0;
}

// Presents in a row that show whether the display makes us wait: a queue of three pictures fills
// with the first ones.
#define QUEUED_PRESENTS 4
#define TIMED_PRESENTS 6

static bool present_times(struct bt_output *output, int count, int64_t *out_ns)
{
    int64_t started_ns = bt_clock_mono_ns(bt_clock_real());
    for (int i = 0; i < count; i++) {
        if (output->impl->present(output, NULL) < 0) {
            return false;
        }
    }
    *out_ns = bt_clock_mono_ns(bt_clock_real()) - started_ns;
    return true;
}

bool bt_output_measure_vsync(struct bt_output *output)
{
    int64_t queued_ns, timed_ns;
    if (!present_times(output, QUEUED_PRESENTS, &queued_ns) ||
        !present_times(output, TIMED_PRESENTS, &timed_ns)) {
        return false;
    }
    double period_s = (double)timed_ns / TIMED_PRESENTS / (double)BT_NS_PER_S;
    double mode_hz = output->info.display_hz;
    // A mode that does not say its rate: any rate that displays have.
    double low_hz = mode_hz > 0 ? mode_hz * 0.9 : 20;
    double high_hz = mode_hz > 0 ? mode_hz * 1.1 : 250;
    return period_s > 1 / high_hz && period_s < 1 / low_hz;
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

int bt_output_open(const struct bt_output_options *options, struct bt_output **out,
                   struct bt_error *err)
{
    int r = check_canvas(options->canvas_width, options->canvas_height, err);
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

int bt_output_resize(struct bt_output *output, int canvas_width, int canvas_height,
                     struct bt_error *err)
{
    int r = check_canvas(canvas_width, canvas_height, err);
    if (r < 0 || (canvas_width == output->canvas_width && canvas_height == output->canvas_height)) {
        return r;
    }
    output->canvas_width = canvas_width;
    output->canvas_height = canvas_height;
    return output->impl->resize(output, err);
}

int bt_output_compose(struct bt_output *output, const struct bt_scene *scene, struct bt_error *err)
{
    return output->impl->compose(output, scene, err);
}

int bt_output_present(struct bt_output *output, int64_t *out_ns, struct bt_error *err)
{
    int r = output->impl->present(output, err);
    if (r < 0) {
        return r;
    }
    *out_ns = bt_clock_mono_ns(bt_clock_real());
    return 0;
}

int bt_output_read(struct bt_output *output, struct bt_image **out, struct bt_error *err)
{
    BT_AUTO(bt_image) image = bt_image_create(output->canvas_width, output->canvas_height);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a copy of the canvas");
    }
    int r = output->impl->read(output, image, err);
    if (r < 0) {
        return r;
    }
    image->opaque = true;
    *out = BT_TAKE(image);
    return 0;
}

enum bt_output_event bt_output_poll(struct bt_output *output)
{
    return output->impl->poll(output);
}

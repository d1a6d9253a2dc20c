#include "render/output.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "render/output_impl.h"

void bt_output_init(struct bt_output *output, const struct bt_output_impl *impl,
                    const struct bt_output_options *options)
{
    assert(impl->compose != NULL && impl->present != NULL && impl->read != NULL);
    assert(impl->poll != NULL && impl->destroy != NULL);
    output->impl = impl;
    output->canvas_width = options->canvas_width;
    output->canvas_height = options->canvas_height;
}

int bt_output_open(const struct bt_output_options *options, struct bt_output **out,
                   struct bt_error *err)
{
    if (options->canvas_width < 1 || options->canvas_width > BT_CANVAS_MAX_PX ||
        options->canvas_height < 1 || options->canvas_height > BT_CANVAS_MAX_PX) {
        return bt_fail(err, -EINVAL, "A canvas of %d × %d is outside 1..%d", options->canvas_width,
                       options->canvas_height, BT_CANVAS_MAX_PX);
    }
    if (options->headless) {
        return bt_output_open_memory(options, out, err);
    }
    return bt_output_open_soft(options, out, err);
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

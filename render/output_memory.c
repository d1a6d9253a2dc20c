// Headless: the canvas in memory, drawn by the soft compositor.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/compositor.h"
#include "render/output_impl.h"

struct memory_output {
    struct bt_output base;
    struct bt_compositor *compositor;
    struct bt_image *canvas;
};

static int memory_compose(struct bt_output *output, const struct bt_scene *scene,
                          struct bt_error *err)
{
    struct memory_output *memory = (struct memory_output *)output;
    const struct bt_raster target = bt_raster_of(memory->canvas);
    return bt_compositor_draw(memory->compositor, scene, &target, err);
}

static int memory_resize(struct bt_output *output, struct bt_error *err)
{
    struct memory_output *memory = (struct memory_output *)output;
    BT_AUTO(bt_image) canvas = bt_image_create(output->canvas_width, output->canvas_height);
    if (canvas == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a canvas of %d × %d",
                       output->canvas_width, output->canvas_height);
    }
    bt_compositor_destroy(memory->compositor);
    bt_image_destroy(memory->canvas);
    memory->compositor = bt_compositor_create(canvas->width, canvas->height);
    memory->canvas = BT_TAKE(canvas);
    return 0;
}

static int memory_present(struct bt_output *output, struct bt_error *err)
{
    (void)output;
    (void)err;
    return 0;
}

static int memory_read(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    struct memory_output *memory = (struct memory_output *)output;
    (void)err;
    const struct bt_raster to = bt_raster_of(into);
    struct bt_raster_source from = bt_raster_source_of(memory->canvas, 0, 0);
    from.opaque = true;
    bt_raster_draw(&to, (struct bt_rect){0, 0, into->width, into->height}, &from);
    return 0;
}

static enum bt_output_event memory_poll(struct bt_output *output)
{
    (void)output;
    return BT_OUTPUT_NONE;
}

static void memory_destroy(struct bt_output *output)
{
    struct memory_output *memory = (struct memory_output *)output;
    bt_compositor_destroy(memory->compositor);
    bt_image_destroy(memory->canvas);
    free(memory);
}

static const struct bt_output_impl memory_impl = {
    .resize = memory_resize,
    .compose = memory_compose,
    .present = memory_present,
    .read = memory_read,
    .poll = memory_poll,
    .destroy = memory_destroy,
};

int bt_output_open_memory(const struct bt_output_options *options, struct bt_output **out,
                          struct bt_error *err)
{
    BT_AUTO(bt_image) canvas = bt_image_create(options->canvas_width, options->canvas_height);
    if (canvas == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a canvas of %d × %d",
                       options->canvas_width, options->canvas_height);
    }
    struct memory_output *memory = BT_NEW(struct memory_output);
    bt_output_init(&memory->base, &memory_impl, options);
    memory->base.info.backend = "soft";
    memory->base.info.video_driver = "none";
    memory->compositor = bt_compositor_create(canvas->width, canvas->height);
    memory->canvas = BT_TAKE(canvas);
    *out = &memory->base;
    return 0;
}

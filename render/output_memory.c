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
    struct bt_image *raster;   // NULL: there is no mapping
    struct bt_region pending;  // drawn and not on the raster yet
};

static int memory_compose(struct bt_output *output, const struct bt_scene *scene,
                          struct bt_error *err)
{
    struct memory_output *memory = (struct memory_output *)output;
    const struct bt_raster target = bt_raster_of(memory->canvas);
    int r = bt_compositor_draw(memory->compositor, scene, &target, err);
    if (r > 0) {
        bt_region_add_all(&memory->pending, bt_compositor_damage(memory->compositor));
    }
    return r;
}

// A black one.
static int make_raster(struct memory_output *memory, struct bt_error *err)
{
    int width, height;
    bt_image_destroy(BT_TAKE(memory->raster));
    if (!bt_mapping_is_on(&memory->base.mapping)) {
        return 0;
    }
    bt_mapping_size(&memory->base.mapping, &width, &height);
    memory->raster = bt_image_create(width, height);
    if (memory->raster == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a raster of %d × %d", width, height);
    }
    const struct bt_raster raster = bt_raster_of(memory->raster);
    bt_raster_fill(&raster, (struct bt_rect){0, 0, width, height},
                   (struct bt_colour){0, 0, 0, 255});
    return 0;
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
    memory->pending = (struct bt_region){0};
    return make_raster(memory, err);
}

static void update_raster(struct memory_output *memory)
{
    if (memory->raster != NULL) {
        const struct bt_raster canvas = bt_raster_of(memory->canvas);
        const struct bt_raster raster = bt_raster_of(memory->raster);
        struct bt_rect written;
        bt_mapping_copy(&memory->base.mapping, &canvas, &memory->pending, &raster, &written);
    }
    memory->pending = (struct bt_region){0};
}

static int memory_present(struct bt_output *output, struct bt_error *err)
{
    (void)err;
    update_raster((struct memory_output *)output);
    return 0;
}

static void copy(const struct bt_image *image, struct bt_image *into)
{
    const struct bt_raster to = bt_raster_of(into);
    struct bt_raster_source from = bt_raster_source_of(image, 0, 0);
    from.opaque = true;
    bt_raster_draw(&to, (struct bt_rect){0, 0, into->width, into->height}, &from);
}

static int memory_read(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    (void)err;
    copy(((struct memory_output *)output)->canvas, into);
    return 0;
}

static int memory_read_raster(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    struct memory_output *memory = (struct memory_output *)output;
    (void)err;
    update_raster(memory);
    copy(memory->raster, into);
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
    bt_image_destroy(memory->raster);
    free(memory);
}

static const struct bt_output_impl memory_impl = {
    .resize = memory_resize,
    .compose = memory_compose,
    .present = memory_present,
    .read = memory_read,
    .read_raster = memory_read_raster,
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
    int r = make_raster(memory, err);
    if (r < 0) {
        memory_destroy(&memory->base);
        return r;
    }
    *out = &memory->base;
    return 0;
}

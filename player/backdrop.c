#include "player/backdrop.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "player/console.h"
#include "render/mapping.h"

struct bt_backdrop {
    struct bt_image *canvas;
    struct bt_mapping mapping;
};

struct bt_backdrop *bt_backdrop_create(struct bt_image *canvas, const struct bt_output_plan *plan)
{
    struct bt_backdrop *backdrop = BT_NEW(struct bt_backdrop);
    backdrop->canvas = canvas;
    if (plan != NULL && plan->slice_count > 0) {
        // A card shows the first of several windows.
        if (plan->window_count > 0) {
            bt_output_plan_window(plan, 0, &backdrop->mapping.plan);
        } else {
            backdrop->mapping.plan = *plan;
        }
        return backdrop;
    }
    backdrop->mapping.plan.slices[0].from = (struct bt_rect){0, 0, canvas->width, canvas->height};
    backdrop->mapping.plan.slice_count = 1;
    return backdrop;
}

void bt_backdrop_destroy(struct bt_backdrop *backdrop)
{
    if (backdrop != NULL) {
        bt_image_destroy(backdrop->canvas);
        free(backdrop);
    }
}

// Black but for the canvas.
static struct bt_image *lay_out(const struct bt_console *console,
                                const struct bt_backdrop *backdrop)
{
    struct bt_image *image = bt_image_create(console->width, console->height);
    if (image == NULL) {
        return NULL;
    }
    const struct bt_raster canvas = bt_raster_of(backdrop->canvas);
    const struct bt_raster raster = bt_raster_of(image);
    const struct bt_region all = {{{0, 0, canvas.width, canvas.height}}, 1};
    struct bt_rect written;
    bt_mapping_copy(&backdrop->mapping, &canvas, &all, &raster, &written);
    return image;
}

int bt_backdrop_paint(const struct bt_backdrop *backdrop, const char *root, struct bt_error *err)
{
    struct bt_console console;
    int r = bt_console_read(root, &console, err);
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_image) image = lay_out(&console, backdrop);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for the console's picture");
    }
    const struct bt_raster raster = bt_raster_of(image);
    return bt_console_write(&console, root, &raster, err);
}

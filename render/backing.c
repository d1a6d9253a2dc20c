#include "render/backing.h"

#include <errno.h>
#include <stdlib.h>

#include "render/paint.h"

void bt_backing_drop_pixels(struct bt_backing *backing)
{
    bt_image_destroy(BT_TAKE(backing->image));
    bt_image_destroy(BT_TAKE(backing->scratch));
    backing->valid = false;
}

void bt_backing_finish(struct bt_backing *backing)
{
    bt_backing_drop_pixels(backing);
    bt_converter_destroy(BT_TAKE(backing->converter));
}

int bt_backing_convert(struct bt_backing *backing, const struct bt_visual *visual,
                       const struct bt_raster *to, struct bt_rect place, struct bt_error *err)
{
    if (backing->converter == NULL) {
        backing->converter = bt_converter_create(BT_QUALITY_FAST);
        if (backing->converter == NULL) {
            return bt_fail(err, -ENOMEM, "There is no memory for converting frames");
        }
    }
    const struct bt_crop crop = {visual->src.x, visual->src.y, visual->src.width,
                                 visual->src.height};
    uint8_t *pixels = to->pixels + (size_t)place.y * to->stride + (size_t)place.x * 4;
    return bt_convert(backing->converter, visual->frame, &crop, visual->rotation, pixels,
                      to->stride, place.width, place.height, err);
}

// 1 when the image is new, 0 when the old one has the size already.
static int make_image(struct bt_image **image, int width, int height, struct bt_error *err)
{
    if (*image != NULL && (*image)->width == width && (*image)->height == height) {
        return 0;
    }
    bt_image_destroy(BT_TAKE(*image));
    *image = bt_image_create(width, height);
    if (*image == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for %d × %d pixels", width, height);
    }
    return 1;
}

// A frame that cannot go to its place as it is: blended, or cut to the zone.
static int draw_frame_by_scratch(struct bt_backing *backing, const struct bt_visual *visual,
                                 struct bt_error *err)
{
    int r = make_image(&backing->scratch, visual->dst.width, visual->dst.height, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster scratch = bt_raster_of(backing->scratch);
    const struct bt_rect all = {0, 0, scratch.width, scratch.height};
    r = bt_backing_convert(backing, visual, &scratch, all, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster to = bt_raster_of(backing->image);
    const struct bt_region everywhere = {{{0, 0, to.width, to.height}}, 1};
    struct bt_raster_source source =
        bt_raster_source_of(backing->scratch, visual->dst.x, visual->dst.y);
    source.opaque = !bt_frame_has_alpha(visual->frame);
    bt_paint_source(&to, &everywhere, &source, scratch.width, scratch.height);
    return 0;
}

static int draw_frame(struct bt_backing *backing, const struct bt_visual *visual,
                      struct bt_error *err)
{
    const struct bt_raster to = bt_raster_of(backing->image);
    const struct bt_rect all = {0, 0, to.width, to.height};
    if (bt_frame_has_alpha(visual->frame) || !bt_rect_contains(all, visual->dst)) {
        return draw_frame_by_scratch(backing, visual, err);
    }
    return bt_backing_convert(backing, visual, &to, visual->dst, err);
}

// The next frame of the same clip at the same place: what stands beside it is right already.
static bool only_frame_differs(const struct bt_visual *a, const struct bt_visual *b)
{
    return a->kind == BT_VISUAL_FRAME && b->kind == BT_VISUAL_FRAME &&
           bt_rect_same(a->dst, b->dst) && bt_colour_same(a->background, b->background) &&
           !bt_frame_has_alpha(b->frame);
}

int bt_backing_update(struct bt_backing *backing, const struct bt_visual *visual, int width,
                      int height, struct bt_error *err)
{
    int r = make_image(&backing->image, width, height, err);
    if (r < 0) {
        return r;
    }
    backing->valid = backing->valid && r == 0;
    if (backing->valid && bt_visual_same(&backing->shown, visual)) {
        return 0;
    }
    const struct bt_rect all = {0, 0, width, height};
    const struct bt_raster to = bt_raster_of(backing->image);
    backing->image->opaque = bt_rect_contains(bt_visual_opaque(visual, width, height), all);
    if (!backing->valid || !only_frame_differs(&backing->shown, visual)) {
        const struct bt_region everywhere = {{all}, 1};
        bt_raster_clear(&to, all);
        bt_paint(&to, &everywhere, all, visual);
    }
    r = visual->kind == BT_VISUAL_FRAME ? draw_frame(backing, visual, err) : 0;
    backing->valid = r == 0;
    backing->shown = *visual;
    return r;
}

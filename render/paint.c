#include "render/paint.h"

#include "render/sample.h"

void bt_paint_source(const struct bt_raster *to, const struct bt_region *region,
                     const struct bt_raster_source *from, int width, int height)
{
    const struct bt_rect place = {from->x, from->y, width, height};
    for (size_t i = 0; i < region->count; i++) {
        struct bt_rect rect = bt_rect_intersect(region->rects[i], place);
        if (!bt_rect_empty(rect)) {
            bt_raster_draw(to, rect, from);
        }
    }
}

static void paint_colour(const struct bt_raster *to, const struct bt_region *region,
                         struct bt_colour colour)
{
    for (size_t i = 0; i < region->count; i++) {
        bt_raster_fill(to, region->rects[i], colour);
    }
}

static void paint_image(const struct bt_raster *to, const struct bt_region *region, int x, int y,
                        const struct bt_image *image)
{
    struct bt_raster_source source = bt_raster_source_of(image, x, y);
    bt_paint_source(to, region, &source, image->width, image->height);
}

static void paint_detail(const struct bt_raster *to, const struct bt_region *region,
                         struct bt_rect zone, const struct bt_visual *visual)
{
    for (size_t i = 0; i < region->count; i++) {
        bt_sample(to, region->rects[i], visual->image, &visual->detail, zone);
    }
}

static void paint_strip(const struct bt_raster *to, const struct bt_region *region,
                        struct bt_rect zone, const struct bt_visual *visual)
{
    paint_colour(to, region, visual->background);
    const struct bt_strip *strip = visual->strip;
    int x = zone.x + visual->strip_x;
    for (size_t i = 0; i < strip->tile_count && x < zone.x + zone.width; i++) {
        const struct bt_image *tile = strip->tiles[i];
        if (x + tile->width > zone.x) {
            paint_image(to, region, x, zone.y, tile);
        }
        x += tile->width;
    }
}

static void paint_beside_frame(const struct bt_raster *to, const struct bt_region *region,
                               struct bt_rect zone, const struct bt_visual *visual)
{
    struct bt_region beside = *region;
    if (!bt_frame_has_alpha(visual->frame)) {
        struct bt_rect place = visual->dst;
        place.x += zone.x;
        place.y += zone.y;
        bt_region_subtract(&beside, place);
    }
    paint_colour(to, &beside, visual->background);
}

void bt_paint(const struct bt_raster *to, const struct bt_region *region, struct bt_rect zone,
              const struct bt_visual *visual)
{
    switch (visual->kind) {
    case BT_VISUAL_NONE:
        break;
    case BT_VISUAL_COLOUR:
        paint_colour(to, region, visual->background);
        break;
    case BT_VISUAL_IMAGE:
        paint_image(to, region, zone.x, zone.y, visual->image);
        break;
    case BT_VISUAL_DETAIL:
        paint_detail(to, region, zone, visual);
        break;
    case BT_VISUAL_STRIP:
        paint_strip(to, region, zone, visual);
        break;
    case BT_VISUAL_FRAME:
        paint_beside_frame(to, region, zone, visual);
        break;
    }
}

#include "render/mapping.h"

#include <string.h>

#include "base/compiler.h"

// A turned slice is read across its rows; so many at a time stay in the processor's cache.
#define BLOCK_PX 32

bool bt_mapping_is_plain(const struct bt_mapping *mapping, int canvas_width, int canvas_height)
{
    const struct bt_slice *only = &mapping->plan.slices[0];
    return mapping->plan.slice_count == 1 && only->rotation == 0 && !mapping->plan.has_curves &&
           bt_rect_same(only->from, (struct bt_rect){0, 0, canvas_width, canvas_height});
}

struct bt_rect bt_mapping_place(const struct bt_mapping *mapping, size_t slice)
{
    struct bt_rect place = bt_slice_place(&mapping->plan.slices[slice]);
    place.x += mapping->shift_x + bt_output_plan_left(&mapping->plan, &mapping->plan.slices[slice]);
    place.y += mapping->shift_y;
    return place;
}

void bt_mapping_size(const struct bt_mapping *mapping, int *out_width, int *out_height)
{
    *out_width = (int)mapping->plan.mode_width;
    *out_height = (int)mapping->plan.mode_height;
    for (size_t i = 0; i < mapping->plan.window_count; i++) {
        *out_width += mapping->plan.windows[i].width;
        *out_height = BT_MAX(*out_height, mapping->plan.windows[i].height);
    }
    bool sized = *out_width > 0;
    for (size_t i = 0; !sized && i < mapping->plan.slice_count; i++) {
        struct bt_rect place = bt_slice_place(&mapping->plan.slices[i]);
        *out_width = BT_MAX(*out_width, place.x + place.width);
        *out_height = BT_MAX(*out_height, place.y + place.height);
    }
}

// A part of a slice as it lies in the turned slice.
static struct bt_rect turned(struct bt_rect part, const struct bt_slice *slice)
{
    int width = slice->from.width, height = slice->from.height;
    int x = part.x - slice->from.x, y = part.y - slice->from.y;
    int right = width - x - part.width, below = height - y - part.height;
    switch (slice->rotation) {
    case 90:
        return (struct bt_rect){below, x, part.height, part.width};
    case 180:
        return (struct bt_rect){right, below, part.width, part.height};
    case 270:
        return (struct bt_rect){y, right, part.height, part.width};
    default:
        return (struct bt_rect){x, y, part.width, part.height};
    }
}

// The pixel of the canvas for each of a turned slice: its left top one, and the ways to the next.
struct walk {
    const uint32_t *first;
    ptrdiff_t right, down;
};

static struct walk walk_of(const struct bt_slice *slice, const struct bt_raster *canvas)
{
    const uint32_t *pixels = (const uint32_t *)(const void *)canvas->pixels;
    ptrdiff_t row = (ptrdiff_t)(canvas->stride / sizeof(*pixels));
    const struct bt_rect *from = &slice->from;
    const uint32_t *top = pixels + from->y * row + from->x;
    const uint32_t *bottom = top + (from->height - 1) * row;
    switch (slice->rotation) {
    case 90:
        return (struct walk){bottom, -row, 1};
    case 180:
        return (struct walk){bottom + from->width - 1, -1, -row};
    case 270:
        return (struct walk){top + from->width - 1, row, -1};
    default:
        return (struct walk){top, 1, row};
    }
}

static uint32_t through_curves(const struct bt_output_plan *plan, uint32_t pixel)
{
    return 0xFF000000U | (uint32_t)plan->curves[0][pixel >> 16 & 0xFF] << 16 |
           (uint32_t)plan->curves[1][pixel >> 8 & 0xFF] << 8 | plan->curves[2][pixel & 0xFF];
}

static void copy_block(const struct bt_output_plan *plan, const uint32_t *from,
                       const struct walk *walk, uint32_t *to, size_t to_row, int width, int height)
{
    bool straight = walk->right == 1 && !plan->has_curves;
    for (int y = 0; y < height; y++, from += walk->down, to += to_row) {
        if (straight) {
            memcpy(to, from, (size_t)width * sizeof(*to));
            continue;
        }
        const uint32_t *pixel = from;
        for (int x = 0; x < width; x++, pixel += walk->right) {
            to[x] = plan->has_curves ? through_curves(plan, *pixel) : *pixel;
        }
    }
}

// `place` is of the raster, `x` and `y` are its left top corner in the turned slice.
static void copy_part(const struct bt_output_plan *plan, const struct walk *walk, int x, int y,
                      const struct bt_raster *raster, struct bt_rect place)
{
    size_t row = raster->stride / sizeof(uint32_t);
    uint32_t *to = (uint32_t *)(void *)raster->pixels + (size_t)place.y * row + place.x;
    const uint32_t *from = walk->first + x * walk->right + y * walk->down;
    bool upright = walk->right == 1;
    int step_x = upright ? place.width : BLOCK_PX, step_y = upright ? place.height : BLOCK_PX;
    for (int at_y = 0; at_y < place.height; at_y += step_y) {
        for (int at_x = 0; at_x < place.width; at_x += step_x) {
            copy_block(plan, from + at_x * walk->right + at_y * walk->down, walk,
                       to + (size_t)at_y * row + at_x, row, BT_MIN(step_x, place.width - at_x),
                       BT_MIN(step_y, place.height - at_y));
        }
    }
}

// Returns where it was written, empty when nowhere.
static struct bt_rect copy_changed(const struct bt_mapping *mapping, size_t slice,
                                   struct bt_rect changed, const struct walk *walk,
                                   const struct bt_raster *raster)
{
    const struct bt_rect all = {0, 0, raster->width, raster->height};
    const struct bt_rect whole = bt_mapping_place(mapping, slice);
    struct bt_rect place = turned(changed, &mapping->plan.slices[slice]);
    place.x += whole.x;
    place.y += whole.y;
    place = bt_rect_intersect(place, all);
    if (!bt_rect_empty(place)) {
        copy_part(&mapping->plan, walk, place.x - whole.x, place.y - whole.y, raster, place);
    }
    return place;
}

void bt_mapping_copy(const struct bt_mapping *mapping, const struct bt_raster *canvas,
                     const struct bt_region *changed, const struct bt_raster *raster,
                     struct bt_rect *out_bound)
{
    *out_bound = (struct bt_rect){0};
    for (size_t i = 0; i < mapping->plan.slice_count; i++) {
        const struct bt_slice *slice = &mapping->plan.slices[i];
        const struct walk walk = walk_of(slice, canvas);
        for (size_t k = 0; k < changed->count; k++) {
            struct bt_rect part = bt_rect_intersect(changed->rects[k], slice->from);
            if (!bt_rect_empty(part)) {
                *out_bound =
                    bt_rect_bound(*out_bound, copy_changed(mapping, i, part, &walk, raster));
            }
        }
    }
}

void bt_mapping_copy_all(const struct bt_mapping *mapping, const struct bt_raster *canvas,
                         const struct bt_raster *raster)
{
    const struct bt_region all = {{{0, 0, canvas->width, canvas->height}}, 1};
    struct bt_rect written;
    bt_raster_fill(raster, (struct bt_rect){0, 0, raster->width, raster->height},
                   (struct bt_colour){0, 0, 0, 255});
    bt_mapping_copy(mapping, canvas, &all, raster, &written);
}

#include "render/test_rasters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FULL_HD 1920, 1080

static struct bt_output_plan raster_of(int width, int height)
{
    static const uint8_t straight[] = {0, 255};
    struct bt_output_plan plan = {
        .mode_width = width, .mode_height = height, .dimming_percent = 100};
    for (size_t i = 0; i < BT_ARRAY_LEN(plan.curves); i++) {
        bt_curve_through(plan.curves[i], straight, 2);
    }
    return plan;
}

static struct bt_output_plan at(int width, int height, int x, int y, int rotation)
{
    struct bt_output_plan plan = raster_of(FULL_HD);
    plan.slice_count = 1;
    plan.slices[0] = (struct bt_slice){{0, 0, width, height}, x, y, rotation};
    return plan;
}

static struct bt_output_plan folded(int width, int height, int piece)
{
    struct bt_output_plan plan = raster_of(FULL_HD);
    const struct bt_fold fold = {width, height, FULL_HD, 0, 0, piece, height};
    assert_int_equal(bt_output_plan_fold(&plan, &fold, NULL), 0);
    return plan;
}

// A gate: a beam above, and two pillars whose modules hang sideways and upside down.
static struct bt_output_plan gate(void)
{
    struct bt_output_plan plan = raster_of(640, 480);
    plan.slice_count = 4;
    plan.slices[0] = (struct bt_slice){{0, 0, 384, 64}, 3, 5, 0};
    plan.slices[1] = (struct bt_slice){{0, 64, 64, 128}, 400, 0, 90};
    plan.slices[2] = (struct bt_slice){{320, 64, 64, 128}, 400, 100, 270};
    plan.slices[3] = (struct bt_slice){{128, 100, 101, 33}, 7, 301, 180};
    return plan;
}

static struct bt_output_plan bent(struct bt_output_plan plan)
{
    static const uint8_t red[] = {0, 90, 250}, blue[] = {5, 20, 60, 255};
    plan.has_curves = true;
    plan.dimming_percent = 60;
    bt_curve_through(plan.curves[0], red, BT_ARRAY_LEN(red));
    bt_curve_through(plan.curves[2], blue, BT_ARRAY_LEN(blue));
    bt_output_plan_dim(&plan);
    return plan;
}

void test_raster_get(size_t index, struct test_raster *out)
{
    const struct test_raster rasters[TEST_RASTER_COUNT] = {
        {"wall in the corner", 960, 480, at(960, 480, 0, 0, 0)},
        {"wall anywhere", 960, 480, at(960, 480, 333, 577, 0)},
        {"large wall", 1536, 768, at(1536, 768, 384, 312, 0)},
        {"small wall", 384, 192, at(384, 192, 1, 1, 0)},
        {"turned once", 960, 480, at(960, 480, 7, 11, 90)},
        {"turned twice", 960, 480, at(960, 480, 960, 600, 180)},
        {"turned thrice", 384, 192, at(384, 192, 1728, 0, 270)},
        {"folded ribbon", 8704, 192, folded(8704, 192, 1920)},
        {"folded gate", 3200, 96, folded(3200, 96, 1280)},
        {"gate", 384, 192, gate()},
        {"bent levels", 384, 192, bent(at(384, 192, 40, 30, 0))},
        {"bent gate", 384, 192, bent(gate())},
    };
    assert_true(index < TEST_RASTER_COUNT);
    *out = rasters[index];
}

void test_raster_scene(const struct test_raster *raster, int x, struct test_stage *stage)
{
    struct bt_image *image = test_image(raster->width, raster->height, 3, 255);
    struct bt_strip *strip = test_strip(40, 9, false);
    stage->images[stage->image_count++] = image;
    stage->strips[stage->strip_count++] = strip;
    stage->scene.zone_count = 2;
    stage->scene.zones[0] = (struct bt_zone_view){
        .rect = {0, 0, raster->width, raster->height},
        .to = {.kind = BT_VISUAL_IMAGE, .serial = 2, .image = image},
        .mix = 1000,
    };
    stage->scene.zones[1] = (struct bt_zone_view){
        .rect = {0, 20, raster->width, 40},
        .to = {.kind = BT_VISUAL_STRIP,
               .serial = 10 + (uint64_t)(x + 100000),
               .background = {9, 9, 90, 255},
               .strip = strip,
               .strip_x = x},
        .mix = 1000,
    };
}

static uint32_t pixel_of(const struct bt_image *image, int x, int y)
{
    uint32_t pixel;
    memcpy(&pixel, image->pixels + (size_t)y * image->stride + (size_t)x * 4, sizeof(pixel));
    return pixel & 0xFFFFFF;
}

// Where the pixel of the raster comes from; false: from nowhere.
static bool origin_of(const struct bt_slice *slice, int x, int y, int *out_x, int *out_y)
{
    int width = slice->from.width, height = slice->from.height;
    int right = x - slice->x, down = y - slice->y;
    int canvas_x = right, canvas_y = down;
    if (slice->rotation == 90) {
        canvas_x = down;
        canvas_y = height - 1 - right;
    } else if (slice->rotation == 180) {
        canvas_x = width - 1 - right;
        canvas_y = height - 1 - down;
    } else if (slice->rotation == 270) {
        canvas_x = width - 1 - down;
        canvas_y = right;
    }
    *out_x = slice->from.x + canvas_x;
    *out_y = slice->from.y + canvas_y;
    return canvas_x >= 0 && canvas_y >= 0 && canvas_x < width && canvas_y < height;
}

static uint32_t expected_at(const struct bt_output_plan *plan, const struct bt_image *canvas, int x,
                            int y)
{
    for (size_t i = 0; i < plan->slice_count; i++) {
        int from_x, from_y;
        if (origin_of(&plan->slices[i], x, y, &from_x, &from_y)) {
            uint32_t pixel = pixel_of(canvas, from_x, from_y);
            return (uint32_t)plan->curves[0][pixel >> 16] << 16 |
                   (uint32_t)plan->curves[1][pixel >> 8 & 0xFF] << 8 |
                   plan->curves[2][pixel & 0xFF];
        }
    }
    return 0;
}

void test_raster_assert(const char *name, const struct bt_output_plan *plan, int shift_x,
                        int shift_y, const struct bt_image *canvas, const struct bt_image *raster)
{
    for (int y = 0; y < raster->height; y++) {
        for (int x = 0; x < raster->width; x++) {
            uint32_t expected = expected_at(plan, canvas, x - shift_x, y - shift_y);
            uint32_t found = pixel_of(raster, x, y);
            if (found != expected) {
                fail_msg("'%s': %d,%d of the raster is %06x, not %06x", name, x, y, found,
                         expected);
            }
        }
    }
}

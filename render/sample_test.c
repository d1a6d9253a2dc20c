#include "render/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/sample_avx2.h"
#include "render/test_material.h"

#define PIXEL 65536

static struct bt_image *drawn(const struct bt_image *from, const struct bt_detail *window,
                              int width, int height)
{
    struct bt_image *to = bt_image_create(width, height);
    assert_non_null(to);
    const struct bt_raster raster = bt_raster_of(to);
    const struct bt_rect all = {0, 0, width, height};
    bt_sample(&raster, all, from, window, all);
    return to;
}

static void whole_pixels_are_copied(void **state)
{
    (void)state;
    BT_AUTO(bt_image) from = test_image(700, 30, 3, 255);
    const struct bt_detail window = {7 * PIXEL, 2 * PIXEL, 600 * PIXEL, 20 * PIXEL};
    BT_AUTO(bt_image) to = drawn(from, &window, 600, 20);
    for (int y = 0; y < 20; y++) {
        assert_memory_equal(to->pixels + (size_t)y * to->stride,
                            from->pixels + (size_t)(y + 2) * from->stride + 7 * 4, 600 * 4);
    }
}

static double channel(const struct bt_image *image, int x, int y, int c)
{
    x = BT_CLAMP(x, 0, image->width - 1);
    y = BT_CLAMP(y, 0, image->height - 1);
    return image->pixels[(size_t)y * image->stride + (size_t)x * 4 + (size_t)c];
}

static double exact(const struct bt_image *image, double x, double y, int c)
{
    int left = (int)floor(x), top = (int)floor(y);
    double right = x - left, below = y - top;
    double upper =
        channel(image, left, top, c) * (1 - right) + channel(image, left + 1, top, c) * right;
    double lower = channel(image, left, top + 1, c) * (1 - right) +
                   channel(image, left + 1, top + 1, c) * right;
    return upper * (1 - below) + lower * below;
}

// Half a level of rounding along each axis, and positions in 256ths of a pixel.
static void between_pixels_it_is_a_mixture_of_four(void **state)
{
    (void)state;
    BT_AUTO(bt_image) from = test_image(90, 60, 1, 255);
    const struct bt_detail window = {3 * PIXEL + 12345, 40000, 71 * PIXEL + 999, 51 * PIXEL + 7};
    BT_AUTO(bt_image) to = drawn(from, &window, 120, 44);
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++) {
            double at_x = ((double)window.x + (x + 0.5) * (double)window.width / 120) / PIXEL - 0.5;
            double at_y = ((double)window.y + (y + 0.5) * (double)window.height / 44) / PIXEL - 0.5;
            for (int c = 0; c < 4; c++) {
                double wanted = exact(from, at_x, at_y, c);
                assert_true(fabs(channel(to, x, y, c) - wanted) < 2.1);
            }
        }
    }
}

static void a_part_is_drawn_like_the_whole(void **state)
{
    (void)state;
    BT_AUTO(bt_image) from = test_image(64, 64, 2, 255);
    const struct bt_detail window = {5 * PIXEL / 2, 3 * PIXEL + 1, 50 * PIXEL, 40 * PIXEL};
    BT_AUTO(bt_image) whole = drawn(from, &window, 600, 100);
    BT_AUTO(bt_image) parts = bt_image_create(600, 100);
    const struct bt_raster to = bt_raster_of(parts);
    const struct bt_rect place = {0, 0, 600, 100};
    bt_sample(&to, (struct bt_rect){0, 0, 600, 33}, from, &window, place);
    bt_sample(&to, (struct bt_rect){0, 33, 77, 67}, from, &window, place);
    bt_sample(&to, (struct bt_rect){77, 33, 523, 67}, from, &window, place);
    assert_memory_equal(parts->pixels, whole->pixels, whole->stride * 100);
}

// The vector loop against the same arithmetic one number at a time.
static void every_processor_gives_the_same(void **state)
{
    (void)state;
    uint32_t from[64], to[64] = {0}, seed = 7;
    int32_t at[40];
    uint16_t weight[40];
    for (int i = 0; i < 64; i++) {
        from[i] = test_random(&seed, 1U << 31) * 2 + test_random(&seed, 2);
    }
    for (int i = 0; i < 40; i++) {
        at[i] = i * 63 / 39;
        weight[i] = (uint16_t)test_random(&seed, 256);
    }
    int done = bt_sample_columns_avx2(to, from, 63, at, weight, 40);
    assert_true(done == 0 || done >= 32);
    for (int i = 0; i < done; i++) {
        for (int shift = 0; shift < 32; shift += 8) {
            uint32_t a = from[at[i]] >> shift & 255, b = from[at[i] + 1] >> shift & 255;
            uint32_t wanted = (a * (256U - weight[i]) + b * weight[i] + 128) >> 8;
            assert_int_equal(to[i] >> shift & 255, wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_pixels_are_copied),
        cmocka_unit_test(between_pixels_it_is_a_mixture_of_four),
        cmocka_unit_test(a_part_is_drawn_like_the_whole),
        cmocka_unit_test(every_processor_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "media/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct bt_mask *blank(int width, int height)
{
    struct bt_mask *mask = NULL;
    assert_int_equal(bt_mask_create(width, height, &mask, NULL), 0);
    return mask;
}

static int cover_at(const struct bt_mask *mask, int x, int y)
{
    return mask->cover[(size_t)y * (size_t)mask->width + (size_t)x];
}

static void put(struct bt_mask *mask, int x, int y, int cover)
{
    mask->cover[(size_t)y * (size_t)mask->width + (size_t)x] = (uint8_t)cover;
}

static struct bt_mask *grown(const struct bt_mask *mask, int px)
{
    struct bt_mask *out = NULL;
    assert_int_equal(bt_mask_grow(mask, px, &out, NULL), 0);
    return out;
}

static void a_point_grows_into_a_disc(void **state)
{
    (void)state;
    static const int radii[] = {1, 2, 5, 20, 64};
    for (size_t i = 0; i < BT_ARRAY_LEN(radii); i++) {
        int px = radii[i];
        BT_AUTO(bt_mask) point = blank(200, 200);
        put(point, 100, 100, 255);
        BT_AUTO(bt_mask) disc = grown(point, px);
        assert_int_equal(cover_at(disc, 100 + px, 100), 255);
        assert_int_equal(cover_at(disc, 100 - px, 100), 255);
        assert_int_equal(cover_at(disc, 100, 100 + px), 255);
        assert_int_equal(cover_at(disc, 100 + px + 1, 100), 0);
        assert_int_equal(cover_at(disc, 100, 100 - px - 1), 0);
        // Round: its corner is not covered, its rim is half covered.
        if (px >= 5) {
            assert_int_equal(cover_at(disc, 100 + px, 100 + px), 0);
        }
    }
}

// Every other way to find the nearest ink is slower; on a random picture they agree.
static void growing_finds_the_nearest_ink(void **state)
{
    (void)state;
    BT_AUTO(bt_mask) mask = blank(61, 47);
    unsigned seed = 7;
    for (int i = 0; i < 40; i++) {
        seed = seed * 1103515245u + 12345u;
        put(mask, (int)(seed >> 16) % 61, (int)(seed >> 8) % 47, 255);
    }
    const int px = 6;
    BT_AUTO(bt_mask) out = grown(mask, px);
    for (int y = 0; y < 47; y++) {
        for (int x = 0; x < 61; x++) {
            int nearest = INT32_MAX;
            for (int v = 0; v < 47; v++) {
                for (int u = 0; u < 61; u++) {
                    int square = (u - x) * (u - x) + (v - y) * (v - y);
                    nearest = cover_at(mask, u, v) > 0 ? BT_MIN(nearest, square) : nearest;
                }
            }
            int cover = cover_at(out, x, y);
            assert_true(nearest > px * px || cover == 255);
            assert_true(nearest < (px + 1) * (px + 1) || cover == 0);
        }
    }
}

static void a_soft_edge_grows_as_a_soft_edge(void **state)
{
    (void)state;
    BT_AUTO(bt_mask) mask = blank(40, 9);
    for (int y = 0; y < 9; y++) {
        put(mask, 10, y, 255);
        put(mask, 11, y, 100);
    }
    BT_AUTO(bt_mask) out = grown(mask, 4);
    assert_int_equal(cover_at(out, 14, 4), 255);
    assert_int_equal(cover_at(out, 15, 4), 100);
    assert_int_equal(cover_at(out, 16, 4), 0);
}

static int sum_of(const struct bt_mask *mask)
{
    int sum = 0;
    for (int i = 0; i < mask->width * mask->height; i++) {
        sum += mask->cover[i];
    }
    return sum;
}

static void softening_keeps_the_amount_and_reaches_as_far_as_told(void **state)
{
    (void)state;
    for (int px = 1; px <= 32; px++) {
        BT_AUTO(bt_mask) mask = blank(160, 160);
        for (int i = 0; i < 40 * 40; i++) {
            put(mask, 60 + i % 40, 60 + i / 40, 255);
        }
        int before = sum_of(mask);
        assert_int_equal(bt_mask_soften(mask, px, NULL), 0);
        assert_in_range(sum_of(mask), before * 98 / 100, before * 102 / 100);
        assert_true(cover_at(mask, 80, 60) < 255);
        assert_int_equal(cover_at(mask, 60 - px - 1, 80), 0);
        assert_int_equal(cover_at(mask, 80, 100 + px), 0);
        assert_int_equal(cover_at(mask, 70, 80), cover_at(mask, 89, 80));
    }
}

static const uint8_t *pixel(const struct bt_image *image, int x, int y)
{
    return image->pixels + (size_t)y * image->stride + 4 * (size_t)x;
}

static void letters_stand_above_their_outline_and_shadow(void **state)
{
    (void)state;
    const struct bt_text_style style = {
        .colour = {255, 0, 0, 255},
        .outline = {2, {0, 255, 0, 255}},
        .shadow = {6, 6, 0, {0, 0, 255, 255}},
    };
    BT_AUTO(bt_mask) mask = blank(32, 32);
    put(mask, 10, 10, 255);
    struct bt_image *image = bt_image_create(32, 32);
    assert_non_null(image);
    memset(image->pixels, 0, 32 * image->stride);
    assert_int_equal(bt_mask_paint_letters(mask, &style, &image, 1, NULL), 0);
    assert_memory_equal(pixel(image, 10, 10), ((uint8_t[]){0, 0, 255, 255}), 4);
    assert_memory_equal(pixel(image, 12, 10), ((uint8_t[]){0, 255, 0, 255}), 4);
    assert_memory_equal(pixel(image, 16, 18), ((uint8_t[]){255, 0, 0, 255}), 4);
    assert_memory_equal(pixel(image, 20, 10), ((uint8_t[]){0, 0, 0, 0}), 4);
    bt_image_destroy(image);
}

static void what_is_transparent_is_not_drawn(void **state)
{
    (void)state;
    const struct bt_text_style style = {
        .colour = {255, 0, 0, 255},
        .outline = {2, {0, 255, 0, 0}},
        .shadow = {6, 6, 0, {0, 0, 255, 0}},
    };
    BT_AUTO(bt_mask) mask = blank(32, 32);
    put(mask, 10, 10, 255);
    struct bt_image *image = bt_image_create(32, 32);
    assert_non_null(image);
    memset(image->pixels, 0, 32 * image->stride);
    assert_int_equal(bt_mask_paint_letters(mask, &style, &image, 1, NULL), 0);
    assert_int_equal(bt_outline_reach(&style), 0);
    assert_int_equal(pixel(image, 10, 10)[2], 255);
    assert_int_equal(pixel(image, 12, 10)[3], 0);
    assert_int_equal(pixel(image, 16, 16)[3], 0);
    bt_image_destroy(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_grows_into_a_disc),
        cmocka_unit_test(growing_finds_the_nearest_ink),
        cmocka_unit_test(a_soft_edge_grows_as_a_soft_edge),
        cmocka_unit_test(softening_keeps_the_amount_and_reaches_as_far_as_told),
        cmocka_unit_test(letters_stand_above_their_outline_and_shadow),
        cmocka_unit_test(what_is_transparent_is_not_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

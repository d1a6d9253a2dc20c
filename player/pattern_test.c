#include "player/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint32_t pixel(const struct bt_image *image, int x, int y)
{
    uint32_t value;
    memcpy(&value, image->pixels + (size_t)y * image->stride + (size_t)x * 4, sizeof(value));
    return value & 0xFFFFFF;
}

// From a single module to a ribbon: nothing is drawn outside, and the corners can be told apart.
static void every_canvas_has_its_pattern(void **state)
{
    (void)state;
    static const int sizes[][4] = {{1, 1, 0, 0},        {64, 32, 64, 32},      {384, 192, 64, 32},
                                   {960, 480, 80, 40},  {8704, 192, 64, 64},   {96, 1600, 48, 160},
                                   {1080, 1920, 13, 7}, {320, 180, 9000, 9000}};
    BT_AUTO(bt_text) text = NULL;
    assert_int_equal(bt_text_open(&text, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(sizes); i++) {
        const struct bt_pattern pattern = {sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3],
                                           NULL};
        BT_AUTO(bt_image) image = NULL;
        assert_int_equal(bt_pattern_draw(&pattern, text, &image, NULL), 0);
        assert_int_equal(image->width, pattern.width);
        if (pattern.width < 64) {
            continue;
        }
        assert_int_equal(pixel(image, 0, 0), 0xFF0000);
        assert_int_equal(pixel(image, image->width - 1, 0), 0x00FF00);
        assert_int_equal(pixel(image, 0, image->height - 1), 0x0000FF);
        assert_int_equal(pixel(image, image->width - 1, image->height - 1), 0xFFFF00);
        assert_int_equal(pixel(image, image->width / 2, 0), 0xFFFFFF);
        assert_int_equal(pixel(image, 0, image->height / 2), 0xFFFFFF);
    }
}

static void slices_are_framed_and_lines_move(void **state)
{
    (void)state;
    struct bt_output_plan plan = {.mode_width = 640, .mode_height = 480};
    const struct bt_fold fold = {800, 96, 640, 480, 0, 0, 320, 96};
    assert_int_equal(bt_output_plan_fold(&plan, &fold, NULL), 0);
    const struct bt_pattern pattern = {800, 96, 32, 32, &plan};
    BT_AUTO(bt_text) text = NULL;
    BT_AUTO(bt_image) image = NULL;
    assert_int_equal(bt_text_open(&text, NULL), 0);
    assert_int_equal(bt_pattern_draw(&pattern, text, &image, NULL), 0);
    assert_int_equal(pixel(image, 319, 40), 0x00DCDC);
    assert_int_equal(pixel(image, 320, 40), 0x00DCDC);
    assert_int_equal(pixel(image, 640, 40), 0x00DCDC);
    struct bt_scene scene;
    bt_pattern_scene(&pattern, image, 801, &scene);
    assert_int_equal(scene.zone_count, 3);
    assert_int_equal(scene.zones[1].rect.x, 1);
    assert_int_equal(scene.zones[2].rect.y, 801 % 96);
}

// Each with its number, so a picture of another.
static void windows_are_numbered(void **state)
{
    (void)state;
    struct bt_output_plan plan = {
        .slices = {{{0, 0, 400, 200}, 0, 0, 0, 0}, {{400, 0, 400, 200}, 0, 0, 0, 1}},
        .slice_count = 2,
        .windows = {{"trai", 0, 0, 0, 400, 200}, {"phai", 0, 400, 0, 400, 200}},
        .window_count = 2,
    };
    const struct bt_pattern pattern = {800, 200, 0, 0, &plan};
    BT_AUTO(bt_text) text = NULL;
    assert_int_equal(bt_text_open(&text, NULL), 0);
    for (int window = 0; window < 2; window++) {
        int left = 400 * window, yellow = 0;
        BT_AUTO(bt_image) image = NULL;
        assert_int_equal(bt_pattern_draw(&pattern, text, &image, NULL), 0);
        for (int x = left; x < left + 400; x++) {
            yellow += pixel(image, x, 95) == 0xFFD200;
        }
        assert_true(yellow > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_canvas_has_its_pattern),
        cmocka_unit_test(slices_are_framed_and_lines_move),
        cmocka_unit_test(windows_are_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

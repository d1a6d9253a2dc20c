#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/output.h"
#include "render/test_material.h"

static const struct bt_output_options small = {.canvas_width = 64,
                                               .canvas_height = 36,
                                               .window_x = -1,
                                               .window_y = -1,
                                               .backend = BT_BACKEND_SOFT};

static struct bt_scene colour_scene(uint64_t serial, struct bt_colour colour)
{
    struct bt_scene scene = {.background = {10, 20, 30, 255}, .zone_count = 1};
    scene.zones[0].rect = (struct bt_rect){8, 4, 16, 10};
    scene.zones[0].mix = 1000;
    scene.zones[0].to = (struct bt_visual){BT_VISUAL_COLOUR, serial, colour};
    return scene;
}

static void assert_pixel(const struct bt_image *image, int x, int y, struct bt_colour colour)
{
    const uint8_t expected[] = {colour.b, colour.g, colour.r, 255};
    assert_memory_equal(image->pixels + (size_t)y * image->stride + (size_t)x * 4, expected, 4);
}

static struct bt_output *open_output(const struct bt_output_options *options)
{
    struct bt_output *output = NULL;
    struct bt_error err = {0};
    int r = bt_output_open(options, &output, &err);
    if (r < 0) {
        fail_msg("%s", err.msg);
    }
    return output;
}

static void show_two_scenes(struct bt_output *output)
{
    int64_t none_ns = 0;
    assert_int_equal(bt_output_present(output, &none_ns, NULL), -EAGAIN);
    const struct bt_colour red = {200, 0, 0, 255}, blue = {0, 0, 200, 255};
    struct bt_scene scene = colour_scene(1, red);
    int64_t first_ns = 0, second_ns = 0;
    assert_int_equal(bt_output_compose(output, &scene, NULL), 1);
    assert_int_equal(bt_output_present(output, &first_ns, NULL), 0);
    assert_int_equal(bt_output_compose(output, &scene, NULL), 0);
    assert_int_equal(bt_output_present(output, &second_ns, NULL), 0);
    assert_true(second_ns >= first_ns && first_ns > 0);
    scene = colour_scene(2, blue);
    assert_int_equal(bt_output_compose(output, &scene, NULL), 1);
    BT_AUTO(bt_image) image = NULL;
    assert_int_equal(bt_output_read(output, &image, NULL), 0);
    assert_int_equal(image->width, 64);
    assert_int_equal(image->height, 36);
    assert_pixel(image, 8, 4, blue);
    assert_pixel(image, 23, 13, blue);
    assert_pixel(image, 24, 13, (struct bt_colour){10, 20, 30, 255});
    assert_pixel(image, 7, 4, (struct bt_colour){10, 20, 30, 255});
}

static void memory_shows_scenes(void **state)
{
    (void)state;
    struct bt_output_options options = small;
    options.headless = true;
    BT_AUTO(bt_output) output = open_output(&options);
    assert_string_equal(bt_output_info(output)->video_driver, "none");
    assert_int_equal(bt_output_poll(output), BT_OUTPUT_NONE);
    show_two_scenes(output);
}

static void a_window_shows_scenes(void **state)
{
    (void)state;
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    // As large as the canvas, larger, and smaller: direct, centred, scaled.
    static const int widths[] = {0, 100, 32}, heights[] = {0, 80, 30};
    for (size_t i = 0; i < BT_ARRAY_LEN(widths); i++) {
        struct bt_output_options options = small;
        options.window_width = widths[i];
        options.window_height = heights[i];
        BT_AUTO(bt_output) output = open_output(&options);
        assert_string_equal(bt_output_info(output)->backend, "soft");
        assert_string_equal(bt_output_info(output)->video_driver, "dummy");
        assert_false(bt_output_info(output)->vsync);
        assert_int_not_equal(bt_output_poll(output), BT_OUTPUT_LOST);
        show_two_scenes(output);
    }
}

static void without_a_display_opening_says_so(void **state)
{
    (void)state;
    unsetenv("SDL_VIDEODRIVER");
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    struct bt_output *output = NULL;
    struct bt_error err = {0};
    int r = bt_output_open(&small, &output, &err);
    if (r == 0) {
        // A machine with a console screen of its own.
        assert_string_equal(bt_output_info(output)->video_driver, "KMSDRM");
        bt_output_destroy(output);
        return;
    }
    assert_int_equal(r, -ENODEV);
    assert_null(output);
    assert_non_null(strstr(err.msg, "no display"));
}

static void impossible_canvases_are_refused(void **state)
{
    (void)state;
    static const int sizes[][2] = {{0, 36}, {64, 0}, {-1, 36}, {16385, 36}, {64, 16385}};
    for (size_t i = 0; i < BT_ARRAY_LEN(sizes); i++) {
        struct bt_output_options options = small;
        options.headless = true;
        options.canvas_width = sizes[i][0];
        options.canvas_height = sizes[i][1];
        struct bt_output *output = NULL;
        assert_int_equal(bt_output_open(&options, &output, NULL), -EINVAL);
        assert_null(output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_shows_scenes),
        cmocka_unit_test(a_window_shows_scenes),
        cmocka_unit_test(without_a_display_opening_says_so),
        cmocka_unit_test(impossible_canvases_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

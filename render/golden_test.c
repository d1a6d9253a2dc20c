/**
 * Golden pictures of the soft back-end: golden/NAME.png for each scene of test_scenes.c. With
 * BT_GOLDEN_UPDATE=1 in the environment the pictures are written instead; look at them before
 * they are committed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "render/output.h"
#include "render/test_scenes.h"

// libyuv's loops for different processors round differently.
#define TOLERANCE 2

static char *golden_path(const char *name)
{
    const char *root = getenv("BT_SOURCE_ROOT");
    return bt_strf("%s/render/golden/%s.png", root != NULL ? root : ".", name);
}

static struct bt_image *read_png(const char *path)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&png, path)) {
        fail_msg("'%s': %s", path, png.message);
    }
    png.format = PNG_FORMAT_BGRA;
    struct bt_image *image = bt_image_create((int)png.width, (int)png.height);
    assert_non_null(image);
    if (!png_image_finish_read(&png, NULL, image->pixels, (png_int_32)image->stride, NULL)) {
        fail_msg("'%s': %s", path, png.message);
    }
    return image;
}

static void assert_close(const char *name, const struct bt_image *picture,
                         const struct bt_image *golden)
{
    assert_int_equal(picture->width, golden->width);
    assert_int_equal(picture->height, golden->height);
    for (int y = 0; y < picture->height; y++) {
        const uint8_t *a = picture->pixels + (size_t)y * picture->stride;
        const uint8_t *b = golden->pixels + (size_t)y * golden->stride;
        for (int i = 0; i < picture->width * 4; i++) {
            if (abs(a[i] - b[i]) > TOLERANCE) {
                fail_msg("'%s': %d,%d is %d, golden %d", name, i / 4, y, a[i], b[i]);
            }
        }
    }
}

static void check_scene(struct bt_output *output, const struct test_scene *test)
{
    struct test_stage stage = {.scene.background = {40, 60, 30, 255}};
    test->build(&stage);
    BT_AUTO(bt_image) picture = NULL;
    assert_int_equal(bt_output_compose(output, &stage.scene, NULL), 1);
    assert_int_equal(bt_output_read(output, &picture, NULL), 0);
    BT_AUTOFREE char *path = golden_path(test->name);
    if (getenv("BT_GOLDEN_UPDATE") != NULL) {
        assert_int_equal(bt_image_write_png(picture, path, NULL), 0);
    }
    BT_AUTO(bt_image) golden = read_png(path);
    assert_close(test->name, picture, golden);
    // What is borrowed must live until the next scene is composed.
    const struct bt_scene nothing = {0};
    assert_true(bt_output_compose(output, &nothing, NULL) >= 0);
    test_stage_finish(&stage);
}

static void scenes_look_like_their_golden_pictures(void **state)
{
    (void)state;
    const struct bt_output_options options = {
        .canvas_width = TEST_CANVAS_WIDTH, .canvas_height = TEST_CANVAS_HEIGHT, .headless = true};
    BT_AUTO(bt_output) output = NULL;
    assert_int_equal(bt_output_open(&options, &output, NULL), 0);
    for (size_t i = 0; i < test_scene_count; i++) {
        check_scene(output, &test_scenes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes_look_like_their_golden_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/**
 * The same scenes through both back-ends: at most three levels apart. Needs OpenGL ES 2 from
 * somewhere (llvmpipe does); exits 77 where there is none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "render/output.h"
#include "render/output_impl.h"
#include "render/test_rasters.h"

// Known: 12 pixels of one scaled picture are 4 away with llvmpipe on arm64, so this fails there.
#define TOLERANCE 3
#define SKIPPED 77

static const struct bt_output_options options = {
    .canvas_width = TEST_CANVAS_WIDTH,
    .canvas_height = TEST_CANVAS_HEIGHT,
    .window_x = -1,
    .window_y = -1,
    .backend = BT_BACKEND_GLES2,
};

static struct bt_output *gles2;

static void compose(struct bt_output *output, const struct bt_scene *scene,
                    struct bt_image **picture)
{
    struct bt_error err = {0};
    if (bt_output_compose(output, scene, &err) < 0 || bt_output_read(output, picture, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static int difference_at(const struct bt_image *a, const struct bt_image *b, int x, int y)
{
    size_t at = (size_t)y * a->stride + (size_t)x * 4;
    int most = 0;
    for (size_t i = at; i < at + 4; i++) {
        most = BT_MAX(most, abs(a->pixels[i] - b->pixels[i]));
    }
    return most;
}

static void assert_close(const char *name, const struct bt_image *a, const struct bt_image *b)
{
    assert_non_null(a);
    assert_non_null(b);
    int most = 0, most_x = 0, most_y = 0, count = 0;
    for (int y = 0; y < a->height; y++) {
        for (int x = 0; x < a->width; x++) {
            int difference = difference_at(a, b, x, y);
            count += difference > TOLERANCE;
            if (difference > most) {
                most = difference;
                most_x = x;
                most_y = y;
            }
        }
    }
    if (count > 0) {
        fail_msg("'%s': %d pixels differ by more than %d, at %d,%d by %d", name, count, TOLERANCE,
                 most_x, most_y, most);
    }
}

static void compare_scene(struct bt_output *soft, const struct test_scene *test)
{
    struct test_stage stage = {.scene.background = {40, 60, 30, 255}};
    test->build(&stage);
    BT_AUTO(bt_image) expected = NULL;
    BT_AUTO(bt_image) picture = NULL;
    compose(soft, &stage.scene, &expected);
    compose(gles2, &stage.scene, &picture);
    int64_t presented_ns;
    assert_int_equal(bt_output_present(gles2, &presented_ns, NULL), 0);
    assert_int_equal(bt_output_compose(gles2, &stage.scene, NULL), 0);
    assert_int_equal(bt_output_present(gles2, &presented_ns, NULL), 0);
    const struct bt_scene nothing = {0};
    assert_int_equal(bt_output_compose(gles2, &nothing, NULL), 1);
    test_stage_finish(&stage);
    assert_close(test->name, expected, picture);
}

static void gles2_draws_what_soft_draws(void **state)
{
    (void)state;
    struct bt_output_options memory = options;
    memory.headless = true;
    BT_AUTO(bt_output) soft = NULL;
    assert_int_equal(bt_output_open(&memory, &soft, NULL), 0);
    for (size_t i = 0; i < test_scene_count; i++) {
        compare_scene(soft, &test_scenes[i]);
    }
}

static void show_mapped(const struct test_raster *raster)
{
    struct test_stage stage = {0};
    BT_AUTO(bt_image) canvas = NULL;
    BT_AUTO(bt_image) picture = NULL;
    BT_AUTO(bt_image) soft_canvas = NULL;
    struct bt_error err = {0};
    const struct bt_output_options memory = {
        .canvas_width = raster->width, .canvas_height = raster->height, .headless = true};
    BT_AUTO(bt_output) soft = NULL;
    assert_int_equal(bt_output_open(&memory, &soft, NULL), 0);
    test_raster_scene(raster, 150, &stage);
    if (bt_output_resize(gles2, raster->width, raster->height, &raster->plan, &err) < 0) {
        fail_msg("'%s': %s", raster->name, err.msg);
    }
    compose(gles2, &stage.scene, &canvas);
    compose(soft, &stage.scene, &soft_canvas);
    assert_close(raster->name, soft_canvas, canvas);
    // Twice: what SDL draws is right also after what we drew.
    for (int i = 0; i < 2; i++) {
        int64_t presented_ns;
        assert_int_equal(bt_output_present(gles2, &presented_ns, NULL), 0);
        bt_image_destroy(BT_TAKE(picture));
        if (bt_output_read_raster(gles2, &picture, &err) < 0) {
            fail_msg("'%s': %s", raster->name, err.msg);
        }
        test_raster_assert(raster->name, &raster->plan, 0, 0, canvas, picture);
    }
    const struct bt_scene nothing = {0};
    assert_true(bt_output_compose(gles2, &nothing, NULL) >= 0);
    assert_true(bt_output_compose(soft, &nothing, NULL) >= 0);
    test_stage_finish(&stage);
}

static void every_pixel_stands_where_the_plan_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_RASTER_COUNT; i++) {
        struct test_raster raster;
        test_raster_get(i, &raster);
        show_mapped(&raster);
    }
    assert_int_equal(bt_output_resize(gles2, TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT, NULL, NULL), 0);
}

static void a_software_rasteriser_is_recognised(void **state)
{
    (void)state;
    assert_true(bt_output_is_software_gl("llvmpipe (LLVM 15.0.6, 256 bits)"));
    assert_true(bt_output_is_software_gl("softpipe"));
    assert_false(bt_output_is_software_gl("V3D 4.2"));
    assert_string_equal(bt_output_info(gles2)->backend, "gles2");
}

int main(void)
{
    struct bt_error err = {0};
    if (bt_output_open(&options, &gles2, &err) < 0) {
        fprintf(stderr, "no OpenGL ES 2 here: %s\n", err.msg);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_stands_where_the_plan_says),
        cmocka_unit_test(gles2_draws_what_soft_draws),
        cmocka_unit_test(a_software_rasteriser_is_recognised),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bt_output_destroy(gles2);
    return failed;
}

/**
 * The same scenes through both back-ends: at most three levels apart. Needs OpenGL ES 2 from
 * somewhere (llvmpipe does); exits 77 where there is none. With an argument textures have at most
 * so many pixels a side.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <SDL.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "render/output.h"
#include "render/output_impl.h"
#include "render/test_rasters.h"

#define TOLERANCE 3
#define SKIPPED 77

// Of uploads ahead: 25 rows of a picture as wide as the canvas.
#define UPLOAD_BYTES ((size_t)TEST_CANVAS_WIDTH * 4 * 25)

static struct bt_output_options options = {
    .canvas_width = TEST_CANVAS_WIDTH,
    .canvas_height = TEST_CANVAS_HEIGHT,
    .window_x = -1,
    .window_y = -1,
    .backend = BT_BACKEND_GLES2,
    .upload_bytes = UPLOAD_BYTES,
};

static struct bt_output *gles2;

// What SDL was told to present, and how much of that was black.
static int presents, black_presents;

static bool is_black(SDL_Renderer *renderer)
{
    uint32_t pixels[TEST_CANVAS_WIDTH * TEST_CANVAS_HEIGHT] = {0};
    const SDL_Rect canvas = {0, 0, TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT};
    assert_int_equal(SDL_RenderReadPixels(renderer, &canvas, SDL_PIXELFORMAT_RGB888, pixels,
                                          TEST_CANVAS_WIDTH * (int)sizeof(*pixels)),
                     0);
    for (size_t i = 0; i < BT_ARRAY_LEN(pixels); i++) {
        if ((pixels[i] & 0xFFFFFF) != 0) {
            return false;
        }
    }
    return true;
}

// Before SDL's own, which is called.
void SDL_RenderPresent(SDL_Renderer *renderer)
{
    static void (*real)(SDL_Renderer * renderer);
    if (real == NULL) {
        void *address = dlsym(RTLD_NEXT, "SDL_RenderPresent");
        assert_non_null(address);
        memcpy(&real, &address, sizeof(real));
    }
    presents++;
    black_presents += is_black(renderer);
    real(renderer);
}

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
    if (a == NULL || b == NULL) {
        fail_msg("'%s': there is no picture", name);
        return;
    }
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

static struct bt_output *open_soft(void)
{
    struct bt_output_options memory = options;
    memory.headless = true;
    struct bt_output *soft = NULL;
    assert_int_equal(bt_output_open(&memory, &soft, NULL), 0);
    return soft;
}

static void gles2_draws_what_soft_draws(void **state)
{
    (void)state;
    BT_AUTO(bt_output) soft = open_soft();
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

static struct bt_scene scene_of(const struct bt_image *image, uint64_t serial)
{
    return (struct bt_scene){
        .zone_count = 1,
        .zones = {{.rect = {0, 0, image->width, image->height},
                   .to = {.kind = BT_VISUAL_IMAGE, .serial = serial, .image = image},
                   .mix = 1000}},
    };
}

static void compose_both(const struct bt_scene *scene, const char *name)
{
    BT_AUTO(bt_output) soft = open_soft();
    BT_AUTO(bt_image) expected = NULL;
    BT_AUTO(bt_image) picture = NULL;
    compose(soft, scene, &expected);
    compose(gles2, scene, &picture);
    assert_close(name, expected, picture);
}

// Those that the GPU converts, and those that are converted before.
static void every_form_of_frame_has_the_same_colours(void **state)
{
    (void)state;
    static const int formats[] = {
        AV_PIX_FMT_YUV420P,   AV_PIX_FMT_NV12,      AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_P010,
        AV_PIX_FMT_GRAY8,     AV_PIX_FMT_RGB24,     AV_PIX_FMT_BGR0,      AV_PIX_FMT_YUVA420P,
    };
    static const int matrices[] = {AVCOL_SPC_SMPTE170M, AVCOL_SPC_BT709, AVCOL_SPC_BT2020_NCL,
                                   AVCOL_SPC_UNSPECIFIED};
    enum { EACH = 4 * 2 };
    for (int i = 0; i < (int)BT_ARRAY_LEN(formats) * EACH; i++) {
        const struct test_frame_kind kind = {
            .format = formats[i / EACH],
            .matrix = matrices[i / 2 % 4],
            .range = i % 2 == 0 ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG,
        };
        struct bt_frame *frame = test_frame(40, 44, kind, (unsigned)i);
        frame->av->color_trc = i % 5 == 0 ? AVCOL_TRC_SMPTE2084 : AVCOL_TRC_BT709;
        const struct bt_scene scene = {
            .zone_count = 1,
            .zones = {{.rect = {0, 0, 40, 44},
                       .to = {.kind = BT_VISUAL_FRAME,
                              .serial = 2000 + (uint64_t)i,
                              .frame = frame,
                              .dst = {0, 0, 40, 44},
                              .background = {12, 24, 72, 255}},
                       .mix = 1000}},
        };
        BT_AUTOFREE char *name = bt_strf("frame %d of format %d", i % EACH, formats[i / EACH]);
        compose_both(&scene, name);
        const struct bt_scene nothing = {0};
        assert_int_equal(bt_output_compose(gles2, &nothing, NULL), 1);
        bt_frame_destroy(frame);
    }
}

static int calls_until_uploaded(const struct bt_image *const *images, size_t count)
{
    int calls = 1;
    while (bt_output_ahead(gles2, images, count)) {
        calls++;
        assert_true(calls < 1000);
    }
    return calls;
}

static void blacken(struct bt_image *image)
{
    for (size_t i = 0; i < image->stride * (size_t)image->height; i++) {
        image->pixels[i] = i % 4 == 3 ? 255 : 0;
    }
}

// What was uploaded is what is shown: what has become of the pixels since is not looked at.
static void pictures_are_uploaded_ahead_in_slices(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = test_image(TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT, 3, 255);
    BT_AUTO(bt_image) same = test_image(TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT, 3, 255);
    const struct bt_image *const images[] = {image};
    const struct bt_scene nothing = {0};
    assert_true(bt_output_compose(gles2, &nothing, NULL) >= 0);
    assert_in_range(calls_until_uploaded(images, 1), 4, 12);  // more where tiles are small
    assert_false(bt_output_ahead(gles2, images, 1));
    blacken(image);
    BT_AUTO(bt_output) soft = open_soft();
    BT_AUTO(bt_image) expected = NULL;
    BT_AUTO(bt_image) picture = NULL;
    const struct bt_scene given = scene_of(image, 1001), wanted = scene_of(same, 1001);
    compose(soft, &wanted, &expected);
    compose(gles2, &given, &picture);
    assert_close("uploaded ahead", expected, picture);
}

static void what_is_half_uploaded_is_finished_when_it_is_shown(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = test_image(TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT, 4, 255);
    const struct bt_image *const images[] = {image};
    assert_true(bt_output_ahead(gles2, images, 1));
    const struct bt_scene scene = scene_of(image, 1002);
    compose_both(&scene, "half ahead");
}

static void what_is_not_wanted_any_more_is_forgotten(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = test_image(TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT, 5, 255);
    const struct bt_image *const images[] = {image};
    (void)calls_until_uploaded(images, 1);
    assert_false(bt_output_ahead(gles2, NULL, 0));
    blacken(image);
    const struct bt_scene scene = scene_of(image, 1003);
    compose_both(&scene, "forgotten");
}

static void a_line_that_repeats_itself_is_uploaded_once(void **state)
{
    (void)state;
    struct bt_strip *once = test_strip(20, 3, true);
    struct bt_image *tiles[9];
    struct bt_strip loop = {
        .tiles = tiles, .tile_count = 9, .width = once->width * 3, .height = 20};
    for (size_t i = 0; i < 9; i++) {
        tiles[i] = once->tiles[i % 3];
    }
    (void)calls_until_uploaded((const struct bt_image *const *)once->tiles, 3);
    struct bt_scene scene = {
        .zone_count = 1,
        .zones = {{.rect = {0, 10, TEST_CANVAS_WIDTH, 20},
                   .to = {.kind = BT_VISUAL_STRIP, .serial = 1004, .strip = &loop, .strip_x = -37},
                   .mix = 1000}},
    };
    compose_both(&scene, "repeated line");
    const struct bt_scene nothing = {0};
    assert_int_equal(bt_output_compose(gles2, &nothing, NULL), 1);
    test_strip_destroy(once);
}

static void a_gpu_that_lost_its_memory_is_filled_again(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = test_image(TEST_CANVAS_WIDTH, TEST_CANVAS_HEIGHT, 6, 255);
    const struct bt_image *const images[] = {image};
    const struct bt_scene scene = scene_of(image, 1005);
    (void)calls_until_uploaded(images, 1);
    assert_int_equal(bt_output_compose(gles2, &scene, NULL), 1);
    assert_int_equal(bt_output_compose(gles2, &scene, NULL), 0);
    SDL_Event event = {.type = SDL_RENDER_DEVICE_RESET};
    assert_int_equal(SDL_PushEvent(&event), 1);
    assert_int_equal(bt_output_poll(gles2), BT_OUTPUT_EXPOSED);
    assert_int_equal(bt_output_compose(gles2, &scene, NULL), 1);
    compose_both(&scene, "after a reset");
}

// The first test: whether the display makes us wait is measured with the first picture.
static void nothing_is_presented_before_the_first_picture(void **state)
{
    (void)state;
    int64_t presented_ns = 0;
    assert_int_equal(presents, 0);
    assert_int_equal(bt_output_present(gles2, &presented_ns, NULL), -EAGAIN);
    assert_int_equal(presents, 0);
    const struct bt_scene scene = {.background = {10, 20, 30, 255}};
    assert_int_equal(bt_output_compose(gles2, &scene, NULL), 1);
    assert_int_equal(bt_output_present(gles2, &presented_ns, NULL), 0);
    assert_true(presents >= 1);
    int measured = presents;
    assert_int_equal(bt_output_present(gles2, &presented_ns, NULL), 0);
    assert_int_equal(presents, measured + 1);
    assert_int_equal(black_presents, 0);
}

static void a_software_rasteriser_is_recognised(void **state)
{
    (void)state;
    assert_true(bt_output_is_software_gl("llvmpipe (LLVM 15.0.6, 256 bits)"));
    assert_true(bt_output_is_software_gl("softpipe"));
    assert_false(bt_output_is_software_gl("V3D 4.2"));
    assert_string_equal(bt_output_info(gles2)->backend, "gles2");
}

int main(int argc, char **argv)
{
    int64_t limit = 0;
    if (argc == 2 && bt_parse_int(argv[1], 1, 16384, &limit) == 0) {
        options.max_texture_px = (int)limit;
    }
    struct bt_error err = {0};
    if (bt_output_open(&options, &gles2, &err) < 0) {
        fprintf(stderr, "no OpenGL ES 2 here: %s\n", err.msg);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_presented_before_the_first_picture),
        cmocka_unit_test(every_pixel_stands_where_the_plan_says),
        cmocka_unit_test(gles2_draws_what_soft_draws),
        cmocka_unit_test(every_form_of_frame_has_the_same_colours),
        cmocka_unit_test(pictures_are_uploaded_ahead_in_slices),
        cmocka_unit_test(what_is_half_uploaded_is_finished_when_it_is_shown),
        cmocka_unit_test(what_is_not_wanted_any_more_is_forgotten),
        cmocka_unit_test(a_line_that_repeats_itself_is_uploaded_once),
        cmocka_unit_test(a_gpu_that_lost_its_memory_is_filled_again),
        cmocka_unit_test(a_software_rasteriser_is_recognised),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bt_output_destroy(gles2);
    return failed;
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "render/mapping.h"
#include "render/output.h"
#include "render/test_rasters.h"

static struct bt_output *open_memory(const struct test_raster *raster)
{
    const struct bt_output_options options = {.canvas_width = raster->width,
                                              .canvas_height = raster->height,
                                              .plan = &raster->plan,
                                              .headless = true};
    struct bt_output *output = NULL;
    struct bt_error err = {0};
    if (bt_output_open(&options, &output, &err) < 0) {
        fail_msg("'%s': %s", raster->name, err.msg);
    }
    return output;
}

static void show(struct bt_output *output, const struct bt_scene *scene)
{
    int64_t presented_ns;
    assert_true(bt_output_compose(output, scene, NULL) >= 0);
    assert_int_equal(bt_output_present(output, &presented_ns, NULL), 0);
}

static void assert_shown(struct bt_output *output, const struct test_raster *raster, int shift_x,
                         int shift_y)
{
    BT_AUTO(bt_image) canvas = NULL;
    BT_AUTO(bt_image) picture = NULL;
    assert_int_equal(bt_output_read(output, &canvas, NULL), 0);
    assert_int_equal(bt_output_read_raster(output, &picture, NULL), 0);
    assert_int_equal(picture->width, raster->plan.mode_width);
    assert_int_equal(picture->height, raster->plan.mode_height);
    test_raster_assert(raster->name, &raster->plan, shift_x, shift_y, canvas, picture);
}

static void finish(struct bt_output *output, struct test_stage *stage)
{
    const struct bt_scene nothing = {0};
    show(output, &nothing);
    test_stage_finish(stage);
}

// A crawl over it moves on, so that later presents copy only what changed.
static void every_pixel_stands_where_the_plan_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_RASTER_COUNT; i++) {
        struct test_raster raster;
        test_raster_get(i, &raster);
        struct test_stage stage = {0};
        BT_AUTO(bt_output) output = open_memory(&raster);
        test_raster_scene(&raster, raster.width, &stage);
        show(output, &stage.scene);
        for (int x = 200; x > 197; x--) {
            stage.scene.zones[1].to.strip_x = x;
            stage.scene.zones[1].to.serial++;
            show(output, &stage.scene);
        }
        assert_shown(output, &raster, 0, 0);
        finish(output, &stage);
    }
}

static void everything_may_be_shifted(void **state)
{
    (void)state;
    static const int shifts[][2] = {{4, 0}, {-4, 4}, {-7, -11}, {0, 0}};
    struct test_raster raster;
    test_raster_get(4, &raster);
    struct test_stage stage = {0};
    BT_AUTO(bt_output) output = open_memory(&raster);
    test_raster_scene(&raster, 50, &stage);
    for (size_t i = 0; i < BT_ARRAY_LEN(shifts); i++) {
        assert_int_equal(bt_output_shift(output, shifts[i][0], shifts[i][1], NULL), 0);
        show(output, &stage.scene);
        assert_shown(output, &raster, shifts[i][0], shifts[i][1]);
    }
    finish(output, &stage);
}

static void the_plan_may_change_while_it_plays(void **state)
{
    (void)state;
    struct test_raster corner, gate, bent;
    test_raster_get(3, &corner);
    test_raster_get(9, &gate);
    test_raster_get(11, &bent);
    const struct test_raster *const turns[] = {&gate, &bent, &corner};
    struct test_stage stage = {0};
    BT_AUTO(bt_output) output = open_memory(&corner);
    test_raster_scene(&corner, 5, &stage);
    for (size_t i = 0; i < BT_ARRAY_LEN(turns); i++) {
        assert_int_equal(bt_output_resize(output, 384, 192, &turns[i]->plan, NULL), 0);
        show(output, &stage.scene);
        assert_shown(output, turns[i], 0, 0);
    }
    assert_int_equal(bt_output_resize(output, 384, 192, NULL, NULL), 0);
    show(output, &stage.scene);
    BT_AUTO(bt_image) picture = NULL;
    assert_int_equal(bt_output_read_raster(output, &picture, NULL), 0);
    assert_int_equal(picture->width, 384);
    finish(output, &stage);
}

// The gate on one window, and on a second one its pillars once more, turned.
static void make_windows(struct test_raster *out)
{
    test_raster_get(11, out);
    struct bt_output_plan *plan = &out->plan;
    plan->mode_width = plan->mode_height = 0;
    plan->window_count = 3;
    plan->windows[0] = (struct bt_output_window){"giua", 0, 0, 0, 640, 480};
    plan->windows[1] = (struct bt_output_window){"trai", 0, 640, 0, 200, 130};
    plan->windows[2] = (struct bt_output_window){"phai", 2, 0, 0, 64, 512};
    plan->slices[4] = (struct bt_slice){{0, 64, 64, 128}, 3, 2, 270, 1};
    plan->slices[5] = (struct bt_slice){{320, 64, 64, 128}, 0, 384, 180, 2};
    plan->slice_count = 6;
}

static void assert_window(struct bt_output *output, const struct test_raster *all, size_t window,
                          int left)
{
    struct bt_output_plan part;
    bt_output_plan_window(&all->plan, window, &part);
    BT_AUTO(bt_image) canvas = NULL;
    BT_AUTO(bt_image) picture = NULL;
    assert_int_equal(bt_output_read(output, &canvas, NULL), 0);
    assert_int_equal(bt_output_read_raster(output, &picture, NULL), 0);
    assert_int_equal(picture->width, 904);
    assert_int_equal(picture->height, 512);
    BT_AUTO(bt_image) alone = bt_image_create((int)part.mode_width, (int)part.mode_height);
    const struct bt_raster to = bt_raster_of(alone);
    const struct bt_raster_source from = bt_raster_source_of(picture, -left, 0);
    bt_raster_draw(&to, (struct bt_rect){0, 0, alone->width, alone->height}, &from);
    test_raster_assert(part.mode_width > 0 ? all->plan.windows[window].name : "", &part, 0, 0,
                       canvas, alone);
}

static void each_window_has_its_part_of_the_same_canvas(void **state)
{
    (void)state;
    static const int lefts[] = {0, 640, 840};
    struct test_raster windows;
    make_windows(&windows);
    struct test_stage stage = {0};
    BT_AUTO(bt_output) output = open_memory(&windows);
    test_raster_scene(&windows, 120, &stage);
    for (int x = 120; x > 117; x--) {
        stage.scene.zones[1].to.strip_x = x;
        stage.scene.zones[1].to.serial++;
        show(output, &stage.scene);
        for (size_t i = 0; i < BT_ARRAY_LEN(lefts); i++) {
            assert_window(output, &windows, i, lefts[i]);
        }
    }
    finish(output, &stage);
}

static void a_plan_beyond_its_canvas_is_refused(void **state)
{
    (void)state;
    struct test_raster gate;
    test_raster_get(9, &gate);
    BT_AUTO(bt_output) output = open_memory(&gate);
    assert_int_equal(bt_output_resize(output, 383, 192, &gate.plan, NULL), -EINVAL);
    gate.plan.slices[1].x = 600;
    assert_int_equal(bt_output_resize(output, 384, 192, &gate.plan, NULL), -EINVAL);
}

static int pick(uint32_t *seed, int below)
{
    return (int)test_random(seed, (unsigned)below);
}

// Anything, also beyond the raster: what a display of another mode does.
static void make_plan(uint32_t *seed, const struct bt_image *canvas, struct bt_mapping *mapping)
{
    mapping->plan.slice_count = 1;
    struct bt_slice *slice = &mapping->plan.slices[0];
    slice->from.x = pick(seed, canvas->width);
    slice->from.y = pick(seed, canvas->height);
    slice->from.width = 1 + pick(seed, canvas->width - slice->from.x);
    slice->from.height = 1 + pick(seed, canvas->height - slice->from.y);
    slice->x = pick(seed, 60);
    slice->y = pick(seed, 60);
    slice->rotation = 90 * pick(seed, 4);
    mapping->shift_x = pick(seed, 90) - 70;
    mapping->shift_y = pick(seed, 90) - 70;
}

static void fill(struct bt_image *image, uint8_t value)
{
    memset(image->pixels, value, image->stride * (size_t)image->height);
}

// Whatever changed in whatever order, the raster is the one that is copied as a whole; and what is
// said to have been written holds all that differs.
static void parts_make_the_whole(void **state)
{
    (void)state;
    uint32_t seed = 7;
    BT_AUTO(bt_image) canvas = test_image(90, 70, 1, 255);
    BT_AUTO(bt_image) raster = bt_image_create(64, 48);
    BT_AUTO(bt_image) whole = bt_image_create(64, 48);
    const struct bt_raster from = bt_raster_of(canvas), to = bt_raster_of(raster);
    const struct bt_raster all = bt_raster_of(whole);
    for (int turn = 0; turn < 2000; turn++) {
        struct bt_mapping mapping = {0};
        make_plan(&seed, canvas, &mapping);
        struct bt_region changed = {0};
        for (int i = pick(&seed, 5); i >= 0; i--) {
            int x = pick(&seed, 90), y = pick(&seed, 70);
            bt_region_add(&changed,
                          (struct bt_rect){x, y, 1 + pick(&seed, 90 - x), 1 + pick(&seed, 70 - y)});
        }
        struct bt_rect bound;
        fill(raster, 1);
        fill(whole, 1);
        bt_mapping_copy(&mapping, &from, &(struct bt_region){{{0, 0, 90, 70}}, 1}, &all, &bound);
        bt_mapping_copy(&mapping, &from, &changed, &to, &bound);
        for (int y = 0; y < 48; y++) {
            for (int x = 0; x < 64; x++) {
                size_t at = (size_t)y * raster->stride + (size_t)x * 4;
                bool written = raster->pixels[at] != 1 || raster->pixels[at + 3] != 1;
                assert_true(!written || bt_rect_contains(bound, (struct bt_rect){x, y, 1, 1}));
                assert_true(!written || memcmp(raster->pixels + at, whole->pixels + at, 4) == 0);
            }
        }
        bt_mapping_copy(&mapping, &from, &(struct bt_region){{{0, 0, 90, 70}}, 1}, &to, &bound);
        assert_memory_equal(raster->pixels, whole->pixels, raster->stride * (size_t)raster->height);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_stands_where_the_plan_says),
        cmocka_unit_test(everything_may_be_shifted),
        cmocka_unit_test(the_plan_may_change_while_it_plays),
        cmocka_unit_test(each_window_has_its_part_of_the_same_canvas),
        cmocka_unit_test(a_plan_beyond_its_canvas_is_refused),
        cmocka_unit_test(parts_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

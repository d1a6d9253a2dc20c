#include "playlists/output_plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_slice(const struct bt_slice *slice, struct bt_rect from, int x, int y)
{
    assert_memory_equal(&slice->from, &from, sizeof(from));
    assert_int_equal(slice->x, x);
    assert_int_equal(slice->y, y);
    assert_int_equal(slice->rotation, 0);
}

static int fold(struct bt_output_plan *plan, struct bt_fold what)
{
    *plan = (struct bt_output_plan){0};
    int r = bt_output_plan_fold(plan, &what, NULL);
    return r < 0 ? r
                 : bt_output_plan_check(plan, what.canvas_width, what.canvas_height,
                                        what.raster_width, what.raster_height, NULL);
}

static void a_ribbon_is_folded_into_rows(void **state)
{
    (void)state;
    struct bt_output_plan plan;
    assert_int_equal(fold(&plan, (struct bt_fold){8704, 192, 1920, 1080, 0, 0, 1920, 192}), 0);
    assert_int_equal(plan.slice_count, 5);
    assert_slice(&plan.slices[0], (struct bt_rect){0, 0, 1920, 192}, 0, 0);
    assert_slice(&plan.slices[4], (struct bt_rect){7680, 0, 1024, 192}, 0, 768);
    assert_int_equal(fold(&plan, (struct bt_fold){3200, 96, 1920, 1080, 8, 4, 1280, 96}), 0);
    assert_int_equal(plan.slice_count, 3);
    assert_slice(&plan.slices[2], (struct bt_rect){2560, 0, 640, 96}, 8, 196);
}

static void a_column_goes_on_beside_itself(void **state)
{
    (void)state;
    struct bt_output_plan plan;
    assert_int_equal(fold(&plan, (struct bt_fold){192, 3000, 1920, 1080, 0, 0, 192, 1080}), 0);
    assert_int_equal(plan.slice_count, 3);
    assert_slice(&plan.slices[1], (struct bt_rect){0, 1080, 192, 1080}, 192, 0);
    assert_slice(&plan.slices[2], (struct bt_rect){0, 2160, 192, 840}, 384, 0);
}

static void what_does_not_fit_is_not_folded(void **state)
{
    (void)state;
    struct bt_output_plan plan;
    assert_int_equal(fold(&plan, (struct bt_fold){8704, 192, 1024, 768, 0, 0, 1024, 192}), -EINVAL);
    assert_int_equal(fold(&plan, (struct bt_fold){640, 480, 640, 480, 641, 0, 1, 480}), -EINVAL);
    assert_int_equal(fold(&plan, (struct bt_fold){650, 9, 1920, 1080, 0, 0, 10, 9}), -EINVAL);
    assert_int_equal(fold(&plan, (struct bt_fold){640, 9, 1920, 1080, 0, 0, 10, 9}), 0);
}

// Whatever is cut, each pixel of the canvas stands on the raster once.
static void a_fold_covers_the_canvas(void **state)
{
    (void)state;
    for (int piece = 7; piece < 97; piece += 3) {
        struct bt_output_plan plan;
        int64_t area = 0;
        if (fold(&plan, (struct bt_fold){96, 31, 200, 90, 5, 3, piece, 1 + piece % 31}) < 0) {
            continue;
        }
        for (size_t i = 0; i < plan.slice_count; i++) {
            area += (int64_t)plan.slices[i].from.width * plan.slices[i].from.height;
        }
        assert_int_equal(area, 96 * 31);
    }
}

static void a_curve_runs_straight_between_its_points(void **state)
{
    (void)state;
    static const uint8_t straight[] = {0, 255}, bent[] = {0, 10, 255};
    uint8_t curve[BT_CURVE_LEVELS], all[BT_CURVE_LEVELS];
    bt_curve_through(curve, straight, 2);
    for (int i = 0; i < BT_CURVE_LEVELS; i++) {
        assert_int_equal(curve[i], i);
        all[i] = (uint8_t)(i / 3);
    }
    bt_curve_through(curve, bent, 3);
    assert_int_equal(curve[0], 0);
    assert_int_equal(curve[64], 5);
    assert_int_equal(curve[255], 255);
    bt_curve_through(curve, all, BT_CURVE_LEVELS);
    assert_memory_equal(curve, all, sizeof(all));
}

static void dimming_takes_light_from_every_level(void **state)
{
    (void)state;
    static const uint8_t straight[] = {0, 255};
    struct bt_output_plan plan = {.dimming_percent = 100};
    for (int i = 0; i < 3; i++) {
        bt_curve_through(plan.curves[i], straight, 2);
    }
    bt_output_plan_dim(&plan);
    assert_false(plan.has_curves);
    plan.dimming_percent = 30;
    bt_output_plan_dim(&plan);
    assert_true(plan.has_curves);
    assert_int_equal(plan.curves[0][0], 0);
    assert_int_equal(plan.curves[2][255], 77);
}

static struct bt_output_plan two_windows(void)
{
    return (struct bt_output_plan){
        .slices = {{{0, 0, 60, 40}, 0, 0, 0, 0},
                   {{60, 0, 30, 40}, 0, 0, 90, 1},
                   {{90, 0, 10, 40}, 40, 0, 0, 1}},
        .slice_count = 3,
        .windows = {{"trai", 0, 5, 0, 60, 40}, {"phai", 2, 0, 0, 50, 48}},
        .window_count = 2,
    };
}

static void a_window_has_its_slices_alone(void **state)
{
    (void)state;
    const struct bt_output_plan plan = two_windows();
    struct bt_output_plan part;
    assert_int_equal(bt_output_plan_check(&plan, 100, 40, 0, 0, NULL), 0);
    bt_output_plan_window(&plan, 0, &part);
    assert_int_equal(part.slice_count, 1);
    assert_int_equal(part.mode_width, 60);
    bt_output_plan_window(&plan, 1, &part);
    assert_int_equal(part.window_count, 0);
    assert_int_equal(part.slice_count, 2);
    assert_int_equal(part.mode_height, 48);
    assert_int_equal(part.slices[1].from.x, 90);
    assert_int_equal(bt_output_plan_left(&plan, &plan.slices[0]), 0);
    assert_int_equal(bt_output_plan_left(&plan, &plan.slices[2]), 60);
    assert_int_equal(bt_output_plan_left(&part, &part.slices[1]), 0);
}

static void windows_of_another_place_or_slice_differ(void **state)
{
    (void)state;
    const struct bt_output_plan plan = two_windows();
    struct bt_output_plan other = plan;
    assert_true(bt_output_plan_same(&plan, &other));
    other.windows[1].display = 3;
    assert_false(bt_output_plan_same(&plan, &other));
    other = plan;
    other.slices[1].window = 0;
    assert_false(bt_output_plan_same(&plan, &other));
    other = plan;
    other.window_count = 0;
    assert_false(bt_output_plan_same(&plan, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ribbon_is_folded_into_rows),
        cmocka_unit_test(a_column_goes_on_beside_itself),
        cmocka_unit_test(what_does_not_fit_is_not_folded),
        cmocka_unit_test(a_fold_covers_the_canvas),
        cmocka_unit_test(a_curve_runs_straight_between_its_points),
        cmocka_unit_test(dimming_takes_light_from_every_level),
        cmocka_unit_test(a_window_has_its_slices_alone),
        cmocka_unit_test(windows_of_another_place_or_slice_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

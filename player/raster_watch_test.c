#include "player/raster_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const char *wrong(int width, int height, double hz)
{
    static char text[BT_WRONG_MODE_BYTES];
    const struct bt_output_plan plan = {.mode_width = 1366, .mode_height = 768, .mode_hz = 60};
    const struct bt_output_info info = {.width = width, .height = height, .display_hz = hz};
    bt_wrong_mode(&plan, &info, text);
    return text;
}

static void a_display_with_another_mode_is_noticed(void **state)
{
    (void)state;
    assert_string_equal(wrong(1280, 720, 60), "asked 1366 × 768, got 1280 × 720");
    assert_string_equal(wrong(1366, 768, 50), "asked 1366 × 768 at 60 Hz, got 50 Hz");
    assert_string_equal(wrong(1366, 768, 59.94), "");
    // It does not say its rate; there is no display.
    assert_string_equal(wrong(1366, 768, 0), "");
    assert_string_equal(wrong(0, 0, 0), "");
    char text[BT_WRONG_MODE_BYTES] = "x";
    const struct bt_output_plan any = {.slice_count = 1};
    bt_wrong_mode(&any, &(struct bt_output_info){.width = 9, .height = 9}, text);
    assert_string_equal(text, "");
}

static void windows_that_are_not_as_asked_are_named(void **state)
{
    (void)state;
    char text[BT_WRONG_MODE_BYTES];
    const struct bt_output_plan plan = {
        .slice_count = 2,
        .windows = {{"trai", 1, 0, 0, 640, 480}, {"phai", 2, 0, 0, 800, 600}},
        .window_count = 2};
    struct bt_output_info info = {
        .width = 640, .height = 480, .windows = {{640, 480}, {800, 600}}, .window_count = 2};
    bt_wrong_mode(&plan, &info, text);
    assert_string_equal(text, "");
    assert_null(bt_windows_refused(&plan, &info));
    info.windows[1].height = 480;
    bt_wrong_mode(&plan, &info, text);
    assert_string_equal(text, "window 'phai': asked 800 × 600, got 800 × 480");
    info.windows[1].width = 0;
    bt_wrong_mode(&plan, &info, text);
    assert_string_equal(text, "window 'phai': closed, or its display is missing");
    info.drives_card = true;
    info.window_count = 1;
    bt_wrong_mode(&plan, &info, text);
    assert_string_equal(text, "window 'phai' is not shown: there is one output here");
    assert_non_null(strstr(bt_windows_refused(&plan, &info), "chỉ chiếu cửa sổ đầu tiên"));
    assert_null(bt_windows_refused(NULL, &info));
}

static void pixels_walk_around_the_middle(void **state)
{
    (void)state;
    const struct bt_output_plan plan = {.shift_px = 4, .shift_minutes = 3};
    int x = 9, y = 9, sum_x = 0, sum_y = 0;
    assert_int_equal(bt_pixel_shift_step(&plan, 179 * BT_NS_PER_S), 0);
    assert_int_equal(bt_pixel_shift_step(&plan, 180 * BT_NS_PER_S), 1);
    assert_int_equal(bt_pixel_shift_step(NULL, 180 * BT_NS_PER_S), 0);
    bt_pixel_shift_at(&plan, 0, &x, &y);
    assert_true(x == 0 && y == 0);
    for (int64_t step = 0; step < 9; step++) {
        bt_pixel_shift_at(&plan, step, &x, &y);
        assert_true(x >= -4 && x <= 4 && y >= -4 && y <= 4);
        sum_x += x;
        sum_y += y;
    }
    assert_true(sum_x == 0 && sum_y == 0);
    bt_pixel_shift_at(&plan, 9, &x, &y);
    assert_true(x == 0 && y == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_display_with_another_mode_is_noticed),
        cmocka_unit_test(windows_that_are_not_as_asked_are_named),
        cmocka_unit_test(pixels_walk_around_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

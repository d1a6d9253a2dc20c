#include "media/motion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PIXEL 65536

static struct bt_item moving(int fit, struct bt_sight from, struct bt_sight to)
{
    return (struct bt_item){.fit = fit, .motion = {true, from, to}};
}

static const struct bt_sight whole = {500, 500, 1000};

static void assert_inside(const struct bt_motion_plan *plan, const struct bt_detail *window)
{
    assert_true(window->x >= 0 && window->y >= 0 && window->width > 0 && window->height > 0);
    assert_true(window->x + window->width <= ((int64_t)plan->width << 16) + 2);
    assert_true(window->y + window->height <= ((int64_t)plan->height << 16) + 2);
}

static void at_zoom_1_the_kept_picture_is_the_still(void **state)
{
    (void)state;
    const struct bt_item item = moving(BT_FIT_CONTAIN, whole, whole);
    struct bt_motion_plan plan = bt_motion_plan(&item, 4000, 3000, 1920, 1080);
    assert_int_equal(plan.width, 1920);
    assert_int_equal(plan.height, 1080);
    assert_int_equal(plan.fit, BT_FIT_CONTAIN);
    assert_int_equal(plan.path.to.x, 0);
    assert_int_equal(plan.path.to.width, 1920 * PIXEL);
    assert_int_equal(plan.path.to.height, 1080 * PIXEL);
}

static void it_is_kept_as_large_as_it_will_be_seen(void **state)
{
    (void)state;
    const struct bt_item item = moving(BT_FIT_STRETCH, whole, (struct bt_sight){500, 500, 1500});
    struct bt_motion_plan plan = bt_motion_plan(&item, 6000, 4000, 1200, 800);
    assert_int_equal(plan.width, 1800);
    assert_int_equal(plan.path.to.width, 1200 * PIXEL);  // pixel for pixel
    assert_int_equal(plan.path.to.x, 300 * PIXEL);
    // A small file has no more to give.
    plan = bt_motion_plan(&item, 600, 400, 1200, 800);
    assert_int_equal(plan.width, 1200);
    assert_int_equal(plan.path.to.width, 800 * PIXEL);
}

static void at_most_four_zones_are_kept(void **state)
{
    (void)state;
    const struct bt_item item =
        moving(BT_FIT_COVER, (struct bt_sight){0, 500, 4000}, (struct bt_sight){1000, 500, 4000});
    static const int sizes[][2] = {{30000, 3000}, {3000, 30000}, {32000, 32000}, {9, 16}};
    for (size_t i = 0; i < BT_ARRAY_LEN(sizes); i++) {
        struct bt_motion_plan plan = bt_motion_plan(&item, sizes[i][0], sizes[i][1], 640, 360);
        assert_true((int64_t)plan.width * plan.height <= INT64_C(4) * 641 * 361);
        assert_inside(&plan, &plan.path.from);
        assert_inside(&plan, &plan.path.to);
        plan = bt_motion_plan(&item, sizes[i][0], sizes[i][1], 16384, 16384);
        assert_true((int64_t)plan.width * plan.height <= INT64_C(16385) * 16385);
    }
}

static void what_cover_cuts_away_can_be_moved_to(void **state)
{
    (void)state;
    const struct bt_item item =
        moving(BT_FIT_COVER, (struct bt_sight){0, 500, 1000}, (struct bt_sight){1000, 500, 1000});
    struct bt_motion_plan plan = bt_motion_plan(&item, 3000, 1000, 1500, 1000);
    assert_int_equal(plan.width, 3000);
    assert_int_equal(plan.path.from.x, 0);
    assert_int_equal(plan.path.to.x, 1500 * PIXEL);
    assert_int_equal(plan.path.to.width, 1500 * PIXEL);
}

static void a_small_picture_stays_in_the_middle(void **state)
{
    (void)state;
    const struct bt_item item =
        moving(BT_FIT_CONTAIN, (struct bt_sight){0, 0, 1000}, (struct bt_sight){0, 0, 1500});
    struct bt_motion_plan plan = bt_motion_plan(&item, 1000, 1000, 2000, 1000);
    // Its width of 1000 is less than 2000 / 1.5: in the middle; its height is not: at its top.
    double scale = plan.width / 2000.0;
    assert_in_range((int64_t)((double)plan.path.to.x / PIXEL / scale * 10), 3323, 3343);
    assert_int_equal(plan.path.to.y, 0);
}

static void it_goes_evenly_and_arrives(void **state)
{
    (void)state;
    const struct bt_item item = moving(BT_FIT_STRETCH, whole, (struct bt_sight){1000, 0, 2000});
    struct bt_motion_plan plan = bt_motion_plan(&item, 4000, 4000, 1000, 1000);
    static const int64_t lengths_ns[] = {100000000, 8000000000, INT64_C(86400000000000)};
    for (size_t i = 0; i < BT_ARRAY_LEN(lengths_ns); i++) {
        int64_t length_ns = lengths_ns[i], last_x = -1;
        for (int step = 0; step <= 1000; step++) {
            struct bt_detail now = bt_motion_at(&plan.path, length_ns / 1000 * step, length_ns);
            assert_inside(&plan, &now);
            assert_true(now.x > last_x);
            last_x = now.x;
        }
        struct bt_detail first = bt_motion_at(&plan.path, 0, length_ns);
        struct bt_detail last = bt_motion_at(&plan.path, length_ns, length_ns);
        struct bt_detail middle = bt_motion_at(&plan.path, length_ns / 2, length_ns);
        assert_memory_equal(&first, &plan.path.from, sizeof(first));
        assert_memory_equal(&last, &plan.path.to, sizeof(last));
        assert_in_range(middle.x, (first.x + last.x) / 2 - 64, (first.x + last.x) / 2 + 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_zoom_1_the_kept_picture_is_the_still),
        cmocka_unit_test(it_is_kept_as_large_as_it_will_be_seen),
        cmocka_unit_test(at_most_four_zones_are_kept),
        cmocka_unit_test(what_cover_cuts_away_can_be_moved_to),
        cmocka_unit_test(a_small_picture_stays_in_the_middle),
        cmocka_unit_test(it_goes_evenly_and_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

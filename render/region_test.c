#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <string.h>

#include "render/region.h"
#include "render/test_material.h"

#define SIDE 24

// The same set of pixels, kept the slow way.
struct bitmap {
    bool set[SIDE][SIDE];
};

static void set_pixels(struct bitmap *bitmap, struct bt_rect rect, bool value)
{
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        for (int x = rect.x; x < rect.x + rect.width; x++) {
            bitmap->set[y][x] = value;
        }
    }
}

static void keep_pixels(struct bitmap *bitmap, struct bt_rect rect)
{
    struct bitmap kept = {0};
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        memcpy(&kept.set[y][rect.x], &bitmap->set[y][rect.x], (size_t)rect.width);
    }
    *bitmap = kept;
}

static void assert_same_pixels(const struct bt_region *region, const struct bitmap *bitmap)
{
    int hits[SIDE][SIDE] = {0};
    for (size_t i = 0; i < region->count; i++) {
        struct bt_rect rect = region->rects[i];
        for (int y = rect.y; y < rect.y + rect.height; y++) {
            for (int x = rect.x; x < rect.x + rect.width; x++) {
                hits[y][x]++;
            }
        }
    }
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            assert_int_equal(hits[y][x], bitmap->set[y][x] ? 1 : 0);
        }
    }
}

static void a_region_is_the_set_of_its_pixels(void **state)
{
    (void)state;
    uint32_t random = 7;
    struct bt_region region = {0};
    struct bitmap bitmap = {0};
    for (int step = 0; step < 4000; step++) {
        struct bt_rect rect = {(int)test_random(&random, SIDE), (int)test_random(&random, SIDE), 0,
                               0};
        rect.width = 1 + (int)test_random(&random, (unsigned)(SIDE - rect.x));
        rect.height = 1 + (int)test_random(&random, (unsigned)(SIDE - rect.y));
        unsigned what = test_random(&random, 8);
        if (what < 4) {
            bt_region_add(&region, rect);
            set_pixels(&bitmap, rect, true);
        } else if (what < 7) {
            bt_region_subtract(&region, rect);
            set_pixels(&bitmap, rect, false);
        } else {
            bt_region_intersect(&region, rect);
            keep_pixels(&bitmap, rect);
        }
        assert_same_pixels(&region, &bitmap);
    }
}

static void too_many_rectangles_become_their_bounding_box(void **state)
{
    (void)state;
    struct bt_region region = {0};
    for (int i = 0; i < BT_REGION_MAX_RECTS + 1; i++) {
        bt_region_add(&region, (struct bt_rect){i * 4, 0, 2, 2});
    }
    assert_true(region.count <= BT_REGION_MAX_RECTS);
    for (int i = 0; i < BT_REGION_MAX_RECTS + 1; i++) {
        assert_true(bt_region_covers(&region, (struct bt_rect){i * 4, 0, 2, 2}));
    }
}

static void empty_rectangles_add_nothing(void **state)
{
    (void)state;
    struct bt_region region = {0};
    bt_region_add(&region, (struct bt_rect){5, 5, 0, 10});
    bt_region_add(&region, (struct bt_rect){5, 5, 10, -1});
    assert_int_equal(region.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_is_the_set_of_its_pixels),
        cmocka_unit_test(too_many_rectangles_become_their_bounding_box),
        cmocka_unit_test(empty_rectangles_add_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

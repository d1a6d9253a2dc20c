#include "player/overlays.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct bt_image *image(int width, int height)
{
    struct bt_image *made = bt_image_create(width, height);
    assert_non_null(made);
    return made;
}

static void the_mark_stands_in_the_corner_and_the_name_in_the_middle(void **state)
{
    (void)state;
    struct bt_overlays overlays;
    struct bt_scene scene = {.zone_count = 2};
    bt_overlays_init(&overlays);
    bt_overlays_set(&overlays, BT_OVERLAY_NAME, image(100, 20));
    bt_overlays_set(&overlays, BT_OVERLAY_MARK, image(40, 10));
    bt_overlays_view(&overlays, 320, 180, &scene);
    assert_int_equal(scene.zone_count, 4);
    assert_int_equal(scene.zones[2].rect.x, 280);
    assert_int_equal(scene.zones[2].rect.y, 0);
    assert_int_equal(scene.zones[3].rect.x, 110);
    assert_int_equal(scene.zones[3].rect.y, 80);
    bt_overlays_finish(&overlays);
}

static void a_card_hides_the_show_and_dimming_lies_over_everything(void **state)
{
    (void)state;
    struct bt_overlays overlays;
    struct bt_scene scene = {.zone_count = 5};
    bt_overlays_init(&overlays);
    bt_overlays_set(&overlays, BT_OVERLAY_CARD, image(320, 180));
    bt_overlays_set_light(&overlays, 60);
    bt_overlays_view(&overlays, 320, 180, &scene);
    assert_int_equal(scene.zone_count, 2);
    assert_int_equal(scene.zones[0].to.kind, BT_VISUAL_IMAGE);
    assert_int_equal(scene.zones[1].to.kind, BT_VISUAL_COLOUR);
    assert_int_equal(scene.zones[1].to.background.a, 102);
    bt_overlays_set_light(&overlays, 100);
    scene.zone_count = 0;
    bt_overlays_view(&overlays, 320, 180, &scene);
    assert_int_equal(scene.zone_count, 1);
    bt_overlays_finish(&overlays);
}

// The picture on the screen lives until another one was presented; each looks new to compositors.
static void what_is_replaced_is_kept_until_the_next_present(void **state)
{
    (void)state;
    struct bt_overlays overlays;
    bt_overlays_init(&overlays);
    struct bt_image *first = image(8, 8);
    bt_overlays_set(&overlays, BT_OVERLAY_NAME, first);
    bt_overlays_presented(&overlays);
    uint64_t serial = overlays.serials[BT_OVERLAY_NAME];
    bt_overlays_set(&overlays, BT_OVERLAY_NAME, image(8, 8));
    bt_overlays_set(&overlays, BT_OVERLAY_NAME, NULL);
    assert_ptr_equal(overlays.old[BT_OVERLAY_NAME], first);
    assert_true(overlays.serials[BT_OVERLAY_NAME] != serial);
    bt_overlays_presented(&overlays);
    assert_null(overlays.old[BT_OVERLAY_NAME]);
    bt_overlays_finish(&overlays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mark_stands_in_the_corner_and_the_name_in_the_middle),
        cmocka_unit_test(a_card_hides_the_show_and_dimming_lies_over_everything),
        cmocka_unit_test(what_is_replaced_is_kept_until_the_next_present),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

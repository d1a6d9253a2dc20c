#include "render/transition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "render/region.h"
#include "render/visual.h"

#define LENGTH_NS INT64_C(800000000)
#define REFRESH_NS INT64_C(16666667)

static struct bt_zone_view view_at(int type, int towards, int64_t since_ns)
{
    const struct bt_transition transition = {
        .type = type, .towards = towards, .colour = {1, 2, 3, 255}};
    struct bt_zone_view view = {
        .rect = {5, 7, 8704, 191},
        .from = {.kind = BT_VISUAL_COLOUR, .serial = 1, .background = {255, 0, 0, 255}},
        .to = {.kind = BT_VISUAL_COLOUR, .serial = 2, .background = {0, 255, 0, 255}},
    };
    bt_transition_at(&transition, since_ns, LENGTH_NS, &view);
    return bt_zone_view_sane(&view);
}

static void it_begins_with_the_old_and_ends_with_the_new_picture(void **state)
{
    (void)state;
    for (int type = BT_TRANSITION_CROSSFADE; type <= BT_TRANSITION_WIPE; type++) {
        for (int towards = BT_TOWARDS_LEFT; towards <= BT_TOWARDS_DOWN; towards++) {
            struct bt_zone_view first = view_at(type, towards, 0);
            struct bt_zone_view last = view_at(type, towards, LENGTH_NS);
            assert_int_equal(first.mix, 0);
            assert_int_equal(bt_zone_view_visual(&first)->serial, 1);
            assert_int_equal(last.mix, 1000);
            assert_int_equal(bt_zone_view_visual(&last)->serial, 2);
            struct bt_zone_view late = view_at(type, towards, LENGTH_NS + REFRESH_NS);
            assert_true(bt_zone_view_same(&last, &late));
        }
    }
}

static int area(struct bt_rect rect)
{
    return rect.width * rect.height;
}

// The two parts are the whole zone, side by side.
static void assert_covered(const struct bt_zone_view *view, const struct bt_part parts[2])
{
    const struct bt_rect all = {0, 0, view->rect.width, view->rect.height};
    assert_int_equal(area(parts[0].clip) + area(parts[1].clip), area(all));
    assert_true(bt_rect_empty(bt_rect_intersect(parts[0].clip, parts[1].clip)));
    for (int i = 0; i < 2; i++) {
        struct bt_rect picture = {parts[i].x, parts[i].y, all.width, all.height};
        if (bt_rect_empty(parts[i].clip)) {
            continue;
        }
        assert_true(bt_rect_contains(all, parts[i].clip));
        assert_true(bt_rect_contains(picture, parts[i].clip));
    }
}

static void what_moves_never_goes_back_and_leaves_no_gap(void **state)
{
    (void)state;
    for (int type = BT_TRANSITION_SLIDE; type <= BT_TRANSITION_WIPE; type++) {
        for (int towards = BT_TOWARDS_LEFT; towards <= BT_TOWARDS_DOWN; towards++) {
            int reached = 0;
            for (int64_t ns = REFRESH_NS; ns < LENGTH_NS; ns += REFRESH_NS) {
                struct bt_zone_view view = view_at(type, towards, ns);
                struct bt_part parts[2];
                assert_int_equal(bt_zone_view_parts(&view, parts), 2);
                assert_covered(&view, parts);
                assert_true(view.edge_px >= reached);
                reached = view.edge_px;
            }
            assert_true(reached > 100);
        }
    }
}

static void in_its_middle_it_is_half_done(void **state)
{
    (void)state;
    for (int type = BT_TRANSITION_SLIDE; type <= BT_TRANSITION_WIPE; type++) {
        assert_int_equal(view_at(type, BT_TOWARDS_LEFT, LENGTH_NS / 2).edge_px, 4352);
    }
    assert_int_equal(view_at(BT_TRANSITION_CROSSFADE, 0, LENGTH_NS / 2).mix, 500);
    assert_int_equal(view_at(BT_TRANSITION_WIPE, BT_TOWARDS_LEFT, LENGTH_NS / 4).edge_px, 2176);
    assert_int_equal(view_at(BT_TRANSITION_PUSH, BT_TOWARDS_LEFT, LENGTH_NS / 4).edge_px, 1360);
}

static void a_fade_goes_through_its_colour(void **state)
{
    (void)state;
    struct bt_zone_view view = view_at(BT_TRANSITION_FADE, 0, LENGTH_NS / 4);
    assert_int_equal(view.mix, 500);
    assert_int_equal(view.from.serial, 1);
    assert_int_equal(view.to.background.b, 3);
    view = view_at(BT_TRANSITION_FADE, 0, LENGTH_NS / 2);
    assert_int_equal(bt_zone_view_visual(&view)->background.b, 3);
    view = view_at(BT_TRANSITION_FADE, 0, LENGTH_NS * 3 / 4);
    assert_int_equal(view.mix, 500);
    assert_int_equal(view.from.background.b, 3);
    assert_int_equal(view.to.serial, 2);
}

static void a_slide_comes_from_where_it_goes_away_from(void **state)
{
    (void)state;
    struct bt_part parts[2];
    struct bt_zone_view view = view_at(BT_TRANSITION_SLIDE, BT_TOWARDS_LEFT, LENGTH_NS / 2);
    (void)bt_zone_view_parts(&view, parts);
    assert_int_equal(parts[0].x, 0);
    assert_int_equal(parts[1].x, 4352);
    view = view_at(BT_TRANSITION_PUSH, BT_TOWARDS_RIGHT, LENGTH_NS / 2);
    (void)bt_zone_view_parts(&view, parts);
    assert_int_equal(parts[0].x, 4352);
    assert_int_equal(parts[1].x, -4352);
    view = view_at(BT_TRANSITION_PUSH, BT_TOWARDS_UP, LENGTH_NS / 2);
    (void)bt_zone_view_parts(&view, parts);
    assert_int_equal(parts[0].y, -95);
    assert_int_equal(parts[1].y, 96);
    view = view_at(BT_TRANSITION_WIPE, BT_TOWARDS_DOWN, LENGTH_NS / 2);
    (void)bt_zone_view_parts(&view, parts);
    assert_int_equal(parts[1].y, 0);
    assert_int_equal(parts[1].clip.y, 0);
    assert_int_equal(parts[1].clip.height, 95);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_the_old_and_ends_with_the_new_picture),
        cmocka_unit_test(what_moves_never_goes_back_and_leaves_no_gap),
        cmocka_unit_test(in_its_middle_it_is_half_done),
        cmocka_unit_test(a_fade_goes_through_its_colour),
        cmocka_unit_test(a_slide_comes_from_where_it_goes_away_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

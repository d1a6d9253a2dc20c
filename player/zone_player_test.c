#include "player/zone_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sched.h>

#include "base/str.h"
#include "player/test_house.h"

// Far more than any of these takes: a bound for a test that hangs, not a measurement.
#define PATIENCE_NS (180 * BT_NS_PER_S)

// Items are short enough to be prepared at once, so that the test may walk through time ahead.
struct desk {
    struct bt_test_house house;
    struct bt_grid grid;
    struct bt_zone_player *zone;
    int64_t start_ns;
};

static int64_t at(const struct desk *desk, int64_t ms)
{
    return desk->start_ns + ms * BT_NS_PER_MS;
}

static void receive(struct desk *desk)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    while (!bt_zone_player_receive(desk->zone)) {
        assert_true(bt_clock_mono_ns(bt_clock_real()) < until_ns);
        sched_yield();
    }
}

static void open_desk(struct desk *desk, const struct bt_test_dir *dir, const char *items)
{
    bt_test_house_init(&desk->house, dir);
    bt_test_house_add_still(&desk->house, "trang", 255);
    desk->start_ns = bt_test_house_open(&desk->house, items);
    bt_grid_init(&desk->grid, BT_GRID_TIMED, 50, desk->start_ns);
    struct bt_loader *loader = bt_loader_create(desk->house.order, desk->house.kitchen, 0);
    const struct bt_show *show = bt_running_order_show(desk->house.order);
    desk->zone = bt_zone_player_create(bt_show_track(show, 0), loader, &desk->grid);
    bt_zone_player_begin(desk->zone, desk->start_ns);
    receive(desk);
}

static void close_desk(struct desk *desk)
{
    bt_zone_player_stop(desk->zone, BT_END_STOPPED, desk->start_ns);
    bt_zone_player_destroy(desk->zone);
    bt_test_house_finish(&desk->house);
}

// Presents at the instant; gives the item that is on, "" for none.
static const char *show(struct desk *desk, int64_t ms, struct bt_zone_view *out)
{
    int64_t pts_ms;
    bool is_new;
    (void)bt_zone_player_receive(desk->zone);
    (void)bt_zone_player_advance(desk->zone, at(desk, ms));
    bt_zone_player_view(desk->zone, at(desk, ms), out);
    const struct bt_play_start *on = bt_zone_player_on(desk->zone, &pts_ms, &is_new);
    bt_zone_player_presented(desk->zone, at(desk, ms));
    return on == NULL ? "" : on->item;
}

// Presents at the instant again and again until the item is on: its loader is as fast as it is.
static void show_until(struct desk *desk, int64_t ms, const char *item, struct bt_zone_view *out)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    while (!bt_str_equal(show(desk, ms, out), item)) {
        assert_true(bt_clock_mono_ns(bt_clock_real()) < until_ns);
        sched_yield();
    }
}

static void wait_for_switch(struct desk *desk, int64_t ms)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    while (!bt_zone_player_switched(desk->zone)) {
        assert_true(bt_clock_mono_ns(bt_clock_real()) < until_ns);
        (void)bt_zone_player_receive(desk->zone);
        (void)bt_zone_player_advance(desk->zone, at(desk, ms));
        sched_yield();
    }
}

static void an_item_starts_at_the_due_end_of_the_one_before(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    open_desk(&desk, *state,
              "{'id':'mot','type':'image','asset':'den','seconds':2},"
              "{'id':'hai','type':'image','asset':'trang','seconds':1}");
    assert_string_equal(show(&desk, 0, &view), "mot");
    assert_int_equal(view.to.kind, BT_VISUAL_IMAGE);
    assert_int_equal(view.to.image->pixels[0], 0);
    assert_string_equal(show(&desk, 1980, &view), "mot");
    show_until(&desk, 2000, "hai", &view);
    assert_int_equal(view.to.image->pixels[0], 255);
    assert_int_equal(view.mix, 1000);
    show_until(&desk, 3000, "mot", &view);
    assert_string_equal(show(&desk, 4980, &view), "mot");
    show_until(&desk, 5000, "hai", &view);
    close_desk(&desk);
}

static void a_switch_waits_for_its_present(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    open_desk(&desk, *state, "{'id':'mot','type':'image','asset':'den','seconds':2}");
    assert_true(bt_zone_player_advance(desk.zone, at(&desk, 0)));
    assert_true(bt_zone_player_switched(desk.zone));
    bt_zone_player_presented(desk.zone, at(&desk, 0));
    assert_false(bt_zone_player_switched(desk.zone));
    assert_string_equal(show(&desk, 20, &view), "mot");
    assert_false(bt_zone_player_switched(desk.zone));
    close_desk(&desk);
}

static void a_crossfade_goes_through_the_middle(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    open_desk(&desk, *state,
              "{'id':'mot','type':'image','asset':'den','seconds':2},"
              "{'id':'hai','type':'image','asset':'trang','seconds':2,"
              "'transition':{'type':'crossfade','ms':400}}");
    assert_string_equal(show(&desk, 0, &view), "mot");
    show_until(&desk, 2000, "hai", &view);
    assert_int_equal(view.mix, 0);
    assert_string_equal(show(&desk, 2200, &view), "hai");
    assert_int_equal(view.mix, 500);
    assert_int_equal(view.from.image->pixels[0], 0);
    assert_int_equal(view.to.image->pixels[0], 255);
    assert_string_equal(show(&desk, 2400, &view), "hai");
    assert_int_equal(view.mix, 1000);
    assert_int_equal(bt_zone_player_due_ns(desk.zone, at(&desk, 2400)), at(&desk, 4000));
    close_desk(&desk);
}

// Two stills of two seconds; the second one is pushed in for 400 ms, and 200 of them are over.
static void open_in_the_middle_of_a_push(struct desk *desk, const struct bt_test_dir *dir,
                                         struct bt_zone_view *view)
{
    open_desk(desk, dir,
              "{'id':'mot','type':'image','asset':'den','seconds':2},"
              "{'id':'hai','type':'image','asset':'trang','seconds':2,"
              "'transition':{'type':'push','ms':400,'towards':'up'}}");
    assert_string_equal(show(desk, 0, view), "mot");
    show_until(desk, 2000, "hai", view);
    assert_string_equal(show(desk, 2200, view), "hai");
    assert_int_equal(view->way, BT_WAY_PUSH);
    assert_int_equal(view->towards, BT_TOWARDS_UP);
    assert_int_equal(view->edge_px, 18);
    assert_int_equal(bt_zone_player_due_ns(desk->zone, at(desk, 2200)), at(desk, 2220));
}

static void what_goes_out_is_gone_when_it_is_taken_down(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    BT_AUTOFINISH(bt_taken_finish) struct bt_taken taken = {0};
    open_in_the_middle_of_a_push(&desk, *state, &view);
    bt_taken_add_item(&taken, "a", "mot");
    bt_zone_player_take_down(desk.zone, &taken);
    assert_string_equal(show(&desk, 2220, &view), "hai");
    assert_int_equal(view.mix, 1000);
    assert_int_equal(view.to.image->pixels[0], 255);
    assert_int_equal(view.from.kind, BT_VISUAL_NONE);
    close_desk(&desk);
}

// Neither picture, nor nothing: a plain ground until the next item is ready.
static void what_comes_in_is_gone_when_it_is_taken_down(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    BT_AUTOFINISH(bt_taken_finish) struct bt_taken taken = {0};
    open_in_the_middle_of_a_push(&desk, *state, &view);
    bt_taken_add_item(&taken, "a", "hai");
    bt_zone_player_take_down(desk.zone, &taken);
    bt_zone_player_view(desk.zone, at(&desk, 2220), &view);
    assert_int_equal(view.mix, 1000);
    assert_int_equal(view.to.kind, BT_VISUAL_COLOUR);
    assert_int_equal(view.to.background.a, 255);
    close_desk(&desk);
}

static void a_still_that_moves_is_due_at_every_refresh_until_it_arrives(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    open_desk(&desk, *state,
              "{'id':'mot','type':'image','asset':'trang','seconds':1,"
              "'motion':{'from':{'x':0.5,'y':0.5,'zoom':1},'to':{'x':0.5,'y':0.5,'zoom':2}}}");
    int64_t width = INT64_MAX;
    for (int64_t ms = 0; ms < 1000; ms += 20) {
        assert_string_equal(show(&desk, ms, &view), "mot");
        assert_int_equal(view.to.kind, BT_VISUAL_DETAIL);
        assert_true(view.to.detail.width < width);
        width = view.to.detail.width;
        assert_int_equal(bt_zone_player_due_ns(desk.zone, at(&desk, ms)), at(&desk, ms + 20));
    }
    close_desk(&desk);
}

static void a_crawl_goes_on_over_the_full_hour(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    open_desk(&desk, *state,
              "{'id':'chu','type':'crawl','text':'Chuyển đổi số, xã hội "
              "số','speed':2,'style':{'size':20},"
              "'transition':{'type':'crossfade','ms':400}}");
    (void)show(&desk, 0, &view);
    int x = view.to.strip_x;
    for (int64_t ms = 20; ms <= 1500; ms += 20) {
        if (ms == 1000) {
            wait_for_switch(&desk, ms);
        }
        assert_string_equal(show(&desk, ms, &view), "chu");
        assert_int_equal(view.to.strip_x, x - 2);
        assert_int_equal(view.mix, 1000);
        x = view.to.strip_x;
    }
    close_desk(&desk);
}

static void a_stop_empties_the_zone(void **state)
{
    struct desk desk;
    struct bt_zone_view view;
    open_desk(&desk, *state, "{'id':'mot','type':'image','asset':'den','seconds':2}");
    assert_string_equal(show(&desk, 0, &view), "mot");
    bt_zone_player_stop(desk.zone, BT_END_DISPLAY, at(&desk, 100));
    bt_zone_player_view(desk.zone, at(&desk, 100), &view);
    assert_int_equal(view.to.kind, BT_VISUAL_NONE);
    // And on again, when the display is back.
    bt_running_order_start(desk.house.order, at(&desk, 500));
    bt_zone_player_begin(desk.zone, at(&desk, 500));
    receive(&desk);
    assert_string_equal(show(&desk, 500, &view), "mot");
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(an_item_starts_at_the_due_end_of_the_one_before),
        BT_TEST_IN_DIR(a_switch_waits_for_its_present),
        BT_TEST_IN_DIR(a_crossfade_goes_through_the_middle),
        BT_TEST_IN_DIR(what_goes_out_is_gone_when_it_is_taken_down),
        BT_TEST_IN_DIR(what_comes_in_is_gone_when_it_is_taken_down),
        BT_TEST_IN_DIR(a_still_that_moves_is_due_at_every_refresh_until_it_arrives),
        BT_TEST_IN_DIR(a_crawl_goes_on_over_the_full_hour),
        BT_TEST_IN_DIR(a_stop_empties_the_zone),
    };
    return cmocka_run_group_tests_name("zone_player", tests, NULL, NULL);
}

#include "player/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sched.h>

#include "player/test_house.h"
#include "playlists/timeline.h"

// Far more than any of these takes: a bound for a test that hangs, not a measurement.
#define PATIENCE_NS (180 * BT_NS_PER_S)

#define TWO_STILLS                                                                                 \
    "{'id':'mot','type':'image','asset':'den','seconds':2},"                                       \
    "{'id':'hai','type':'image','asset':'den','seconds':3}"

struct desk {
    struct bt_test_house house;
    struct bt_loader *loader;
    int64_t start_ns;
};

static void open_desk(struct desk *desk, const char *items)
{
    desk->start_ns = bt_test_house_open(&desk->house, items);
    desk->loader = bt_loader_create(desk->house.order, desk->house.kitchen, 0);
}

static void close_desk(struct desk *desk)
{
    bt_loader_destroy(desk->loader);
    bt_test_house_finish(&desk->house);
}

static struct bt_delivery *wait_for_delivery(struct desk *desk)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    struct bt_delivery *delivery = bt_loader_take(desk->loader);
    while (delivery == NULL && bt_clock_mono_ns(bt_clock_real()) < until_ns) {
        sched_yield();
        delivery = bt_loader_take(desk->loader);
    }
    if (delivery == NULL) {
        fail_msg("nothing was delivered");
        abort();  // the compiler does not know that fail_msg never returns
    }
    return delivery;
}

// The next item must be this one, due at so many seconds; gives its ticket.
static uint64_t expect_item(struct desk *desk, const char *item, int64_t due_s)
{
    BT_AUTO(bt_delivery) delivery = wait_for_delivery(desk);
    assert_non_null(delivery->prepared);
    assert_string_equal(delivery->prepared->play.item, item);
    assert_int_equal(delivery->prepared->start_ns - desk->start_ns, due_s * BT_NS_PER_S);
    return delivery->prepared->ticket;
}

static void started(struct desk *desk, uint64_t ticket, int64_t end_s)
{
    bt_loader_started(desk->loader, ticket, desk->start_ns + end_s * BT_NS_PER_S);
}

static void items_come_one_ahead_of_the_screen(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    open_desk(&desk, TWO_STILLS);
    bt_loader_want(desk.loader, desk.start_ns, 7);
    BT_AUTO(bt_delivery) first = wait_for_delivery(&desk);
    assert_int_equal(first->epoch, 7);
    assert_string_equal(first->prepared->play.item, "mot");
    assert_non_null(first->prepared->image);
    started(&desk, first->prepared->ticket, 2);
    uint64_t second = expect_item(&desk, "hai", 2);
    started(&desk, second, 5);
    expect_item(&desk, "mot", 5);
    close_desk(&desk);
}

static void a_start_of_something_older_means_nothing(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    open_desk(&desk, TWO_STILLS);
    bt_loader_want(desk.loader, desk.start_ns, 1);
    uint64_t first = expect_item(&desk, "mot", 0);
    started(&desk, first, 2);
    uint64_t second = expect_item(&desk, "hai", 2);
    started(&desk, first, 1);  // else "mot" came now, and "hai" was lost
    started(&desk, second, 5);
    expect_item(&desk, "mot", 5);
    close_desk(&desk);
}

static void in_a_hurry_the_next_item_comes_sooner_and_only_once(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    open_desk(&desk, "{'id':'mot','type':'image','asset':'den','seconds':3600},"
                     "{'id':'hai','type':'image','asset':'den','seconds':3600}");
    bt_loader_want(desk.loader, desk.start_ns, 1);
    uint64_t first = expect_item(&desk, "mot", 0);
    started(&desk, first, 3600);
    bt_loader_hurry(desk.loader, desk.start_ns + 9 * BT_NS_PER_S);
    uint64_t second = expect_item(&desk, "hai", 9);
    bt_loader_hurry(desk.loader, desk.start_ns + 10 * BT_NS_PER_S);  // it is on its way
    started(&desk, second, 11);
    bt_loader_hurry(desk.loader, desk.start_ns + 11 * BT_NS_PER_S);
    expect_item(&desk, "mot", 11);
    close_desk(&desk);
}

static void what_cannot_be_shown_is_passed_over(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    bt_test_house_add_missing(&desk.house, "mat");
    open_desk(&desk, "{'id':'mat','type':'image','asset':'mat','seconds':2},"
                     "{'id':'con','type':'image','asset':'den','seconds':2}");
    bt_loader_want(desk.loader, desk.start_ns, 1);
    expect_item(&desk, "con", 0);
    close_desk(&desk);
}

static void when_nothing_is_left_the_safe_card_comes(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    bt_test_house_add_missing(&desk.house, "mat");
    open_desk(&desk, "{'id':'mat','type':'image','asset':'mat','seconds':2}");
    bt_loader_want(desk.loader, desk.start_ns, 1);
    BT_AUTO(bt_delivery) delivery = wait_for_delivery(&desk);
    assert_string_equal(delivery->prepared->play.kind, "safe-card");
    assert_non_null(delivery->prepared->image);
    assert_int_equal(delivery->prepared->image->width, 64);
    close_desk(&desk);
}

static void a_clock_that_is_set_replaces_what_is_on_the_screen(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    open_desk(&desk, "{'id':'mot','type':'image','asset':'den','seconds':3600}");
    bt_loader_want(desk.loader, desk.start_ns, 1);
    uint64_t first = expect_item(&desk, "mot", 0);
    started(&desk, first, 3600);
    bt_clock_set_wall(desk.house.clock, bt_clock_wall_ms(desk.house.clock) + 3600 * 1000);
    BT_AUTO(bt_delivery) delivery = wait_for_delivery(&desk);
    assert_true(delivery->prepared->immediate);
    assert_true(delivery->prepared->ticket > first);
    assert_int_equal(delivery->epoch, 1);
    close_desk(&desk);
}

static void a_clock_on_the_screen_gets_its_faces(void **state)
{
    struct desk desk;
    bt_test_house_init(&desk.house, *state);
    open_desk(&desk, "{'id':'gio','type':'clock','pattern':'%H:%M:%S'}");
    bt_loader_want(desk.loader, desk.start_ns, 1);
    uint64_t first = expect_item(&desk, "gio", 0);
    started(&desk, first, 3600);
    int64_t last_ns = 0;
    for (int i = 0; i < 2; i++) {
        BT_AUTO(bt_delivery) delivery = wait_for_delivery(&desk);
        assert_non_null(delivery->face);
        assert_string_equal(delivery->clock->id, "gio");
        // The clock began on a full second, so faces are due on full seconds from there.
        assert_int_equal((delivery->at_ns - desk.start_ns) % BT_NS_PER_S / BT_NS_PER_MS, 0);
        assert_true(delivery->at_ns > last_ns);
        last_ns = delivery->at_ns;
    }
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(items_come_one_ahead_of_the_screen),
        BT_TEST_IN_DIR(a_start_of_something_older_means_nothing),
        BT_TEST_IN_DIR(in_a_hurry_the_next_item_comes_sooner_and_only_once),
        BT_TEST_IN_DIR(what_cannot_be_shown_is_passed_over),
        BT_TEST_IN_DIR(when_nothing_is_left_the_safe_card_comes),
        BT_TEST_IN_DIR(a_clock_that_is_set_replaces_what_is_on_the_screen),
        BT_TEST_IN_DIR(a_clock_on_the_screen_gets_its_faces),
    };
    return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}

#include "player/running_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "playlists/show_fixture.h"

#define NOW_MS 1795240000000LL  // in November 2026
#define PUBLICATION                                                                                \
    "{'format':1,'id':'a','version':1,'layer':'unit','unit':'x','title':'x',"                      \
    "'canvas':{'width':64,'height':36},'playlists':[{'name':'p','items':["                         \
    "{'id':'do','type':'colour','colour':'#ff0000','seconds':4},"                                  \
    "{'id':'xanh','type':'colour','colour':'#0000ff','seconds':6}]}],"                             \
    "'zones':[{'name':'z','playlist':'p'}]}"

static struct bt_running_order *new_order(const struct bt_clock *clock, enum bt_trust_mode trust,
                                          int64_t floor_ms)
{
    return bt_running_order_create(fixture_show(PUBLICATION), clock, trust, floor_ms);
}

static int64_t wall_ms(struct bt_running_order *order, const struct bt_clock *clock)
{
    enum bt_clock_trust trust;
    return bt_running_order_wall_ms(order, bt_clock_mono_ns(clock), &trust);
}

static void slots_come_on_the_monotonic_clock(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(500 * BT_NS_PER_S, NOW_MS);
    BT_AUTO(bt_running_order) order = new_order(clock, BT_TRUST_ALWAYS, 0);
    bt_running_order_start(order, 500 * BT_NS_PER_S);
    int64_t at_ns = 500 * BT_NS_PER_S, offset_ns;
    static const struct {
        const char *item;
        int64_t end_s;
    } expected[] = {{"do", 504}, {"xanh", 510}, {"do", 514}};
    for (size_t i = 0; i < BT_ARRAY_LEN(expected); i++) {
        struct bt_slot slot;
        bt_running_order_next(order, 0, at_ns, &slot, &offset_ns);
        assert_string_equal(slot.item->id, expected[i].item);
        at_ns = bt_running_order_to_mono(slot.end_ns, offset_ns);
        assert_int_equal(at_ns, expected[i].end_s * BT_NS_PER_S);
    }
    assert_int_equal(bt_running_order_to_mono(INT64_MAX, offset_ns), INT64_MAX);
}

static void an_untrusted_clock_is_never_behind_what_the_journal_knew(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, 1000);  // 1970
    BT_AUTO(bt_running_order) order = new_order(clock, BT_TRUST_NEVER, NOW_MS);
    assert_int_equal(wall_ms(order, clock), NOW_MS);
    bt_clock_advance(clock, 90 * BT_NS_PER_S);
    assert_int_equal(wall_ms(order, clock), NOW_MS + 90000);
    assert_int_equal(bt_running_order_generation(order), 0);
    enum bt_clock_trust trust;
    bt_running_order_wall_ms(order, 0, &trust);
    assert_int_equal(trust, BT_CLOCK_UNKNOWN);
}

static void a_trusted_clock_may_be_behind_what_the_journal_knew(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, NOW_MS - 5000);
    BT_AUTO(bt_running_order) order = new_order(clock, BT_TRUST_ALWAYS, NOW_MS);
    assert_int_equal(wall_ms(order, clock), NOW_MS - 5000);
}

static void a_clock_that_is_set_begins_a_new_plan(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, NOW_MS);
    BT_AUTO(bt_running_order) order = new_order(clock, BT_TRUST_ALWAYS, 0);
    bt_running_order_start(order, 0);
    struct bt_slot slot;
    int64_t offset_ns;
    bt_running_order_next(order, 0, 0, &slot, &offset_ns);
    assert_string_equal(slot.item->id, "do");

    bt_clock_advance(clock, 2 * BT_NS_PER_S);
    bt_clock_set_wall(clock, NOW_MS + 2000 + 1500);  // too little to care
    assert_int_equal(bt_running_order_generation(order), 0);
    bt_clock_set_wall(clock, NOW_MS + 2000 + 3600 * 1000);
    assert_int_equal(bt_running_order_generation(order), 1);
    assert_int_equal(bt_running_order_generation(order), 1);
    assert_int_equal(wall_ms(order, clock), NOW_MS + 2000 + 3600 * 1000);
    bt_running_order_next(order, 0, 2 * BT_NS_PER_S, &slot, &offset_ns);
    assert_string_equal(slot.item->id, "do");
    assert_int_equal(bt_running_order_to_mono(slot.start_ns, offset_ns), 2 * BT_NS_PER_S);
    bt_clock_set_wall(clock, NOW_MS);  // and back
    assert_int_equal(bt_running_order_generation(order), 2);
}

static void small_steps_add_up(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, NOW_MS);
    BT_AUTO(bt_running_order) order = new_order(clock, BT_TRUST_ALWAYS, 0);
    bt_running_order_start(order, 0);
    bt_clock_set_wall(clock, NOW_MS + 1500);
    assert_int_equal(bt_running_order_generation(order), 0);
    bt_clock_set_wall(clock, NOW_MS + 3000);
    assert_int_equal(bt_running_order_generation(order), 1);
}

static void a_skipped_item_is_not_chosen_again(void **state)
{
    (void)state;
    BT_AUTO(bt_clock) clock = bt_clock_create_simulated(0, NOW_MS);
    BT_AUTO(bt_running_order) order = new_order(clock, BT_TRUST_ALWAYS, 0);
    bt_running_order_start(order, 0);
    struct bt_slot slot;
    int64_t offset_ns;
    bt_running_order_next(order, 0, 0, &slot, &offset_ns);
    bt_running_order_skip(order, 0);
    bt_running_order_next(order, 0, 0, &slot, &offset_ns);
    assert_string_equal(slot.item->id, "xanh");
    bt_running_order_skip(order, 0);
    bt_running_order_next(order, 0, 0, &slot, &offset_ns);
    assert_null(slot.item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_come_on_the_monotonic_clock),
        cmocka_unit_test(an_untrusted_clock_is_never_behind_what_the_journal_knew),
        cmocka_unit_test(a_trusted_clock_may_be_behind_what_the_journal_knew),
        cmocka_unit_test(a_clock_that_is_set_begins_a_new_plan),
        cmocka_unit_test(small_steps_add_up),
        cmocka_unit_test(a_skipped_item_is_not_chosen_again),
    };
    return cmocka_run_group_tests_name("running_order", tests, NULL, NULL);
}

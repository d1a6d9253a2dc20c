#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "plays/summary.h"
#include "plays/testing.h"

static struct bt_record shown(const char *item, int64_t frames, int64_t shown_ms, bool complete)
{
    struct bt_record record = {.kind = BT_RECORD_PLAY, .complete = complete};
    record.start = bt_test_start(item, 10000);
    record.total.presented = frames;
    record.total.shown_ms = shown_ms;
    return record;
}

static void add_card(struct bt_summary *summary, int64_t card, int64_t run, bool complete)
{
    struct bt_record record = shown("bo-the", 1, 5000, complete);
    record.start.card = card;
    record.start.cards = 3;
    record.start.run = run;
    bt_summary_add(summary, &record);
}

static void items_are_counted_apart(void **state)
{
    (void)state;
    BT_AUTO(bt_summary) summary = bt_summary_create();
    struct bt_record clip = shown("clip", 1500, 60000, true);
    struct bt_record cut = shown("clip", 400, 16000, false);
    struct bt_record still = shown("ảnh", 1, 10000, true);
    bt_summary_add(summary, &clip);
    bt_summary_add(summary, &still);
    bt_summary_add(summary, &cut);
    bt_summary_add(summary, &clip);
    assert_int_equal(bt_summary_count(summary), 2);
    const struct bt_summary_item *item = bt_summary_item(summary, 0);
    assert_string_equal(item->item, "clip");
    assert_int_equal(item->complete, 2);
    assert_int_equal(item->partial, 1);
    assert_int_equal(item->frames, 3400);
    assert_int_equal(item->shown_ms, 136000);
}

static void a_set_is_complete_when_all_its_cards_are(void **state)
{
    (void)state;
    BT_AUTO(bt_summary) summary = bt_summary_create();
    for (int64_t card = 1; card <= 3; card++) {
        add_card(summary, card, 1, true);  // whole
    }
    for (int64_t card = 1; card <= 3; card++) {
        add_card(summary, card, 2, card != 2);  // one card cut
    }
    add_card(summary, 1, 3, true);  // and one that never went on
    struct bt_record start = {.kind = BT_RECORD_START};
    bt_summary_add(summary, &start);
    add_card(summary, 1, 3, true);  // another run 3, after a restart
    add_card(summary, 2, 3, true);
    add_card(summary, 3, 3, true);
    bt_summary_close(summary);
    const struct bt_summary_item *item = bt_summary_item(summary, 0);
    assert_int_equal(item->complete, 2);
    assert_int_equal(item->partial, 2);
    assert_int_equal(item->cards, 9);
}

static void two_zones_with_the_same_set_do_not_mix(void **state)
{
    (void)state;
    BT_AUTO(bt_summary) summary = bt_summary_create();
    for (int64_t card = 1; card <= 3; card++) {
        add_card(summary, card, 1, true);
        struct bt_record other = shown("bo-the", 1, 5000, true);
        other.start.card = card;
        other.start.cards = 3;
        other.start.run = 9;
        bt_copy_cut(other.start.zone, sizeof(other.start.zone), "ben");
        bt_summary_add(summary, &other);
    }
    bt_summary_close(summary);
    assert_int_equal(bt_summary_item(summary, 0)->complete, 2);
    assert_int_equal(bt_summary_item(summary, 0)->partial, 0);
}

static void too_many_items_share_a_line(void **state)
{
    (void)state;
    BT_AUTO(bt_summary) summary = bt_summary_create();
    for (int i = 0; i < BT_SUMMARY_MAX_ITEMS + 100; i++) {
        char name[32];
        assert_int_equal(bt_format(name, sizeof(name), "item-%d", i), 0);
        struct bt_record record = shown(name, 1, 1, true);
        bt_summary_add(summary, &record);
    }
    assert_int_equal(bt_summary_count(summary), BT_SUMMARY_MAX_ITEMS + 1);
    assert_int_equal(bt_summary_item(summary, BT_SUMMARY_MAX_ITEMS)->complete, 100);
}

static void the_table_is_aligned_whatever_the_letters(void **state)
{
    (void)state;
    BT_AUTO(bt_summary) summary = bt_summary_create();
    struct bt_record clip = shown("phong-su", 7500, 300040, true);
    bt_summary_add(summary, &clip);
    for (int64_t card = 1; card <= 3; card++) {
        add_card(summary, card, 1, true);
    }
    bt_summary_close(summary);
    BT_AUTOBUF out;
    bt_buf_init(&out, 4096);
    assert_int_equal(bt_summary_print(summary, &out), 0);
    assert_string_equal(bt_buf_text(&out),
                        "Nội dung   Trọn vẹn  Dở dang  Thẻ  Khung hình   Giây\n"
                        "phong-su          1        0            7.500  300,0\n"
                        "bo-the            1        0    3           3   15,0\n"
                        "Tổng cộng         2        0    3       7.503  315,0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_counted_apart),
        cmocka_unit_test(a_set_is_complete_when_all_its_cards_are),
        cmocka_unit_test(two_zones_with_the_same_set_do_not_mix),
        cmocka_unit_test(too_many_items_share_a_line),
        cmocka_unit_test(the_table_is_aligned_whatever_the_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

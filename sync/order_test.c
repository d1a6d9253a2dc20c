#include "sync/order.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

// With ' for ".
static struct bt_order *read_order(const char *quoted, int *out_r)
{
    BT_AUTOFREE char *text = bt_strdup(quoted);
    for (char *c = strchr(text, '\''); c != NULL; c = strchr(c, '\'')) {
        *c = '"';
    }
    BT_AUTOJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, NULL), 0);
    struct bt_order *order = NULL;
    *out_r = bt_order_read(json, &order, NULL);
    return order;
}

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void a_takedown_names_hashes_and_items(void **state)
{
    (void)state;
    int r;
    BT_AUTO(bt_order)
    order = read_order("{'n': 12, 'kind': 'takedown', 'id': 't-4QX2M9', 'assets': ['" HASH "'],"
                       " 'items': [{'publication': 'p', 'item': 'i'}], 'issued_ms': 1}",
                       &r);
    assert_int_equal(r, 0);
    assert_int_equal(order->what, BT_INSTRUCTION_TAKEDOWN);
    assert_true(bt_instruction_removes(order->what));
    BT_AUTO(bt_news) news = bt_order_news(order);
    assert_int_equal(news->kind, BT_NEWS_ORDER);
    assert_int_equal(news->order, BT_ORDER_TAKEDOWN);
    assert_int_equal(news->number, 12);
    assert_int_equal(news->asset_count, 1);
    assert_int_equal(news->assets[0].bytes[1], 0x11);
    assert_string_equal(news->items[0].item, "i");
}

static void what_cannot_be_obeyed_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"{'n': 1, 'kind': 'dance'}", "unknown kind"},
        {"{'n': 1}", "unknown kind"},
        {"{'n': 1, 'kind': 'volume'}", "'percent' is missing"},
        {"{'n': 1, 'kind': 'volume', 'percent': 101}", "101"},
        {"{'n': 1, 'kind': 'takedown', 'assets': []}", "'id' is missing"},
        {"{'n': 1, 'kind': 'takedown', 'id': 't', 'assets': ['AB']}", "assets[0]"},
        {"{'n': 1, 'kind': 'takedown', 'id': 't', 'items': [{'publication': 'p'}]}", "items[0]"},
        {"{'n': 1, 'kind': 'emergency'}", "'activation' is missing"},
        {"{'n': 1, 'kind': 'emergency', 'activation': 5}", "must be a text"},
        {"{'n': 1, 'kind': 'identify', 'seconds': 0}", "0"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        int r;
        BT_AUTO(bt_order) order = read_order(cases[i].text, &r);
        assert_int_equal(r, 0);
        assert_int_equal(order->what, BT_INSTRUCTION_UNKNOWN);
        assert_false(bt_instruction_removes(order->what));
        assert_non_null(strstr(order->problem, cases[i].problem));
        assert_null(bt_order_news(order));
    }
}

static void an_order_without_a_number_is_none(void **state)
{
    (void)state;
    static const char *const cases[] = {"{'kind': 'blank'}", "{'n': 0, 'kind': 'blank'}",
                                        "{'n': '1', 'kind': 'blank'}", "{'n': 1.5}", "[]"};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        int r;
        BT_AUTO(bt_order) order = read_order(cases[i], &r);
        assert_int_equal(r, -EINVAL);
    }
}

static void an_activation_comes_as_a_text_or_as_an_object(void **state)
{
    (void)state;
    int r;
    BT_AUTO(bt_order) text = read_order("{'n': 1, 'kind': 'emergency', 'activation': '{}'}", &r);
    assert_string_equal(text->activation, "{}");
    BT_AUTO(bt_order) object = read_order("{'n': 1, 'kind': 'emergency', 'activation': {}}", &r);
    assert_string_equal(object->activation, "{}");
    assert_null(bt_order_news(object));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_takedown_names_hashes_and_items),
        cmocka_unit_test(what_cannot_be_obeyed_is_refused_with_a_reason),
        cmocka_unit_test(an_order_without_a_number_is_none),
        cmocka_unit_test(an_activation_comes_as_a_text_or_as_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "player/orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// What was answered last.
struct desk {
    int64_t number;
    enum bt_order_state state;
    int answers;
};

static void done(void *context, int64_t number, enum bt_order_state state, const char *detail)
{
    struct desk *desk = context;
    (void)detail;
    desk->number = number;
    desk->state = state;
    desk->answers++;
}

static bool is_blank(const struct bt_waiting_order *order, void *context)
{
    (void)context;
    return order->kind == BT_ORDER_BLANK;
}

static void an_order_is_answered_once_when_it_was_obeyed(void **state)
{
    (void)state;
    struct desk desk = {0};
    const struct bt_news_source source = {.context = &desk, .done = done};
    struct bt_orders orders = {.source = &source};
    bt_orders_wait(&orders, 4, BT_ORDER_TAKEDOWN, 0);
    bt_orders_wait(&orders, 5, BT_ORDER_BLANK, 0);
    bt_orders_settle(&orders, is_blank, NULL);
    assert_int_equal(desk.number, 5);
    assert_int_equal(desk.state, BT_ORDER_DONE);
    bt_orders_settle(&orders, is_blank, NULL);
    assert_int_equal(desk.answers, 1);
    assert_true(bt_orders_any(&orders, BT_ORDER_TAKEDOWN));
    assert_int_equal(bt_orders_take(&orders, BT_ORDER_TAKEDOWN), 4);
    assert_int_equal(bt_orders_take(&orders, BT_ORDER_TAKEDOWN), 0);
}

static void what_was_answered_before_a_restart_is_not_answered_again(void **state)
{
    (void)state;
    struct desk desk = {0};
    const struct bt_news_source source = {.context = &desk, .done = done};
    struct bt_orders orders = {.source = &source};
    bt_orders_wait(&orders, 0, BT_ORDER_BLANK, 0);
    bt_orders_settle(&orders, is_blank, NULL);
    bt_orders_answer(&orders, 0, BT_ORDER_FAILED, "");
    assert_int_equal(desk.answers, 0);
}

static void one_order_too_many_fails_aloud(void **state)
{
    (void)state;
    struct desk desk = {0};
    const struct bt_news_source source = {.context = &desk, .done = done};
    struct bt_orders orders = {.source = &source};
    for (int64_t i = 1; i <= BT_MAX_WAITING_ORDERS; i++) {
        bt_orders_wait(&orders, i, BT_ORDER_TAKEDOWN, 0);
    }
    assert_int_equal(desk.answers, 0);
    bt_orders_wait(&orders, 99, BT_ORDER_TAKEDOWN, 0);
    assert_int_equal(desk.number, 99);
    assert_int_equal(desk.state, BT_ORDER_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_answered_once_when_it_was_obeyed),
        cmocka_unit_test(what_was_answered_before_a_restart_is_not_answered_again),
        cmocka_unit_test(one_order_too_many_fails_aloud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

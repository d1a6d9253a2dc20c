#include "player/orders.h"

#include <string.h>

void bt_orders_answer(struct bt_orders *orders, int64_t number, enum bt_order_state state,
                      const char *detail)
{
    if (number > 0) {
        orders->source->done(orders->source->context, number, state, detail);
    }
}

void bt_orders_wait(struct bt_orders *orders, int64_t number, enum bt_order_kind kind,
                    int64_t now_ns)
{
    if (number < 1) {
        return;
    }
    if (orders->count == BT_MAX_WAITING_ORDERS) {
        bt_orders_answer(orders, number, BT_ORDER_FAILED,
                         "Quá nhiều lệnh chưa xong / too many orders at once");
        return;
    }
    orders->waiting[orders->count++] = (struct bt_waiting_order){number, kind, now_ns};
}

bool bt_orders_any(const struct bt_orders *orders, enum bt_order_kind kind)
{
    for (size_t i = 0; i < orders->count; i++) {
        if (orders->waiting[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static void forget(struct bt_orders *orders, size_t index)
{
    orders->count--;
    memmove(&orders->waiting[index], &orders->waiting[index + 1],
            (orders->count - index) * sizeof(orders->waiting[0]));
}

void bt_orders_settle(struct bt_orders *orders,
                      bool (*is_obeyed)(const struct bt_waiting_order *order, void *context),
                      void *context)
{
    for (size_t i = 0; i < orders->count;) {
        if (is_obeyed(&orders->waiting[i], context)) {
            int64_t number = orders->waiting[i].number;
            forget(orders, i);
            bt_orders_answer(orders, number, BT_ORDER_DONE, "");
        } else {
            i++;
        }
    }
}

int64_t bt_orders_take(struct bt_orders *orders, enum bt_order_kind kind)
{
    for (size_t i = 0; i < orders->count; i++) {
        if (orders->waiting[i].kind == kind) {
            int64_t number = orders->waiting[i].number;
            forget(orders, i);
            return number;
        }
    }
    return 0;
}

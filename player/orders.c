#include "player/orders.h"

#include <string.h>

#include "base/str.h"

void bt_orders_answer(struct bt_orders *orders, int64_t number, enum bt_order_state state,
                      const char *detail)
{
    if (number > 0) {
        orders->source->done(orders->source->context, number, state, detail);
    }
}

static void add(struct bt_orders *orders, const struct bt_waiting_order *order)
{
    if (order->number < 1) {
        return;
    }
    if (orders->count == BT_MAX_WAITING_ORDERS) {
        bt_orders_answer(orders, order->number, BT_ORDER_FAILED,
                         "Quá nhiều lệnh chưa xong / too many orders at once");
        return;
    }
    orders->waiting[orders->count++] = *order;
}

void bt_orders_wait(struct bt_orders *orders, int64_t number, enum bt_order_kind kind,
                    int64_t now_ns)
{
    const struct bt_waiting_order order = {.number = number, .kind = kind, .since_ns = now_ns};
    add(orders, &order);
}

void bt_orders_wait_for(struct bt_orders *orders, const struct bt_news *order, int64_t now_ns)
{
    struct bt_waiting_order waiting = {
        .number = order->number, .kind = order->order, .since_ns = now_ns};
    bt_copy_cut(waiting.id, sizeof(waiting.id), order->id);
    waiting.until_ms = order->order == BT_ORDER_EMERGENCY ? order->value : 0;
    add(orders, &waiting);
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

void bt_orders_give_up(struct bt_orders *orders,
                       const char *(*why)(const struct bt_waiting_order *order, void *context),
                       void *context)
{
    for (size_t i = 0; i < orders->count;) {
        const char *reason = why(&orders->waiting[i], context);
        if (reason != NULL) {
            int64_t number = orders->waiting[i].number;
            forget(orders, i);
            bt_orders_answer(orders, number, BT_ORDER_FAILED, reason);
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

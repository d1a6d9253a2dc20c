// Orders: bounded, and what cannot be obeyed says why.
#include <assert.h>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "sync/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTOJSON *json = NULL;
    BT_AUTO(bt_order) order = NULL;
    struct bt_error err = {0};
    if (bt_json_parse((const char *)data, size, &json, &err) < 0) {
        return 0;
    }
    if (bt_order_read(json, &order, &err) < 0) {
        assert(order == NULL && err.msg[0] != '\0');
        return 0;
    }
    assert(order->n >= 1 && order->what <= BT_INSTRUCTION_UNKNOWN);
    assert(order->asset_count <= BT_ORDER_MAX_ASSETS && order->item_count <= BT_ORDER_MAX_ITEMS);
    assert((order->what == BT_INSTRUCTION_UNKNOWN) == (order->problem[0] != '\0'));
    BT_AUTO(bt_news) news = bt_order_news(order);
    assert(news == NULL || news->number == order->n);
    return 0;
}

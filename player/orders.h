/**
 * Orders that were given and not answered yet. Each is answered when a present has shown that it
 * was obeyed. Main thread.
 */
#ifndef BT_PLAYER_ORDERS_H
#define BT_PLAYER_ORDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "player/news_source.h"

// A server has not so many open at once; one more is answered as failed.
#define BT_MAX_WAITING_ORDERS 64

struct bt_waiting_order {
    int64_t number;
    enum bt_order_kind kind;
    int64_t since_ns;
    char id[64];       // of an emergency
    int64_t until_ms;  // of an emergency; 0: it is none
};

struct bt_orders {
    const struct bt_news_source *source;  // borrowed
    struct bt_waiting_order waiting[BT_MAX_WAITING_ORDERS];
    size_t count;
};

// Answers now. Numbers below 1 want no answer: they were answered before the player was restarted.
void bt_orders_answer(struct bt_orders *orders, int64_t number, enum bt_order_state state,
                      const char *detail);

void bt_orders_wait(struct bt_orders *orders, int64_t number, enum bt_order_kind kind,
                    int64_t now_ns);
// Of an emergency or its end.
void bt_orders_wait_for(struct bt_orders *orders, const struct bt_news *order, int64_t now_ns);
bool bt_orders_any(const struct bt_orders *orders, enum bt_order_kind kind);

// Answers those of which it is true as done.
void bt_orders_settle(struct bt_orders *orders,
                      bool (*is_obeyed)(const struct bt_waiting_order *order, void *context),
                      void *context);

// Answers those for which there is a reason as failed. The reason is borrowed during the call.
void bt_orders_give_up(struct bt_orders *orders,
                       const char *(*why)(const struct bt_waiting_order *order, void *context),
                       void *context);

// Forgets the oldest of that kind, for the caller to answer: its number, 0 for none.
int64_t bt_orders_take(struct bt_orders *orders, enum bt_order_kind kind);

#endif

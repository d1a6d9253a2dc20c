// Playing what news says: kitchen, journal, director and stage put together.
#ifndef BT_PLAYER_DIRECTED_H
#define BT_PLAYER_DIRECTED_H

#include "player/news_source.h"
#include "player/screen_options.h"
#include "player/wake.h"

struct bt_directed {
    const struct bt_screen_options *screen;
    const char *assets;  // the store's directory
    const char *plays;   // the journal; NULL: none
    const char *held;    // see player/held.h
    const char *frames;  // see player/director.h
    struct bt_news_source source;
    struct bt_wake *wake;  // borrowed
    const volatile int *stop;
};

// 0 when it ended as asked, by a signal, a window that was closed, or an order to restart.
int bt_play_directed(const struct bt_directed *directed, struct bt_error *err) BT_NODISCARD;

#endif

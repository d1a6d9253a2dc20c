/**
 * The director: what the news says becomes what the stage does. Makes casts of the content that
 * comes and gives them to the stage, obeys orders and answers each once a present has shown that
 * it was obeyed, shows the program's own cards while there is no content, tells the status.
 *
 * Lives on the main loop as the stage's guide; whatever takes longer goes to threads of its own.
 */
#ifndef BT_PLAYER_DIRECTOR_H
#define BT_PLAYER_DIRECTOR_H

#include "player/news_source.h"
#include "player/stage.h"
#include "player/wake.h"

struct bt_director;

struct bt_director_options {
    struct bt_news_source source;
    struct bt_kitchen *kitchen;    // borrowed
    struct bt_recorder *recorder;  // borrowed; NULL without a journal
    struct bt_wake *wake;          // borrowed; the news queue's waker
    const char *held;              // see player/held.h; borrowed
    const char *frames;            // the file for update/frames.h; borrowed; NULL: none
    enum bt_trust_mode trust;      // of the clock
    int64_t floor_ms;              // see bt_running_order_create
};

struct bt_director *bt_director_create(const struct bt_director_options *options) BT_NODISCARD;
void bt_director_destroy(struct bt_director *director);
BT_DEFINE_AUTO(bt_director)

const struct bt_stage_guide *bt_director_guide(const struct bt_director *director);

#endif

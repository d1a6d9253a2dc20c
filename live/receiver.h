/**
 * One live stream being received: two threads, packets between them, frames for whoever looks; and
 * sound for whoever listens (live_sound.h).
 * Inside live/ only; live.h says what it does.
 */
#ifndef BT_LIVE_RECEIVER_H
#define BT_LIVE_RECEIVER_H

#include "live/live.h"

struct bt_live_origin {
    char name[BT_ID_BYTES];  // for people
    char url[BT_LIVE_URL_BYTES];
    char pins[BT_MAX_LIVE_PINS * BT_PIN_BYTES];
    bool local, private_addresses;
};

struct bt_live {
    struct bt_live_house *house;  // borrowed
    size_t references;            // protected by the house's lock
    struct bt_live_origin origin;
    struct bt_receiver *receiver;
};

struct bt_receiver;

// Starts the threads. `origin` must outlive it.
int bt_receiver_start(const struct bt_live_origin *origin, struct bt_receiver **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_receiver_destroy(struct bt_receiver *receiver);
BT_DEFINE_AUTO(bt_receiver)

bool bt_receiver_is_ready(struct bt_receiver *receiver);
void bt_receiver_said(struct bt_receiver *receiver, struct bt_live_said *out);
struct bt_frame *bt_receiver_take(struct bt_receiver *receiver, int64_t at_ns,
                                  int64_t after) BT_NODISCARD;
int64_t bt_receiver_due_ns(struct bt_receiver *receiver, int64_t after);
int64_t bt_receiver_silent_ns(struct bt_receiver *receiver, int64_t at_ns);
struct bt_sound_ring *bt_receiver_listen(struct bt_receiver *receiver) BT_NODISCARD;
int64_t bt_receiver_sound_shift_ns(const struct bt_receiver *receiver);

#endif

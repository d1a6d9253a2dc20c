/**
 * Keeps a sound device for as long as something is to be heard: when to open one, when to look for
 * another, how often to try, when to give it back. Time is told at each look and never asked for,
 * so that tests need no patience.
 *
 * One thread looks. The device's own thread says when it asked for samples, any may read the state.
 */
#ifndef BT_PLAYER_SOUND_KEEPER_H
#define BT_PLAYER_SOUND_KEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "player/sound_device.h"

// A device is kept so long though nothing is heard; opening one may crackle.
#define BT_SOUND_KEEP_NS (10 * BT_NS_PER_S)

// One that asks for nothing for so long hangs.
#define BT_SOUND_STALL_NS (2 * BT_NS_PER_S)

// Between two tries: the first pause; each is twice the one before, up to the longest.
#define BT_SOUND_RETRY_NS BT_NS_PER_S
#define BT_SOUND_MAX_RETRY_NS (30 * BT_NS_PER_S)

enum bt_speaker_state {
    BT_SPEAKER_IDLE,       // nothing is to be heard
    BT_SPEAKER_OK,         // it is
    BT_SPEAKER_NO_DEVICE,  // it should be
};

struct bt_sound_keeper {
    // Set by init, never changed.
    const struct bt_sound_device_impl *impl;
    struct bt_sound_source source;
    // Any thread.
    atomic_int state;               // enum bt_speaker_state
    atomic_int_least64_t asked_ns;  // when the device asked for samples last
    // Of the thread that looks.
    struct bt_sound_device *device;  // NULL: none open
    int64_t wanted_ns;               // when something was to be heard last
    int64_t retry_at_ns, retry_ns;
    bool complained;
};

void bt_sound_keeper_init(struct bt_sound_keeper *keeper, const struct bt_sound_device_impl *impl,
                          struct bt_sound_source source);

// Gives the device back. As everything that touches a device it may take its time.
void bt_sound_keeper_finish(struct bt_sound_keeper *keeper);

// To be called every few hundredths of a second while something is to be heard.
void bt_sound_keeper_look(struct bt_sound_keeper *keeper, bool wanted, int64_t at_ns);

// There is a device, and it does not hang.
bool bt_sound_keeper_sounds(const struct bt_sound_keeper *keeper, int64_t at_ns);

#endif

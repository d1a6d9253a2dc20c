/**
 * A device that sounds: it asks for samples on a thread of its own. The real one is SDL's; tests
 * have others. All functions are called on the speaker's thread and may take their time.
 */
#ifndef BT_PLAYER_SOUND_DEVICE_H
#define BT_PLAYER_SOUND_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Fills `stereo` (at BT_SOUND_RATE); its first frame will be heard at about that instant.
struct bt_sound_source {
    void *context;
    void (*fill)(void *context, float *stereo, size_t frames, int64_t at_ns);
};

struct bt_sound_device;

struct bt_sound_device_impl {
    // Errors: there is no such device, it is busy, or it cannot do what is wanted; with its words.
    int (*open)(const struct bt_sound_source *source, struct bt_sound_device **out,
                struct bt_error *err);
    bool (*is_there)(const struct bt_sound_device *device);  // false: unplugged
    void (*close)(struct bt_sound_device *device);
};

// SDL's, whatever it finds (SDL_AUDIODRIVER chooses).
extern const struct bt_sound_device_impl bt_sound_device_sdl;

#endif

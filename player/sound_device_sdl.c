#include <SDL2/SDL.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/sound_ring.h"
#include "player/sound_device.h"

// 21 ms: short enough for pictures, long enough for a busy Raspberry Pi.
#define BUFFER_FRAMES 1024

static const struct bt_log logger = {"player/sound"};

struct bt_sound_device {
    struct bt_sound_source source;
    SDL_AudioDeviceID id;
    atomic_int_least64_t ahead_ns;  // how long before they are heard samples are asked for
};

// A card plays one buffer while it asks for the next.
static void SDLCALL fill(void *context, Uint8 *bytes, int size)
{
    const struct bt_sound_device *device = context;
    int64_t at_ns = bt_clock_mono_ns(bt_clock_real()) + atomic_load(&device->ahead_ns);
    size_t frames = (size_t)size / (sizeof(float) * BT_SOUND_CHANNELS);
    device->source.fill(device->source.context, (float *)(void *)bytes, frames, at_ns);
}

// SDL keeps the words of a thread that is not its own until it is told to forget them.
static int fail_sdl(struct bt_error *err)
{
    int r = bt_fail(err, -ENODEV, "No sound: %s", SDL_GetError());
    SDL_TLSCleanup();
    return r;
}

/*
 * SDL_InitSubSystem counts its users without a lock and would start SDL's events with the sound;
 * both are the main thread's. Sound alone is started and ended here.
 */
static int sdl_open(const struct bt_sound_source *source, struct bt_sound_device **out,
                    struct bt_error *err)
{
    if (SDL_AudioInit(NULL) < 0) {
        return fail_sdl(err);
    }
    struct bt_sound_device *device = BT_NEW(struct bt_sound_device);
    device->source = *source;
    const SDL_AudioSpec wanted = {
        .freq = BT_SOUND_RATE,
        .format = AUDIO_F32SYS,
        .channels = BT_SOUND_CHANNELS,
        .samples = BUFFER_FRAMES,
        .callback = fill,
        .userdata = device,
    };
    SDL_AudioSpec got = wanted;
    device->id = SDL_OpenAudioDevice(NULL, 0, &wanted, &got, 0);
    if (device->id == 0) {
        free(device);
        int r = fail_sdl(err);
        SDL_AudioQuit();
        return r;
    }
    atomic_store(&device->ahead_ns, (int64_t)got.samples * BT_NS_PER_S / got.freq);
    bt_log_info(&logger, "Sound: %s, %d samples a buffer", SDL_GetCurrentAudioDriver(),
                got.samples);
    *out = device;
    SDL_PauseAudioDevice(device->id, 0);
    return 0;
}

static bool sdl_is_there(const struct bt_sound_device *device)
{
    return SDL_GetAudioDeviceStatus(device->id) == SDL_AUDIO_PLAYING;
}

static void sdl_close(struct bt_sound_device *device)
{
    SDL_CloseAudioDevice(device->id);
    SDL_AudioQuit();
    SDL_TLSCleanup();
    free(device);
}

const struct bt_sound_device_impl bt_sound_device_sdl = {sdl_open, sdl_is_there, sdl_close};

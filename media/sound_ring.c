#include "media/sound_ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bt_sound_ring {
    atomic_int references;
    struct bt_sound_filler filler;  // set before there is a second reference
    // Written by the producer before `begun`, then constant.
    int64_t pts_ns;
    float gain;
    atomic_bool begun, ended;
    // Numbers of frames: `written` is the producer's, `first` the consumer's.
    atomic_int_least64_t written, first;
    float ring[BT_SOUND_RING_FRAMES][BT_SOUND_CHANNELS];
};

struct bt_sound_ring *bt_sound_ring_create(void)
{
    struct bt_sound_ring *sound = BT_NEW(struct bt_sound_ring);
    atomic_init(&sound->references, 1);
    return sound;
}

void bt_sound_ring_set_filler(struct bt_sound_ring *sound, struct bt_sound_filler filler)
{
    sound->filler = filler;
}

struct bt_sound_ring *bt_sound_ring_ref(struct bt_sound_ring *sound)
{
    atomic_fetch_add(&sound->references, 1);
    return sound;
}

void bt_sound_ring_unref(struct bt_sound_ring *sound)
{
    if (sound == NULL || atomic_fetch_sub(&sound->references, 1) > 1) {
        return;
    }
    if (sound->filler.destroy != NULL) {
        sound->filler.destroy(sound->filler.context);
    }
    free(sound);
}

void bt_sound_ring_begin(struct bt_sound_ring *sound, int64_t pts_ns, float gain)
{
    sound->pts_ns = pts_ns;
    sound->gain = gain;
    atomic_store(&sound->begun, true);
}

size_t bt_sound_ring_room(const struct bt_sound_ring *sound)
{
    int64_t used = atomic_load(&sound->written) - atomic_load(&sound->first);
    return BT_SOUND_RING_FRAMES - (size_t)used;
}

void bt_sound_ring_write(struct bt_sound_ring *sound, const float *stereo, size_t frames)
{
    assert(frames <= bt_sound_ring_room(sound));
    int64_t written = atomic_load_explicit(&sound->written, memory_order_relaxed);
    for (size_t i = 0; i < frames; i++) {
        memcpy(sound->ring[(size_t)(written + (int64_t)i) % BT_SOUND_RING_FRAMES],
               stereo + i * BT_SOUND_CHANNELS, sizeof(sound->ring[0]));
    }
    atomic_store(&sound->written, written + (int64_t)frames);
}

void bt_sound_ring_end(struct bt_sound_ring *sound)
{
    atomic_store(&sound->ended, true);
}

bool bt_sound_ring_span(struct bt_sound_ring *sound, struct bt_sound_span *out)
{
    if (!atomic_load(&sound->begun)) {
        return false;
    }
    *out = (struct bt_sound_span){
        .pts_ns = sound->pts_ns,
        .gain = sound->gain,
        .ended = atomic_load(&sound->ended),  // before `end`, which is final then
    };
    out->end = atomic_load(&sound->written);
    out->first = atomic_load_explicit(&sound->first, memory_order_relaxed);
    return true;
}

const float *bt_sound_ring_frame(const struct bt_sound_ring *sound, int64_t number)
{
    return sound->ring[(size_t)number % BT_SOUND_RING_FRAMES];
}

void bt_sound_ring_forget(struct bt_sound_ring *sound, int64_t before)
{
    int64_t first = atomic_load_explicit(&sound->first, memory_order_relaxed);
    int64_t end = atomic_load(&sound->written);
    if (before > first) {
        atomic_store(&sound->first, BT_MIN(before, end));
    }
}

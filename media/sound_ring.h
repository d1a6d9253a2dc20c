/**
 * Sound of one media source: stereo at 48 kHz, with the times of the source's pictures. A ring of
 * two thirds of a second between the one thread that decodes (a file's own, sound_file.h; a live
 * stream's) and the one that mixes. Neither ever waits for the other: who writes finds no room and
 * comes back later, who reads finds nothing and hears silence.
 *
 * Shared by its producer, who lives on another thread, and whoever hears it: counted references.
 */
#ifndef BT_MEDIA_SOUND_RING_H
#define BT_MEDIA_SOUND_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define BT_SOUND_RATE 48000
#define BT_SOUND_CHANNELS 2
#define BT_SOUND_RING_FRAMES 32768  // a power of two; 256 KiB

struct bt_sound_ring;

// What fills it and ends with it: called once, by whoever lets go last; may wait for its thread.
struct bt_sound_filler {
    void *context;
    void (*destroy)(void *context);
};

struct bt_sound_ring *bt_sound_ring_create(void) BT_NODISCARD;  // with one reference
void bt_sound_ring_set_filler(struct bt_sound_ring *sound, struct bt_sound_filler filler);
struct bt_sound_ring *bt_sound_ring_ref(struct bt_sound_ring *sound);
void bt_sound_ring_unref(struct bt_sound_ring *sound);

// For the producer.

// The picture's time of the first frame, and the gain that makes it as loud as others; before the
// first write.
void bt_sound_ring_begin(struct bt_sound_ring *sound, int64_t pts_ns, float gain);
size_t bt_sound_ring_room(const struct bt_sound_ring *sound);  // frames that can be written now
void bt_sound_ring_write(struct bt_sound_ring *sound, const float *stereo, size_t frames);
void bt_sound_ring_end(struct bt_sound_ring *sound);  // no more will come

// For the consumer. Frames are numbered from 0 on, which is at begin's pts.
struct bt_sound_span {
    int64_t pts_ns;      // of frame 0
    float gain;          // of all
    int64_t first, end;  // the frames that are there: [first, end)
    bool ended;          // none will follow
};
bool bt_sound_ring_span(struct bt_sound_ring *sound,
                        struct bt_sound_span *out);  // false: not begun
const float *bt_sound_ring_frame(const struct bt_sound_ring *sound, int64_t number);  // two samples
void bt_sound_ring_forget(struct bt_sound_ring *sound, int64_t before);               // makes room

#endif

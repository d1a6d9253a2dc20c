/**
 * Blocks of sound with the times they claim → one run of frames without noise. What follows what
 * came before within the rounding of stamps is joined; before and after a hole the sound fades, so
 * that nothing clicks; what was given already is left out.
 *
 * It holds back the last 15 ms: only what comes next says whether they are the end. Pure; frames
 * are numbered as in listeners.h. Inside live/ only.
 */
#ifndef BT_LIVE_JOINER_H
#define BT_LIVE_JOINER_H

#include "media/sound_ring.h"

enum { BT_JOINER_FADE_FRAMES = BT_SOUND_RATE * 15 / 1000 };

// Stamps are rounded, some to whole milliseconds and worse. Less than this is no hole.
enum { BT_JOINER_GAP_FRAMES = BT_SOUND_RATE / 50 };

struct bt_joiner_sink {
    void *context;
    void (*write)(void *context, int64_t first, const float *stereo, size_t frames);
};

struct bt_joiner {
    struct bt_joiner_sink sink;
    bool begun;
    int64_t next;     // number of the frame behind those held back
    size_t held;      // frames held back, at most BT_JOINER_FADE_FRAMES
    int64_t risen;    // frames since the last hole
    float *work;      // owned: those held back, then the block
    size_t capacity;  // of it, in frames
};

void bt_joiner_init(struct bt_joiner *joiner, struct bt_joiner_sink sink);
void bt_joiner_finish(struct bt_joiner *joiner);

// `known` false: the block does not say where it belongs; it follows what came before.
void bt_joiner_add(struct bt_joiner *joiner, bool known, int64_t first, const float *stereo,
                   size_t frames);

#endif

#include "live/joiner.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bt_joiner_init(struct bt_joiner *joiner, struct bt_joiner_sink sink)
{
    *joiner = (struct bt_joiner){.sink = sink};
}

void bt_joiner_finish(struct bt_joiner *joiner)
{
    free(joiner->work);
    joiner->work = NULL;
}

static void scale(float *frame, float by)
{
    for (int channel = 0; channel < BT_SOUND_CHANNELS; channel++) {
        frame[channel] *= by;
    }
}

static void give(struct bt_joiner *joiner, size_t frames)
{
    if (frames > 0) {
        joiner->sink.write(joiner->sink.context, joiner->next - (int64_t)joiner->held, joiner->work,
                           frames);
    }
}

// What was held back was the end of something.
static void fade_out(struct bt_joiner *joiner)
{
    for (size_t i = 0; i < joiner->held; i++) {
        scale(joiner->work + i * BT_SOUND_CHANNELS,
              (float)(joiner->held - i) / (float)(joiner->held + 1));
    }
    give(joiner, joiner->held);
    joiner->held = 0;
    joiner->risen = 0;
}

static void fade_in(struct bt_joiner *joiner, float *stereo, size_t frames)
{
    for (size_t i = 0; i < frames && joiner->risen < BT_JOINER_FADE_FRAMES; i++) {
        scale(stereo + i * BT_SOUND_CHANNELS, (float)joiner->risen++ / BT_JOINER_FADE_FRAMES);
    }
}

static void make_room(struct bt_joiner *joiner, size_t frames)
{
    if (frames > joiner->capacity) {
        float *larger = BT_NEW_ARRAY(float, frames *BT_SOUND_CHANNELS);
        if (joiner->held > 0) {
            memcpy(larger, joiner->work, joiner->held * BT_SOUND_CHANNELS * sizeof(*larger));
        }
        free(joiner->work);
        joiner->work = larger;
        joiner->capacity = frames;
    }
}

static void append(struct bt_joiner *joiner, const float *stereo, size_t frames)
{
    const size_t frame_bytes = BT_SOUND_CHANNELS * sizeof(*stereo);
    make_room(joiner, joiner->held + frames);
    float *behind = joiner->work + joiner->held * BT_SOUND_CHANNELS;
    memcpy(behind, stereo, frames * frame_bytes);
    fade_in(joiner, behind, frames);
    size_t all = joiner->held + frames;
    size_t keep = BT_MIN(all, (size_t)BT_JOINER_FADE_FRAMES);
    give(joiner, all - keep);
    memmove(joiner->work, joiner->work + (all - keep) * BT_SOUND_CHANNELS, keep * frame_bytes);
    joiner->held = keep;
    joiner->next += (int64_t)frames;
}

void bt_joiner_add(struct bt_joiner *joiner, bool known, int64_t first, const float *stereo,
                   size_t frames)
{
    if (frames == 0 || (!joiner->begun && !known)) {
        return;
    }
    if (!joiner->begun) {
        joiner->begun = true;
        joiner->next = first;
    }
    int64_t hole = known ? first - joiner->next : 0;
    if (hole > -BT_JOINER_GAP_FRAMES && hole < BT_JOINER_GAP_FRAMES) {
        append(joiner, stereo, frames);
        return;
    }
    if (hole <= -(int64_t)frames) {
        return;  // all of it was given already
    }
    size_t skip = hole < 0 ? (size_t)-hole : 0;
    fade_out(joiner);
    joiner->next = BT_MAX(joiner->next, first);
    append(joiner, stereo + skip * BT_SOUND_CHANNELS, frames - skip);
}

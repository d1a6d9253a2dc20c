#include "player/mixer.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "player/servo.h"

#define NOT_PLAYING INT64_MIN
#define FULL 1000

// Several voices together stay below -1 dBFS; then it takes a third of a second to come back.
#define LIMIT 0.891F
enum { RELEASE_FRAMES = BT_SOUND_RATE / 3 };
#define ATTACK_FRAMES 64

struct bt_voice {
    struct bt_sound_ring *sound;  // one reference
    // Steered by the main thread.
    atomic_int_least64_t origin_ns, end_ns, milli;
    atomic_bool left;
    // Protected by the mixer's lock.
    bool sounding;    // else it waits for its time, for samples, or for a volume
    bool jumping;     // fades out to go on elsewhere
    double position;  // frame of the sound that is heard next
    float gain;       // now, on its way to the volume
    struct bt_servo servo;
};

struct bt_mixer {
    atomic_int_least64_t ceiling;
    pthread_mutex_t lock;  // leaf lock: held for the time of one mix
    // Protected by lock.
    struct bt_voice *voices[BT_MIXER_MAX_VOICES];
    size_t count;
    float limiter;  // the gain of all
    double drift;   // of the card's clock, as the voices learnt it
};

// What one mix of one voice works on.
struct block {
    float *stereo;
    size_t frames;
    int64_t at_ns;
};

struct bt_mixer *bt_mixer_create(void)
{
    struct bt_mixer *mixer = BT_NEW(struct bt_mixer);
    pthread_mutex_init(&mixer->lock, NULL);
    atomic_init(&mixer->ceiling, FULL);
    mixer->limiter = 1;
    return mixer;
}

static void destroy_voice(struct bt_voice *voice)
{
    bt_sound_ring_unref(voice->sound);
    free(voice);
}

void bt_mixer_destroy(struct bt_mixer *mixer)
{
    if (mixer == NULL) {
        return;
    }
    for (size_t i = 0; i < mixer->count; i++) {
        destroy_voice(mixer->voices[i]);
    }
    pthread_mutex_destroy(&mixer->lock);
    free(mixer);
}

struct bt_voice *bt_mixer_add(struct bt_mixer *mixer, struct bt_sound_ring *sound)
{
    struct bt_voice *voice = BT_NEW(struct bt_voice);
    voice->sound = sound;
    atomic_init(&voice->origin_ns, NOT_PLAYING);
    atomic_init(&voice->end_ns, INT64_MAX);
    pthread_mutex_lock(&mixer->lock);
    bool fits = mixer->count < BT_MIXER_MAX_VOICES;
    if (fits) {
        mixer->voices[mixer->count++] = voice;
    }
    pthread_mutex_unlock(&mixer->lock);
    if (!fits) {
        destroy_voice(voice);
    }
    return fits ? voice : NULL;
}

void bt_voice_leave(struct bt_voice *voice)
{
    if (voice != NULL) {
        atomic_store(&voice->left, true);
    }
}

void bt_voice_play(struct bt_voice *voice, int64_t origin_ns)
{
    atomic_store(&voice->origin_ns, origin_ns);
}

void bt_voice_end_at(struct bt_voice *voice, int64_t at_ns)
{
    atomic_store(&voice->end_ns, at_ns);
}

void bt_voice_set_volume(struct bt_voice *voice, int64_t milli)
{
    atomic_store(&voice->milli, milli);
}

void bt_mixer_set_ceiling(struct bt_mixer *mixer, int64_t milli)
{
    atomic_store(&mixer->ceiling, milli);
}

static bool is_wanted(const struct bt_voice *voice)
{
    struct bt_sound_span span;
    bool over = bt_sound_ring_span(voice->sound, &span) && span.ended && span.first == span.end;
    return !over && !atomic_load(&voice->left) && atomic_load(&voice->milli) > 0 &&
           atomic_load(&voice->origin_ns) != NOT_PLAYING;
}

bool bt_mixer_is_wanted(struct bt_mixer *mixer)
{
    bool wanted = false;
    pthread_mutex_lock(&mixer->lock);
    for (size_t i = 0; i < mixer->count && !wanted; i++) {
        wanted = is_wanted(mixer->voices[i]) && atomic_load(&mixer->ceiling) > 0;
    }
    pthread_mutex_unlock(&mixer->lock);
    return wanted;
}

size_t bt_mixer_count(struct bt_mixer *mixer)
{
    pthread_mutex_lock(&mixer->lock);
    size_t count = mixer->count;
    pthread_mutex_unlock(&mixer->lock);
    return count;
}

// Between two frames: a curve through four of them. `position` itself where it hits one.
static float sample_at(const struct bt_voice *voice, const struct bt_sound_span *span,
                       double position, int channel)
{
    int64_t number = (int64_t)floor(position);
    float at = (float)(position - (double)number);
    float y[4];
    for (int i = 0; i < 4; i++) {
        int64_t near = BT_CLAMP(number - 1 + i, span->first, span->end - 1);
        y[i] = bt_sound_ring_frame(voice->sound, near)[channel];
    }
    float c1 = (y[2] - y[0]) / 2;
    float c2 = y[0] - 2.5F * y[1] + 2 * y[2] - y[3] / 2;
    float c3 = (y[3] - y[0]) / 2 + 1.5F * (y[1] - y[2]);
    return ((c3 * at + c2) * at + c1) * at + y[1];
}

static double frames_between(int64_t from_ns, int64_t to_ns)
{
    return (double)(to_ns - from_ns) * BT_SOUND_RATE / (double)BT_NS_PER_S;
}

// The frame of the sound whose picture is on the screen at the instant.
static double wanted_position(const struct bt_voice *voice, const struct bt_sound_span *span,
                              int64_t at_ns)
{
    int64_t origin_ns = atomic_load(&voice->origin_ns);
    return origin_ns == NOT_PLAYING ? (double)-INFINITY
                                    : frames_between(origin_ns + span->pts_ns, at_ns);
}

static float volume(const struct bt_mixer *mixer, const struct bt_voice *voice,
                    const struct bt_sound_span *span)
{
    if (atomic_load(&voice->left) || atomic_load(&voice->origin_ns) == NOT_PLAYING) {
        return 0;
    }
    int64_t milli = BT_MIN(atomic_load(&voice->milli), atomic_load(&mixer->ceiling));
    return (float)milli / FULL * span->gain;
}

// From which frame of the block on it is to fade out, so that it is silent in time.
static double fade_from(const struct bt_voice *voice, const struct bt_sound_span *span,
                        const struct block *block)
{
    int64_t end_ns = atomic_load(&voice->end_ns);
    double from = (double)INFINITY;
    if (end_ns != INT64_MAX) {
        from = frames_between(block->at_ns, end_ns) - BT_MIXER_FADE_FRAMES;
    }
    if (!span->ended) {
        // What will not come in time must not break off.
        double left = (double)span->end - voice->position - 8;
        from = BT_MIN(from, left - BT_MIXER_FADE_FRAMES * (1 + BT_SERVO_MAX_CORRECTION));
    }
    return from;
}

// From which frame of the block on it can begin; -1: not in this one.
static int64_t begin(struct bt_voice *voice, const struct bt_sound_span *span,
                     const struct block *block, bool audible)
{
    double wanted = wanted_position(voice, span, block->at_ns);
    if (!audible) {
        // Keeps up, so that it can be heard at once when it is to be.
        if (wanted > 0) {
            bt_sound_ring_forget(voice->sound, (int64_t)BT_MIN(wanted, 1e15));
        }
        return -1;
    }
    int64_t from = wanted < 0 ? (int64_t)ceil(BT_MIN(-wanted, 1e15)) : 0;
    double position = wanted + (double)from;
    if (from >= (int64_t)block->frames || position < (double)span->first) {
        return -1;
    }
    if (position + 2 * BT_MIXER_FADE_FRAMES > (double)span->end && !span->ended) {
        bt_sound_ring_forget(voice->sound, (int64_t)position);
        return -1;
    }
    voice->sounding = true;
    voice->jumping = false;
    voice->position = position;
    voice->gain = 0;
    return from;
}

// Adds the voice from frame `from` on; false when it is silent and at rest before the block is
// over.
static bool add(struct bt_voice *voice, const struct bt_sound_span *span, const struct block *block,
                int64_t from, double ratio, float loud)
{
    double fade = voice->jumping ? (double)from : fade_from(voice, span, block);
    float step = BT_MAX(loud, span->gain) / BT_MIXER_FADE_FRAMES;
    for (size_t i = (size_t)from; i < block->frames; i++) {
        float target = (double)i >= fade ? 0 : loud;
        float way = target - voice->gain;
        voice->gain = fabsf(way) <= step ? target : voice->gain + (way > 0 ? step : -step);
        if ((voice->gain == 0 && target == 0) || voice->position >= (double)span->end) {
            return false;
        }
        for (int channel = 0; channel < BT_SOUND_CHANNELS; channel++) {
            block->stereo[i * BT_SOUND_CHANNELS + (size_t)channel] +=
                voice->gain * sample_at(voice, span, voice->position, channel);
        }
        voice->position += ratio;
    }
    return true;
}

static bool mix_voice(struct bt_mixer *mixer, struct bt_voice *voice, const struct block *block)
{
    struct bt_sound_span span;
    if (!bt_sound_ring_span(voice->sound, &span)) {
        return false;
    }
    float loud = volume(mixer, voice, &span);
    int64_t from = 0;
    double ratio = 1;
    if (voice->sounding) {
        double wanted = wanted_position(voice, &span, block->at_ns);
        double behind_s = (wanted - voice->position) / BT_SOUND_RATE;
        bool jump = false;
        if (isfinite(behind_s)) {
            ratio = bt_servo_step(&voice->servo, behind_s, (double)block->frames / BT_SOUND_RATE,
                                  &jump);
        }
        voice->jumping = voice->jumping || jump;
        mixer->drift = voice->servo.drift;
    } else {
        bool over = atomic_load(&voice->end_ns) <= block->at_ns;
        from = begin(voice, &span, block, loud > 0 && !over);
        if (from < 0) {
            return false;
        }
        bt_servo_reset(&voice->servo, mixer->drift);
    }
    voice->sounding = add(voice, &span, block, from, ratio, loud);
    bt_sound_ring_forget(voice->sound, (int64_t)voice->position - 1);
    return true;
}

static float peak_of(const float *stereo, size_t samples)
{
    float peak = 0;
    for (size_t i = 0; i < samples; i++) {
        peak = BT_MAX(peak, fabsf(stereo[i]));
    }
    return peak;
}

// The whole block is known, so the gain is down before its peak comes, but for the first 1.3 ms.
static void limit(struct bt_mixer *mixer, float *stereo, size_t frames)
{
    float peak = peak_of(stereo, frames * BT_SOUND_CHANNELS);
    float back = mixer->limiter + (float)frames / RELEASE_FRAMES;
    float target = BT_MIN(peak > LIMIT ? LIMIT / peak : 1.0F, BT_MIN(back, 1.0F));
    if (target >= 1 && mixer->limiter >= 1) {
        return;
    }
    size_t way = target < mixer->limiter ? BT_MIN(frames, (size_t)ATTACK_FRAMES) : frames;
    float step = (target - mixer->limiter) / (float)way;
    for (size_t i = 0; i < frames; i++) {
        mixer->limiter = i < way ? mixer->limiter + step : target;
        for (size_t k = 0; k < BT_SOUND_CHANNELS; k++) {
            float *sample = &stereo[i * BT_SOUND_CHANNELS + k];
            *sample = BT_CLAMP(*sample * mixer->limiter, -1.0F, 1.0F);
        }
    }
    mixer->limiter = target;
}

bool bt_mixer_mix(struct bt_mixer *mixer, float *stereo, size_t frames, int64_t at_ns)
{
    const struct block block = {stereo, frames, at_ns};
    bool heard = false;
    memset(stereo, 0, frames * BT_SOUND_CHANNELS * sizeof(*stereo));
    pthread_mutex_lock(&mixer->lock);
    for (size_t i = 0; i < mixer->count; i++) {
        heard = mix_voice(mixer, mixer->voices[i], &block) || heard;
    }
    if (heard) {
        limit(mixer, stereo, frames);
    }
    pthread_mutex_unlock(&mixer->lock);
    return heard;
}

// Where nobody mixes. What sounded has stopped; where it stood is past.
static void keep_up(struct bt_voice *voice, int64_t now_ns)
{
    struct bt_sound_span span;
    voice->sounding = false;
    if (bt_sound_ring_span(voice->sound, &span)) {
        (void)begin(voice, &span, &(struct block){.at_ns = now_ns}, false);
    }
}

// One that may go, taken out of the list; NULL: none.
static struct bt_voice *take_one(struct bt_mixer *mixer, int64_t now_ns)
{
    struct bt_voice *found = NULL;
    pthread_mutex_lock(&mixer->lock);
    for (size_t i = 0; i < mixer->count && found == NULL; i++) {
        struct bt_voice *voice = mixer->voices[i];
        if (now_ns != 0) {
            keep_up(voice, now_ns);
        }
        if (atomic_load(&voice->left) && !voice->sounding) {
            found = voice;
            mixer->voices[i] = mixer->voices[--mixer->count];
        }
    }
    pthread_mutex_unlock(&mixer->lock);
    return found;
}

void bt_mixer_reap(struct bt_mixer *mixer, int64_t now_ns)
{
    struct bt_voice *voice = take_one(mixer, now_ns);
    for (; voice != NULL; voice = take_one(mixer, now_ns)) {
        destroy_voice(voice);
    }
}

#include "media/loudness.h"

#include <ebur128.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "media/sound_reader.h"
#include "media/sound_ring.h"

#define KEPT 128
#define MAX_MEASURED_FRAMES (INT64_C(600) * BT_SOUND_RATE)
#define MAX_WORK_NS (3 * BT_NS_PER_S)

struct bt_loudness {
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct {
        struct bt_sha256 path;
        float gain;
    } kept[KEPT];  // a ring: the oldest goes
    size_t count, next;
};

struct bt_loudness *bt_loudness_create(void)
{
    struct bt_loudness *loudness = BT_NEW(struct bt_loudness);
    pthread_mutex_init(&loudness->lock, NULL);
    return loudness;
}

void bt_loudness_destroy(struct bt_loudness *loudness)
{
    if (loudness == NULL) {
        return;
    }
    pthread_mutex_destroy(&loudness->lock);
    free(loudness);
}

double bt_loudness_gain_db(double lufs, double peak)
{
    if (!isfinite(lufs) || !(peak > 0)) {
        return 0;
    }
    double gain = BT_LOUDNESS_TARGET_LUFS - lufs;
    gain = BT_CLAMP(gain, -BT_LOUDNESS_MAX_GAIN_DB, BT_LOUDNESS_MAX_GAIN_DB);
    double headroom = BT_LOUDNESS_PEAK_DB - 20 * log10(peak);
    return BT_MIN(gain, BT_MAX(headroom, -BT_LOUDNESS_MAX_GAIN_DB));
}

static double largest_sample(ebur128_state *meter)
{
    double peak = 0;
    for (unsigned i = 0; i < BT_SOUND_CHANNELS; i++) {
        double of_channel = 0;
        (void)ebur128_sample_peak(meter, i, &of_channel);
        peak = BT_MAX(peak, of_channel);
    }
    return peak;
}

static void feed(ebur128_state *meter, struct bt_sound_reader *reader)
{
    int64_t frames = 0, until_ns = bt_clock_worked_ns() + MAX_WORK_NS;
    struct bt_sound_block block;
    struct bt_error ignored;
    while (frames < MAX_MEASURED_FRAMES && bt_clock_worked_ns() < until_ns &&
           bt_sound_reader_read(reader, &block, &ignored) > 0) {
        (void)ebur128_add_frames_float(meter, block.stereo, block.frames);
        frames += (int64_t)block.frames;
    }
}

static float measure(const char *path, const atomic_bool *stop)
{
    BT_AUTO(bt_sound_reader) reader = NULL;
    struct bt_error ignored;
    if (bt_sound_reader_open(path, stop, &reader, &ignored) < 0) {
        return 1;
    }
    // With a histogram an hour takes no more memory than a second.
    ebur128_state *meter =
        ebur128_init(BT_SOUND_CHANNELS, BT_SOUND_RATE,
                     EBUR128_MODE_I | EBUR128_MODE_SAMPLE_PEAK | EBUR128_MODE_HISTOGRAM);
    if (meter == NULL) {
        return 1;
    }
    feed(meter, reader);
    double lufs = -HUGE_VAL;
    (void)ebur128_loudness_global(meter, &lufs);
    double gain_db = bt_loudness_gain_db(lufs, largest_sample(meter));
    ebur128_destroy(&meter);
    return (float)pow(10, gain_db / 20);
}

static bool find(struct bt_loudness *loudness, const struct bt_sha256 *path, float *out)
{
    bool found = false;
    pthread_mutex_lock(&loudness->lock);
    for (size_t i = 0; i < loudness->count && !found; i++) {
        found = memcmp(&loudness->kept[i].path, path, sizeof(*path)) == 0;
        *out = found ? loudness->kept[i].gain : *out;
    }
    pthread_mutex_unlock(&loudness->lock);
    return found;
}

float bt_loudness_gain(struct bt_loudness *loudness, const char *path, const atomic_bool *stop)
{
    const struct bt_sha256 key = bt_sha256_of(path, strlen(path));
    float gain = 1;
    if (find(loudness, &key, &gain)) {
        return gain;
    }
    gain = measure(path, stop);
    if (atomic_load(stop)) {
        return gain;
    }
    pthread_mutex_lock(&loudness->lock);
    loudness->kept[loudness->next].path = key;
    loudness->kept[loudness->next].gain = gain;
    loudness->next = (loudness->next + 1) % KEPT;
    loudness->count = BT_MIN(loudness->count + 1, (size_t)KEPT);
    pthread_mutex_unlock(&loudness->lock);
    return gain;
}

#include "media/sound_ring.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/sound_file.h"
#include "media/stream.h"
#include "media/test_media.h"

#define MAX_FRAMES (BT_SOUND_RATE * 30)

// A minute of patience: the machine may be busy.
#define PATIENCE_NS (180 * BT_NS_PER_S)

struct recording {
    float *left;
    int64_t count;
    int64_t pts_ns;
    float gain;
};

static void take_all(struct bt_sound_ring *sound, struct recording *out)
{
    *out = (struct recording){.left = BT_NEW_ARRAY(float, MAX_FRAMES)};
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    struct bt_sound_span span = {0};
    while (!span.ended || span.first < span.end) {
        assert_true(bt_clock_mono_ns(bt_clock_real()) < until_ns);
        if (!bt_sound_ring_span(sound, &span) || span.first == span.end) {
            sched_yield();
            continue;
        }
        for (int64_t i = span.first; i < span.end && out->count < MAX_FRAMES; i++) {
            out->left[out->count++] = bt_sound_ring_frame(sound, i)[0];
        }
        bt_sound_ring_forget(sound, span.end);
        bt_sound_ring_span(sound, &span);
    }
    out->pts_ns = span.pts_ns;
    out->gain = span.gain;
}

static void play_file(const char *path, int64_t origin_ns, int64_t start_ns,
                      struct bt_loudness *loudness, struct recording *out)
{
    const struct bt_sound_file_options options = {origin_ns, start_ns, loudness};
    struct bt_sound_ring *sound = NULL;
    struct bt_error err;
    assert_int_equal(bt_sound_file_open(path, &options, &sound, &err), 0);
    take_all(sound, out);
    bt_sound_ring_unref(sound);
}

// The first frame that is loud; -1: none.
static int64_t first_loud(const struct recording *recording)
{
    for (int64_t i = 0; i < recording->count; i++) {
        if (fabsf(recording->left[i]) > 0.1F) {
            return i;
        }
    }
    return -1;
}

#define WITHIN_FRAMES (BT_SOUND_RATE / 100)  // 10 ms: what coders smear, and containers round

static void assert_near(int64_t value, int64_t wanted)
{
    if (llabs((long long)(value - wanted)) > WITHIN_FRAMES) {
        fail_msg("%lld, wanted %lld", (long long)value, (long long)wanted);
    }
}

// Where the clip's picture begins by the container's clock.
static int64_t origin_of(const char *path)
{
    const struct bt_stream_options options = {0};
    BT_AUTO(bt_stream) stream = NULL;
    struct bt_error err;
    int64_t origin_ns;
    assert_int_equal(bt_stream_open(path, &options, &stream, &err), 0);
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    assert_int_equal(bt_stream_preroll(stream, 0, until_ns, &err), 0);
    assert_true(bt_stream_origin_ns(stream, &origin_ns));
    return origin_ns;
}

#define BEEP_AT_1S                                                                                 \
    "-f lavfi -i color=gray:s=64x64:r=25:d=4 -f lavfi -i "                                         \
    "\"aevalsrc=0.5*sin(2*PI*1000*t)*gte(t\\,1)*lt(t\\,1.2):s=44100:d=4\" -pix_fmt yuv420p "

static void sound_stands_where_the_picture_does(void **state)
{
    (void)state;
    static const struct {
        const char *name, *arguments;
    } clips[] = {
        {"beep.mp4", BEEP_AT_1S "-c:v libx264 -c:a aac -ac 1"},
        {"beep.mkv", BEEP_AT_1S "-c:v libx264 -c:a libopus -ac 2"},
        {"beep-pcm.avi", BEEP_AT_1S "-c:v mpeg4 -c:a pcm_s16le -ar 22050"},
        {"beep.ts", BEEP_AT_1S "-c:v libx264 -c:a mp2 -output_ts_offset 90"},
        {"beep.mpg", BEEP_AT_1S "-c:v mpeg2video -c:a mp2"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(clips); i++) {
        BT_AUTOFREE char *path = bt_test_media(clips[i].name, clips[i].arguments);
        if (path == NULL) {
            skip();
        }
        struct recording recording;
        int64_t origin_ns = origin_of(path);
        play_file(path, origin_ns, 0, NULL, &recording);
        assert_near(first_loud(&recording), BT_SOUND_RATE);
        free(recording.left);
        play_file(path, origin_ns, 600 * BT_NS_PER_MS, NULL, &recording);
        assert_int_equal(recording.pts_ns, 600 * BT_NS_PER_MS);
        assert_near(first_loud(&recording), BT_SOUND_RATE * 4 / 10);
        free(recording.left);
        play_file(path, origin_ns, 3 * BT_NS_PER_S, NULL, &recording);
        assert_int_equal(first_loud(&recording), -1);
        free(recording.left);
    }
}

static void what_has_no_sound_ends_at_once(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media("mute.mp4", "-f lavfi -i color=gray:s=64x64:d=1");
    const char *paths[] = {path, "/nonexistent", "/dev/null", "/proc/self/exe"};
    for (size_t i = 0; i < BT_ARRAY_LEN(paths); i++) {
        struct recording recording;
        if (paths[i] == NULL) {
            skip();
        }
        play_file(paths[i], 0, 0, NULL, &recording);
        assert_int_equal(recording.count, 0);
        free(recording.left);
    }
}

static void a_sound_nobody_hears_can_be_given_up(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media("beep.mp4", BEEP_AT_1S "-c:v libx264 -c:a aac -ac 1");
    if (path == NULL) {
        skip();
    }
    BT_AUTO(bt_loudness) loudness = bt_loudness_create();
    const struct bt_sound_file_options options = {.loudness = loudness};
    struct bt_sound_ring *sound = NULL;
    struct bt_error err;
    assert_int_equal(bt_sound_file_open(path, &options, &sound, &err), 0);
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    while (bt_sound_ring_room(sound) > 0) {  // its thread waits for room
        assert_true(bt_clock_mono_ns(bt_clock_real()) < until_ns);
        sched_yield();
    }
    bt_sound_ring_unref(bt_sound_ring_ref(sound));
    bt_sound_ring_unref(sound);
}

#define SPEECH(volume)                                                                             \
    "-f lavfi -i color=gray:s=64x64:r=25:d=6 -f lavfi -i "                                         \
    "\"anoisesrc=c=pink:s=1:d=6,highpass=200,volume=" volume "\" -c:v libx264 -c:a aac -ac 2"

static double power_db(const struct recording *recording)
{
    double sum = 0;
    for (int64_t i = 0; i < recording->count; i++) {
        double value = (double)recording->left[i] * (double)recording->gain;
        sum += value * value;
    }
    return 10 * log10(sum / (double)recording->count);
}

static void loud_and_quiet_clips_are_heard_alike(void **state)
{
    (void)state;
    BT_AUTOFREE char *loud = bt_test_media("loud.mp4", SPEECH("0.9"));
    BT_AUTOFREE char *quiet = bt_test_media("quiet.mp4", SPEECH("0.1"));
    if (loud == NULL || quiet == NULL) {
        skip();
    }
    BT_AUTO(bt_loudness) loudness = bt_loudness_create();
    struct recording first, second, again;
    play_file(loud, 0, 0, loudness, &first);
    play_file(quiet, 0, 0, loudness, &second);
    play_file(quiet, 0, 0, loudness, &again);
    assert_true(first.gain < second.gain / 4);  // they were 19 dB apart
    assert_true(fabs(power_db(&first) - power_db(&second)) < 2);
    assert_true(again.gain == second.gain);
    free(first.left);
    free(second.left);
    free(again.left);
}

static void gains_have_bounds(void **state)
{
    (void)state;
    static const struct {
        double lufs, peak, wanted_db;
    } cases[] = {
        {-23, 0.5, 0},   {-9, 1.0, -12},        {-15, 0.9, -8},
        {-30, 0.1, 7},   {-50, 0.01, 12},       {-HUGE_VAL, 0.0, 0.0},
        {-60, 0.0, 0.0}, {(double)NAN, 0.5, 0}, {-30, 0.8, -0.062},  // its peaks leave less room
        {-30, 9.0, -12},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        double db = bt_loudness_gain_db(cases[i].lufs, cases[i].peak);
        if (fabs(db - cases[i].wanted_db) > 0.01) {
            fail_msg("case %zu: %f", i, db);
        }
    }
}

#define RACED_FRAMES (BT_SOUND_RING_FRAMES * 5)

static void *write_a_ramp(void *context)
{
    struct bt_sound_ring *sound = context;
    bt_sound_ring_begin(sound, 7, 1);
    for (int64_t i = 0; i < RACED_FRAMES;) {
        float block[64][BT_SOUND_CHANNELS];
        size_t count = BT_MIN(bt_sound_ring_room(sound), (size_t)64);
        count = BT_MIN(count, (size_t)(RACED_FRAMES - i));
        for (size_t k = 0; k < count; k++) {
            block[k][0] = block[k][1] = (float)((i + (int64_t)k) % 4096) / 8192;
        }
        bt_sound_ring_write(sound, block[0], count);
        i += (int64_t)count;
        if (count == 0) {
            sched_yield();
        }
    }
    bt_sound_ring_end(sound);
    bt_sound_ring_unref(sound);
    return NULL;
}

static void who_writes_and_who_reads_do_not_meet(void **state)
{
    (void)state;
    struct bt_sound_ring *sound = bt_sound_ring_create();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_a_ramp, bt_sound_ring_ref(sound)), 0);
    struct recording recording;
    take_all(sound, &recording);
    pthread_join(thread, NULL);
    bt_sound_ring_unref(sound);
    assert_int_equal(recording.count, RACED_FRAMES);
    assert_int_equal(recording.pts_ns, 7);
    for (int64_t i = 0; i < recording.count; i++) {
        assert_true(recording.left[i] == (float)(i % 4096) / 8192);
    }
    free(recording.left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_stands_where_the_picture_does),
        cmocka_unit_test(what_has_no_sound_ends_at_once),
        cmocka_unit_test(a_sound_nobody_hears_can_be_given_up),
        cmocka_unit_test(loud_and_quiet_clips_are_heard_alike),
        cmocka_unit_test(gains_have_bounds),
        cmocka_unit_test(who_writes_and_who_reads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

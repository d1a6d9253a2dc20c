#include "player/mixer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "player/servo.h"

#define BLOCK 1024
#define BLOCK_NS (BLOCK * BT_NS_PER_S / BT_SOUND_RATE)

// Far from 0, as the monotonic clock is.
#define T0 (1000 * BT_NS_PER_S)

// A sound whose every sample says which one it is, and one of a constant level.
enum shape { RAMP, LEVEL };

struct source {
    struct bt_sound_ring *ring;  // a reference of our own
    enum shape shape;
    int64_t next, length;
    float level;
};

#define RAMP_STEPS 24000  // half a second, then again

static float value_at(const struct source *source, int64_t number)
{
    return source->shape == LEVEL ? source->level : (float)(number % RAMP_STEPS) / 40000;
}

static void feed(struct source *source)
{
    while (bt_sound_ring_room(source->ring) >= 64 && source->next < source->length) {
        float block[64][BT_SOUND_CHANNELS];
        for (int i = 0; i < 64; i++) {
            block[i][0] = block[i][1] = value_at(source, source->next++);
        }
        bt_sound_ring_write(source->ring, block[0], 64);
    }
    if (source->next >= source->length) {
        bt_sound_ring_end(source->ring);
    }
}

static struct bt_voice *voice_of(struct bt_mixer *mixer, struct source *source, int64_t pts_ns)
{
    source->ring = bt_sound_ring_create();
    bt_sound_ring_begin(source->ring, pts_ns, 1);
    feed(source);
    struct bt_voice *voice = bt_mixer_add(mixer, bt_sound_ring_ref(source->ring));
    assert_non_null(voice);
    bt_voice_set_volume(voice, 1000);
    return voice;
}

static float largest(const float *stereo)
{
    float peak = 0;
    for (int i = 0; i < BLOCK * BT_SOUND_CHANNELS; i++) {
        peak = BT_MAX(peak, fabsf(stereo[i]));
    }
    return peak;
}

static void a_sound_begins_with_its_picture_and_ends_with_it(void **state)
{
    (void)state;
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    struct source source = {.shape = LEVEL, .level = 0.5F, .length = INT64_MAX};
    struct bt_voice *voice = voice_of(mixer, &source, 0);
    float *all = BT_NEW_ARRAY(float, BLOCK *BT_SOUND_CHANNELS * 100);
    // From block 10.5 to block 50.25.
    bt_voice_play(voice, T0 + BLOCK_NS * 21 / 2);
    bt_voice_end_at(voice, T0 + BLOCK_NS * 201 / 4);
    for (int i = 0; i < 100; i++) {
        feed(&source);
        bt_mixer_mix(mixer, all + (ptrdiff_t)i * BLOCK * BT_SOUND_CHANNELS, BLOCK,
                     T0 + i * BLOCK_NS);
    }
    for (int i = 0; i < BLOCK * 100; i++) {
        float heard = all[(ptrdiff_t)i * BT_SOUND_CHANNELS];
        assert_true(heard == all[(ptrdiff_t)i * BT_SOUND_CHANNELS + 1]);
        bool inside = i > BLOCK * 21 / 2 - 2 && i < BLOCK * 201 / 4 + 3;
        bool full = i > BLOCK * 21 / 2 + BT_MIXER_FADE_FRAMES + 1 &&
                    i < BLOCK * 201 / 4 - BT_MIXER_FADE_FRAMES - 2;
        assert_true(inside || heard == 0);
        assert_true(!full || fabsf(heard - 0.5F) < 1e-6F);
        float before = i > 0 ? all[(ptrdiff_t)(i - 1) * BT_SOUND_CHANNELS] : 0;
        assert_true(fabsf(heard - before) < 0.001F);  // nothing clicks
    }
    free(all);
    bt_sound_ring_unref(source.ring);
}

static void a_resumed_clip_goes_on_inside(void **state)
{
    (void)state;
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    struct source source = {.length = INT64_MAX};
    float stereo[BLOCK * BT_SOUND_CHANNELS];
    // Its ring begins at 2 s, its picture at 2.25 s is on the screen at T0.
    struct bt_voice *voice = voice_of(mixer, &source, 2 * BT_NS_PER_S);
    bt_voice_play(voice, T0 - 2250 * BT_NS_PER_MS);
    (void)bt_mixer_mix(mixer, stereo, BLOCK, T0);
    assert_true(bt_mixer_mix(mixer, stereo, BLOCK, T0 + BLOCK_NS));
    assert_true(fabsf(stereo[0] - value_at(&source, 12000 + BLOCK)) < 1e-4F);
    bt_sound_ring_unref(source.ring);
}

static void volume_is_what_is_left_of_the_sound(void **state)
{
    (void)state;
    static const struct {
        int64_t milli, ceiling;
        float wanted;
    } cases[] = {{1000, 1000, 0.5F}, {250, 1000, 0.125F}, {600, 100, 0.05F}, {0, 1000, 0}};
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    struct source source = {.shape = LEVEL, .level = 0.5F, .length = INT64_MAX};
    float stereo[BLOCK * BT_SOUND_CHANNELS];
    struct bt_voice *voice = voice_of(mixer, &source, 0);
    bt_voice_play(voice, T0);
    int64_t at_ns = T0;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        bt_voice_set_volume(voice, cases[i].milli);
        bt_mixer_set_ceiling(mixer, cases[i].ceiling);
        for (int block = 0; block < 3; block++, at_ns += BLOCK_NS) {
            feed(&source);
            (void)bt_mixer_mix(mixer, stereo, BLOCK, at_ns);
        }
        assert_true(fabsf(largest(stereo) - cases[i].wanted) < 1e-6F);
    }
    assert_true(largest(stereo) == 0);
    assert_false(bt_mixer_is_wanted(mixer));
    bt_sound_ring_unref(source.ring);
}

static void zones_are_mixed_and_never_too_loud(void **state)
{
    (void)state;
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    struct source sources[3];
    float stereo[BLOCK * BT_SOUND_CHANNELS];
    static const float levels[] = {0.1F, 0.2F, 0.9F};
    for (int i = 0; i < 3; i++) {
        sources[i] = (struct source){.shape = LEVEL, .level = levels[i], .length = INT64_MAX};
        bt_voice_play(voice_of(mixer, &sources[i], 0), i < 2 ? T0 : T0 + 20 * BLOCK_NS);
    }
    for (int block = 0; block < 40; block++) {
        for (int i = 0; i < 3; i++) {
            feed(&sources[i]);
        }
        (void)bt_mixer_mix(mixer, stereo, BLOCK, T0 + block * BLOCK_NS);
        if (block == 10) {
            assert_true(fabsf(largest(stereo) - 0.3F) < 1e-5F);
        }
        assert_true(largest(stereo) <= 1);
    }
    assert_true(largest(stereo) < 0.9F);
    for (int i = 0; i < 3; i++) {
        bt_sound_ring_unref(sources[i].ring);
    }
}

static void who_leaves_fades_out_and_is_gone(void **state)
{
    (void)state;
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    struct source source = {.shape = LEVEL, .level = 0.5F, .length = INT64_MAX};
    float stereo[BLOCK * BT_SOUND_CHANNELS];
    struct bt_voice *voice = voice_of(mixer, &source, 0);
    bt_voice_play(voice, T0);
    (void)bt_mixer_mix(mixer, stereo, BLOCK, T0);
    bt_voice_leave(voice);
    bt_mixer_reap(mixer, 0);
    assert_int_equal(bt_mixer_count(mixer), 1);  // it still sounds
    (void)bt_mixer_mix(mixer, stereo, BLOCK, T0 + BLOCK_NS);
    assert_true(stereo[0] > 0.4F);
    assert_true(stereo[BLOCK * BT_SOUND_CHANNELS - 1] == 0);
    bt_mixer_reap(mixer, 0);
    assert_int_equal(bt_mixer_count(mixer), 0);
    // Where nobody mixes it goes at once.
    bt_sound_ring_unref(source.ring);
    voice = voice_of(mixer, &source, 0);
    bt_voice_play(voice, T0);
    bt_voice_leave(voice);
    bt_mixer_reap(mixer, T0);
    assert_int_equal(bt_mixer_count(mixer), 0);
    bt_sound_ring_unref(source.ring);
}

static void there_is_an_end_to_how_many_voices_there_are(void **state)
{
    (void)state;
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    for (int i = 0; i < BT_MIXER_MAX_VOICES; i++) {
        assert_non_null(bt_mixer_add(mixer, bt_sound_ring_create()));
    }
    assert_null(bt_mixer_add(mixer, bt_sound_ring_create()));
    bt_voice_leave(NULL);
}

// A card whose clock is off plays for a while, in virtual time; how far it was off at worst, in
// seconds. It asks at instants that tremble by up to 8 ms.
static double play_on_card(double drift, double seconds, int64_t hole_at_block)
{
    BT_AUTO(bt_mixer) mixer = bt_mixer_create();
    struct source source = {.length = INT64_MAX};
    float stereo[BLOCK * BT_SOUND_CHANNELS];
    bt_voice_play(voice_of(mixer, &source, 0), T0);
    double at_s = 0, worst = 0;
    unsigned noise = 1;
    int64_t blocks = (int64_t)(seconds * BT_SOUND_RATE / BLOCK), settled = 1;
    for (int64_t i = 0; i < blocks; i++) {
        feed(&source);
        noise = noise * 1103515245 + 12345;
        double late_s = (double)(noise >> 16 & 0x7FFF) / 0x7FFF * 0.008;
        (void)bt_mixer_mix(mixer, stereo, BLOCK, T0 + (int64_t)((at_s + late_s) * 1e9));
        if (i == hole_at_block) {
            at_s += 3;  // the card was away
            settled = i + 60;
        }
        double heard = (double)stereo[0] * 40000, wanted = fmod(at_s * BT_SOUND_RATE, RAMP_STEPS);
        double off = fabs(heard - wanted) / BT_SOUND_RATE;
        bool tells = wanted > 2000 && wanted < RAMP_STEPS - 2000;  // far from where it begins again
        worst = i >= settled && tells ? BT_MAX(worst, off) : worst;
        at_s += (double)BLOCK / BT_SOUND_RATE / (1 + drift);
    }
    bt_sound_ring_unref(source.ring);
    return worst;
}

static void a_card_that_drifts_is_followed(void **state)
{
    (void)state;
    static const double drifts[] = {0, 0.003, -0.003, 0.0001};
    for (size_t i = 0; i < BT_ARRAY_LEN(drifts); i++) {
        double worst = play_on_card(drifts[i], 90, -1);
        if (worst > 0.025) {
            fail_msg("drift %g: %g s", drifts[i], worst);
        }
    }
    double worst = play_on_card(0.001, 60, 1000);
    assert_true(worst < 0.025);
}

// The servo alone, for an hour; returns the largest offset. *out_ratio is the last ratio.
static double serve(double drift, double *out_ratio)
{
    struct bt_servo servo;
    bt_servo_reset(&servo, 0);
    double behind_s = 0, worst = 0, step_s = (double)BLOCK / BT_SOUND_RATE;
    unsigned noise = 1;
    for (double at_s = 0; at_s < 3600; at_s += step_s) {
        bool jump;
        noise = noise * 1103515245 + 12345;
        double seen_s = behind_s + ((double)(noise >> 16 & 0x7FFF) / 0x7FFF - 0.5) * 0.016;
        *out_ratio = bt_servo_step(&servo, seen_s, step_s, &jump);
        assert_false(jump);
        assert_true(fabs(*out_ratio - 1) <= BT_SERVO_MAX_CORRECTION);
        behind_s += step_s * (1 - (1 + drift) * *out_ratio);
        worst = BT_MAX(worst, fabs(behind_s));
    }
    return worst;
}

static void for_an_hour_a_card_may_be_off(void **state)
{
    (void)state;
    static const double drifts[] = {0.003, -0.003, 0.0002, 0};
    for (size_t i = 0; i < BT_ARRAY_LEN(drifts); i++) {
        double ratio = 0, worst = serve(drifts[i], &ratio);
        assert_true(worst < 0.020);
        assert_true(fabs(ratio * (1 + drifts[i]) - 1) < 0.0005);
    }
}

static void what_is_far_off_jumps(void **state)
{
    (void)state;
    static const struct {
        double behind_s;
        bool jumps;
    } cases[] = {{0.030, false}, {0.060, true}, {-0.060, true}, {5, true}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_servo servo;
        bt_servo_reset(&servo, 0);
        bool jumped = false;
        for (int step = 0; step < 100; step++) {
            bool jump;
            (void)bt_servo_step(&servo, cases[i].behind_s, 0.02, &jump);
            jumped = jumped || jump;
            assert_true(!jump || step > 20);  // not for a hiccup
        }
        assert_int_equal(jumped, cases[i].jumps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_begins_with_its_picture_and_ends_with_it),
        cmocka_unit_test(a_resumed_clip_goes_on_inside),
        cmocka_unit_test(volume_is_what_is_left_of_the_sound),
        cmocka_unit_test(zones_are_mixed_and_never_too_loud),
        cmocka_unit_test(who_leaves_fades_out_and_is_gone),
        cmocka_unit_test(there_is_an_end_to_how_many_voices_there_are),
        cmocka_unit_test(a_card_that_drifts_is_followed),
        cmocka_unit_test(for_an_hour_a_card_may_be_off),
        cmocka_unit_test(what_is_far_off_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

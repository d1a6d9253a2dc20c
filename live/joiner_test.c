#include "live/joiner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "live/listeners.h"

#define BLOCK 1024
#define T0 INT64_C(48000000)
#define LONGEST (4 * BT_SOUND_RATE)

// What came out, by its number from T0 on; -1 where nothing came.
static float heard[LONGEST];

static void take(void *context, int64_t first, const float *stereo, size_t frames)
{
    (void)context;
    for (size_t i = 0; i < frames; i++) {
        int64_t at = first - T0 + (int64_t)i;
        assert_in_range(at, 0, LONGEST - 1);
        assert_true(heard[at] < 0);  // nothing comes twice
        heard[at] = stereo[i * BT_SOUND_CHANNELS];
    }
}

static struct bt_joiner joiner;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < LONGEST; i++) {
        heard[i] = -1;
    }
    bt_joiner_init(&joiner, (struct bt_joiner_sink){NULL, take});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bt_joiner_finish(&joiner);
    return 0;
}

static void add(bool known, int64_t first, float level, size_t frames)
{
    static float stereo[LONGEST * BT_SOUND_CHANNELS];
    for (size_t i = 0; i < frames * BT_SOUND_CHANNELS; i++) {
        stereo[i] = level;
    }
    bt_joiner_add(&joiner, known, T0 + first, stereo, frames);
}

// From `from` until `until` all is there, and no two neighbours are far from each other.
static void assert_smooth(int64_t from, int64_t until)
{
    float before = 0;
    for (int64_t i = from; i < until; i++) {
        assert_true(heard[i] >= 0);
        assert_true(fabsf(heard[i] - before) < 0.002F);
        before = heard[i];
    }
}

static void what_follows_within_the_rounding_of_stamps_is_joined(void **state)
{
    (void)state;
    int64_t at = 0;
    for (int i = 0; i < 40; i++, at += BLOCK) {
        add(i == 0 || i % 3 != 0, at + (i % 5 - 2) * (i == 0 ? 0 : 300), 1, BLOCK);
    }
    assert_smooth(0, at - BT_JOINER_FADE_FRAMES);
    for (int64_t i = BT_JOINER_FADE_FRAMES; i < at - BT_JOINER_FADE_FRAMES; i++) {
        assert_true(heard[i] == 1);
    }
    assert_true(heard[at - BT_JOINER_FADE_FRAMES] < 0);  // held back
}

static void small_blocks_are_joined_too(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        add(true, (int64_t)i * 120 - (i % 2 != 0 ? 130 : 0), 1, 120);
    }
    assert_smooth(0, INT64_C(400) * 120 - BT_JOINER_FADE_FRAMES);
}

static void before_and_after_a_hole_it_fades(void **state)
{
    (void)state;
    add(true, 0, 1, 3 * BLOCK);
    add(true, BT_SOUND_RATE, 1, 3 * BLOCK);
    add(true, BT_SOUND_RATE + 3 * BLOCK, 1, BLOCK);
    assert_smooth(0, 3 * BLOCK);
    assert_true(heard[3 * BLOCK - 1] < 0.002F);
    assert_true(heard[3 * BLOCK] < 0);  // whoever writes it makes silence of it
    assert_true(heard[BT_SOUND_RATE - 1] < 0);
    assert_smooth(BT_SOUND_RATE, BT_SOUND_RATE + 4 * BLOCK - BT_JOINER_FADE_FRAMES);
}

static void what_was_given_already_is_left_out(void **state)
{
    (void)state;
    add(true, 0, 1, 4 * BLOCK);
    add(true, 0, 1, 2 * BLOCK);
    add(true, 2 * BLOCK, 1, 4 * BLOCK);
    add(true, 6 * BLOCK, 1, BLOCK);
    assert_smooth(0, 6 * BLOCK);
}

static void what_says_nothing_of_its_time_waits_for_what_does(void **state)
{
    (void)state;
    add(false, 0, 1, BLOCK);
    assert_false(joiner.begun);
    add(true, 5, 1, 2 * BLOCK);
    assert_true(heard[5] >= 0);
    assert_true(heard[4] < 0);
}

static float level_of(struct bt_sound_ring *ring, int64_t number)
{
    struct bt_sound_span span;
    assert_true(bt_sound_ring_span(ring, &span));
    int64_t at = number - llround((double)span.pts_ns * BT_SOUND_RATE / 1e9);
    assert_in_range(at, span.first, span.end - 1);
    return bt_sound_ring_frame(ring, at)[0];
}

static void who_joins_later_hears_the_same_from_then_on(void **state)
{
    (void)state;
    static float stereo[BT_SOUND_RING_FRAMES * BT_SOUND_CHANNELS];
    for (size_t i = 0; i < BT_ARRAY_LEN(stereo); i++) {
        stereo[i] = 1;
    }
    struct bt_listeners *listeners = bt_listeners_create();
    assert_int_equal(bt_listeners_room(listeners), -1);
    struct bt_sound_ring *first = bt_listeners_add(listeners);
    bt_listeners_write(listeners, T0, stereo, 1000);
    struct bt_sound_ring *second = bt_listeners_add(listeners);
    assert_int_equal(bt_listeners_room(listeners), BT_SOUND_RING_FRAMES - 1000);
    // A hole is silence for who was there before it.
    bt_listeners_write(listeners, T0 + 2000, stereo, 1000);
    assert_true(level_of(first, T0 + 999) == 1);
    assert_true(level_of(first, T0 + 1500) == 0);
    assert_true(level_of(first, T0 + 2000) == 1);
    assert_true(level_of(second, T0 + 2000) == 1);
    // Who has no room loses, the other does not.
    bt_sound_ring_forget(second, 1000);
    bt_listeners_write(listeners, T0 + 3000, stereo, BT_SOUND_RING_FRAMES);
    assert_int_equal(bt_sound_ring_room(first), 0);
    assert_true(level_of(second, T0 + 2999 + BT_SOUND_RING_FRAMES) == 1);
    bt_sound_ring_unref(second);
    // And has the rest where it belongs.
    bt_sound_ring_forget(first, BT_SOUND_RING_FRAMES);
    bt_listeners_write(listeners, T0 + 3000 + BT_SOUND_RING_FRAMES, stereo, 1000);
    assert_true(level_of(first, T0 + 2999 + BT_SOUND_RING_FRAMES) == 0);
    assert_true(level_of(first, T0 + 3000 + BT_SOUND_RING_FRAMES) == 1);
    bt_listeners_end(listeners);
    bt_listeners_unref(listeners);  // who listens outlives the stream
    struct bt_sound_span span;
    assert_true(bt_sound_ring_span(first, &span));
    assert_true(span.ended);
    bt_sound_ring_unref(first);
}

#define JOINING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOINING(what_follows_within_the_rounding_of_stamps_is_joined),
        JOINING(small_blocks_are_joined_too),
        JOINING(before_and_after_a_hole_it_fades),
        JOINING(what_was_given_already_is_left_out),
        JOINING(what_says_nothing_of_its_time_waits_for_what_does),
        cmocka_unit_test(who_joins_later_hears_the_same_from_then_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "live/live_sound.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"

// Packets of 20 ms of PCM; times in milliseconds.
#define PACKET_MS 20
#define PACKET_FRAMES (BT_SOUND_RATE * PACKET_MS / 1000)
#define FADED_FRAMES (BT_SOUND_RATE * 15 / 1000)

// Longer than a busy machine takes.
#define PATIENCE_NS (120 * BT_NS_PER_S)

static AVFormatContext *format;
static AVStream *stream;
static struct bt_live_sound *sound;

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

// What is seconds late is dropped; a busy machine is to have its time.
static int64_t soon_ns(void)
{
    return now_ns() + 8 * BT_NS_PER_S;
}

static int set_up(void **state)
{
    (void)state;
    format = avformat_alloc_context();
    stream = avformat_new_stream(format, NULL);
    stream->time_base = (AVRational){1, 1000};
    stream->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    stream->codecpar->codec_id = AV_CODEC_ID_PCM_S16LE;
    stream->codecpar->sample_rate = BT_SOUND_RATE;
    av_channel_layout_default(&stream->codecpar->ch_layout, BT_SOUND_CHANNELS);
    sound = bt_live_sound_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bt_live_sound_destroy(sound);
    avformat_free_context(format);
    return 0;
}

static void push(int64_t stamp_ms, int16_t level)
{
    AVPacket *packet = av_packet_alloc();
    assert_int_equal(av_new_packet(packet, PACKET_FRAMES * BT_SOUND_CHANNELS * 2), 0);
    for (int i = 0; i < PACKET_FRAMES * BT_SOUND_CHANNELS; i++) {
        memcpy(packet->data + (ptrdiff_t)i * 2, &level, sizeof(level));
    }
    packet->pts = stamp_ms;
    bt_live_sound_push(sound, packet);
    assert_int_equal(packet->size, 0);
    av_packet_free(&packet);
}

static void push_from(int64_t stamp_ms, int count, int16_t level)
{
    for (int i = 0; i < count; i++) {
        push(stamp_ms + (int64_t)i * PACKET_MS, level);
    }
}

// The ring, once so many frames are in it.
static struct bt_sound_span wait_for(struct bt_sound_ring *ring, int64_t frames)
{
    struct bt_sound_span span = {0};
    int64_t until_ns = now_ns() + PATIENCE_NS;
    while (!bt_sound_ring_span(ring, &span) || span.end < frames) {
        assert_true(now_ns() < until_ns);
        bt_clock_sleep_until(bt_clock_real(), now_ns() + BT_NS_PER_MS);
    }
    return span;
}

static double level_at(struct bt_sound_ring *ring, int64_t at_ns)
{
    struct bt_sound_span span;
    assert_true(bt_sound_ring_span(ring, &span));
    int64_t number = (int64_t)floor((double)(at_ns - span.pts_ns) * BT_SOUND_RATE / 1e9);
    assert_in_range(number, span.first, span.end - 1);
    return fabs((double)bt_sound_ring_frame(ring, number)[0]) * 32768;
}

static void a_packet_is_heard_at_the_instant_of_its_picture(void **state)
{
    (void)state;
    int64_t origin_ns = soon_ns();
    bt_live_sound_begin(sound, 1, stream);
    bt_live_sound_lay(sound, 1, origin_ns);
    struct bt_sound_ring *ring = bt_live_sound_listen(sound);
    push_from(500, 20, 1000);
    struct bt_sound_span span = wait_for(ring, 20 * PACKET_FRAMES - FADED_FRAMES);
    int64_t late_ns = span.pts_ns - origin_ns - 500 * BT_NS_PER_MS;
    assert_in_range(late_ns + 50000, 0, 100000);
    assert_true(level_at(ring, origin_ns + 501 * BT_NS_PER_MS) < 100);  // it fades in
    assert_int_equal(lround(level_at(ring, origin_ns + 600 * BT_NS_PER_MS)), 1000);
    bt_sound_ring_unref(ring);
}

static void what_pictures_are_moved_by_is_said_and_moves_nothing_else(void **state)
{
    (void)state;
    int64_t origin_ns = soon_ns();
    bt_live_sound_begin(sound, 1, stream);
    bt_live_sound_lay(sound, 1, origin_ns);
    struct bt_sound_ring *ring = bt_live_sound_listen(sound);
    push_from(500, 10, 1000);
    (void)wait_for(ring, 10 * PACKET_FRAMES - FADED_FRAMES);
    assert_int_equal(bt_live_sound_shift_ns(sound), 0);
    bt_live_sound_lay(sound, 1, origin_ns + 40 * BT_NS_PER_MS);
    bt_live_sound_lay(sound, 1, origin_ns + 80 * BT_NS_PER_MS);
    assert_int_equal(bt_live_sound_shift_ns(sound), 80 * BT_NS_PER_MS);
    push_from(700, 10, 1000);
    (void)wait_for(ring, 20 * PACKET_FRAMES - FADED_FRAMES);
    // No hole, no jump.
    for (int64_t at_ms = 520; at_ms < 880; at_ms++) {
        assert_int_equal(lround(level_at(ring, origin_ns + at_ms * BT_NS_PER_MS)), 1000);
    }
    bt_sound_ring_unref(ring);
}

static void after_a_reconnect_there_is_silence_and_then_the_new_times_hold(void **state)
{
    (void)state;
    int64_t origin_ns = soon_ns();
    bt_live_sound_begin(sound, 1, stream);
    bt_live_sound_lay(sound, 1, origin_ns);
    bt_live_sound_lay(sound, 1, origin_ns + 40 * BT_NS_PER_MS);
    struct bt_sound_ring *ring = bt_live_sound_listen(sound);
    push_from(460, 5, 1000);  // due at 500, but for the shift
    // The other end begins anew at another time of its own, 0.3 s later.
    bt_live_sound_begin(sound, 2, stream);
    push_from(90000, 10, 2000);
    bt_live_sound_lay(sound, 2, origin_ns - (90000 - 840) * BT_NS_PER_MS);
    (void)wait_for(ring, 27 * PACKET_FRAMES - FADED_FRAMES - 1);  // instants are rounded down
    assert_int_equal(lround(level_at(ring, origin_ns + 500 * BT_NS_PER_MS)), 1000);
    assert_int_equal(lround(level_at(ring, origin_ns + 700 * BT_NS_PER_MS)), 0);
    assert_true(level_at(ring, origin_ns + 801 * BT_NS_PER_MS) < 200);
    assert_int_equal(lround(level_at(ring, origin_ns + 900 * BT_NS_PER_MS)), 2000);
    bt_sound_ring_unref(ring);
}

static void sound_whose_picture_never_came_is_left_out(void **state)
{
    (void)state;
    int64_t origin_ns = soon_ns();
    struct bt_sound_ring *ring = bt_live_sound_listen(sound);
    bt_live_sound_begin(sound, 1, stream);
    push_from(500, 10, 3000);
    bt_live_sound_begin(sound, 2, NULL);  // a run without sound
    bt_live_sound_begin(sound, 3, stream);
    push_from(500, 10, 1000);
    bt_live_sound_lay(sound, 3, origin_ns);
    (void)wait_for(ring, 10 * PACKET_FRAMES - FADED_FRAMES);
    for (int64_t at_ms = 520; at_ms < 680; at_ms++) {
        assert_int_equal(lround(level_at(ring, origin_ns + at_ms * BT_NS_PER_MS)), 1000);
    }
    bt_sound_ring_unref(ring);
}

static void who_brings_packets_never_waits_and_who_comes_late_hears_what_is_due(void **state)
{
    (void)state;
    int64_t origin_ns = soon_ns() - 3600 * BT_NS_PER_S;
    bt_live_sound_begin(sound, 1, stream);
    bt_live_sound_lay(sound, 1, origin_ns);
    push_from(0, 5000, 3000);  // of an hour ago; more than are kept
    push_from(INT64_C(3600) * 1000, 20, 1000);
    struct bt_sound_ring *ring = bt_live_sound_listen(sound);
    struct bt_sound_span span = wait_for(ring, 20 * PACKET_FRAMES - FADED_FRAMES);
    int64_t late_ns = span.pts_ns - origin_ns - 3600 * BT_NS_PER_S;
    assert_in_range(late_ns + 50000, 0, 100000);
    bt_sound_ring_unref(ring);
}

static void what_lies_about_its_time_is_left_out(void **state)
{
    (void)state;
    static const int64_t lies[] = {INT64_MIN + 1, INT64_MAX, INT64_MAX / 1000000, -1000000,
                                   100000000};
    int64_t origin_ns = soon_ns();
    bt_live_sound_begin(sound, 1, stream);
    bt_live_sound_lay(sound, 1, origin_ns);
    struct bt_sound_ring *ring = bt_live_sound_listen(sound);
    for (size_t i = 0; i < BT_ARRAY_LEN(lies); i++) {
        push(lies[i], 3000);
    }
    push_from(500, 10, 1000);
    struct bt_sound_span span = wait_for(ring, 10 * PACKET_FRAMES - FADED_FRAMES);
    int64_t late_ns = span.pts_ns - origin_ns - 500 * BT_NS_PER_MS;
    assert_in_range(late_ns + 50000, 0, 100000);
    bt_sound_ring_unref(ring);
}

static void the_end_of_the_stream_is_the_end_of_the_sound(void **state)
{
    (void)state;
    struct bt_sound_span span;
    struct bt_live_sound *short_lived = bt_live_sound_create();
    struct bt_sound_ring *ring = bt_live_sound_listen(short_lived);
    assert_false(bt_sound_ring_span(ring, &span));
    bt_live_sound_destroy(short_lived);
    assert_true(bt_sound_ring_span(ring, &span));
    assert_true(span.ended);
    assert_int_equal(span.end, 0);
    bt_sound_ring_unref(ring);
}

#define WITH_SOUND(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SOUND(a_packet_is_heard_at_the_instant_of_its_picture),
        WITH_SOUND(what_pictures_are_moved_by_is_said_and_moves_nothing_else),
        WITH_SOUND(after_a_reconnect_there_is_silence_and_then_the_new_times_hold),
        WITH_SOUND(sound_whose_picture_never_came_is_left_out),
        WITH_SOUND(who_brings_packets_never_waits_and_who_comes_late_hears_what_is_due),
        WITH_SOUND(what_lies_about_its_time_is_left_out),
        WITH_SOUND(the_end_of_the_stream_is_the_end_of_the_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

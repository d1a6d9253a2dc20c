#include "player/shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "media/test_media.h"

// Far more than decoding a second of a tiny clip takes.
#define PATIENCE_NS (180 * BT_NS_PER_S)

// One second.
#define CLIP_FRAMES 60

#define START_NS (1000 * BT_NS_PER_S)

struct playing {
    struct bt_shown shown;
    struct bt_grid grid;
    struct bt_frame_counts counts;
    int presents;
};

static void wait_for_frames(struct bt_prepared *prepared)
{
    struct bt_error err;
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    if (bt_stream_preroll(prepared->stream, until_ns, until_ns, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static struct bt_prepared *prepare_clip(const char *path)
{
    struct bt_prepared *prepared = BT_NEW(struct bt_prepared);
    const struct bt_stream_options options = {0};
    struct bt_error err;
    if (bt_stream_open(path, &options, &prepared->stream, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    wait_for_frames(prepared);
    prepared->rest_ns = prepared->limit_ns = prepared->end_ns = INT64_MAX;
    return prepared;
}

// False without ffmpeg.
static bool start(struct playing *playing, double display_hz)
{
    BT_AUTOFREE char *path =
        bt_test_media("shown-60.mp4", "-f lavfi -i testsrc2=size=64x36:rate=60:duration=1 "
                                      "-c:v libx264 -pix_fmt yuv420p");
    if (path == NULL) {
        return false;
    }
    *playing = (struct playing){0};
    bt_grid_init(&playing->grid, BT_GRID_TIMED, display_hz, START_NS);
    bt_shown_start(&playing->shown, prepare_clip(path), START_NS, NULL);
    playing->shown.counts = &playing->counts;
    return true;
}

static void finish(struct playing *playing)
{
    bt_prepared_destroy(bt_shown_finish(&playing->shown));
}

// What a present at that slot shows, by its place in the clip.
static int64_t present(struct playing *playing, int64_t slot)
{
    struct bt_shown *shown = &playing->shown;
    int64_t at_ns = START_NS + slot * playing->grid.period_ns;
    while (bt_shown_advance(shown, &playing->grid, at_ns) == BT_SHOWN_WAITING) {
        wait_for_frames(shown->prepared);
    }
    playing->presents += shown->is_new;
    bt_shown_presented(shown);
    return shown->frame->pts_ns - (at_ns - START_NS);
}

static void a_clip_faster_than_the_display_keeps_its_time(void **state)
{
    (void)state;
    struct playing playing;
    if (!start(&playing, 50)) {
        skip();
    }
    int64_t most_late_ns = 0;
    for (int64_t slot = 0; slot < 50; slot++) {
        int64_t early_ns = present(&playing, slot);
        most_late_ns = BT_MAX(most_late_ns, -early_ns);
    }
    assert_in_range(most_late_ns, 1, 4 * BT_NS_PER_S / 60);
    assert_int_equal(playing.presents, 50);
    assert_in_range(playing.shown.dropped, CLIP_FRAMES - 50 - 4, CLIP_FRAMES - 50);
    // The clock may be a frame ahead of what was taken.
    assert_in_range(playing.counts.due, 50 + playing.shown.dropped, CLIP_FRAMES);
    assert_in_range(playing.counts.missing, playing.shown.dropped, CLIP_FRAMES - 50);
    finish(&playing);
}

static void a_clip_as_fast_as_the_display_loses_nothing(void **state)
{
    (void)state;
    struct playing playing;
    if (!start(&playing, 60)) {
        skip();
    }
    for (int64_t slot = 0; slot < CLIP_FRAMES; slot++) {
        int64_t early_ns = present(&playing, slot);
        assert_true(llabs(early_ns) < BT_NS_PER_MS);
    }
    assert_int_equal(playing.presents, CLIP_FRAMES);
    assert_int_equal(playing.shown.dropped, 0);
    assert_int_equal(playing.counts.due, CLIP_FRAMES);
    assert_int_equal(playing.counts.missing, 0);
    finish(&playing);
}

static void a_short_delay_loses_no_frame(void **state)
{
    (void)state;
    struct playing playing;
    if (!start(&playing, 120)) {
        skip();
    }
    for (int64_t slot = 0; slot < 2 * CLIP_FRAMES; slot++) {
        bool delayed = slot >= 20 && slot < 24;
        if (!delayed) {
            (void)present(&playing, slot);
        }
    }
    assert_int_equal(playing.presents, CLIP_FRAMES);
    assert_int_equal(playing.shown.dropped, 0);
    // Each was shown, and those of the delay too late.
    assert_int_equal(playing.counts.due, CLIP_FRAMES);
    assert_in_range(playing.counts.missing, 1, 6);
    finish(&playing);
}

static void after_a_long_delay_the_clip_is_where_it_should_be(void **state)
{
    (void)state;
    struct playing playing;
    if (!start(&playing, 60)) {
        skip();
    }
    (void)present(&playing, 0);
    int64_t early_ns = present(&playing, 30);
    assert_in_range(-early_ns, 0, 3 * BT_NS_PER_S / 60);
    assert_in_range(playing.shown.dropped, 26, 29);
    // Whether a frame was there in time or not: what the clock says has passed.
    assert_in_range(playing.counts.due, 28, 32);
    assert_in_range(playing.counts.missing, playing.counts.due - 4, playing.counts.due - 1);
    finish(&playing);
}

static void a_late_first_picture_moves_its_item_along(void **state)
{
    (void)state;
    struct bt_prepared *prepared = BT_NEW(struct bt_prepared);
    prepared->start_ns = START_NS;
    prepared->end_ns = START_NS + 8 * BT_NS_PER_S;
    prepared->rest_ns = 8 * BT_NS_PER_S;
    prepared->limit_ns = START_NS + 9 * BT_NS_PER_S;
    struct bt_shown shown = {0};
    bt_shown_start(&shown, prepared, START_NS, NULL);
    bt_shown_delay(&shown, -BT_NS_PER_S);
    assert_int_equal(bt_shown_end_ns(&shown), START_NS + 8 * BT_NS_PER_S);
    bt_shown_delay(&shown, BT_NS_PER_S / 2);
    assert_int_equal(shown.start_ns, START_NS + BT_NS_PER_S / 2);
    assert_int_equal(bt_shown_end_ns(&shown), START_NS + 17 * BT_NS_PER_S / 2);
    // Never beyond what the schedule allows.
    bt_shown_delay(&shown, 3 * BT_NS_PER_S);
    assert_int_equal(bt_shown_end_ns(&shown), START_NS + 9 * BT_NS_PER_S);
    bt_prepared_destroy(bt_shown_finish(&shown));
}

// Frames that never come are missing as their times pass, and are not counted again when they do.
static void a_decoder_that_brings_nothing_misses_by_the_clock(void **state)
{
    (void)state;
    struct playing playing;
    if (!start(&playing, 60)) {
        skip();
    }
    struct bt_shown *shown = &playing.shown;
    (void)present(&playing, 0);
    // What is decoded by now is taken; then the times of those that are not go by.
    int64_t late_ns = START_NS + BT_NS_PER_S / 2;
    while (bt_shown_advance(shown, &playing.grid, late_ns) != BT_SHOWN_READY) {
        assert_in_range(playing.counts.due, 28, 32);
        assert_in_range(playing.counts.missing, playing.counts.due - 4, playing.counts.due - 1);
        wait_for_frames(shown->prepared);
    }
    assert_in_range(playing.counts.due, 28, 32);
    finish(&playing);
}

// Where a crawl's strip stands after it has moved so far; 100 px wide, in a zone of 250.
static int strip_x_after(int towards, int64_t moved_px)
{
    struct bt_prepared *prepared = BT_NEW(struct bt_prepared);
    prepared->strip = BT_NEW(struct bt_strip);
    prepared->strip->width = 100;
    prepared->loop.width = 400;
    prepared->towards = towards;
    struct bt_shown shown = {.prepared = prepared, .moved_px = moved_px};
    const struct bt_rect zone = {0, 0, 250, 20};
    struct bt_visual visual;
    bt_shown_view(&shown, &zone, &visual);
    bt_prepared_destroy(bt_shown_finish(&shown));
    return visual.strip_x;
}

// Both ways it comes in from outside, fills the zone, and repeats every strip's width.
static void a_crawl_moves_to_either_side(void **state)
{
    (void)state;
    assert_int_equal(strip_x_after(BT_TOWARDS_LEFT, 0), 250);
    assert_int_equal(strip_x_after(BT_TOWARDS_LEFT, 3), 247);
    assert_int_equal(strip_x_after(BT_TOWARDS_LEFT, 250), 0);
    assert_int_equal(strip_x_after(BT_TOWARDS_LEFT, 349), -99);
    assert_int_equal(strip_x_after(BT_TOWARDS_LEFT, 350), 0);
    assert_int_equal(strip_x_after(BT_TOWARDS_RIGHT, 0), -400);
    assert_int_equal(strip_x_after(BT_TOWARDS_RIGHT, 3), -397);
    assert_int_equal(strip_x_after(BT_TOWARDS_RIGHT, 250), -150);
    assert_int_equal(strip_x_after(BT_TOWARDS_RIGHT, 349), -51);
    assert_int_equal(strip_x_after(BT_TOWARDS_RIGHT, 350), -150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crawl_moves_to_either_side),
        cmocka_unit_test(a_decoder_that_brings_nothing_misses_by_the_clock),
        cmocka_unit_test(a_late_first_picture_moves_its_item_along),
        cmocka_unit_test(a_clip_faster_than_the_display_keeps_its_time),
        cmocka_unit_test(a_clip_as_fast_as_the_display_loses_nothing),
        cmocka_unit_test(a_short_delay_loses_no_frame),
        cmocka_unit_test(after_a_long_delay_the_clip_is_where_it_should_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

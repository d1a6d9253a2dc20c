#include "media/deinterlace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "media/av.h"

#define WIDTH 40
#define HEIGHT 22

static AVFrame *make_frame(enum AVPixelFormat format, bool top_first)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = format;
    frame->width = WIDTH;
    frame->height = HEIGHT;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
#ifdef AV_FRAME_FLAG_INTERLACED
    frame->flags |= AV_FRAME_FLAG_INTERLACED | (top_first ? AV_FRAME_FLAG_TOP_FIELD_FIRST : 0);
#else
    frame->interlaced_frame = 1;
    frame->top_field_first = top_first;
#endif
    return frame;
}

// A bright bar, whose left edge is at x_even in the even lines, at x_odd in the others.
static void draw_bar(AVFrame *frame, int x_even, int x_odd)
{
    for (int plane = 0; plane < 3; plane++) {
        int shift = plane > 0;
        for (int y = 0; y < HEIGHT >> shift; y++) {
            int from = (y % 2 == 0 ? x_even : x_odd) >> shift;
            for (int x = 0; x < WIDTH >> shift; x++) {
                frame->data[plane][y * frame->linesize[plane] + x] =
                    x >= from && x < from + 8 ? 200 : 40;
            }
        }
    }
}

static int luma(const AVFrame *frame, int x, int y)
{
    return frame->data[0][y * frame->linesize[0] + x];
}

static void a_moving_edge_has_no_comb(void **state)
{
    (void)state;
    for (int top_first = 0; top_first < 2; top_first++) {
        BT_AUTOFRAME *frame = make_frame(AV_PIX_FMT_YUV420P, top_first);
        draw_bar(frame, 10, 16);
        assert_true(bt_frame_is_interlaced(frame));
        assert_true(bt_deinterlace(frame));
        // Every line is now as the half that came first.
        int from = top_first ? 10 : 16;
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                assert_int_equal(luma(frame, x, y), x >= from && x < from + 8 ? 200 : 40);
            }
        }
    }
}

static void what_does_not_move_keeps_its_lines(void **state)
{
    (void)state;
    BT_AUTOFRAME *frame = make_frame(AV_PIX_FMT_YUV420P, true);
    draw_bar(frame, 10, 10);
    // A slope: each line differs from its neighbours, and lies between them.
    for (int y = 0; y < HEIGHT; y++) {
        memset(frame->data[0] + y * frame->linesize[0] + 30, 10 * y, 8);
    }
    BT_AUTOFRAME *before = av_frame_clone(frame);
    assert_non_null(before);
    assert_true(bt_deinterlace(frame));
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            assert_int_equal(luma(frame, x, y), luma(before, x, y));
        }
    }
}

static void deep_samples_are_words(void **state)
{
    (void)state;
    BT_AUTOFRAME *frame = make_frame(AV_PIX_FMT_YUV422P10LE, true);
    for (int plane = 0; plane < 3; plane++) {
        for (int y = 0; y < HEIGHT; y++) {
            uint16_t *line = (uint16_t *)(void *)(frame->data[plane] + y * frame->linesize[plane]);
            for (int x = 0; x < (plane > 0 ? WIDTH / 2 : WIDTH); x++) {
                line[x] = y % 2 == 0 ? 300 : 900;
            }
        }
    }
    assert_true(bt_deinterlace(frame));
    const uint16_t *odd = (const uint16_t *)(const void *)(frame->data[0] + 3 * frame->linesize[0]);
    for (int x = 0; x < WIDTH; x++) {
        assert_int_equal(odd[x], 300);
    }
}

static void a_format_of_bits_stays_as_it_is(void **state)
{
    (void)state;
    BT_AUTOFRAME *frame = make_frame(AV_PIX_FMT_MONOBLACK, true);
    assert_false(bt_deinterlace(frame));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moving_edge_has_no_comb),
        cmocka_unit_test(what_does_not_move_keeps_its_lines),
        cmocka_unit_test(deep_samples_are_words),
        cmocka_unit_test(a_format_of_bits_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Frames that were made ready look like those they were made from, byte by byte.
#include "media/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/convert.h"

#define WIDTH 70
#define HEIGHT 38

static const struct {
    enum AVPixelFormat from, to;
} cases[] = {
    {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P},   {AV_PIX_FMT_NV12, AV_PIX_FMT_NV12},
    {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ422P}, {AV_PIX_FMT_GRAY8, AV_PIX_FMT_GRAY8},
    {AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV420P}, {AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV422P},
    {AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV444P}, {AV_PIX_FMT_YUV420P12, AV_PIX_FMT_YUV420P},
    {AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV444P}, {AV_PIX_FMT_P010, AV_PIX_FMT_NV12},
    {AV_PIX_FMT_YUV420P16, AV_PIX_FMT_BGR0},    {AV_PIX_FMT_YUV440P, AV_PIX_FMT_BGR0},
    {AV_PIX_FMT_RGB24, AV_PIX_FMT_BGR0},        {AV_PIX_FMT_GBRP10, AV_PIX_FMT_BGR0},
    {AV_PIX_FMT_RGBA, AV_PIX_FMT_BGRA},         {AV_PIX_FMT_YUVA444P12, AV_PIX_FMT_BGRA},
    {AV_PIX_FMT_YUVA420P, AV_PIX_FMT_BGRA},     {AV_PIX_FMT_PAL8, AV_PIX_FMT_BGRA},
    {AV_PIX_FMT_BGRA, AV_PIX_FMT_BGRA},         {AV_PIX_FMT_BGR0, AV_PIX_FMT_BGR0},
};

static uint8_t noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (uint8_t)(state >> 24);
}

// Samples no deeper than the format says.
static void fill(AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    int depth = format->comp[0].depth, shift = format->comp[0].shift;
    for (int i = 0; i < 4 && frame->buf[i] != NULL; i++) {
        uint8_t *bytes = frame->buf[i]->data;
        for (size_t at = 0; at + 1 < (size_t)frame->buf[i]->size; at += 2) {
            unsigned sample = noise() | (unsigned)noise() << 8;
            sample = depth > 8 ? (sample & ((1U << depth) - 1)) << shift : sample;
            bytes[at] = (uint8_t)sample;
            bytes[at + 1] = (uint8_t)(sample >> 8);
        }
    }
}

static AVFrame *make_frame(enum AVPixelFormat format)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = format;
    frame->width = WIDTH;
    frame->height = HEIGHT;
    frame->colorspace = AVCOL_SPC_BT709;
    frame->color_range = AVCOL_RANGE_MPEG;
    frame->best_effort_timestamp = 12345;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    fill(frame);
    return frame;
}

static void convert(AVFrame *frame, int width, int height, uint8_t *pixels)
{
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
    const struct bt_frame whole = {.av = frame};
    struct bt_error err = {0};
    if (bt_convert(converter, &whole, NULL, 0, pixels, (size_t)width * 4, width, height, &err) <
        0) {
        fail_msg("%s: %s", av_get_pix_fmt_name(frame->format), err.msg);
    }
}

// Scaling leaves pixels that were opaque a level or two short of it (libyuv); not so those made
// ready.
static void assert_same_picture(AVFrame *frame, AVFrame *made, int width, int height)
{
    size_t size = (size_t)width * (size_t)height * 4;
    BT_AUTOFREE uint8_t *before = bt_alloc_array(size, 1);
    BT_AUTOFREE uint8_t *after = bt_alloc_array(size, 1);
    convert(frame, width, height, before);
    convert(made, width, height, after);
    for (size_t i = 0; i < size; i++) {
        bool opaque = i % 4 == 3 && made->format == AV_PIX_FMT_BGR0;
        if ((opaque ? 255 : before[i]) != after[i]) {
            fail_msg("%s, %dx%d: byte %zu was %d, is %d", av_get_pix_fmt_name(frame->format), width,
                     height, i, before[i], after[i]);
        }
    }
}

static void frames_made_ready_look_the_same(void **state)
{
    (void)state;
    BT_AUTO(bt_ready) ready = bt_ready_create();
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFRAME *frame = make_frame(cases[i].from);
        BT_AUTOFRAME *made = av_frame_clone(frame);
        bt_ready_make(ready, made, 0);
        assert_string_equal(av_get_pix_fmt_name(made->format), av_get_pix_fmt_name(cases[i].to));
        assert_int_equal(made->best_effort_timestamp, 12345);
        assert_same_picture(frame, made, WIDTH, HEIGHT);
        assert_same_picture(frame, made, WIDTH / 2, HEIGHT / 2);
        assert_same_picture(frame, made, WIDTH * 2, HEIGHT * 2);
    }
}

static void hdr_is_mapped_once(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P10, AV_PIX_FMT_P010,
                                                 AV_PIX_FMT_YUV420P, AV_PIX_FMT_GBRP10};
    BT_AUTO(bt_ready) ready = bt_ready_create();
    for (size_t i = 0; i < BT_ARRAY_LEN(formats); i++) {
        BT_AUTOFRAME *frame = make_frame(formats[i]);
        frame->colorspace = i == 3 ? AVCOL_SPC_RGB : AVCOL_SPC_BT2020_NCL;
        frame->color_trc = i == 1 ? AVCOL_TRC_ARIB_STD_B67 : AVCOL_TRC_SMPTE2084;
        BT_AUTOFRAME *made = av_frame_clone(frame);
        bt_ready_make(ready, made, 0);
        assert_int_equal(made->format, AV_PIX_FMT_BGR0);
        assert_same_picture(frame, made, WIDTH, HEIGHT);
    }
}

static void what_is_shown_small_is_made_small(void **state)
{
    (void)state;
    BT_AUTO(bt_ready) ready = bt_ready_create();
    BT_AUTOFRAME *frame = make_frame(AV_PIX_FMT_YUV420P10);
    frame->colorspace = AVCOL_SPC_BT2020_NCL;
    frame->color_trc = AVCOL_TRC_SMPTE2084;
    BT_AUTOFRAME *made = av_frame_clone(frame);
    bt_ready_make(ready, made, 1);
    assert_int_equal(made->width, WIDTH / 2);
    assert_int_equal(made->height, HEIGHT / 2);
    assert_same_picture(frame, made, WIDTH / 2, HEIGHT / 2);

    // What comes as planes is scaled while it is shown, alpha keeps its size.
    static const enum AVPixelFormat untouched[] = {AV_PIX_FMT_YUV422P10, AV_PIX_FMT_RGBA};
    for (size_t i = 0; i < BT_ARRAY_LEN(untouched); i++) {
        BT_AUTOFRAME *other = make_frame(untouched[i]);
        bt_ready_make(ready, other, 1);
        assert_int_equal(other->width, WIDTH);
        assert_int_equal(other->height, HEIGHT);
    }
}

static void what_nobody_can_convert_stays_what_it_was(void **state)
{
    (void)state;
    BT_AUTO(bt_ready) ready = bt_ready_create();
    BT_AUTOFRAME *frame = make_frame(AV_PIX_FMT_YUV420P10);
    uint8_t *data = frame->data[0];
    frame->format = AV_PIX_FMT_VAAPI;
    bt_ready_make(ready, frame, 0);
    assert_int_equal(frame->format, AV_PIX_FMT_VAAPI);
    assert_ptr_equal(frame->data[0], data);
    frame->format = AV_PIX_FMT_YUV420P10;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_made_ready_look_the_same),
        cmocka_unit_test(hdr_is_mapped_once),
        cmocka_unit_test(what_is_shown_small_is_made_small),
        cmocka_unit_test(what_nobody_can_convert_stays_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

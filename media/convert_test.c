#include "media/convert.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/resample.h"

#define PATCH_PX 8
#define PATCHES 125

// How far from exact arithmetic a level may be.
#define TOLERANCE 2

struct yuv_format {
    enum AVPixelFormat av;
    int shift_x, shift_y;
    int bits;   // of a sample
    int up;     // bits a sample is moved up (P010)
    bool semi;  // NV12, P010
    bool full;
};

static const struct yuv_format yuv_formats[] = {
    {AV_PIX_FMT_YUV420P, 1, 1, 8, 0, false, false},
    {AV_PIX_FMT_YUVJ420P, 1, 1, 8, 0, false, true},
    {AV_PIX_FMT_NV12, 1, 1, 8, 0, true, false},
    {AV_PIX_FMT_YUV422P, 1, 0, 8, 0, false, false},
    {AV_PIX_FMT_YUV444P, 0, 0, 8, 0, false, false},
    {AV_PIX_FMT_YUV440P, 0, 1, 8, 0, false, false},
    {AV_PIX_FMT_YUV420P10, 1, 1, 10, 0, false, false},
    {AV_PIX_FMT_YUV422P10, 1, 0, 10, 0, false, false},
    {AV_PIX_FMT_YUV444P10, 0, 0, 10, 0, false, false},
    {AV_PIX_FMT_YUV420P12, 1, 1, 12, 0, false, false},
    {AV_PIX_FMT_P010, 1, 1, 10, 6, true, false},
};

struct matrix {
    enum AVColorSpace av;
    double kr, kb;
};

static const struct matrix matrices[] = {
    {AVCOL_SPC_BT709, 0.2126, 0.0722},
    {AVCOL_SPC_SMPTE170M, 0.299, 0.114},
    {AVCOL_SPC_BT470BG, 0.299, 0.114},
    {AVCOL_SPC_BT2020_NCL, 0.2627, 0.0593},
};

static struct bt_frame *new_frame(int format, int width, int height)
{
    struct bt_frame *frame = BT_NEW(struct bt_frame);
    frame->av = av_frame_alloc();
    frame->av->format = format;
    frame->av->width = width;
    frame->av->height = height;
    assert_int_equal(av_frame_get_buffer(frame->av, 0), 0);
    return frame;
}

static void put_sample(const struct yuv_format *f, uint8_t *row, int index, int value)
{
    if (f->bits == 8) {
        row[index] = (uint8_t)value;
    } else {
        uint16_t sample = (uint16_t)(value << f->up);
        memcpy(row + (ptrdiff_t)index * 2, &sample, sizeof(sample));
    }
}

static void put_chroma(const struct yuv_format *f, AVFrame *av, int x, int y, int u, int v)
{
    uint8_t *row = av->data[1] + (ptrdiff_t)y * av->linesize[1];
    if (f->semi) {
        put_sample(f, row, 2 * x, u);
        put_sample(f, row, 2 * x + 1, v);
        return;
    }
    put_sample(f, row, x, u);
    put_sample(f, av->data[2] + (ptrdiff_t)y * av->linesize[2], x, v);
}

// Patch i has levels of luma and chroma from a 5 × 5 × 5 grid over the legal range.
static void patch_levels(int i, bool full, int bits, int out[3])
{
    int low = full ? 0 : 16;
    int range[3] = {full ? 255 : 219, full ? 255 : 224, full ? 255 : 224};
    int step[3] = {i % 5, i / 5 % 5, i / 25};
    for (int k = 0; k < 3; k++) {
        out[k] = (low << (bits - 8)) + (range[k] * step[k] << (bits - 8)) / 4;
    }
}

static void exact_bgr(const struct matrix *m, bool full, int bits, const int level[3], int out[3])
{
    double unit = 1 << (bits - 8);
    double y = level[0] / unit;
    double u = (level[1] / unit - 128) / (full ? 255 : 224);
    double v = (level[2] / unit - 128) / (full ? 255 : 224);
    y = full ? y / 255 : (y - 16) / 219;
    double kg = 1 - m->kr - m->kb;
    double r = y + 2 * (1 - m->kr) * v;
    double b = y + 2 * (1 - m->kb) * u;
    double g = (y - m->kr * r - m->kb * b) / kg;
    double bgr[3] = {b, g, r};
    for (int i = 0; i < 3; i++) {
        out[i] = (int)lrint(BT_CLAMP(bgr[i], 0.0, 1.0) * 255);
    }
}

static struct bt_frame *patch_frame(const struct yuv_format *f, bool full)
{
    struct bt_frame *frame = new_frame(f->av, PATCHES * PATCH_PX, PATCH_PX);
    AVFrame *av = frame->av;
    for (int y = 0; y < av->height; y++) {
        for (int x = 0; x < av->width; x++) {
            int level[3];
            patch_levels(x / PATCH_PX, full, f->bits, level);
            put_sample(f, av->data[0] + (ptrdiff_t)y * av->linesize[0], x, level[0]);
            put_chroma(f, av, x >> f->shift_x, y >> f->shift_y, level[1], level[2]);
        }
    }
    av->color_range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    return frame;
}

static int worst_of_patches(const struct yuv_format *f, const struct matrix *m, bool full,
                            enum bt_quality quality)
{
    BT_AUTO(bt_frame) frame = patch_frame(f, full);
    frame->av->colorspace = m->av;
    BT_AUTO(bt_image) out = bt_image_create(frame->av->width, frame->av->height);
    BT_AUTO(bt_converter) converter = bt_converter_create(quality);
    struct bt_error err = {0};
    assert_int_equal(bt_convert(converter, frame, NULL, 0, out->pixels, out->stride, out->width,
                                out->height, &err),
                     0);
    int worst = 0;
    for (int i = 0; i < PATCHES; i++) {
        int level[3];
        int exact[3];
        patch_levels(i, full, f->bits, level);
        exact_bgr(m, full, f->bits, level, exact);
        const uint8_t *pixel = out->pixels + 4 * out->stride + ((size_t)i * PATCH_PX + 4) * 4;
        for (int k = 0; k < 3; k++) {
            worst = BT_MAX(worst, abs(pixel[k] - exact[k]));
        }
        assert_int_equal(pixel[3], 255);
    }
    return worst;
}

static void colours_are_exact_in_every_format_matrix_and_range(void **state)
{
    (void)state;
    for (size_t f = 0; f < BT_ARRAY_LEN(yuv_formats); f++) {
        for (size_t m = 0; m < BT_ARRAY_LEN(matrices); m++) {
            for (int full = yuv_formats[f].full; full <= 1; full++) {
                for (int q = BT_QUALITY_FAST; q <= BT_QUALITY_BEST; q++) {
                    int worst = worst_of_patches(&yuv_formats[f], &matrices[m], full != 0,
                                                 (enum bt_quality)q);
                    if (worst > TOLERANCE) {
                        fail_msg("format %zu matrix %zu full %d quality %d: %d levels off", f, m,
                                 full, q, worst);
                    }
                }
            }
        }
    }
}

static void grey_pictures_keep_their_levels(void **state)
{
    (void)state;
    BT_AUTO(bt_frame) frame = new_frame(AV_PIX_FMT_GRAY8, 256, 1);
    for (int x = 0; x < 256; x++) {
        frame->av->data[0][x] = (uint8_t)x;
    }
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
    uint8_t out[1024];
    assert_int_equal(bt_convert(converter, frame, NULL, 0, out, 1024, 256, 1, NULL), 0);
    for (int x = 0; x < 256; x++) {
        const uint8_t grey[] = {(uint8_t)x, (uint8_t)x, (uint8_t)x, 255};
        assert_memory_equal(out + (ptrdiff_t)x * 4, grey, 4);
    }
}

// Random content, so that a shift by one pixel cannot hide.
static struct bt_frame *noise_frame(int format, int width, int height)
{
    struct bt_frame *frame = new_frame(format, width, height);
    unsigned seed = 1;
    for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->av->buf[i] != NULL; i++) {
        for (size_t byte = 0; byte < frame->av->buf[i]->size; byte++) {
            seed = seed * 1103515245U + 12345;
            frame->av->buf[i]->data[byte] = (uint8_t)(seed >> 16);
        }
    }
    return frame;
}

static void any_cut_equals_that_part_of_the_whole(void **state)
{
    (void)state;
    static const int formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_NV12, AV_PIX_FMT_BGRA,
                                  AV_PIX_FMT_RGB24};
    for (size_t f = 0; f < BT_ARRAY_LEN(formats); f++) {
        BT_AUTO(bt_frame) frame = noise_frame(formats[f], 301, 37);
        BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
        BT_AUTO(bt_image) whole = bt_image_create(301, 37);
        BT_AUTO(bt_image) part = bt_image_create(301, 37);
        assert_int_equal(
            bt_convert(converter, frame, NULL, 0, whole->pixels, whole->stride, 301, 37, NULL), 0);
        for (int odd = 0; odd < 4; odd++) {
            struct bt_crop crop = {odd % 2, odd / 2, 299, 35};
            assert_int_equal(
                bt_convert(converter, frame, &crop, 0, part->pixels, part->stride, 299, 35, NULL),
                0);
            for (int y = 0; y < 35; y++) {
                assert_memory_equal(part->pixels + (size_t)y * part->stride,
                                    whole->pixels + (size_t)(y + crop.y) * whole->stride +
                                        (size_t)crop.x * 4,
                                    299 * 4);
            }
        }
    }
}

static struct bt_frame *corner_frame(void)
{
    struct bt_frame *frame = new_frame(AV_PIX_FMT_BGRA, 4, 2);
    for (int y = 0; y < 2; y++) {
        memset(frame->av->data[0] + (ptrdiff_t)y * frame->av->linesize[0], 255, 16);
    }
    frame->av->data[0][0] = 7;  // the left top corner's blue
    return frame;
}

static void frames_are_turned_clockwise(void **state)
{
    (void)state;
    static const struct {
        int rotation, width, height, x, y;  // where the left top corner lands
    } cases[] = {{0, 4, 2, 0, 0}, {90, 2, 4, 1, 0}, {180, 4, 2, 3, 1}, {270, 2, 4, 0, 3}};
    BT_AUTO(bt_frame) frame = corner_frame();
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        uint8_t out[32];
        size_t stride = (size_t)cases[i].width * 4;
        assert_int_equal(bt_convert(converter, frame, NULL, cases[i].rotation, out, stride,
                                    cases[i].width, cases[i].height, NULL),
                         0);
        assert_int_equal(out[(size_t)cases[i].y * stride + (size_t)cases[i].x * 4], 7);
    }
}

static void transparent_frames_come_out_premultiplied(void **state)
{
    (void)state;
    static const int formats[] = {AV_PIX_FMT_BGRA, AV_PIX_FMT_RGBA};
    for (size_t f = 0; f < BT_ARRAY_LEN(formats); f++) {
        BT_AUTO(bt_frame) frame = new_frame(formats[f], 8, 1);
        for (int x = 0; x < 8; x++) {
            const uint8_t pixel[] = {200, 100, 200, x < 4 ? 128 : 0};
            memcpy(frame->av->data[0] + (ptrdiff_t)x * 4, pixel, 4);
        }
        BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
        uint8_t out[32];
        assert_int_equal(bt_convert(converter, frame, NULL, 0, out, 32, 8, 1, NULL), 0);
        assert_in_range(out[0], 100, 101);
        assert_in_range(out[1], 50, 51);
        assert_int_equal(out[3], 128);
        const uint8_t nothing[4] = {0};
        assert_memory_equal(out + 16, nothing, 4);
    }
}

static void scaled_frames_keep_flat_colours_and_their_places(void **state)
{
    (void)state;
    static const int sizes[][2] = {{640, 360}, {100, 50}, {321, 57}, {33, 400}, {1, 1}};
    BT_AUTO(bt_frame) frame = new_frame(AV_PIX_FMT_YUV420P, 320, 180);
    for (int y = 0; y < 180; y++) {
        memset(frame->av->data[0] + (ptrdiff_t)y * frame->av->linesize[0], 16, 160);
        memset(frame->av->data[0] + (ptrdiff_t)y * frame->av->linesize[0] + 160, 235, 160);
    }
    memset(frame->av->data[1], 128, (size_t)frame->av->linesize[1] * 90);
    memset(frame->av->data[2], 128, (size_t)frame->av->linesize[2] * 90);
    for (int q = BT_QUALITY_FAST; q <= BT_QUALITY_BEST; q++) {
        BT_AUTO(bt_converter) converter = bt_converter_create((enum bt_quality)q);
        for (size_t i = 0; i < BT_ARRAY_LEN(sizes) - 1; i++) {
            int width = sizes[i][0];
            int height = sizes[i][1];
            BT_AUTO(bt_image) out = bt_image_create(width, height);
            assert_int_equal(bt_convert(converter, frame, NULL, 0, out->pixels, out->stride, width,
                                        height, NULL),
                             0);
            for (int y = 0; y < height; y++) {
                const uint8_t *row = out->pixels + (size_t)y * out->stride;
                assert_in_range(row[(width / 2 - width / 8) * 4], 0, 1);
                // libyuv's bilinear steps cost up to two levels of luma.
                assert_in_range(row[(width / 2 + width / 8) * 4], 252, 255);
            }
        }
    }
}

static void a_new_size_or_format_in_mid_stream_is_followed(void **state)
{
    (void)state;
    static const int formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV410P,
                                  AV_PIX_FMT_NV12, AV_PIX_FMT_RGBA};
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
    BT_AUTO(bt_image) out = bt_image_create(64, 64);
    for (int i = 0; i < 20; i++) {
        BT_AUTO(bt_frame)
        frame = noise_frame(formats[i % (int)BT_ARRAY_LEN(formats)], 16 + i * 3, 90 - i * 3);
        assert_int_equal(
            bt_convert(converter, frame, NULL, 0, out->pixels, out->stride, 64, 64, NULL), 0);
    }
}

static void impossible_requests_are_refused(void **state)
{
    (void)state;
    BT_AUTO(bt_frame) frame = noise_frame(AV_PIX_FMT_YUV420P, 16, 16);
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
    uint8_t out[16 * 64];
    static const struct bt_crop outside[] = {
        {-1, 0, 4, 4}, {0, 0, 17, 4}, {13, 0, 4, 4}, {INT32_MAX, 0, 1, 1}, {0, 0, 0, 4}};
    for (size_t i = 0; i < BT_ARRAY_LEN(outside); i++) {
        assert_int_equal(bt_convert(converter, frame, &outside[i], 0, out, 64, 4, 4, NULL),
                         -EINVAL);
    }
    assert_int_equal(bt_convert(converter, frame, NULL, 45, out, 64, 16, 16, NULL), -EINVAL);
    assert_int_equal(bt_convert(converter, frame, NULL, 0, out, 60, 16, 16, NULL), -EINVAL);
    assert_int_equal(bt_convert(converter, frame, NULL, 0, out, 64, 0, 16, NULL), -EINVAL);
}

static void resample(const uint8_t *source, int source_width, int source_height, uint8_t *out,
                     int width, int height)
{
    BT_AUTO(bt_resample)
    scaler = bt_resample_create(source_width, source_height, out, (size_t)width * 4, width, height);
    assert_non_null(scaler);
    for (int y = 0; y < source_height; y++) {
        bt_resample_push(scaler, source + (ptrdiff_t)y * source_width * 4);
    }
}

static void stills_of_the_same_size_pass_the_resampler_unchanged(void **state)
{
    (void)state;
    uint8_t source[24 * 16 * 4];
    for (size_t i = 0; i < sizeof(source); i++) {
        source[i] = i % 4 == 3 ? 255 : (uint8_t)(i * 89);
    }
    uint8_t out[sizeof(source)];
    resample(source, 24, 16, out, 24, 16);
    assert_memory_equal(out, source, sizeof(source));
}

static void shrinking_counts_every_pixel(void **state)
{
    (void)state;
    uint8_t source[64 * 64 * 4];
    for (int i = 0; i < 64 * 64; i++) {
        memset(source + (ptrdiff_t)i * 4, (i + i / 64) % 2 == 0 ? 255 : 0, 3);
        source[i * 4 + 3] = 255;
    }
    uint8_t out[8 * 8 * 4];
    resample(source, 64, 64, out, 8, 8);
    for (int i = 0; i < 64; i++) {
        assert_in_range(out[i * 4], 126, 130);
        assert_int_equal(out[i * 4 + 3], 255);
    }
}

static void any_size_can_become_any_other(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 5, 17, 300};
    static uint8_t source[300 * 300 * 4];
    static uint8_t out[300 * 300 * 4];
    memset(source, 77, sizeof(source));
    for (size_t from = 0; from < BT_ARRAY_LEN(sizes); from++) {
        for (size_t to = 0; to < BT_ARRAY_LEN(sizes); to++) {
            resample(source, sizes[from], sizes[to], out, sizes[to], sizes[from]);
            for (int i = 0; i < sizes[to] * sizes[from] * 4; i++) {
                assert_int_equal(out[i], 77);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_exact_in_every_format_matrix_and_range),
        cmocka_unit_test(grey_pictures_keep_their_levels),
        cmocka_unit_test(any_cut_equals_that_part_of_the_whole),
        cmocka_unit_test(frames_are_turned_clockwise),
        cmocka_unit_test(transparent_frames_come_out_premultiplied),
        cmocka_unit_test(scaled_frames_keep_flat_colours_and_their_places),
        cmocka_unit_test(a_new_size_or_format_in_mid_stream_is_followed),
        cmocka_unit_test(impossible_requests_are_refused),
        cmocka_unit_test(stills_of_the_same_size_pass_the_resampler_unchanged),
        cmocka_unit_test(shrinking_counts_every_pixel),
        cmocka_unit_test(any_size_can_become_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

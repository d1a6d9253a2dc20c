#include "media/convert.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <libyuv/planar_functions.h>
#include <libyuv/rotate_argb.h>
#include <libyuv/scale_argb.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/planes.h"
#include "media/premultiply.h"
#include "media/resample.h"
#include "media/tone.h"

/*
 * Two kinds of frames. YUV planes (nearly every clip, JPEG) go through libyuv: scaled as planes,
 * which are a third of the bytes of BGRA, then converted once, straight into the caller's pixels
 * when nothing is left to do after. Everything else (RGB, palettes, alpha, odd YUV) becomes
 * premultiplied BGRA by swscale first and is scaled as that.
 *
 * Stills that are scaled (BT_QUALITY_BEST) pass through the resampler in strips of rows.
 */

// Strips of a large still: small enough to be cheap, a multiple of every chroma step.
#define STRIP_ROWS 64
// Stills up to this many pixels are converted in one strip: chroma is interpolated across it.
#define WHOLE_MAX_PIXELS (8 * 1024 * 1024)

struct bt_converter {
    enum bt_quality quality;
    struct SwsContext *sws;      // kept while size and format stay
    struct bt_scratch rounded;   // 8-bit planes of a deeper frame
    struct bt_scratch smoothed;  // chroma at luma's size
    struct bt_scratch scaled;    // planes at the target's size
    struct bt_scratch bgra;      // BGRA before scaling or cutting
    struct bt_scratch upright;   // BGRA before turning
    struct bt_tone *tone;        // of the last HDR frame; NULL: there was none
};

// Where converted pixels go.
struct target {
    uint8_t *pixels;
    int stride;
    int width, height;
};

struct bt_converter *bt_converter_create(enum bt_quality quality)
{
    struct bt_converter *converter = BT_NEW(struct bt_converter);
    converter->quality = quality;
    return converter;
}

void bt_converter_destroy(struct bt_converter *converter)
{
    if (converter == NULL) {
        return;
    }
    sws_freeContext(converter->sws);
    bt_scratch_finish(&converter->rounded);
    bt_scratch_finish(&converter->smoothed);
    bt_scratch_finish(&converter->scaled);
    bt_scratch_finish(&converter->bgra);
    bt_scratch_finish(&converter->upright);
    bt_tone_destroy(converter->tone);
    free(converter);
}

static int no_memory(struct bt_error *err)
{
    return bt_fail(err, -ENOMEM, "No memory to convert a frame");
}

static bool has_alpha(int format)
{
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(format);
    return description != NULL &&
           (description->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
}

// swscale's words for what the frame says of itself.
static void set_colours(struct SwsContext *sws, const AVFrame *frame)
{
    int matrix = frame->colorspace;
    if (matrix == AVCOL_SPC_UNSPECIFIED || matrix == AVCOL_SPC_RGB) {
        matrix = frame->height <= 576 ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;
    }
    const int *coefficients = sws_getCoefficients(matrix);
    bool full = frame->color_range == AVCOL_RANGE_JPEG;
    sws_setColorspaceDetails(sws, coefficients, full, coefficients, 1, 0, 1 << 16, 1 << 16);
}

// Rows [y, y + count) of a frame that is not YUV planes, over its whole width. Alpha is not
// multiplied.
static int straight_by_swscale(struct bt_converter *converter, const AVFrame *frame, int y,
                               int count, uint8_t *out, int stride, struct bt_error *err)
{
    BT_AUTOFRAME *rows = av_frame_clone(frame);
    if (rows == NULL) {
        return no_memory(err);
    }
    rows->crop_top = (size_t)y;
    rows->crop_bottom = (size_t)(frame->height - y - count);
    int r = av_frame_apply_cropping(rows, AV_FRAME_CROP_UNALIGNED);
    if (r < 0) {
        return bt_fail_av(err, r, "Cannot cut a frame");
    }
    int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;
    converter->sws =
        sws_getCachedContext(converter->sws, rows->width, count, rows->format, rows->width, count,
                             AV_PIX_FMT_BGRA, flags, NULL, NULL, NULL);
    if (converter->sws == NULL) {
        return bt_fail(err, -ENOTSUP, "Frames of format '%s' cannot be shown",
                       av_get_pix_fmt_name(frame->format));
    }
    set_colours(converter->sws, frame);
    uint8_t *to[4] = {out};
    int to_stride[4] = {stride};
    r = sws_scale(converter->sws, (const uint8_t *const *)rows->data, rows->linesize, 0, count, to,
                  to_stride);
    if (r != count) {
        return bt_fail(err, -EINVAL, "Cannot convert a frame of format '%s'",
                       av_get_pix_fmt_name(frame->format));
    }
    return 0;
}

static int rows_by_swscale(struct bt_converter *converter, const AVFrame *frame, int y, int count,
                           uint8_t *out, int stride, struct bt_error *err)
{
    int r = straight_by_swscale(converter, frame, y, count, out, stride, err);
    if (r == 0 && has_alpha(frame->format)) {
        bt_premultiply(out, stride, out, stride, frame->width, count);
    }
    return r;
}

int bt_convert_straight(struct bt_converter *converter, const struct bt_frame *frame,
                        uint8_t *pixels, size_t stride, struct bt_error *err)
{
    return straight_by_swscale(converter, frame->av, 0, frame->av->height, pixels, (int)stride,
                               err);
}

// Planes already cut → BGRA of the same size.
static int planes_to_pixels(struct bt_converter *converter, struct bt_planes *planes, bool smooth,
                            uint8_t *pixels, int stride, struct bt_error *err)
{
    if (bt_planes_to_8bit(planes, &converter->rounded) < 0 ||
        (smooth && bt_planes_smooth(planes, &converter->smoothed) < 0)) {
        return no_memory(err);
    }
    bt_planes_to_bgra(planes, pixels, stride);
    return 0;
}

// Rows [y, y + count) of any frame as BGRA over its whole width; y is a multiple of STRIP_ROWS
// or the frame fits its format's chroma step.
static int rows_to_bgra(struct bt_converter *converter, const AVFrame *frame, int y, int count,
                        uint8_t *out, int stride, struct bt_error *err)
{
    struct bt_planes planes;
    if (!bt_planes_of(frame, &planes)) {
        return rows_by_swscale(converter, frame, y, count, out, stride, err);
    }
    bt_planes_crop(&planes, 0, y, frame->width, count);
    return planes_to_pixels(converter, &planes, true, out, stride, err);
}

static int scale_by_resampler(struct bt_converter *converter, const AVFrame *frame,
                              const struct bt_crop *crop, const struct target *to,
                              struct bt_error *err)
{
    bool whole = (int64_t)frame->width * frame->height <= WHOLE_MAX_PIXELS;
    int strip = whole ? frame->height : STRIP_ROWS;
    int stride = frame->width * 4;
    uint8_t *rows = bt_scratch_get(&converter->bgra, (size_t)stride * (size_t)strip);
    BT_AUTO(bt_resample)
    resample = bt_resample_create(crop->width, crop->height, to->pixels, (size_t)to->stride,
                                  to->width, to->height);
    if (rows == NULL || resample == NULL) {
        return no_memory(err);
    }
    int end = crop->y + crop->height;
    for (int y = crop->y / strip * strip; y < end; y += strip) {
        int count = BT_MIN(strip, frame->height - y);
        int r = rows_to_bgra(converter, frame, y, count, rows, stride, err);
        if (r < 0) {
            return r;
        }
        for (int row = BT_MAX(crop->y - y, 0); row < count && y + row < end; row++) {
            bt_resample_push(resample, rows + (ptrdiff_t)row * stride + (ptrdiff_t)crop->x * 4);
        }
    }
    return 0;
}

// Both coordinates lie where a chroma sample begins, so the planes can be cut there exactly.
static bool cuts_chroma(const struct bt_planes *planes, const struct bt_crop *crop)
{
    return (crop->x & ((1 << planes->shift_x) - 1)) != 0 ||
           (crop->y & ((1 << planes->shift_y) - 1)) != 0;
}

// Same size, but the cut begins in the middle of a chroma sample: convert a little more, copy.
static int copy_odd_cut(struct bt_converter *converter, struct bt_planes *planes,
                        const struct bt_crop *crop, const struct target *to, struct bt_error *err)
{
    int dx = crop->x & 1;
    int dy = crop->y & 1;
    int stride = (crop->width + dx) * 4;
    size_t size = (size_t)stride * (size_t)(crop->height + dy);
    uint8_t *rows = bt_scratch_get(&converter->bgra, size);
    if (rows == NULL) {
        return no_memory(err);
    }
    bt_planes_crop(planes, crop->x - dx, crop->y - dy, crop->width + dx, crop->height + dy);
    bool smooth = converter->quality == BT_QUALITY_BEST;
    int r = planes_to_pixels(converter, planes, smooth, rows, stride, err);
    if (r < 0) {
        return r;
    }
    ARGBCopy(rows + (ptrdiff_t)dy * stride + (ptrdiff_t)dx * 4, stride, to->pixels, to->stride,
             to->width, to->height);
    return 0;
}

static int planes_to_target(struct bt_converter *converter, struct bt_planes *planes,
                            const struct bt_crop *crop, const struct target *to,
                            struct bt_error *err)
{
    bool same_size = crop->width == to->width && crop->height == to->height;
    if (same_size && cuts_chroma(planes, crop)) {
        return copy_odd_cut(converter, planes, crop, to, err);
    }
    bt_planes_crop(planes, crop->x, crop->y, crop->width, crop->height);
    if (!same_size && (bt_planes_to_8bit(planes, &converter->rounded) < 0 ||
                       bt_planes_scale(planes, to->width, to->height, &converter->scaled) < 0)) {
        return no_memory(err);
    }
    bool smooth = converter->quality == BT_QUALITY_BEST;
    return planes_to_pixels(converter, planes, smooth, to->pixels, to->stride, err);
}

static void make_opaque(uint8_t *pixels, ptrdiff_t stride, int width, int height)
{
    for (int y = 0; y < height; y++) {
        uint8_t *row = pixels + y * stride;
        for (int x = 0; x < width; x++) {
            row[x * 4 + 3] = 255;
        }
    }
}

static void scale_pixels(const uint8_t *from, int stride, const struct bt_crop *crop,
                         const struct target *to)
{
    if (crop->width == to->width && crop->height == to->height) {
        ARGBCopy(from, stride, to->pixels, to->stride, to->width, to->height);
        return;
    }
    ARGBScale(from, stride, crop->width, crop->height, to->pixels, to->stride, to->width,
              to->height, to->width < crop->width ? kFilterBox : kFilterBilinear);
}

// What a decode thread makes of most such frames (media/ready.h).
static void bgr0_to_target(const AVFrame *frame, const struct bt_crop *crop,
                           const struct target *to)
{
    const uint8_t *cut =
        frame->data[0] + (ptrdiff_t)crop->y * frame->linesize[0] + (ptrdiff_t)crop->x * 4;
    scale_pixels(cut, frame->linesize[0], crop, to);
    make_opaque(to->pixels, to->stride, to->width, to->height);
}

// GIF, APNG and WebP frames are what moves here: BGRA comes as it is, only alpha has to be
// multiplied.
static int other_to_target(struct bt_converter *converter, const AVFrame *frame,
                           const struct bt_crop *crop, const struct target *to,
                           struct bt_error *err)
{
    bool same_size = crop->width == to->width && crop->height == to->height;
    if (frame->format == AV_PIX_FMT_BGR0) {
        bgr0_to_target(frame, crop, to);
        return 0;
    }
    if (same_size && frame->format == AV_PIX_FMT_BGRA) {
        bt_premultiply(frame->data[0] + (ptrdiff_t)crop->y * frame->linesize[0] +
                           (ptrdiff_t)crop->x * 4,
                       frame->linesize[0], to->pixels, to->stride, to->width, to->height);
        return 0;
    }
    int stride = frame->width * 4;
    uint8_t *rows = bt_scratch_get(&converter->bgra, (size_t)stride * (size_t)frame->height);
    if (rows == NULL) {
        return no_memory(err);
    }
    if (frame->format == AV_PIX_FMT_BGRA) {
        bt_premultiply(frame->data[0], frame->linesize[0], rows, stride, frame->width,
                       frame->height);
    } else {
        int r = rows_by_swscale(converter, frame, 0, frame->height, rows, stride, err);
        if (r < 0) {
            return r;
        }
    }
    scale_pixels(rows + (ptrdiff_t)crop->y * stride + (ptrdiff_t)crop->x * 4, stride, crop, to);
    return 0;
}

static int convert_upright(struct bt_converter *converter, const AVFrame *frame,
                           const struct bt_crop *crop, const struct target *to,
                           struct bt_error *err)
{
    bool same_size = crop->width == to->width && crop->height == to->height;
    if (converter->quality == BT_QUALITY_BEST && !same_size) {
        return scale_by_resampler(converter, frame, crop, to, err);
    }
    struct bt_planes planes;
    if (bt_planes_of(frame, &planes)) {
        return planes_to_target(converter, &planes, crop, to, err);
    }
    return other_to_target(converter, frame, crop, to, err);
}

static int convert_turned(struct bt_converter *converter, const AVFrame *frame,
                          const struct bt_crop *crop, int rotation, const struct target *to,
                          struct bt_error *err)
{
    bool sideways = rotation == 90 || rotation == 270;
    struct target upright = {
        .width = sideways ? to->height : to->width,
        .height = sideways ? to->width : to->height,
    };
    upright.stride = upright.width * 4;
    upright.pixels =
        bt_scratch_get(&converter->upright, (size_t)upright.stride * (size_t)upright.height);
    if (upright.pixels == NULL) {
        return no_memory(err);
    }
    int r = convert_upright(converter, frame, crop, &upright, err);
    if (r < 0) {
        return r;
    }
    ARGBRotate(upright.pixels, upright.stride, to->pixels, to->stride, upright.width,
               upright.height, (enum RotationMode)rotation);
    return 0;
}

// Last, so that only what is seen is looked up.
static void map_tones(struct bt_converter *converter, enum AVColorTransferCharacteristic transfer,
                      const struct target *to)
{
    if (converter->tone == NULL || bt_tone_transfer(converter->tone) != transfer) {
        bt_tone_destroy(converter->tone);
        converter->tone = bt_tone_create(transfer);
    }
    bt_tone_map(converter->tone, to->pixels, (size_t)to->stride, to->width, to->height);
}

static int check_request(const AVFrame *frame, const struct bt_crop *crop, int rotation,
                         size_t stride, int width, int height, struct bt_error *err)
{
    if (crop->x < 0 || crop->y < 0 || crop->width < 1 || crop->height < 1 ||
        crop->width > frame->width - crop->x || crop->height > frame->height - crop->y) {
        return bt_fail(err, -EINVAL, "The cut %dx%d at %d,%d is not inside a frame of %dx%d",
                       crop->width, crop->height, crop->x, crop->y, frame->width, frame->height);
    }
    if (width < 1 || height < 1 || width > 32768 || height > 32768 || stride < (size_t)width * 4 ||
        stride > INT32_MAX) {
        return bt_fail(err, -EINVAL, "A frame cannot become %dx%d", width, height);
    }
    if (rotation != 0 && rotation != 90 && rotation != 180 && rotation != 270) {
        return bt_fail(err, -EINVAL, "A frame cannot be turned by %d degrees", rotation);
    }
    return 0;
}

int bt_convert(struct bt_converter *converter, const struct bt_frame *frame,
               const struct bt_crop *crop, int rotation, uint8_t *pixels, size_t stride, int width,
               int height, struct bt_error *err)
{
    const AVFrame *av = frame->av;
    struct bt_crop whole = {.width = av->width, .height = av->height};
    if (crop == NULL || (crop->width == 0 && crop->height == 0)) {
        crop = &whole;
    }
    int r = check_request(av, crop, rotation, stride, width, height, err);
    if (r < 0) {
        return r;
    }
    struct target to = {pixels, (int)stride, width, height};
    r = rotation == 0 ? convert_upright(converter, av, crop, &to, err)
                      : convert_turned(converter, av, crop, rotation, &to, err);
    if (r == 0 && bt_transfer_is_hdr(av->color_trc) && !has_alpha(av->format)) {
        map_tones(converter, av->color_trc, &to);
    }
    return r;
}

#include "media/planes.h"

#include <errno.h>
#include <libavutil/pixfmt.h>
#include <libyuv/scale.h>
#include <libyuv/scale_uv.h>
#include <stdlib.h>

// SIMD loads and stores like whole cache lines.
#define ALIGN_BYTES 64

// Below this an unmarked clip is taken for standard definition, as every player does.
#define SD_MAX_LINES 576

struct format {
    enum AVPixelFormat av;
    enum bt_plane_layout layout;
    int shift_x, shift_y;
    int depth_shift;
    bool full;  // full range whatever the frame says
};

static const struct format formats[] = {
    {AV_PIX_FMT_YUV420P, BT_PLANES_PLANAR, 1, 1, 0, false},
    {AV_PIX_FMT_YUVJ420P, BT_PLANES_PLANAR, 1, 1, 0, true},
    {AV_PIX_FMT_NV12, BT_PLANES_SEMI, 1, 1, 0, false},
    {AV_PIX_FMT_YUV422P, BT_PLANES_PLANAR, 1, 0, 0, false},
    {AV_PIX_FMT_YUVJ422P, BT_PLANES_PLANAR, 1, 0, 0, true},
    {AV_PIX_FMT_YUV444P, BT_PLANES_PLANAR, 0, 0, 0, false},
    {AV_PIX_FMT_YUVJ444P, BT_PLANES_PLANAR, 0, 0, 0, true},
    {AV_PIX_FMT_YUV420P10, BT_PLANES_PLANAR, 1, 1, 2, false},
    {AV_PIX_FMT_YUV422P10, BT_PLANES_PLANAR, 1, 0, 2, false},
    {AV_PIX_FMT_YUV444P10, BT_PLANES_PLANAR, 0, 0, 2, false},
    {AV_PIX_FMT_YUV420P12, BT_PLANES_PLANAR, 1, 1, 4, false},
    {AV_PIX_FMT_YUV422P12, BT_PLANES_PLANAR, 1, 0, 4, false},
    {AV_PIX_FMT_YUV444P12, BT_PLANES_PLANAR, 0, 0, 4, false},
    {AV_PIX_FMT_P010, BT_PLANES_SEMI, 1, 1, 8, false},
};

uint8_t *bt_scratch_get(struct bt_scratch *scratch, size_t size)
{
    if (size > scratch->size) {
        free(scratch->bytes);
        scratch->size = 0;
        size = (size + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
        scratch->bytes = aligned_alloc(ALIGN_BYTES, size);
        if (scratch->bytes != NULL) {
            scratch->size = size;
        }
    }
    return scratch->bytes;
}

void bt_scratch_finish(struct bt_scratch *scratch)
{
    free(scratch->bytes);
    *scratch = (struct bt_scratch){0};
}

static const struct format *find_format(int av)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(formats); i++) {
        if ((int)formats[i].av == av) {
            return &formats[i];
        }
    }
    return NULL;
}

static enum bt_yuv_matrix matrix_of(const AVFrame *frame)
{
    switch ((int)frame->colorspace) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_SMPTE240M:
        return BT_YUV_709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return BT_YUV_2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_FCC:
        return BT_YUV_601;
    default:
        return frame->height <= SD_MAX_LINES ? BT_YUV_601 : BT_YUV_709;
    }
}

// Pictures know no limited range unless they say so.
static bool of_grey(const AVFrame *frame, struct bt_planes *out)
{
    *out = (struct bt_planes){
        .layout = BT_PLANES_GREY,
        .width = frame->width,
        .height = frame->height,
        .data = {frame->data[0]},
        .stride = {frame->linesize[0]},
        .full = frame->color_range != AVCOL_RANGE_MPEG,
    };
    return true;
}

bool bt_planes_of(const AVFrame *frame, struct bt_planes *out)
{
    if (frame->format == AV_PIX_FMT_GRAY8) {
        return of_grey(frame, out);
    }
    const struct format *format = find_format(frame->format);
    if (format == NULL || frame->colorspace == AVCOL_SPC_RGB ||
        frame->colorspace == AVCOL_SPC_YCGCO ||
        (format->layout == BT_PLANES_PLANAR && frame->linesize[1] != frame->linesize[2])) {
        return false;
    }
    *out = (struct bt_planes){
        .layout = format->layout,
        .shift_x = format->shift_x,
        .shift_y = format->shift_y,
        .depth_shift = format->depth_shift,
        .width = frame->width,
        .height = frame->height,
        .data = {frame->data[0], frame->data[1], frame->data[2]},
        .stride = {frame->linesize[0], frame->linesize[1], frame->linesize[2]},
        .matrix = matrix_of(frame),
        .full = format->full || frame->color_range == AVCOL_RANGE_JPEG,
    };
    return true;
}

static int plane_count(const struct bt_planes *planes)
{
    static const int counts[] = {
        [BT_PLANES_PLANAR] = 3, [BT_PLANES_SEMI] = 2, [BT_PLANES_GREY] = 1};
    return counts[planes->layout];
}

// Samples in a row of the plane, and its rows.
static int plane_width(const struct bt_planes *planes, int plane, int width)
{
    if (plane == 0) {
        return width;
    }
    int chroma = (width + (1 << planes->shift_x) - 1) >> planes->shift_x;
    return planes->layout == BT_PLANES_SEMI ? chroma * 2 : chroma;
}

static int plane_height(const struct bt_planes *planes, int plane, int height)
{
    return plane == 0 ? height : (height + (1 << planes->shift_y) - 1) >> planes->shift_y;
}

void bt_planes_crop(struct bt_planes *planes, int x, int y, int width, int height)
{
    x &= ~((1 << planes->shift_x) - 1);
    y &= ~((1 << planes->shift_y) - 1);
    for (int i = 0; i < plane_count(planes); i++) {
        ptrdiff_t column = plane_width(planes, i, x);
        planes->data[i] += (ptrdiff_t)plane_height(planes, i, y) * planes->stride[i] +
                           (planes->depth_shift > 0 ? column * 2 : column);
    }
    planes->width = width;
    planes->height = height;
}

static void round_row(const uint16_t *from, uint8_t *to, int count, int shift)
{
    unsigned half = 1U << (shift - 1);
    for (int i = 0; i < count; i++) {
        unsigned sample = (from[i] + half) >> shift;
        to[i] = (uint8_t)BT_MIN(sample, 255U);
    }
}

void bt_planes_round(const struct bt_planes *planes, uint8_t *const data[], const int stride[])
{
    for (int i = 0; i < plane_count(planes); i++) {
        int width = plane_width(planes, i, planes->width);
        int height = plane_height(planes, i, planes->height);
        for (int y = 0; y < height; y++) {
            const void *row = planes->data[i] + (ptrdiff_t)y * planes->stride[i];
            round_row(row, data[i] + (ptrdiff_t)y * stride[i], width, planes->depth_shift);
        }
    }
}

// Lays out planes of this size in scratch: *out gets pointers and strides, no content.
static int reserve(const struct bt_planes *like, int width, int height, struct bt_scratch *scratch,
                   uint8_t *out_data[3], int out_stride[3])
{
    size_t offset[3] = {0};
    size_t size = 0;
    for (int i = 0; i < plane_count(like); i++) {
        out_stride[i] = plane_width(like, i, width);
        offset[i] = size;
        size += (size_t)out_stride[i] * (size_t)plane_height(like, i, height) + ALIGN_BYTES;
        size = size / ALIGN_BYTES * ALIGN_BYTES;
    }
    uint8_t *bytes = bt_scratch_get(scratch, size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    for (int i = 0; i < plane_count(like); i++) {
        out_data[i] = bytes + offset[i];
    }
    return 0;
}

int bt_planes_to_8bit(struct bt_planes *planes, struct bt_scratch *scratch)
{
    if (planes->depth_shift == 0) {
        return 0;
    }
    uint8_t *data[3] = {NULL};
    int stride[3] = {0};
    int r = reserve(planes, planes->width, planes->height, scratch, data, stride);
    if (r < 0) {
        return r;
    }
    bt_planes_round(planes, data, stride);
    for (int i = 0; i < plane_count(planes); i++) {
        planes->data[i] = data[i];
        planes->stride[i] = stride[i];
    }
    planes->depth_shift = 0;
    return 0;
}

int bt_planes_scale(struct bt_planes *planes, int width, int height, struct bt_scratch *scratch)
{
    uint8_t *data[3] = {NULL};
    int stride[3] = {0};
    int r = reserve(planes, width, height, scratch, data, stride);
    if (r < 0) {
        return r;
    }
    bool shrinks = width < planes->width && height < planes->height;
    enum FilterMode filter = shrinks ? kFilterBox : kFilterBilinear;
    for (int i = 0; i < plane_count(planes); i++) {
        int from_width = plane_width(planes, i, planes->width);
        int from_height = plane_height(planes, i, planes->height);
        int to_width = plane_width(planes, i, width);
        int to_height = plane_height(planes, i, height);
        if (i == 1 && planes->layout == BT_PLANES_SEMI) {
            UVScale(planes->data[i], planes->stride[i], from_width / 2, from_height, data[i],
                    stride[i], to_width / 2, to_height, filter);
        } else {
            ScalePlane(planes->data[i], planes->stride[i], from_width, from_height, data[i],
                       stride[i], to_width, to_height, filter);
        }
        planes->data[i] = data[i];
        planes->stride[i] = stride[i];
    }
    planes->width = width;
    planes->height = height;
    return 0;
}

int bt_planes_smooth(struct bt_planes *planes, struct bt_scratch *scratch)
{
    if (planes->layout != BT_PLANES_PLANAR || (planes->shift_x == 0 && planes->shift_y == 0)) {
        return 0;
    }
    struct bt_planes luma_sized = *planes;
    luma_sized.shift_x = luma_sized.shift_y = 0;
    uint8_t *data[3] = {NULL};
    int stride[3] = {0};
    int r = reserve(&luma_sized, planes->width, planes->height, scratch, data, stride);
    if (r < 0) {
        return r;
    }
    for (int i = 1; i < 3; i++) {
        ScalePlane(planes->data[i], planes->stride[i], plane_width(planes, i, planes->width),
                   plane_height(planes, i, planes->height), data[i], stride[i], planes->width,
                   planes->height, kFilterBilinear);
        luma_sized.data[i] = data[i];
        luma_sized.stride[i] = stride[i];
    }
    *planes = luma_sized;
    return 0;
}

void bt_planes_to_bgra(const struct bt_planes *planes, uint8_t *pixels, int stride)
{
    struct bt_yuv_source source = {
        .width = planes->width,
        .height = planes->height,
        .shift_x = planes->shift_x,
        .shift_y = planes->shift_y,
        .y = planes->data[0],
        .u = planes->data[1],
        .v = planes->data[2],
        .y_stride = planes->stride[0],
        .uv_stride = planes->stride[1],
        .matrix = planes->matrix,
        .full = planes->full,
    };
    bt_yuv_to_bgra(&source, pixels, stride);
}

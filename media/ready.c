#include "media/ready.h"

#include <libavutil/pixdesc.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/convert.h"
#include "media/planes.h"
#include "media/tone.h"

struct bt_ready {
    struct bt_converter *converter;
};

struct bt_ready *bt_ready_create(void)
{
    bt_av_quiet();
    struct bt_ready *ready = BT_NEW(struct bt_ready);
    ready->converter = bt_converter_create(BT_QUALITY_FAST);
    return ready;
}

void bt_ready_destroy(struct bt_ready *ready)
{
    if (ready != NULL) {
        bt_converter_destroy(ready->converter);
        free(ready);
    }
}

// Planes of the same layout with 8 bits. AV_PIX_FMT_NONE: there are no such.
static enum AVPixelFormat shallow(const struct bt_planes *planes)
{
    static const enum AVPixelFormat planar[2][2] = {
        {AV_PIX_FMT_YUV444P, AV_PIX_FMT_NONE},
        {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV420P},
    };
    return planes->layout == BT_PLANES_SEMI ? AV_PIX_FMT_NV12
                                            : planar[planes->shift_x][planes->shift_y];
}

static AVFrame *frame_like(const AVFrame *frame, enum AVPixelFormat format, int halvings)
{
    BT_AUTOFRAME *made = av_frame_alloc();
    if (made == NULL || format == AV_PIX_FMT_NONE) {
        return NULL;
    }
    made->format = format;
    made->width = BT_MAX(frame->width >> halvings, 1);
    made->height = BT_MAX(frame->height >> halvings, 1);
    if (av_frame_copy_props(made, frame) < 0 || av_frame_get_buffer(made, 0) < 0) {
        return NULL;
    }
    return BT_TAKE(made);
}

static AVFrame *rounded(const AVFrame *frame, const struct bt_planes *planes)
{
    AVFrame *made = frame_like(frame, shallow(planes), 0);
    if (made != NULL) {
        bt_planes_round(planes, made->data, made->linesize);
    }
    return made;
}

static bool has_alpha(int format)
{
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(format);
    return description != NULL &&
           (description->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
}

static AVFrame *as_pixels(struct bt_ready *ready, AVFrame *frame, int halvings)
{
    bool alpha = has_alpha(frame->format);
    BT_AUTOFRAME *made = alpha ? frame_like(frame, AV_PIX_FMT_BGRA, 0)
                               : frame_like(frame, AV_PIX_FMT_BGR0, halvings);
    if (made == NULL) {
        return NULL;
    }
    const struct bt_frame whole = {.av = frame};
    int r = alpha ? bt_convert_straight(ready->converter, &whole, made->data[0],
                                        (size_t)made->linesize[0], NULL)
                  : bt_convert(ready->converter, &whole, NULL, 0, made->data[0],
                               (size_t)made->linesize[0], made->width, made->height, NULL);
    if (r < 0) {
        return NULL;
    }
    made->colorspace = AVCOL_SPC_RGB;
    made->color_range = AVCOL_RANGE_JPEG;
    made->color_trc = AVCOL_TRC_IEC61966_2_1;
    return BT_TAKE(made);
}

void bt_ready_make(struct bt_ready *ready, AVFrame *frame, int halvings)
{
    struct bt_planes planes;
    AVFrame *made = NULL;
    bool has_planes = bt_planes_of(frame, &planes);
    bool is_hdr = bt_transfer_is_hdr(frame->color_trc) && !has_alpha(frame->format);
    if (has_planes && !is_hdr) {
        made = planes.depth_shift > 0 ? rounded(frame, &planes) : NULL;
    } else if (is_hdr || (frame->format != AV_PIX_FMT_BGRA && frame->format != AV_PIX_FMT_BGR0)) {
        made = as_pixels(ready, frame, halvings);
    }
    if (made != NULL) {
        av_frame_unref(frame);
        av_frame_move_ref(frame, made);
        av_frame_free(&made);
    }
}

#include "media/deinterlace.h"

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"

// Levels of 255 by which a line may stick out: noise and fine print are no comb.
#define TOLERANCE 10

bool bt_frame_is_interlaced(const AVFrame *frame)
{
#ifdef AV_FRAME_FLAG_INTERLACED
    return (frame->flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
    return frame->interlaced_frame != 0;
#endif
}

static bool top_is_first(const AVFrame *frame)
{
#ifdef AV_FRAME_FLAG_INTERLACED
    return (frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0;
#else
    return frame->top_field_first != 0;
#endif
}

// Plain loops over bytes: compilers make vectors of them.
static void bend_bytes(uint8_t *line, const uint8_t *above, const uint8_t *below, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int least = BT_MIN(above[i], below[i]) - TOLERANCE;
        int most = BT_MAX(above[i], below[i]) + TOLERANCE;
        int value = line[i];
        int middle = (above[i] + below[i] + 1) / 2;
        line[i] = (uint8_t)(value < least || value > most ? middle : value);
    }
}

static void bend_words(uint16_t *line, const uint16_t *above, const uint16_t *below, size_t count,
                       int tolerance)
{
    for (size_t i = 0; i < count; i++) {
        int least = BT_MIN(above[i], below[i]) - tolerance;
        int most = BT_MAX(above[i], below[i]) + tolerance;
        int value = line[i];
        int middle = (above[i] + below[i] + 1) / 2;
        line[i] = (uint16_t)(value < least || value > most ? middle : value);
    }
}

struct plane {
    uint8_t *pixels;
    ptrdiff_t stride;
    int height;
    size_t bytes;  // of a line
    int depth;     // bits of a sample
};

static uint8_t *line_of(const struct plane *plane, int y)
{
    return plane->pixels + plane->stride * BT_CLAMP(y, 0, plane->height - 1);
}

// The lines `first`, `first` + 2 … of the plane are those of the other half.
static void bend_plane(const struct plane *plane, int first)
{
    for (int y = first; y < plane->height; y += 2) {
        // At the edge the only neighbour stands for both.
        const uint8_t *above = line_of(plane, y > 0 ? y - 1 : y + 1);
        const uint8_t *below = line_of(plane, y + 1 < plane->height ? y + 1 : y - 1);
        if (plane->depth <= 8) {
            bend_bytes(line_of(plane, y), above, below, plane->bytes);
        } else {
            bend_words((uint16_t *)(void *)line_of(plane, y), (const uint16_t *)(const void *)above,
                       (const uint16_t *)(const void *)below, plane->bytes / 2,
                       TOLERANCE << (plane->depth - 8));
        }
    }
}

static bool is_known(const AVPixFmtDescriptor *format)
{
    const uint64_t strange = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM |
                             AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT;
    return format != NULL && (format->flags & strange) == 0 && format->comp[0].depth >= 8 &&
           format->comp[0].depth <= 16;
}

bool bt_deinterlace(AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (!is_known(format) || av_frame_make_writable(frame) < 0) {
        return false;
    }
    for (int i = 0; i < av_pix_fmt_count_planes(frame->format); i++) {
        bool chroma = (i == 1 || i == 2) && (format->flags & AV_PIX_FMT_FLAG_RGB) == 0;
        int bytes = av_image_get_linesize(frame->format, frame->width, i);
        const struct plane plane = {
            .pixels = frame->data[i],
            .stride = frame->linesize[i],
            .height = chroma ? AV_CEIL_RSHIFT(frame->height, format->log2_chroma_h) : frame->height,
            .bytes = (size_t)BT_MAX(bytes, 0),
            .depth = format->comp[0].depth,
        };
        if (plane.height > 1) {
            bend_plane(&plane, top_is_first(frame) ? 1 : 0);
        }
    }
    return true;
}

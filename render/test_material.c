#include "render/test_material.h"

#include <assert.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>

#include "base/mem.h"

unsigned test_random(uint32_t *state, unsigned below)
{
    *state = *state * 1664525 + 1013904223;
    return (unsigned)(((uint64_t)(*state >> 4) * below) >> 28);
}

static void put_pixel(struct bt_image *image, int x, int y, const uint8_t colour[3], int alpha)
{
    uint8_t *pixel = image->pixels + (size_t)y * image->stride + (size_t)x * 4;
    for (int i = 0; i < 3; i++) {
        pixel[i] = (uint8_t)(colour[i] * alpha / 255);
    }
    pixel[3] = (uint8_t)alpha;
}

struct bt_image *test_image(int width, int height, unsigned seed, int alpha)
{
    struct bt_image *image = bt_image_create(width, height);
    assert(image != NULL);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const uint8_t colour[3] = {(uint8_t)(x * 3 + (int)seed * 40),
                                       (uint8_t)(y * 5 + (int)seed * 90),
                                       (uint8_t)((x + y) * 2 + (int)seed * 17)};
            int pixel_alpha = alpha == 255 ? 255 : (x * 7 + y * 3) % (alpha + 1);
            put_pixel(image, x, y, colour, pixel_alpha);
        }
    }
    image->opaque = alpha == 255;
    return image;
}

struct bt_strip *test_strip(int height, size_t count, bool opaque)
{
    struct bt_strip *strip = BT_NEW(struct bt_strip);
    strip->tiles = BT_NEW_ARRAY(struct bt_image *, count);
    strip->tile_count = count;
    strip->height = height;
    for (size_t i = 0; i < count; i++) {
        int width = 23 + (int)i * 11;
        strip->tiles[i] = test_image(width, height, (unsigned)i + 1, opaque ? 255 : 254);
        strip->width += width;
    }
    return strip;
}

void test_strip_destroy(struct bt_strip *strip)
{
    for (size_t i = 0; i < strip->tile_count; i++) {
        bt_image_destroy(strip->tiles[i]);
    }
    free(strip->tiles);
    free(strip);
}

// 0..255 for one component of one pixel: a ramp, and a corner that stands out.
static int sample(int x, int y, int width, int height, int component, unsigned seed)
{
    if (x < width / 4 && y < height / 4) {
        return component == 0 ? 220 : 60 + (int)seed % 64;
    }
    switch (component) {
    case 0:
        return 30 + (x * 180 / width + (int)seed * 37) % 200;
    case 1:
        return 40 + (y * 170 / height + (int)seed * 11) % 180;
    case 2:
        return 200 - ((x + y) * 150 / (width + height) + (int)seed * 5) % 160;
    default:
        return (x * 9 + y * 2) % 256;
    }
}

static int smooth_sample(int x, int y, int width, int height, int component)
{
    static const int at_origin[] = {60, 100, 150, 255};
    int along = component == 1 ? y * 8 / height : x * 8 / width;
    return at_origin[component] + (component == 3 ? 0 : along);
}

static void put_sample(AVFrame *av, const AVComponentDescriptor *component, int x, int y, int value)
{
    uint8_t *at = av->data[component->plane] + (ptrdiff_t)y * av->linesize[component->plane] +
                  (ptrdiff_t)x * component->step + component->offset;
    if (component->depth > 8) {
        unsigned wide = (unsigned)value << (component->depth - 8) << component->shift;
        at[0] = (uint8_t)wide;
        at[1] = (uint8_t)(wide >> 8);
    } else {
        *at = (uint8_t)value;
    }
}

struct bt_frame *test_frame(int width, int height, struct test_frame_kind kind, unsigned seed)
{
    struct bt_frame *frame = BT_NEW(struct bt_frame);
    AVFrame *av = av_frame_alloc();
    assert(av != NULL);
    av->format = kind.format;
    av->width = width;
    av->height = height;
    av->colorspace = (enum AVColorSpace)kind.matrix;
    av->color_range = (enum AVColorRange)kind.range;
    int r = av_frame_get_buffer(av, 0);
    assert(r == 0);
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(kind.format);
    bool yuv = (format->flags & AV_PIX_FMT_FLAG_RGB) == 0;
    for (int c = 0; c < format->nb_components; c++) {
        bool chroma = yuv && (c == 1 || c == 2);
        int shift_x = chroma ? format->log2_chroma_w : 0,
            shift_y = chroma ? format->log2_chroma_h : 0;
        for (int y = 0; y < AV_CEIL_RSHIFT(height, shift_y); y++) {
            for (int x = 0; x < AV_CEIL_RSHIFT(width, shift_x); x++) {
                int value = kind.smooth
                                ? smooth_sample(x << shift_x, y << shift_y, width, height, c)
                                : sample(x << shift_x, y << shift_y, width, height, c, seed);
                put_sample(av, &format->comp[c], x, y, value);
            }
        }
    }
    frame->av = av;
    frame->duration_ns = 40000000;
    return frame;
}

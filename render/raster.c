/**
 * The loops are plain so that the compiler turns them into vector code (this room's meson.build
 * builds this file with -O3); two 8-bit channels travel in one 32-bit lane.
 */
#include "render/raster.h"

#include <assert.h>
#include <string.h>

// Mixed pixels that are not opaque pass through a small buffer on their way.
#define MIX_CHUNK_PX 256

struct bt_raster bt_raster_of(struct bt_image *image)
{
    return (struct bt_raster){image->pixels, image->stride, image->width, image->height};
}

struct bt_raster_source bt_raster_source_of(const struct bt_image *image, int x, int y)
{
    return (struct bt_raster_source){image->pixels, image->stride, x, y, image->opaque};
}

static uint8_t *pixels_at(const struct bt_raster *raster, int x, int y)
{
    assert(x >= 0 && y >= 0 && x < raster->width && y < raster->height);
    return raster->pixels + (size_t)y * raster->stride + (size_t)x * 4;
}

static const uint8_t *source_at(const struct bt_raster_source *source, int x, int y)
{
    assert(x >= source->x && y >= source->y);
    return source->pixels + (size_t)(y - source->y) * source->stride + (size_t)(x - source->x) * 4;
}

static uint32_t scale_channel(uint32_t value, uint32_t alpha)
{
    return (value * alpha + 127) / 255;
}

static uint32_t premultiplied(struct bt_colour colour)
{
    return (uint32_t)colour.a << 24 | scale_channel(colour.r, colour.a) << 16 |
           scale_channel(colour.g, colour.a) << 8 | scale_channel(colour.b, colour.a);
}

// Two channels (bits 0..7 and 16..23) times 0..255, divided by 255 and rounded, exactly.
static inline uint32_t scale_pair(uint32_t pair, uint32_t alpha)
{
    uint32_t t = pair * alpha + 0x00800080;
    return ((t + ((t >> 8) & 0x00FF00FF)) >> 8) & 0x00FF00FF;
}

static inline uint32_t over(uint32_t top, uint32_t below)
{
    uint32_t rest = 255 - (top >> 24);
    uint32_t blue_red = scale_pair(below & 0x00FF00FF, rest);
    uint32_t green_alpha = scale_pair((below >> 8) & 0x00FF00FF, rest);
    return top + (blue_red | green_alpha << 8);
}

static void fill_row(uint32_t *restrict to, uint32_t colour, int width)
{
    for (int i = 0; i < width; i++) {
        to[i] = colour;
    }
}

static void tint_row(uint32_t *restrict to, uint32_t colour, int width)
{
    for (int i = 0; i < width; i++) {
        to[i] = over(colour, to[i]);
    }
}

static void blend_row(uint32_t *restrict to, const uint32_t *restrict from, int width)
{
    for (int i = 0; i < width; i++) {
        to[i] = over(from[i], to[i]);
    }
}

// weight 0..256 of b; sums stay below 65,536, so 16-bit lanes do.
static void mix_row(uint8_t *restrict to, const uint8_t *restrict a, const uint8_t *restrict b,
                    int bytes, uint16_t weight)
{
    uint16_t rest = (uint16_t)(256 - weight);
    for (int i = 0; i < bytes; i++) {
        to[i] =
            (uint8_t)((uint16_t)((uint16_t)(a[i] * rest) + (uint16_t)(b[i] * weight) + 128) >> 8);
    }
}

static uint32_t *lanes(uint8_t *pixels)
{
    return (uint32_t *)(void *)pixels;
}

static const uint32_t *const_lanes(const uint8_t *pixels)
{
    return (const uint32_t *)(const void *)pixels;
}

void bt_raster_clear(const struct bt_raster *to, struct bt_rect rect)
{
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        memset(pixels_at(to, rect.x, y), 0, (size_t)rect.width * 4);
    }
}

void bt_raster_fill(const struct bt_raster *to, struct bt_rect rect, struct bt_colour colour)
{
    if (colour.a == 0) {
        return;
    }
    uint32_t pixel = premultiplied(colour);
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        uint32_t *row = lanes(pixels_at(to, rect.x, y));
        if (colour.a == 255) {
            fill_row(row, pixel, rect.width);
        } else {
            tint_row(row, pixel, rect.width);
        }
    }
}

void bt_raster_draw(const struct bt_raster *to, struct bt_rect rect,
                    const struct bt_raster_source *from)
{
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        uint8_t *row = pixels_at(to, rect.x, y);
        const uint8_t *source = source_at(from, rect.x, y);
        if (from->opaque) {
            memcpy(row, source, (size_t)rect.width * 4);
        } else {
            blend_row(lanes(row), const_lanes(source), rect.width);
        }
    }
}

static void mix_over_row(uint8_t *to, const uint8_t *a, const uint8_t *b, int width,
                         uint16_t weight)
{
    uint32_t mixed[MIX_CHUNK_PX] = {0};
    for (int x = 0; x < width; x += MIX_CHUNK_PX) {
        int count = BT_MIN(width - x, MIX_CHUNK_PX);
        size_t at = (size_t)x * 4;
        mix_row((uint8_t *)mixed, a + at, b + at, count * 4, weight);
        blend_row(lanes(to + at), mixed, count);
    }
}

void bt_raster_mix(const struct bt_raster *to, struct bt_rect rect,
                   const struct bt_raster_source *a, const struct bt_raster_source *b, int permille)
{
    uint16_t weight = (uint16_t)((permille * 256 + 500) / 1000);
    bool opaque = a->opaque && b->opaque;
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        uint8_t *row = pixels_at(to, rect.x, y);
        const uint8_t *row_a = source_at(a, rect.x, y);
        const uint8_t *row_b = source_at(b, rect.x, y);
        if (opaque) {
            mix_row(row, row_a, row_b, rect.width * 4, weight);
        } else {
            mix_over_row(row, row_a, row_b, rect.width, weight);
        }
    }
}

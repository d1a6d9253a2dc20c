/**
 * A chunk of columns at a time: where each comes from is worked out once, each row of the picture
 * is made as wide as the chunk once, and each row of the result is a mixture of two of those,
 * which stay in the fastest cache. Nothing is allocated.
 */
#include "render/sample.h"

#include <string.h>

#include "render/sample_avx2.h"

struct columns {
    int32_t at[BT_SAMPLE_CHUNK];       // the left one of the two pixels
    uint16_t weight[BT_SAMPLE_CHUNK];  // of the right one, in 256
};

// Rows of the picture as wide as the chunk; [row % 2], so that neighbours never share a place.
struct rows {
    uint32_t pixels[2][BT_SAMPLE_CHUNK];
    int row[2];
};

struct point {
    int at;  // first of two neighbours; the second may have to be the same at the far edge
    unsigned weight;
};

// Middle of pixel `index` of `count`, looked up in a window from `start` that is `length` long.
static struct point point_at(int64_t start, int64_t length, int index, int count, int limit)
{
    int64_t exact = start + (2 * (int64_t)index + 1) * length / (2 * (int64_t)count) - 32768;
    int64_t rounded = (exact + 128) >> 8;
    if (rounded < 0) {
        return (struct point){0, 0};
    }
    int at = (int)(rounded >> 8);
    if (at >= limit - 1) {
        return (struct point){limit - 1, 0};
    }
    return (struct point){at, (unsigned)(rounded & 255)};
}

// Two channels at a time (bits 0..7 and 16..23), weight in 256.
static inline uint32_t mix_pair(uint32_t a, uint32_t b, uint32_t weight)
{
    return ((a * (256 - weight) + b * weight + 0x00800080) >> 8) & 0x00FF00FF;
}

static inline uint32_t mix_pixel(uint32_t a, uint32_t b, uint32_t weight)
{
    return mix_pair(a & 0x00FF00FF, b & 0x00FF00FF, weight) |
           mix_pair((a >> 8) & 0x00FF00FF, (b >> 8) & 0x00FF00FF, weight) << 8;
}

static void mix_columns(uint32_t *restrict to, const uint32_t *from, int last,
                        const struct columns *columns, int count)
{
    int done = bt_sample_columns_avx2(to, from, last, columns->at, columns->weight, count);
    for (int i = done; i < count; i++) {
        int at = columns->at[i];
        to[i] = mix_pixel(from[at], from[BT_MIN(at + 1, last)], columns->weight[i]);
    }
}

static void mix_rows(uint8_t *restrict to, const uint8_t *restrict a, const uint8_t *restrict b,
                     int bytes, uint16_t weight)
{
    uint16_t rest = (uint16_t)(256 - weight);
    for (int i = 0; i < bytes; i++) {
        to[i] =
            (uint8_t)((uint16_t)((uint16_t)(a[i] * rest) + (uint16_t)(b[i] * weight) + 128) >> 8);
    }
}

static const uint32_t *row_of(struct rows *rows, const struct bt_image *from, int row,
                              const struct columns *columns, int count)
{
    uint32_t *pixels = rows->pixels[row % 2];
    if (rows->row[row % 2] != row) {
        const uint8_t *line = from->pixels + (size_t)row * from->stride;
        mix_columns(pixels, (const uint32_t *)(const void *)line, from->width - 1, columns, count);
        rows->row[row % 2] = row;
    }
    return pixels;
}

static uint8_t *row_at(const struct bt_raster *to, int x, int y)
{
    return to->pixels + (size_t)y * to->stride + (size_t)x * 4;
}

static void put(const struct bt_raster *to, int x, int y, const uint32_t *pixels, int count,
                bool opaque)
{
    const struct bt_raster_source source = {(const uint8_t *)pixels, BT_SAMPLE_CHUNK * 4, x, y,
                                            opaque};
    bt_raster_draw(to, (struct bt_rect){x, y, count, 1}, &source);
}

static void sample_chunk(const struct bt_raster *to, struct bt_rect rect,
                         const struct bt_image *from, const struct bt_detail *window,
                         struct bt_rect place, const struct columns *columns)
{
    struct rows rows = {.row = {-1, -1}};
    uint32_t mixed[BT_SAMPLE_CHUNK];
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        struct point point =
            point_at(window->y, window->height, y - place.y, place.height, from->height);
        const uint32_t *upper = row_of(&rows, from, point.at, columns, rect.width);
        if (point.weight == 0) {
            put(to, rect.x, y, upper, rect.width, from->opaque);
            continue;
        }
        const uint32_t *lower = row_of(&rows, from, point.at + 1, columns, rect.width);
        uint8_t *into = from->opaque ? row_at(to, rect.x, y) : (uint8_t *)mixed;
        mix_rows(into, (const uint8_t *)upper, (const uint8_t *)lower, rect.width * 4,
                 (uint16_t)point.weight);
        if (!from->opaque) {
            put(to, rect.x, y, mixed, rect.width, false);
        }
    }
}

void bt_sample(const struct bt_raster *to, struct bt_rect rect, const struct bt_image *from,
               const struct bt_detail *window, struct bt_rect place)
{
    struct columns columns;
    for (int x = rect.x; x < rect.x + rect.width; x += BT_SAMPLE_CHUNK) {
        int count = BT_MIN(BT_SAMPLE_CHUNK, rect.x + rect.width - x);
        for (int i = 0; i < count; i++) {
            struct point point =
                point_at(window->x, window->width, x + i - place.x, place.width, from->width);
            columns.at[i] = point.at;
            columns.weight[i] = (uint16_t)point.weight;
        }
        const struct bt_rect part = {x, rect.y, count, rect.height};
        sample_chunk(to, part, from, window, place, &columns);
    }
}

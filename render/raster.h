/**
 * Rectangles of BGRA pixels, premultiplied, and the few things we do with them. Every operation
 * draws *over* what is there; a raster that was opaque stays opaque. `rect` is in pixels of the
 * raster drawn to and must lie inside it and inside what is drawn.
 */
#ifndef BT_RENDER_RASTER_H
#define BT_RENDER_RASTER_H

#include <stdbool.h>

#include "media/frame.h"
#include "playlists/publication.h"

struct bt_raster {
    uint8_t *pixels;  // borrowed
    size_t stride;    // bytes, a multiple of 4
    int width, height;
};

// What is drawn, with its left top corner at x, y of the raster drawn to.
struct bt_raster_source {
    const uint8_t *pixels;  // borrowed
    size_t stride;
    int x, y;
    bool opaque;  // every alpha is 255: a copy does
};

struct bt_raster bt_raster_of(struct bt_image *image);
struct bt_raster_source bt_raster_source_of(const struct bt_image *image, int x, int y);

// Sets every byte to 0: transparent.
void bt_raster_clear(const struct bt_raster *to, struct bt_rect rect);
void bt_raster_fill(const struct bt_raster *to, struct bt_rect rect, struct bt_colour colour);
void bt_raster_draw(const struct bt_raster *to, struct bt_rect rect,
                    const struct bt_raster_source *from);
// `permille` of b, the rest of a; exact at 0 and 1000.
void bt_raster_mix(const struct bt_raster *to, struct bt_rect rect,
                   const struct bt_raster_source *a, const struct bt_raster_source *b,
                   int permille);

#endif

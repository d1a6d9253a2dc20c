/**
 * Canvases on rasters, for the tests of this room: plans as publications of walls and gates have
 * them, scenes that cross their slices, and a second opinion on every pixel.
 */
#ifndef BT_RENDER_TEST_RASTERS_H
#define BT_RENDER_TEST_RASTERS_H

#include "playlists/output_plan.h"
#include "render/test_scenes.h"

struct test_raster {
    const char *name;
    int width, height;  // of the canvas
    struct bt_output_plan plan;
};

#define TEST_RASTER_COUNT 12

// `index` below the count.
void test_raster_get(size_t index, struct test_raster *out);

// A picture over the whole canvas, and over it a crawl whose left edge stands at `x`.
void test_raster_scene(const struct test_raster *raster, int x, struct test_stage *stage);

// Fails the test unless the raster is what the plan makes of the canvas, and 0,0,0 beside it.
void test_raster_assert(const char *name, const struct bt_output_plan *plan, int shift_x,
                        int shift_y, const struct bt_image *canvas, const struct bt_image *raster);

#endif

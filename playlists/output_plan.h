/**
 * What a screen's publication says of its output: how the canvas lies on the raster, the picture
 * that the display or the LED sender is given. Rectangles of the canvas go to places of the raster
 * pixel by pixel; nothing is scaled, and the rest of the raster is black.
 *
 *     canvas 3200 × 96, folded 1280 wide                 raster 1920 × 1080
 *     ┌─────────┬─────────┬─────┐                        ┌─────────┬────────┐
 *     │    0    │    1    │  2  │                        │    0    │        │
 *     └─────────┴─────────┴─────┘                        │    1    │ 0,0,0  │
 *                                                        │    2 |           │
 *                                                        └──────────────────┘
 *
 * Pure. Whoever reads the document resolves offset, rotation and folding into slices, so that only
 * these have to be understood afterwards.
 */
#ifndef BT_PLAYLISTS_OUTPUT_PLAN_H
#define BT_PLAYLISTS_OUTPUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "playlists/rect.h"

#define BT_MAX_SLICES 64
#define BT_CURVE_LEVELS 256
#define BT_PIXEL_SHIFT_MAX_PX 16

struct bt_slice {
    struct bt_rect from;  // on the canvas
    int x, y;             // where its left top corner stands on the raster, once it is turned
    int rotation;         // degrees clockwise: 0, 90, 180, 270
};

struct bt_output_plan {
    int64_t mode_width, mode_height;  // of the raster; 0: whatever the display has
    int64_t mode_hz;                  // 0: not said
    struct bt_slice slices[BT_MAX_SLICES];
    size_t slice_count;  // 0: the publication says nothing of the output
    bool has_curves;     // curves or dimming: levels change on their way to the raster
    uint8_t curves[3][BT_CURVE_LEVELS];  // of red, green and blue: what becomes of a level
    int64_t dimming_percent;             // what of the light is left; 100: all
    int64_t shift_px, shift_minutes;     // pixel shift of LCDs; 0: none
};

// Where a slice stands on the raster.
struct bt_rect bt_slice_place(const struct bt_slice *slice);

/**
 * Cuts the canvas into pieces of at most so many pixels, from left to right and then downwards,
 * and stands them below each other from x, y; where the raster ends the next column begins.
 * Errors: -EINVAL they do not fit on the raster, or are more than BT_MAX_SLICES.
 */
struct bt_fold {
    int canvas_width, canvas_height;
    int raster_width, raster_height;
    int x, y;
    int piece_width, piece_height;  // 1..
};
int bt_output_plan_fold(struct bt_output_plan *plan, const struct bt_fold *fold,
                        struct bt_error *err) BT_NODISCARD;

// Every slice inside canvas and raster, and no two on the same pixel of the raster.
int bt_output_plan_check(const struct bt_output_plan *plan, int canvas_width, int canvas_height,
                         int raster_width, int raster_height, struct bt_error *err) BT_NODISCARD;

bool bt_output_plan_same(const struct bt_output_plan *a, const struct bt_output_plan *b);

// A curve through points at even distances, the first at level 0, the last at 255; straight
// between them. Two points at least.
void bt_curve_through(uint8_t curve[BT_CURVE_LEVELS], const uint8_t *points, size_t count);

// Puts `dimming_percent` into the curves.
void bt_output_plan_dim(struct bt_output_plan *plan);

#endif

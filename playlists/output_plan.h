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
 * Where a machine has several connectors the plan may name several windows instead of one raster,
 * each with slices of its own. Where they are drawn into one picture (without a display), they
 * stand beside each other from left to right in the plan's order.
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

// More connectors than one graphics card drives.
#define BT_MAX_WINDOWS 8
#define BT_MAX_DISPLAYS 16
#define BT_WINDOW_NAME_BYTES 64

struct bt_slice {
    struct bt_rect from;  // on the canvas
    int x, y;  // where its left top corner stands on the raster or its window, once it is turned
    int rotation;  // degrees clockwise: 0, 90, 180, 270
    int window;    // whose it is, where the plan has windows
};

struct bt_output_window {
    char name[BT_WINDOW_NAME_BYTES];  // unique in the plan
    int display;        // 1..BT_MAX_DISPLAYS: it covers that one; 0: it stands at x, y
    int x, y;           // on the desktop
    int width, height;  // its raster
};

struct bt_output_plan {
    int64_t mode_width, mode_height;  // of the raster; 0: whatever the display has, or windows
    int64_t mode_hz;                  // 0: not said
    struct bt_slice slices[BT_MAX_SLICES];
    size_t slice_count;  // 0: the publication says nothing of the output
    bool has_curves;     // curves or dimming: levels change on their way to the raster
    uint8_t curves[3][BT_CURVE_LEVELS];  // of red, green and blue: what becomes of a level
    int64_t dimming_percent;             // what of the light is left; 100: all
    int64_t shift_px, shift_minutes;     // pixel shift of LCDs; 0: none
    struct bt_output_window windows[BT_MAX_WINDOWS];
    size_t window_count;  // 0: one raster; the first window paces the others
};

// Where a slice stands on its raster: the plan's, or its window's.
struct bt_rect bt_slice_place(const struct bt_slice *slice);

// How far from the left a slice's window stands where all are drawn into one picture.
int bt_output_plan_left(const struct bt_output_plan *plan, const struct bt_slice *slice);

// What is on one of the windows alone: a plan of one raster.
void bt_output_plan_window(const struct bt_output_plan *plan, size_t window,
                           struct bt_output_plan *out);

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

// Every slice inside canvas and raster, and no two on the same pixel of the raster. Where there are
// windows these are the rasters; no two of them stand on the same display or pixel of the desktop.
int bt_output_plan_check(const struct bt_output_plan *plan, int canvas_width, int canvas_height,
                         int raster_width, int raster_height, struct bt_error *err) BT_NODISCARD;

bool bt_output_plan_same(const struct bt_output_plan *a, const struct bt_output_plan *b);

// A curve through points at even distances, the first at level 0, the last at 255; straight
// between them. Two points at least.
void bt_curve_through(uint8_t curve[BT_CURVE_LEVELS], const uint8_t *points, size_t count);

// Puts `dimming_percent` into the curves.
void bt_output_plan_dim(struct bt_output_plan *plan);

#endif

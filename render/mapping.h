/**
 * The canvas on the raster, in memory: slices are copied pixel by pixel, turned, sent through
 * the curves. Nothing is scaled; what lies beyond the raster is left out. What an output plan means
 * and what it looks like: playlists/output_plan.h.
 */
#ifndef BT_RENDER_MAPPING_H
#define BT_RENDER_MAPPING_H

#include "playlists/output_plan.h"
#include "render/raster.h"
#include "render/region.h"

struct bt_mapping {
    struct bt_output_plan plan;  // no slices: there is no mapping
    int shift_x, shift_y;        // of everything, on the raster; pixel shift
};

static inline bool bt_mapping_is_on(const struct bt_mapping *mapping)
{
    return mapping->plan.slice_count > 0;
}

// The whole canvas upright, with its own levels: the canvas can be drawn where it stands.
bool bt_mapping_is_plain(const struct bt_mapping *mapping, int canvas_width, int canvas_height);

// Where a slice stands on the raster, in full; of several windows all stand beside each other.
struct bt_rect bt_mapping_place(const struct bt_mapping *mapping, size_t slice);

// How large a raster must be to hold everything: the mode, all windows, or what the slices reach.
void bt_mapping_size(const struct bt_mapping *mapping, int *out_width, int *out_height);

/**
 * Copies what changed of the canvas to the raster. The pixels outside of the slices are not
 * touched. *out_bound: a rectangle of the raster that holds all that was written, empty when
 * nothing was.
 */
void bt_mapping_copy(const struct bt_mapping *mapping, const struct bt_raster *canvas,
                     const struct bt_region *changed, const struct bt_raster *raster,
                     struct bt_rect *out_bound);

// All of it, on black.
void bt_mapping_copy_all(const struct bt_mapping *mapping, const struct bt_raster *canvas,
                         const struct bt_raster *raster);

#endif

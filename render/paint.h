// Drawing visuals that are pixels already: colours, images, strips.
#ifndef BT_RENDER_PAINT_H
#define BT_RENDER_PAINT_H

#include "render/raster.h"
#include "render/visual.h"

/**
 * Draws the visual of a zone standing at `zone` on the raster, inside `region` (which must lie
 * inside the zone and the raster). Of a clip only the background beside its frame is drawn; a
 * frame with alpha has the background behind it too.
 */
void bt_paint(const struct bt_raster *to, const struct bt_region *region, struct bt_rect zone,
              const struct bt_visual *visual);

// Draws `from` (width × height) where the region has it.
void bt_paint_source(const struct bt_raster *to, const struct bt_region *region,
                     const struct bt_raster_source *from, int width, int height);

#endif

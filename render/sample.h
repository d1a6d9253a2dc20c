/**
 * A window of a picture, drawn larger or smaller, between its pixels: what a still that moves
 * looks like at an instant. Bilinear; a window of the same size at whole pixels is a copy.
 */
#ifndef BT_RENDER_SAMPLE_H
#define BT_RENDER_SAMPLE_H

#include "media/motion.h"
#include "render/raster.h"

// The window fills `place` (which may reach beyond the raster); drawn is `rect`, inside both.
void bt_sample(const struct bt_raster *to, struct bt_rect rect, const struct bt_image *from,
               const struct bt_detail *window, struct bt_rect place);

#endif

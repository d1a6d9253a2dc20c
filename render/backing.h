/**
 * A visual's own pixels at the size of its zone, kept while they are drawn again and again, and
 * the converter for its frames.
 */
#ifndef BT_RENDER_BACKING_H
#define BT_RENDER_BACKING_H

#include "media/convert.h"
#include "render/raster.h"
#include "render/visual.h"

// {0} is an empty backing.
struct bt_backing {
    struct bt_image *image;    // NULL: none kept
    bool valid;                // image shows `shown`
    struct bt_visual shown;    // compared, never followed
    struct bt_image *scratch;  // frames with alpha, and frames larger than the zone
    struct bt_converter *converter;
};

void bt_backing_finish(struct bt_backing *backing);

// Frees the pixels; the converter stays for direct conversions.
void bt_backing_drop_pixels(struct bt_backing *backing);

// Makes image show the visual; cheap when it does already.
int bt_backing_update(struct bt_backing *backing, const struct bt_visual *visual, int width,
                      int height, struct bt_error *err) BT_NODISCARD;

// Converts the visual's frame straight to `place` of the raster, which contains it.
int bt_backing_convert(struct bt_backing *backing, const struct bt_visual *visual,
                       const struct bt_raster *to, struct bt_rect place,
                       struct bt_error *err) BT_NODISCARD;

#endif

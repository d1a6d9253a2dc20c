/**
 * Still pictures: file → BGRA at the size it will be shown. PNG, JPEG (EXIF orientation, CMYK),
 * WebP, BMP, TIFF, SVG, AVIF, HEIC, and the first picture of a GIF, APNG or animated WebP.
 * Dimensions are read and bounded before decoding.
 */
#ifndef BT_MEDIA_PICTURE_H
#define BT_MEDIA_PICTURE_H

#include "media/frame.h"
#include "playlists/publication.h"

/**
 * The picture inside a width × height box: fitted, with `background` where it does not reach
 * (BT_FIT_CONTAIN) and transparency kept where the background is transparent. The result is
 * exactly width × height. `frames` of more than one means an animation (use a stream instead).
 *
 * Errors: the errno of reading, -EINVAL not a picture or damaged, -EFBIG too large. A truncated
 * JPEG is damaged: nobody wants a grey half on the wall.
 */
int bt_picture_load(const char *path, const struct bt_item *item, int width, int height,
                    struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// True when the file is an animation with more than one frame (GIF, APNG, WebP). Reads little.
bool bt_picture_is_animated(const char *path);

// True for a kind that browsers show as we do: what people have approved there may be shown. Reads
// little.
bool bt_picture_is_reviewable(const char *path);

/**
 * Where a source of source_width × source_height (upright, square pixels) goes in a box: *dst is
 * relative to the box (CONTAIN: smaller and centred; COVER, STRETCH: the whole box) and *src is
 * what is seen of the source.
 */
struct bt_placement {
    struct bt_rect src, dst;
};
struct bt_placement bt_place(const struct bt_item *item, int source_width, int source_height,
                             int width, int height);

#endif

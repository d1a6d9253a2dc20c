/**
 * Stills that move: which picture is kept, and which window of it is seen when. Pure arithmetic.
 *
 * The kept picture is the whole one with its background beside it, as large as the largest zoom
 * wants it, so that drawing it at any moment is only ever looking at a window of it, a little
 * larger or smaller than the zone. Windows change evenly, in steps far below a pixel, and since
 * both ends lie inside the kept picture, so does everything between.
 */
#ifndef BT_MEDIA_MOTION_H
#define BT_MEDIA_MOTION_H

#include "media/frame.h"
#include "playlists/publication.h"

// A part of an image, finer than its pixels.
struct bt_detail {
    int64_t x, y, width, height;  // 1/65536 pixels of the image, inside it
};

struct bt_motion_path {
    struct bt_detail from, to;
};

// What is kept of a picture that moves in a zone.
struct bt_motion_plan {
    int width, height;  // of the kept picture
    int fit;            // enum bt_fit: how the picture lies in it
    struct bt_motion_path path;
};

/**
 * For a picture (upright, square pixels) in a zone. At most four times the zone's pixels are kept,
 * and no more than 64 MiB where the zone itself has less.
 */
struct bt_motion_plan bt_motion_plan(const struct bt_item *item, int picture_width,
                                     int picture_height, int zone_width, int zone_height);

// Where it stands after `since_ns` of `length_ns`: exactly `to` at the end and later.
struct bt_detail bt_motion_at(const struct bt_motion_path *path, int64_t since_ns,
                              int64_t length_ns);

// The whole picture as it is kept for a zone of that size, and its way. As bt_picture_load.
int bt_picture_load_moving(const char *path, const struct bt_item *item, int zone_width,
                           int zone_height, struct bt_image **out, struct bt_motion_path *out_path,
                           struct bt_error *err) BT_NODISCARD;

#endif

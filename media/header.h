/**
 * What a picture file says of itself, read before any decoder sees it: kind, size, orientation,
 * animation, and whether it goes on to its end. PNG, JPEG, WebP, GIF, BMP, TIFF; of SVG, AVIF and
 * HEIC only that they are such (media/outside.h knows the rest).
 *
 * Pure: no files, no allocation; linear in the length. Inside media/ only (and its fuzz target).
 */
#ifndef BT_MEDIA_HEADER_H
#define BT_MEDIA_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

enum bt_picture_kind {
    BT_PICTURE_PNG,
    BT_PICTURE_JPEG,
    BT_PICTURE_WEBP,
    BT_PICTURE_GIF,
    BT_PICTURE_BMP,
    BT_PICTURE_TIFF,
    BT_PICTURE_SVG,
    BT_PICTURE_HEIF,  // also AVIF
};

struct bt_picture_header {
    enum bt_picture_kind kind;
    bool outside;       // not read here: no size
    int width, height;  // as stored, 1..BT_MEDIA_MAX_SIDE_PX, pixels within BT_MEDIA_MAX_PIXELS
    int orientation;    // EXIF: 1 upright .. 8
    int64_t frames;     // 1 for a still
    int components;     // JPEG: 1, 3, 4; else 0
    bool ignore_alpha;  // WebP: the file says that its alpha means nothing
    bool unsupported;   // JPEG: arithmetic, lossless, hierarchical or more than 8 bits;
                        // BMP: packed as JPEG or PNG; TIFF: a camera's raw data
};

/**
 * An EXIF orientation, 1..8: how to turn the stored picture and whether to mirror it then; and what
 * that makes of a rectangle of the upright picture, going back: axes swapped, then counted from
 * the other end.
 */
struct bt_orientation {
    int rotation;  // degrees clockwise
    bool mirror;   // left and right, after turning
    bool swap, flip_x, flip_y;
};
const struct bt_orientation *bt_orientation(int orientation);

// An animation that a stream can play (GIF, APNG, WebP).
bool bt_picture_header_moves(const struct bt_picture_header *header);

/**
 * Whether browsers show this kind as we do, so that a reviewer has seen what will be shown here. An
 * SVG may show one thing to a browser and another to us; TIFF and HEIC most browsers do not show.
 */
bool bt_picture_kind_is_reviewable(enum bt_picture_kind kind);

// "PNG", "JPEG" …
const char *bt_picture_kind_word(enum bt_picture_kind kind);

// Whether a file that begins so may be a picture, of whatever kind; no more bytes are needed.
#define BT_PICTURE_SIGNATURE_BYTES 32
bool bt_picture_signature(const uint8_t *bytes, size_t len);

// Of which kind it would be, of those we read. False: of none.
bool bt_picture_kind_of(const uint8_t *bytes, size_t len, enum bt_picture_kind *out);

/**
 * Reads a whole file's bytes.
 * Errors: -EINVAL no picture; -ENOTSUP a picture of another kind; -EBADMSG damaged or cut off;
 * -EFBIG too large.
 */
int bt_picture_header_read(const uint8_t *bytes, size_t len, struct bt_picture_header *out,
                           struct bt_error *err) BT_NODISCARD;

#endif

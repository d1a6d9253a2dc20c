/**
 * Pictures that browsers do not show, or not as players do, made into PNGs: what comes out is what
 * reviewers see and players show.
 */
#ifndef BT_WORKSHOP_CONVERSION_H
#define BT_WORKSHOP_CONVERSION_H

#include "base/buf.h"
#include "base/error.h"
#include "media/check.h"

// A PNG of noise of so many pixels is as large as one file may get in the sandbox.
#define BT_CONVERSION_MAX_PIXELS (16LL * 1024 * 1024)

// The longer side of a drawing (SVG), which has no size of its own: sharp on a 4K screen.
#define BT_CONVERSION_DRAWING_PX 3840

/**
 * Writes the picture, upright, with its transparency, as a PNG of its own size; what has more than
 * BT_CONVERSION_MAX_PIXELS is made smaller. `report` is what bt_media_check said of the file.
 * Errors: those of bt_picture_load, of encoding and of writing.
 */
int bt_conversion_write(const char *file, const struct bt_media_report *report, const char *path,
                        struct bt_error *err) BT_NODISCARD;

// The size it gets.
void bt_conversion_size(const struct bt_media_report *report, int *out_width, int *out_height);

// Writes a file in place: in the sandbox there are these files and no room for others.
int bt_conversion_put(const char *path, const struct bt_buf *bytes,
                      struct bt_error *err) BT_NODISCARD;

#endif

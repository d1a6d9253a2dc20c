/**
 * Small pictures of a file, for people who choose and approve: one of it, and for clips a filmstrip
 * of moments in even steps. Drawn by the same readers that play it.
 *
 * The report is what bt_media_check said of the file; refused files have no previews (-EINVAL).
 */
#ifndef BT_WORKSHOP_PREVIEW_H
#define BT_WORKSHOP_PREVIEW_H

#include "base/error.h"
#include "media/check.h"
#include "media/frame.h"

#define BT_THUMBNAIL_PX 480  // its longer side at most
#define BT_STRIP_FRAMES 8
#define BT_STRIP_HEIGHT_PX 108

int bt_preview_thumbnail(const char *path, const struct bt_media_report *report,
                         struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// BT_STRIP_FRAMES pictures side by side.
int bt_preview_filmstrip(const char *path, const struct bt_media_report *report,
                         struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// JPEG, quality 85. What is transparent comes out dark.
int bt_preview_write(const struct bt_image *image, const char *path,
                     struct bt_error *err) BT_NODISCARD;

#endif

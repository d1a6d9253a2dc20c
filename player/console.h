/**
 * The kernel's console as a picture (/dev/fb0): what stands on a display as long as no program
 * drives it. Its geometry comes from /sys/class/graphics/fb0. `root` is "" but for tests. Linked
 * into the small program that paints the boot picture, so nothing but base/ may be needed here.
 */
#ifndef BT_PLAYER_CONSOLE_H
#define BT_PLAYER_CONSOLE_H

#include "render/raster.h"

struct bt_console {
    int width, height;  // pixels
    int64_t stride;     // bytes from row to row
    int bits;  // a pixel: 32 (XRGB), or 16 (RGB 5:6:5, as vc4 of the Raspberry Pi makes it)
};

// Errors: -ENOTSUP no such console, or one of another kind.
int bt_console_read(const char *root, struct bt_console *out, struct bt_error *err) BT_NODISCARD;

/**
 * `picture` is as large as the console, black where it is transparent; 16 bits hold the upper ones
 * of each colour. Takes some milliseconds. Errors: -ENOMEM, the errno of writing.
 */
int bt_console_write(const struct bt_console *console, const char *root,
                     const struct bt_raster *picture, struct bt_error *err) BT_NODISCARD;

#endif

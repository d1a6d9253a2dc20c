/**
 * The backdrop: what the kernel puts on a display when no program draws on it, such as after a
 * player was killed and before the next one presents. It is the console's picture (/dev/fb0), which
 * nobody sees meanwhile; the safe card is put there, so that a wall never shows a console.
 *
 * Geometry comes from /sys/class/graphics/fb0. Cards without a console (no fb0) show black then.
 */
#ifndef BT_PLAYER_BACKDROP_H
#define BT_PLAYER_BACKDROP_H

#include "media/frame.h"

/**
 * Paints the picture into the corner and black around it. `root` is "" but for tests. Takes some
 * milliseconds: not for the main thread.
 * Errors: -ENOTSUP not 32 bits a pixel, or no such console; the errno of writing.
 */
int bt_backdrop_paint(const char *root, const struct bt_image *image,
                      struct bt_error *err) BT_NODISCARD;

#endif

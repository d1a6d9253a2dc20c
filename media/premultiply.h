/**
 * Straight alpha → premultiplied, for BGRA. Rounds to the nearest level, alike on every processor:
 * libyuv's routine for ARM makes opaque white one level darker, which a wall of LEDs shows.
 */
#ifndef BT_MEDIA_PREMULTIPLY_H
#define BT_MEDIA_PREMULTIPLY_H

#include <stdint.h>

// Strides in bytes. `to` may be `from`.
void bt_premultiply(const uint8_t *from, int from_stride, uint8_t *to, int to_stride, int width,
                    int rows);

#endif

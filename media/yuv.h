/**
 * YUV → BGRA, exact to one level for every matrix and range, and as fast as memory allows.
 *
 * Our own, because libyuv on x86 clips the blue coefficient of limited BT.709 and BT.2020 (2.11 and
 * 2.14 to 2.0: saturated blue is 13 and 16 levels off), and swscale's fast path is off by up to 3
 * levels on x86, exact only at thirty times the price, and not the same on every machine. These
 * rows use vectors (SSE2, AVX2, NEON) with the same whole numbers everywhere, so a picture has
 * the same bytes on every machine.
 *
 * Inside media/ only.
 */
#ifndef BT_MEDIA_YUV_H
#define BT_MEDIA_YUV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bt_yuv_matrix {
    BT_YUV_601,
    BT_YUV_709,
    BT_YUV_2020,
};

struct bt_yuv_source {
    int width, height;
    int shift_x, shift_y;      // chroma is halved so many times, 0 or 1
    const uint8_t *y, *u, *v;  // u NULL: grey. v NULL: u holds U and V in turn (NV12)
    ptrdiff_t y_stride, uv_stride;
    enum bt_yuv_matrix matrix;
    bool full;  // range
};

// Chroma is repeated, not interpolated. Alpha is 255.
void bt_yuv_to_bgra(const struct bt_yuv_source *source, uint8_t *pixels, ptrdiff_t stride);

#endif

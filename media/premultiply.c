#include "media/premultiply.h"

#include <stddef.h>

// v · a / 255, to the nearest, without a division.
static void premultiply_row(const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++) {
        const uint8_t *pixel = from + (ptrdiff_t)x * 4;
        uint8_t *out = to + (ptrdiff_t)x * 4;
        unsigned alpha = pixel[3];
        for (int i = 0; i < 3; i++) {
            unsigned product = pixel[i] * alpha + 128;
            out[i] = (uint8_t)((product + (product >> 8)) >> 8);
        }
        out[3] = (uint8_t)alpha;
    }
}

void bt_premultiply(const uint8_t *from, int from_stride, uint8_t *to, int to_stride, int width,
                    int rows)
{
    for (int y = 0; y < rows; y++) {
        premultiply_row(from + (ptrdiff_t)y * from_stride, to + (ptrdiff_t)y * to_stride, width);
    }
}

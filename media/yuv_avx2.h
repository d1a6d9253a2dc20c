// The inner rows of media/yuv.c in 256-bit vectors: the same whole numbers, twice as many at a
// time. Inside media/yuv.c only.
#ifndef BT_MEDIA_YUV_AVX2_H
#define BT_MEDIA_YUV_AVX2_H

#include <stdint.h>

// Columns worked on at a time: whole rows up to here, so that the machine sees what to read ahead,
// and the tints still stay in the first-level cache.
#define BT_YUV_BLOCK 2048

struct bt_yuv_coefficients {
    int16_t y;                   // of (luma << 8)
    int16_t bias;                // added to luma
    int16_t r_v, g_u, g_v, b_u;  // of ((chroma - 128) << 8)
};

// What chroma adds to each colour.
struct bt_yuv_tints {
    int16_t r[BT_YUV_BLOCK], g[BT_YUV_BLOCK], b[BT_YUV_BLOCK];
};

/**
 * Joins luma and tints to as many pixels of a row as this machine's vectors take at a time, and
 * returns how many those were: 0 where there are no such vectors.
 */
int bt_yuv_join_avx2(const struct bt_yuv_coefficients *k, const uint8_t *y,
                     const struct bt_yuv_tints *tints, int shift_x, int count, uint8_t *out);

// After the last row, before another thread or process is told of the pixels.
void bt_yuv_settle_avx2(void);

#endif

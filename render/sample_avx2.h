// The loop of sample.c that no compiler turns into vector code; for sample.c only.
#ifndef BT_RENDER_SAMPLE_AVX2_H
#define BT_RENDER_SAMPLE_AVX2_H

#include <stdint.h>

#define BT_SAMPLE_CHUNK 2048  // columns

/**
 * to[i] = a mixture of from[at[i]] and from[at[i] + 1], `weight` in 256 of the latter, for the
 * first columns that can be done four at a time; how many were done: 0 without AVX2. `last` is the
 * last pixel of `from`; columns ascend.
 */
int bt_sample_columns_avx2(uint32_t *to, const uint32_t *from, int last, const int32_t *at,
                           const uint16_t *weight, int count);

#endif

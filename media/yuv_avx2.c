#include "media/yuv_avx2.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#define AVX2 __attribute__((target("avx2")))
#define LANES 32
#define FRACTION_BITS 5

// Two halves of eight columns each: 0..7 and 16..23, 8..15 and 24..31, as unpacking leaves them.
struct halves {
    __m256i low, high;
};

AVX2 static inline struct halves luma_at(const struct bt_yuv_coefficients *k, const uint8_t *y)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i samples = _mm256_loadu_si256((const __m256i_u *)y);
    __m256i low = _mm256_mulhi_epu16(_mm256_unpacklo_epi8(zero, samples), _mm256_set1_epi16(k->y));
    __m256i high = _mm256_mulhi_epu16(_mm256_unpackhi_epi8(zero, samples), _mm256_set1_epi16(k->y));
    return (struct halves){_mm256_add_epi16(low, _mm256_set1_epi16(k->bias)),
                           _mm256_add_epi16(high, _mm256_set1_epi16(k->bias))};
}

AVX2 static inline struct halves tints_at(const int16_t *tints, int x, int shift_x)
{
    if (shift_x == 0) {
        __m256i first = _mm256_loadu_si256((const __m256i_u *)(tints + x));
        __m256i second = _mm256_loadu_si256((const __m256i_u *)(tints + x + 16));
        return (struct halves){_mm256_permute2x128_si256(first, second, 0x20),
                               _mm256_permute2x128_si256(first, second, 0x31)};
    }
    __m256i each = _mm256_loadu_si256((const __m256i_u *)(tints + x / 2));
    return (struct halves){_mm256_unpacklo_epi16(each, each), _mm256_unpackhi_epi16(each, each)};
}

AVX2 static inline __m256i levels(struct halves luma, const int16_t *tints, int x, int shift_x)
{
    struct halves tint = tints_at(tints, x, shift_x);
    __m256i low = _mm256_srai_epi16(_mm256_add_epi16(luma.low, tint.low), FRACTION_BITS);
    __m256i high = _mm256_srai_epi16(_mm256_add_epi16(luma.high, tint.high), FRACTION_BITS);
    return _mm256_packus_epi16(low, high);
}

/*
 * Whole vectors go past the cache: a frame is larger than it, nobody here reads the pixels again,
 * and what they would push out is what the decoder wants next.
 */
AVX2 static inline void store(uint8_t *out, int part, __m256i pixels, bool aligned)
{
    uint8_t *to = out + (ptrdiff_t)part * 32;
    if (aligned) {
        _mm256_stream_si256((__m256i *)(void *)to, pixels);
    } else {
        _mm256_storeu_si256((__m256i_u *)to, pixels);
    }
}

AVX2 static inline void store_bgra(__m256i b, __m256i g, __m256i r, uint8_t *out, bool aligned)
{
    const __m256i alpha = _mm256_set1_epi8(-1);
    __m256i bg_low = _mm256_unpacklo_epi8(b, g), bg_high = _mm256_unpackhi_epi8(b, g);
    __m256i ra_low = _mm256_unpacklo_epi8(r, alpha), ra_high = _mm256_unpackhi_epi8(r, alpha);
    __m256i first = _mm256_unpacklo_epi16(bg_low, ra_low);
    __m256i second = _mm256_unpackhi_epi16(bg_low, ra_low);
    __m256i third = _mm256_unpacklo_epi16(bg_high, ra_high);
    __m256i fourth = _mm256_unpackhi_epi16(bg_high, ra_high);
    store(out, 0, _mm256_permute2x128_si256(first, second, 0x20), aligned);
    store(out, 1, _mm256_permute2x128_si256(third, fourth, 0x20), aligned);
    store(out, 2, _mm256_permute2x128_si256(first, second, 0x31), aligned);
    store(out, 3, _mm256_permute2x128_si256(third, fourth, 0x31), aligned);
}

AVX2 static int join(const struct bt_yuv_coefficients *k, const uint8_t *y,
                     const struct bt_yuv_tints *tints, int shift_x, int count, uint8_t *out)
{
    bool aligned = ((uintptr_t)out & 31) == 0;
    int x = 0;
    for (; x + LANES <= count; x += LANES) {
        struct halves luma = luma_at(k, y + x);
        store_bgra(levels(luma, tints->b, x, shift_x), levels(luma, tints->g, x, shift_x),
                   levels(luma, tints->r, x, shift_x), out + (ptrdiff_t)x * 4, aligned);
    }
    return x;
}

int bt_yuv_join_avx2(const struct bt_yuv_coefficients *k, const uint8_t *y,
                     const struct bt_yuv_tints *tints, int shift_x, int count, uint8_t *out)
{
    return __builtin_cpu_supports("avx2") ? join(k, y, tints, shift_x, count, out) : 0;
}

void bt_yuv_settle_avx2(void)
{
    _mm_sfence();
}

#else

int bt_yuv_join_avx2(const struct bt_yuv_coefficients *k, const uint8_t *y,
                     const struct bt_yuv_tints *tints, int shift_x, int count, uint8_t *out)
{
    return 0;
}

void bt_yuv_settle_avx2(void)
{
}

#endif

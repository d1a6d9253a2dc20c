#include "render/sample_avx2.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define LANES 4

// Four weights, each for the eight bytes of a pixel and its neighbour.
AVX2 static inline __m256i spread(const uint16_t *weight)
{
    return _mm256_cvtepu16_epi64(_mm_loadl_epi64((const __m128i_u *)weight));
}

// Two pixels and their neighbours. Two loads are faster than gathering.
AVX2 static inline __m128i two_at(const uint32_t *from, const int32_t *at)
{
    __m128i first = _mm_loadl_epi64((const __m128i_u *)(const void *)(from + at[0]));
    __m128i second = _mm_loadl_epi64((const __m128i_u *)(const void *)(from + at[1]));
    return _mm_unpacklo_epi32(first, second);
}

AVX2 static int columns(uint32_t *to, const uint32_t *from, int last, const int32_t *at,
                        const uint16_t *weight, int count)
{
    const __m256i zero = _mm256_setzero_si256(), half = _mm256_set1_epi16(128);
    const __m256i whole = _mm256_set1_epi16(256);
    // A weight's two low bytes, four times over.
    const __m256i low = _mm256_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 8, 9, 8, 9, 8, 9, 8, 9,  //
                                         0, 1, 0, 1, 0, 1, 0, 1, 8, 9, 8, 9, 8, 9, 8, 9);
    int i = 0;
    for (; i + LANES <= count && at[i + LANES - 1] < last; i += LANES) {
        // Per lane of 128 bits two columns: their left pixels below, their right ones above.
        __m256i pairs = _mm256_set_m128i(two_at(from, at + i + 2), two_at(from, at + i));
        __m256i left = _mm256_unpacklo_epi8(pairs, zero);
        __m256i right = _mm256_unpackhi_epi8(pairs, zero);
        __m256i weights = _mm256_shuffle_epi8(spread(weight + i), low);
        __m256i sum = _mm256_add_epi16(_mm256_mullo_epi16(left, _mm256_sub_epi16(whole, weights)),
                                       _mm256_mullo_epi16(right, weights));
        sum = _mm256_srli_epi16(_mm256_add_epi16(sum, half), 8);
        __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi16(sum, sum), 0x08);
        _mm_storeu_si128((__m128i_u *)(to + i), _mm256_castsi256_si128(packed));
    }
    return i;
}

int bt_sample_columns_avx2(uint32_t *to, const uint32_t *from, int last, const int32_t *at,
                           const uint16_t *weight, int count)
{
    return __builtin_cpu_supports("avx2") ? columns(to, from, last, at, weight, count) : 0;
}

#else

int bt_sample_columns_avx2(uint32_t *to, const uint32_t *from, int last, const int32_t *at,
                           const uint16_t *weight, int count)
{
    return 0;
}

#endif

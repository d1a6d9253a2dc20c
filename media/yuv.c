#include "media/yuv.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "base/compiler.h"
#include "media/yuv_avx2.h"

/*
 * A level is luma · y + tint, in 1/32 of a level and 16 bits: |luma| < 9,600, |tint| < 8,800.
 * Products keep the upper 16 of 32 bits, so each is cut down by half a 1/32 on average; the bias
 * gives that back, rounds, and holds limited range's black.
 */
#define FRACTION_BITS 5

#define BLOCK BT_YUV_BLOCK
#define LANES 16

// y: 1 or 255/219; others: 2(1 - k) × 255/255 or 255/224. Times 1 << (FRACTION_BITS + 8).
#define COEFFICIENT(x) ((int16_t)((x)*8192 + ((x) < 0 ? -0.5 : 0.5)))
#define LIMITED_Y (255.0 / 219)
#define LIMITED_C (255.0 / 224)
#define BIAS(y, black) ((int16_t)(17 - (y) * (black)*32 + 0.5))
#define MATRIX(kr, kb, y_scale, c_scale, black)                                                    \
    {                                                                                              \
        COEFFICIENT(y_scale), BIAS(y_scale, black), COEFFICIENT(2 * (1 - (kr)) * (c_scale)),       \
            COEFFICIENT(-2 * (1 - (kb)) * (kb) / (1 - (kr) - (kb)) * (c_scale)),                   \
            COEFFICIENT(-2 * (1 - (kr)) * (kr) / (1 - (kr) - (kb)) * (c_scale)),                   \
            COEFFICIENT(2 * (1 - (kb)) * (c_scale))                                                \
    }

static const struct bt_yuv_coefficients matrices[][2] = {
    [BT_YUV_601] = {MATRIX(0.299, 0.114, LIMITED_Y, LIMITED_C, 16), MATRIX(0.299, 0.114, 1, 1, 0)},
    [BT_YUV_709] = {MATRIX(0.2126, 0.0722, LIMITED_Y, LIMITED_C, 16),
                    MATRIX(0.2126, 0.0722, 1, 1, 0)},
    [BT_YUV_2020] = {MATRIX(0.2627, 0.0593, LIMITED_Y, LIMITED_C, 16),
                     MATRIX(0.2627, 0.0593, 1, 1, 0)},
};

// Vectors of 16 bytes (and what their products need); operators on them are the compiler's, which
// needs names for them: the one typedef that is not a callback.
typedef int16_t v8i16 BT_VECTOR(16);
typedef uint16_t v8u16 BT_VECTOR(16);
typedef uint8_t v16u8 BT_VECTOR(16);
typedef int32_t v8i32 BT_VECTOR(32);

static inline v16u8 load(const void *from)
{
    v16u8 v;
    memcpy(&v, from, sizeof(v));
    return v;
}

static inline v8i16 load_tints(const int16_t *from)
{
    v8i16 v;
    memcpy(&v, from, sizeof(v));
    return v;
}

static inline v8i16 splat(int16_t x)
{
    return (v8i16){x, x, x, x, x, x, x, x};
}

// The upper 16 bits of signed products; the coefficient is known to fit.
static inline v8i16 multiply_signed(v8i16 a, int16_t b)
{
#if defined(__SSE2__)
    return (v8i16)_mm_mulhi_epi16((__m128i)a, (__m128i)splat(b));
#else
    return __builtin_convertvector(
        (__builtin_convertvector(a, v8i32) * __builtin_convertvector(splat(b), v8i32)) >> 16,
        v8i16);
#endif
}

static inline v8i16 multiply_unsigned(v8u16 a, int16_t b)
{
#if defined(__SSE2__)
    return (v8i16)_mm_mulhi_epu16((__m128i)a, (__m128i)splat(b));
#else
    return __builtin_convertvector(
        (__builtin_convertvector(a, v8i32) * __builtin_convertvector(splat(b), v8i32)) >> 16,
        v8i16);
#endif
}

static inline v16u8 pack_levels(v8i16 low, v8i16 high)
{
#if defined(__SSE2__)
    return (v16u8)_mm_packus_epi16((__m128i)low, (__m128i)high);
#elif defined(__ARM_NEON)
    return (v16u8)vcombine_u8(vqmovun_s16((int16x8_t)low), vqmovun_s16((int16x8_t)high));
#else
    v16u8 out;
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)BT_CLAMP(low[i], 0, 255);
        out[i + 8] = (uint8_t)BT_CLAMP(high[i], 0, 255);
    }
    return out;
#endif
}

#define INTERLEAVE_LOW(a, b)                                                                       \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_HIGH(a, b)                                                                      \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define DOUBLE_LOW(a) __builtin_shufflevector(a, a, 0, 0, 1, 1, 2, 2, 3, 3)
#define DOUBLE_HIGH(a) __builtin_shufflevector(a, a, 4, 4, 5, 5, 6, 6, 7, 7)
#define PAIRS_LOW(a, b) __builtin_shufflevector((v8u16)(a), (v8u16)(b), 0, 8, 1, 9, 2, 10, 3, 11)
#define PAIRS_HIGH(a, b) __builtin_shufflevector((v8u16)(a), (v8u16)(b), 4, 12, 5, 13, 6, 14, 7, 15)

// Eight chroma samples, each as (sample - 128) << 8.
static inline void tint_eight(const struct bt_yuv_coefficients *k, v8i16 u, v8i16 v,
                              struct bt_yuv_tints *out, int at)
{
    v8i16 r = multiply_signed(v, k->r_v);
    v8i16 g = multiply_signed(u, k->g_u) + multiply_signed(v, k->g_v);
    v8i16 b = multiply_signed(u, k->b_u);
    memcpy(&out->r[at], &r, sizeof(r));
    memcpy(&out->g[at], &g, sizeof(g));
    memcpy(&out->b[at], &b, sizeof(b));
}

static inline v8i16 centred(v8u16 sample_high)
{
    return (v8i16)(sample_high ^ (v8u16)splat(INT16_MIN));
}

static void tint_planar(const struct bt_yuv_coefficients *k, const uint8_t *u, const uint8_t *v,
                        int count, struct bt_yuv_tints *out)
{
    const v16u8 zero = {0};
    for (int i = 0; i < count; i += LANES) {
        v16u8 us = load(u + i);
        v16u8 vs = load(v + i);
        tint_eight(k, centred((v8u16)INTERLEAVE_LOW(zero, us)),
                   centred((v8u16)INTERLEAVE_LOW(zero, vs)), out, i);
        tint_eight(k, centred((v8u16)INTERLEAVE_HIGH(zero, us)),
                   centred((v8u16)INTERLEAVE_HIGH(zero, vs)), out, i + 8);
    }
}

static void tint_semi(const struct bt_yuv_coefficients *k, const uint8_t *uv, int count,
                      struct bt_yuv_tints *out)
{
    for (int i = 0; i < count; i += 8) {
        v8u16 both = (v8u16)load(uv + (ptrdiff_t)i * 2);
        tint_eight(k, centred(both << 8), centred(both & (v8u16)splat((int16_t)0xFF00)), out, i);
    }
}

static inline v16u8 levels(v8i16 luma_low, v8i16 luma_high, v8i16 tint_low, v8i16 tint_high)
{
    return pack_levels((luma_low + tint_low) >> FRACTION_BITS,
                       (luma_high + tint_high) >> FRACTION_BITS);
}

static inline void store_bgra(v16u8 b, v16u8 g, v16u8 r, uint8_t *out)
{
    const v16u8 alpha = (v16u8)splat(-1);
    v16u8 bg_low = INTERLEAVE_LOW(b, g);
    v16u8 bg_high = INTERLEAVE_HIGH(b, g);
    v16u8 ra_low = INTERLEAVE_LOW(r, alpha);
    v16u8 ra_high = INTERLEAVE_HIGH(r, alpha);
    v8u16 first = PAIRS_LOW(bg_low, ra_low);
    v8u16 second = PAIRS_HIGH(bg_low, ra_low);
    v8u16 third = PAIRS_LOW(bg_high, ra_high);
    v8u16 fourth = PAIRS_HIGH(bg_high, ra_high);
    memcpy(out, &first, sizeof(first));
    memcpy(out + 16, &second, sizeof(second));
    memcpy(out + 32, &third, sizeof(third));
    memcpy(out + 48, &fourth, sizeof(fourth));
}

// Tints of one channel for sixteen pixels, each sample for one pixel or for two.
static inline void tints_at(const int16_t *tints, int x, int shift_x, v8i16 *low, v8i16 *high)
{
    if (shift_x == 0) {
        *low = load_tints(tints + x);
        *high = load_tints(tints + x + 8);
    } else {
        v8i16 half = load_tints(tints + x / 2);
        *low = DOUBLE_LOW(half);
        *high = DOUBLE_HIGH(half);
    }
}

static inline void join(const struct bt_yuv_coefficients *k, const uint8_t *y,
                        const struct bt_yuv_tints *tints, int shift_x, int count, uint8_t *out)
{
    const v16u8 zero = {0};
    int done = bt_yuv_join_avx2(k, y, tints, shift_x, count, out);
    for (int x = done; x < count; x += LANES) {
        v16u8 samples = load(y + x);
        v8i16 low = multiply_unsigned((v8u16)INTERLEAVE_LOW(zero, samples), k->y) + splat(k->bias);
        v8i16 high =
            multiply_unsigned((v8u16)INTERLEAVE_HIGH(zero, samples), k->y) + splat(k->bias);
        v8i16 tint_low, tint_high;
        tints_at(tints->b, x, shift_x, &tint_low, &tint_high);
        v16u8 b = levels(low, high, tint_low, tint_high);
        tints_at(tints->g, x, shift_x, &tint_low, &tint_high);
        v16u8 g = levels(low, high, tint_low, tint_high);
        tints_at(tints->r, x, shift_x, &tint_low, &tint_high);
        v16u8 r = levels(low, high, tint_low, tint_high);
        store_bgra(b, g, r, out + (ptrdiff_t)x * 4);
    }
}

// One row of a block; what does not fill a vector passes through memory of our own.
static void join_row(const struct bt_yuv_coefficients *k, const uint8_t *y,
                     const struct bt_yuv_tints *tints, int shift_x, int count, uint8_t *out)
{
    int whole = count / LANES * LANES;
    if (shift_x == 0) {
        join(k, y, tints, 0, whole, out);
    } else {
        join(k, y, tints, 1, whole, out);
    }
    if (whole == count) {
        return;
    }
    uint8_t samples[LANES] = {0};
    uint8_t pixels[LANES * 4];
    struct bt_yuv_tints rest;
    size_t left = (size_t)(count - whole);
    size_t at = (size_t)whole >> shift_x;
    memcpy(samples, y + whole, left);
    memcpy(rest.r, tints->r + at, LANES * sizeof(int16_t));
    memcpy(rest.g, tints->g + at, LANES * sizeof(int16_t));
    memcpy(rest.b, tints->b + at, LANES * sizeof(int16_t));
    join(k, samples, &rest, shift_x, LANES, pixels);
    memcpy(out + (ptrdiff_t)whole * 4, pixels, left * 4);
}

// Reads no byte behind the last sample: the ends of rows pass through memory of our own.
static void tint_row(const struct bt_yuv_coefficients *k, const struct bt_yuv_source *s, int x,
                     int y, int count, struct bt_yuv_tints *out)
{
    int samples = (count + s->shift_x) >> s->shift_x;
    ptrdiff_t row = (ptrdiff_t)(y >> s->shift_y) * s->uv_stride;
    ptrdiff_t column = x >> s->shift_x;
    uint8_t u[BLOCK * 2];
    uint8_t v[BLOCK];
    bool semi = s->v == NULL;
    const uint8_t *from_u = s->u + row + (semi ? column * 2 : column);
    const uint8_t *from_v = semi ? NULL : s->v + row + column;
    if (samples % LANES != 0) {
        memset(u, 0, sizeof(u));
        memcpy(u, from_u, (size_t)samples * (semi ? 2 : 1));
        from_u = u;
        if (!semi) {
            memset(v, 0, sizeof(v));
            memcpy(v, from_v, (size_t)samples);
            from_v = v;
        }
    }
    if (semi) {
        tint_semi(k, from_u, samples, out);
    } else {
        tint_planar(k, from_u, from_v, samples, out);
    }
}

// A row, or the two that share their chroma.
static void convert_rows(const struct bt_yuv_coefficients *k, const struct bt_yuv_source *s, int y,
                         int rows, struct bt_yuv_tints *tints, uint8_t *pixels, ptrdiff_t stride)
{
    for (int x = 0; x < s->width; x += BLOCK) {
        int count = BT_MIN(BLOCK, s->width - x);
        if (s->u != NULL) {
            tint_row(k, s, x, y, count, tints);
        }
        for (int row = y; row < y + rows; row++) {
            join_row(k, s->y + row * s->y_stride + x, tints, s->shift_x, count,
                     pixels + row * stride + (ptrdiff_t)x * 4);
        }
    }
}

void bt_yuv_to_bgra(const struct bt_yuv_source *source, uint8_t *pixels, ptrdiff_t stride)
{
    const struct bt_yuv_coefficients *k = &matrices[source->matrix][source->full ? 1 : 0];
    struct bt_yuv_tints tints = {0};  // stays so for grey
    int step = 1 << source->shift_y;
    for (int y = 0; y < source->height; y += step) {
        convert_rows(k, source, y, BT_MIN(step, source->height - y), &tints, pixels, stride);
    }
    bt_yuv_settle_avx2();
}

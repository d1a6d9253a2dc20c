#include "media/resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// Weights are fractions of 1 << WEIGHT_BITS; rows between the two passes keep extra bits.
#define WEIGHT_BITS 14
#define EXTRA_BITS 5

// A window of this many source pixels covers a shrink to a thirty-second; beyond that the ends
// of the window are left out, which bounds the rows we keep.
#define MAX_TAPS 128

// Where each result comes from along one axis.
struct axis {
    int window;        // source pixels that count for a result
    int taps;          // weights per result: the window, or the whole source if that is less
    int *first;        // per result: the first source index
    int16_t *weights;  // per result: `taps` of them, their sum is 1 << WEIGHT_BITS
};

struct bt_resample {
    struct axis x, y;
    int width, height;
    int source_height;
    int pushed, given;  // rows so far
    uint8_t *pixels;    // borrowed
    size_t stride;
    int16_t *ring;  // the last y.taps rows, already scaled along x
    int32_t *sums;  // one row being added up
};

static double cubic(double t)
{
    t = fabs(t);
    if (t < 1) {
        return (1.5 * t - 2.5) * t * t + 1;
    }
    return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

// Rounded weights must add up exactly, or flat areas would change: the largest takes the rest.
static void round_weights(const double *exact, double sum, int taps, int16_t *out)
{
    int total = 0;
    int largest = 0;
    for (int i = 0; i < taps; i++) {
        out[i] = (int16_t)lrint(exact[i] / sum * (1 << WEIGHT_BITS));
        total += out[i];
        largest = out[i] > out[largest] ? i : largest;
    }
    out[largest] = (int16_t)(out[largest] + (1 << WEIGHT_BITS) - total);
}

static void fill_axis(struct axis *axis, int source, int result)
{
    double step = (double)source / result;
    double widen = step > 1 ? step : 1;
    for (int i = 0; i < result; i++) {
        double centre = (i + 0.5) * step - 0.5;
        int first = (int)floor(centre) - axis->window / 2 + 1;
        double exact[MAX_TAPS] = {0};
        double sum = 0;
        // Beyond the edge the edge's pixel is repeated: its weight goes to that pixel.
        int kept = BT_CLAMP(first, 0, source - axis->taps);
        for (int tap = 0; tap < axis->window; tap++) {
            double weight = cubic((first + tap - centre) / widen);
            exact[BT_CLAMP(first + tap, 0, source - 1) - kept] += weight;
            sum += weight;
        }
        axis->first[i] = kept;
        round_weights(exact, sum, axis->taps, axis->weights + (size_t)i * (size_t)axis->taps);
    }
}

static int window_of(int source, int result)
{
    int window = source > result ? (int)ceil(4.0 * source / result) : 4;
    return BT_MIN(window + window % 2, MAX_TAPS);
}

static void axis_init(struct axis *axis, int source, int result)
{
    axis->window = window_of(source, result);
    axis->taps = BT_MIN(axis->window, source);
    axis->first = BT_NEW_ARRAY(int, (size_t)result);
    axis->weights = BT_NEW_ARRAY(int16_t, (size_t)result * (size_t)axis->taps);
    fill_axis(axis, source, result);
}

struct bt_resample *bt_resample_create(int source_width, int source_height, uint8_t *pixels,
                                       size_t stride, int width, int height)
{
    assert(source_width > 0 && source_height > 0 && width > 0 && height > 0);
    struct bt_resample *resample = BT_NEW(struct bt_resample);
    axis_init(&resample->x, source_width, width);
    axis_init(&resample->y, source_height, height);
    resample->width = width;
    resample->height = height;
    resample->source_height = source_height;
    resample->pixels = pixels;
    resample->stride = stride;
    size_t row = (size_t)width * 4;
    resample->ring = calloc((size_t)resample->y.taps * row, sizeof(int16_t));  // allow: checked
    resample->sums = calloc(row, sizeof(int32_t));                             // allow: checked
    if (resample->ring == NULL || resample->sums == NULL) {
        bt_resample_destroy(resample);
        return NULL;
    }
    return resample;
}

void bt_resample_destroy(struct bt_resample *resample)
{
    if (resample == NULL) {
        return;
    }
    free(resample->x.first);
    free(resample->x.weights);
    free(resample->y.first);
    free(resample->y.weights);
    free(resample->ring);
    free(resample->sums);
    free(resample);
}

static int16_t *ring_row(struct bt_resample *resample, int row)
{
    return resample->ring + (size_t)(row % resample->y.taps) * (size_t)resample->width * 4;
}

static void scale_row(const struct axis *axis, const uint8_t *bgra, int width, int16_t *out)
{
    const int16_t *weight = axis->weights;
    for (int i = 0; i < width; i++) {
        const uint8_t *from = bgra + (size_t)axis->first[i] * 4;
        int32_t sum[4] = {0};
        for (int tap = 0; tap < axis->taps; tap++, from += 4, weight++) {
            for (int channel = 0; channel < 4; channel++) {
                sum[channel] += *weight * from[channel];
            }
        }
        for (int channel = 0; channel < 4; channel++) {
            *out++ = (int16_t)((sum[channel] + (1 << (WEIGHT_BITS - EXTRA_BITS - 1))) >>
                               (WEIGHT_BITS - EXTRA_BITS));
        }
    }
}

static void add_row(const int16_t *row, int weight, int32_t *sums, int count)
{
    for (int i = 0; i < count; i++) {
        sums[i] += weight * row[i];
    }
}

// Overshoot is cut off, and colour never stands above alpha.
static void store_row(const int32_t *sums, uint8_t *out, int width)
{
    const int shift = WEIGHT_BITS + EXTRA_BITS;
    for (int i = 0; i < width; i++, sums += 4, out += 4) {
        int alpha = BT_CLAMP((sums[3] + (1 << (shift - 1))) >> shift, 0, 255);
        for (int channel = 0; channel < 3; channel++) {
            int colour = (sums[channel] + (1 << (shift - 1))) >> shift;
            out[channel] = (uint8_t)BT_CLAMP(colour, 0, alpha);
        }
        out[3] = (uint8_t)alpha;
    }
}

static void give_row(struct bt_resample *resample)
{
    const struct axis *axis = &resample->y;
    const int16_t *weights = axis->weights + (size_t)resample->given * (size_t)axis->taps;
    int first = axis->first[resample->given];
    memset(resample->sums, 0, (size_t)resample->width * 4 * sizeof(int32_t));
    for (int tap = 0; tap < axis->taps; tap++) {
        add_row(ring_row(resample, first + tap), weights[tap], resample->sums, resample->width * 4);
    }
    store_row(resample->sums, resample->pixels + (size_t)resample->given * resample->stride,
              resample->width);
    resample->given++;
}

void bt_resample_push(struct bt_resample *resample, const uint8_t *bgra)
{
    assert(resample->pushed < resample->source_height);
    scale_row(&resample->x, bgra, resample->width, ring_row(resample, resample->pushed));
    resample->pushed++;
    while (resample->given < resample->height &&
           resample->y.first[resample->given] + resample->y.taps <= resample->pushed) {
        give_row(resample);
    }
}

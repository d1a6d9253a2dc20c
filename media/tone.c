#include "media/tone.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

// Sources: SMPTE ST 2084 (PQ), ITU-R BT.2100-2 (HLG), BT.2087-0 (BT.2020 to BT.709), BT.2390-10
// section 5.4.1 (the curve), BT.2408-7 (diffuse white), BT.1886 (what a screen makes of values).

#define SIDE 33  // points of the table along each colour
#define RED_STEP (SIDE * SIDE)
#define GREEN_STEP SIDE
#define BLUE_STEP 1
#define STEP_BITS 8

#define SOURCE_PEAK_NITS 1000.0  // what nearly everything is graded on
#define SCREEN_PEAK_NITS 203.0
#define PQ_MAX_NITS 10000.0

struct bt_tone {
    enum AVColorTransferCharacteristic transfer;
    uint32_t points[SIDE * SIDE * SIDE];  // by red, green, blue: 0x00RRGGBB
};

struct rgb {
    double r, g, b;
};

static const double pq_m1 = 2610.0 / 16384, pq_m2 = 2523.0 / 4096 * 128;
static const double pq_c1 = 3424.0 / 4096, pq_c2 = 2413.0 / 4096 * 32, pq_c3 = 2392.0 / 4096 * 32;

static double pq_to_nits(double value)
{
    double p = pow(fmax(value, 0), 1 / pq_m2);
    return PQ_MAX_NITS * pow(fmax(p - pq_c1, 0) / (pq_c2 - pq_c3 * p), 1 / pq_m1);
}

static double nits_to_pq(double nits)
{
    double p = pow(fmax(nits, 0) / PQ_MAX_NITS, pq_m1);
    return pow((pq_c1 + pq_c2 * p) / (1 + pq_c3 * p), pq_m2);
}

static double luminance(struct rgb c)
{
    return 0.2627 * c.r + 0.6780 * c.g + 0.0593 * c.b;
}

static struct rgb scaled(struct rgb c, double by)
{
    return (struct rgb){c.r * by, c.g * by, c.b * by};
}

// The scene's light, 0 to 1.
static double hlg_to_scene(double value)
{
    const double a = 0.17883277, b = 0.28466892, c = 0.55991073;
    return value <= 0.5 ? value * value / 3 : (exp((value - c) / a) + b) / 12;
}

// What a screen of 1,000 nits would show.
static struct rgb to_nits(enum AVColorTransferCharacteristic transfer, struct rgb coded)
{
    if (transfer == AVCOL_TRC_SMPTE2084) {
        return (struct rgb){pq_to_nits(coded.r), pq_to_nits(coded.g), pq_to_nits(coded.b)};
    }
    const struct rgb scene = {hlg_to_scene(coded.r), hlg_to_scene(coded.g), hlg_to_scene(coded.b)};
    return scaled(scene, SOURCE_PEAK_NITS * pow(fmax(luminance(scene), 1e-6), 0.2));
}

// Up to the knee everything stays; from there a spline reaches the screen's peak at the source's.
static double compress(double nits)
{
    const double source = nits_to_pq(SOURCE_PEAK_NITS);
    const double most = nits_to_pq(SCREEN_PEAK_NITS) / source;
    const double knee = 1.5 * most - 0.5;
    double value = fmin(nits_to_pq(nits) / source, 1);
    if (value > knee) {
        double t = (value - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
        value = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) +
                (-2 * t3 + 3 * t2) * most;
    }
    return pq_to_nits(value * source);
}

static struct rgb to_bt709(struct rgb c)
{
    return (struct rgb){
        1.6605 * c.r - 0.5876 * c.g - 0.0728 * c.b,
        -0.1246 * c.r + 1.1329 * c.g - 0.0083 * c.b,
        -0.0182 * c.r - 0.1006 * c.g + 1.1187 * c.b,
    };
}

static uint32_t to_screen(double light)
{
    return (uint32_t)lround(255 * pow(fmin(fmax(light, 0), 1), 1 / 2.4));
}

static uint32_t point_of(enum AVColorTransferCharacteristic transfer, struct rgb coded)
{
    struct rgb nits = to_nits(transfer, coded);
    double bright = luminance(nits);
    double by = bright > 0 ? compress(bright) / bright / SCREEN_PEAK_NITS : 0;
    struct rgb light = to_bt709(scaled(nits, by));
    return to_screen(light.r) << 16 | to_screen(light.g) << 8 | to_screen(light.b);
}

bool bt_transfer_is_hdr(enum AVColorTransferCharacteristic transfer)
{
    return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

struct bt_tone *bt_tone_create(enum AVColorTransferCharacteristic transfer)
{
    struct bt_tone *tone = BT_NEW(struct bt_tone);
    const double last = SIDE - 1;
    tone->transfer = transfer;
    for (int r = 0; r < SIDE; r++) {
        for (int g = 0; g < SIDE; g++) {
            for (int b = 0; b < SIDE; b++) {
                const struct rgb coded = {r / last, g / last, b / last};
                tone->points[r * RED_STEP + g * GREEN_STEP + b * BLUE_STEP] =
                    point_of(transfer, coded);
            }
        }
    }
    return tone;
}

void bt_tone_destroy(struct bt_tone *tone)
{
    free(tone);
}

enum AVColorTransferCharacteristic bt_tone_transfer(const struct bt_tone *tone)
{
    return tone->transfer;
}

// Where a value lies between two points: in 1/256 of their distance.
struct place {
    int point, part;
};

static void fill_places(struct place out[256])
{
    for (int value = 0; value < 256; value++) {
        int at = (value * (SIDE - 1) << STEP_BITS) / 255;
        int point = BT_MIN(at >> STEP_BITS, SIDE - 2);
        out[value] = (struct place){point, at - (point << STEP_BITS)};
    }
}

// Red and blue of a point in one word, green in another: sums of weights of 256 fill 16 bits each.
struct sums {
    uint32_t red_blue, green;
};

static void add(struct sums *sums, uint32_t point, int weight)
{
    sums->red_blue += (point & 0x00FF00FF) * (uint32_t)weight;
    sums->green += (point >> 8 & 0xFF) * (uint32_t)weight;
}

/*
 * Between the eight points around a colour, along the tetrahedron it lies in: from the darkest
 * corner, first along the colour with the largest part, then the next, then the last. Which of two
 * equal parts comes first does not matter: the corner between them has no weight.
 */
static void map_pixel(const struct bt_tone *tone, const struct place places[256], uint8_t *pixel)
{
    const struct place red = places[pixel[2]], green = places[pixel[1]], blue = places[pixel[0]];
    const uint32_t *corner = tone->points + (ptrdiff_t)red.point * RED_STEP +
                             (ptrdiff_t)green.point * GREEN_STEP +
                             (ptrdiff_t)blue.point * BLUE_STEP;
    int most = red.part, first = RED_STEP;
    int least = red.part, last = RED_STEP;
    first = green.part > most ? GREEN_STEP : first;
    most = BT_MAX(green.part, most);
    first = blue.part > most ? BLUE_STEP : first;
    most = BT_MAX(blue.part, most);
    last = green.part < least ? GREEN_STEP : last;
    least = BT_MIN(green.part, least);
    last = blue.part < least ? BLUE_STEP : last;
    least = BT_MIN(blue.part, least);
    int middle = red.part + green.part + blue.part - most - least;
    const int whole = RED_STEP + GREEN_STEP + BLUE_STEP;
    struct sums sums = {0x00800080, 0x80};  // halves, to round
    add(&sums, corner[0], (1 << STEP_BITS) - most);
    add(&sums, corner[first], most - middle);
    add(&sums, corner[whole - last], middle - least);
    add(&sums, corner[whole], least);
    pixel[0] = (uint8_t)(sums.red_blue >> STEP_BITS);
    pixel[1] = (uint8_t)(sums.green >> STEP_BITS);
    pixel[2] = (uint8_t)(sums.red_blue >> (16 + STEP_BITS));
}

void bt_tone_map(const struct bt_tone *tone, uint8_t *pixels, size_t stride, int width, int height)
{
    struct place places[256] = {{0, 0}};
    fill_places(places);
    for (int y = 0; y < height; y++) {
        uint8_t *pixel = pixels + (size_t)y * stride;
        for (int x = 0; x < width; x++, pixel += 4) {
            map_pixel(tone, places, pixel);
        }
    }
}

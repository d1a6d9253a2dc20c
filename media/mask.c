#include "media/mask.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// Less than this is a breath of an edge, not a letter.
#define INK 16

#define NO_ROW (-1)

static int fail_memory(struct bt_error *err, int width, int height)
{
    return bt_fail(err, -ENOMEM, "No memory for letters of %d×%d pixels", width, height);
}

int bt_mask_create(int width, int height, struct bt_mask **out, struct bt_error *err)
{
    BT_AUTO(bt_mask) mask = BT_NEW(struct bt_mask);
    mask->width = width;
    mask->height = height;
    mask->cover = calloc((size_t)height, (size_t)width);  // allow: checked, may be 64 MiB
    if (mask->cover == NULL) {
        return fail_memory(err, width, height);
    }
    *out = BT_TAKE(mask);
    return 0;
}

void bt_mask_destroy(struct bt_mask *mask)
{
    if (mask == NULL) {
        return;
    }
    free(mask->cover);
    free(mask);
}

static void note_nearest(const struct bt_mask *mask, int x, int y, int16_t *rows, int *last)
{
    size_t at = (size_t)y * (size_t)mask->width + (size_t)x;
    *last = mask->cover[at] >= INK ? y : *last;
    if (*last != NO_ROW && (rows[at] == NO_ROW || abs(*last - y) < abs(rows[at] - y))) {
        rows[at] = (int16_t)*last;
    }
}

// For each pixel the nearest row with ink in its column, or NO_ROW. A canvas has at most 16384.
static int16_t *nearest_rows(const struct bt_mask *mask)
{
    size_t count = (size_t)mask->width * (size_t)mask->height;
    int16_t *rows = malloc(count * sizeof(*rows));  // allow: the caller checks it
    if (rows == NULL) {
        return NULL;
    }
    memset(rows, 0xFF, count * sizeof(*rows));
    for (int x = 0; x < mask->width; x++) {
        int last = NO_ROW;
        for (int y = 0; y < mask->height; y++) {
            note_nearest(mask, x, y, rows, &last);
        }
        last = NO_ROW;
        for (int y = mask->height - 1; y >= 0; y--) {
            note_nearest(mask, x, y, rows, &last);
        }
    }
    return rows;
}

// What is found around one pixel: the nearest ink, as the square of its distance, and its cover.
struct nearest {
    int square;
    int cover;
};

static void look_in_column(const struct bt_mask *mask, const int16_t *rows, int x, int dx, int y,
                           struct nearest *nearest)
{
    size_t width = (size_t)mask->width;
    if (x + dx < 0 || x + dx >= mask->width) {
        return;
    }
    int row = rows[(size_t)y * width + (size_t)(x + dx)];
    int square = dx * dx + (row - y) * (row - y);
    if (row != NO_ROW && square < nearest->square) {
        nearest->square = square;
        nearest->cover = mask->cover[(size_t)row * width + (size_t)(x + dx)];
    }
}

// The outermost pixel is covered as far as the ink that reaches out to it covers its own.
static uint8_t grown_cover(const struct nearest *nearest, int px)
{
    if (nearest->square <= (px - 1) * (px - 1)) {
        return 255;
    }
    int cover = 255 * px + nearest->cover - (int)lround(255 * sqrt(nearest->square));
    return (uint8_t)BT_CLAMP(cover, 0, 255);
}

static uint8_t grow_pixel(const struct bt_mask *mask, const int16_t *rows, int x, int y, int px)
{
    int reach = px + 1;
    struct nearest nearest = {.square = reach * reach};
    for (int dx = 0; dx * dx < nearest.square; dx++) {
        look_in_column(mask, rows, x, dx, y, &nearest);
        look_in_column(mask, rows, x, -dx, y, &nearest);
    }
    return grown_cover(&nearest, px);
}

int bt_mask_grow(const struct bt_mask *mask, int px, struct bt_mask **out, struct bt_error *err)
{
    BT_AUTO(bt_mask) grown = NULL;
    int r = bt_mask_create(mask->width, mask->height, &grown, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE int16_t *rows = nearest_rows(mask);
    if (rows == NULL) {
        return fail_memory(err, mask->width, mask->height);
    }
    for (int y = 0; y < mask->height; y++) {
        uint8_t *row = grown->cover + (size_t)y * (size_t)mask->width;
        for (int x = 0; x < mask->width; x++) {
            row[x] = grow_pixel(mask, rows, x, y, px);
        }
    }
    *out = BT_TAKE(grown);
    return 0;
}

// Replaces each value of a line by the mean of those up to `radius` away; outside is nothing.
static void average(uint8_t *line, size_t step, int count, int radius, uint8_t *copy)
{
    int sum = 0, width = 2 * radius + 1;
    for (int i = 0; i < count; i++) {
        copy[i] = line[(size_t)i * step];
        sum += i < radius ? copy[i] : 0;
    }
    for (int i = 0; i < count; i++) {
        sum += i + radius < count ? copy[i + radius] : 0;
        line[(size_t)i * step] = (uint8_t)((sum + radius) / width);
        sum -= i >= radius ? copy[i - radius] : 0;
    }
}

int bt_mask_soften(struct bt_mask *mask, int px, struct bt_error *err)
{
    size_t longest = (size_t)BT_MAX(mask->width, mask->height);
    BT_AUTOFREE uint8_t *copy = calloc(longest, 1);  // allow: checked like the rest
    if (copy == NULL) {
        return fail_memory(err, mask->width, mask->height);
    }
    size_t width = (size_t)mask->width;
    // Twice, so that edges fade evenly; together they reach px.
    const int radii[] = {(px + 1) / 2, px / 2};
    for (size_t i = 0; i < BT_ARRAY_LEN(radii); i++) {
        for (int y = 0; y < mask->height; y++) {
            average(mask->cover + (size_t)y * width, 1, mask->width, radii[i], copy);
        }
        for (int x = 0; x < mask->width; x++) {
            average(mask->cover + x, width, mask->height, radii[i], copy);
        }
    }
    return 0;
}

// x * y / 255, rounded, for bytes.
static uint32_t multiply(uint32_t x, uint32_t y)
{
    uint32_t product = x * y + 128;
    return (product + (product >> 8)) >> 8;
}

static void blend_pixel(uint8_t *pixel, struct bt_colour colour, uint32_t cover)
{
    uint32_t alpha = multiply(cover, colour.a);
    const uint8_t bgra[4] = {colour.b, colour.g, colour.r, 255};
    for (int i = 0; i < 4; i++) {
        pixel[i] = (uint8_t)(multiply(bgra[i], alpha) + multiply(pixel[i], 255 - alpha));
    }
}

static void paint_one(const struct bt_mask *mask, struct bt_colour colour, struct bt_image *image,
                      int left, int top)
{
    int from_x = BT_MAX(0, -left), until_x = BT_MIN(mask->width, image->width - left);
    int from_y = BT_MAX(0, -top), until_y = BT_MIN(mask->height, image->height - top);
    for (int y = from_y; y < until_y; y++) {
        const uint8_t *cover = mask->cover + (size_t)y * (size_t)mask->width;
        uint8_t *row = image->pixels + (size_t)(top + y) * image->stride;
        for (int x = from_x; x < until_x; x++) {
            if (cover[x] > 0) {
                blend_pixel(row + 4 * (size_t)(left + x), colour, cover[x]);
            }
        }
    }
}

void bt_mask_paint(const struct bt_mask *mask, struct bt_colour colour,
                   struct bt_image *const *images, size_t image_count, struct bt_point at)
{
    int left = at.x;
    for (size_t i = 0; i < image_count; i++) {
        paint_one(mask, colour, images[i], left, at.y);
        left -= images[i]->width;
    }
}

int bt_outline_reach(const struct bt_text_style *style)
{
    return style->outline.colour.a == 0 ? 0 : (int)style->outline.px;
}

static int copy_of(const struct bt_mask *mask, struct bt_mask **out, struct bt_error *err)
{
    int r = bt_mask_create(mask->width, mask->height, out, err);
    if (r == 0) {
        memcpy((*out)->cover, mask->cover, (size_t)mask->width * (size_t)mask->height);
    }
    return r;
}

static int paint_shadow(const struct bt_mask *shape, const struct bt_shadow *shadow,
                        struct bt_image *const *images, size_t image_count, struct bt_error *err)
{
    const struct bt_point at = {(int)shadow->x, (int)shadow->y};
    BT_AUTO(bt_mask) soft = NULL;
    int r = 0;
    if (shadow->blur_px > 0) {
        r = copy_of(shape, &soft, err);
        r = r == 0 ? bt_mask_soften(soft, (int)shadow->blur_px, err) : r;
    }
    if (r == 0) {
        bt_mask_paint(soft != NULL ? soft : shape, shadow->colour, images, image_count, at);
    }
    return r;
}

int bt_mask_paint_letters(const struct bt_mask *letters, const struct bt_text_style *style,
                          struct bt_image *const *images, size_t image_count, struct bt_error *err)
{
    BT_AUTO(bt_mask) outline = NULL;
    int reach = bt_outline_reach(style);
    int r = reach > 0 ? bt_mask_grow(letters, reach, &outline, err) : 0;
    if (r == 0 && style->shadow.colour.a > 0) {
        r = paint_shadow(outline != NULL ? outline : letters, &style->shadow, images, image_count,
                         err);
    }
    if (r < 0) {
        return r;
    }
    const struct bt_point here = {0, 0};
    if (outline != NULL) {
        bt_mask_paint(outline, style->outline.colour, images, image_count, here);
    }
    bt_mask_paint(letters, style->colour, images, image_count, here);
    return 0;
}

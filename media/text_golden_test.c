/**
 * The text card that is kept as a picture. FreeType and HarfBuzz differ a little from release to
 * release, so pictures are compared line by line: where the ink begins and ends (±1 px), and how
 * much of it differs. That lets a finer edge pass and stops a clipped mark, another face, a moved
 * line. BT_GOLDEN_WRITE=1 writes the pictures anew.
 */
#include <SDL_image.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/text.h"

#define WIDTH 640
#define HEIGHT 360
#define PADDING 12
#define PITCH_PX 56
#define LINES 6

// Each line has letters that reach its top, and some that reach its foot.
static const char sample[] = "ẪỔẮỂỬỶ ẤỒẰỄỮỸ ĐẠỊỢỤỴ gjpqy\n"
                             "Nghị quyết số 57-NQ/TW – Ổ Ẫ\n"
                             "ĐỔI MỚI SÁNG TẠO, CHUYỂN ĐỔI SỐ\n"
                             "phường, xã, đặc khu: tuyên truyền Ẩ\n"
                             "Ỗ 0123456789 (100 %) “Ề” & @ j\n"
                             "ặ ằ ẵ ễ ệ ổ ỗ ộ ớ ỡ ợ ữ ự ỷ ỹ Ỵ Ẵ";

#define STYLE                                                                                      \
    .size_px = 40, .line_percent = 140, .colour = {255, 255, 255, 255},                            \
    .background = {0, 0, 0, 255}, .padding_px = PADDING

static const struct bt_text_style regular = {STYLE}, bold = {STYLE, .bold = true};
static const struct bt_text_style effects = {
    STYLE,
    .family = BT_FAMILY_SERIF,
    .italic = true,
    .outline = {2, {110, 150, 190, 255}},
    .shadow = {3, 3, 2, {90, 70, 50, 255}},
};

static struct bt_image *draw(const char *text, const struct bt_text_style *style)
{
    BT_AUTO(bt_text) context = NULL;
    struct bt_image *image = NULL;
    assert_int_equal(bt_text_open(&context, NULL), 0);
    assert_int_equal(bt_text_card(context, text, style, WIDTH, HEIGHT, &image, NULL), 0);
    return image;
}

static char *golden_path(const char *name)
{
    return bt_strf("%s/media/golden/%s.png", getenv("BT_SOURCE_ROOT"), name);
}

static SDL_Surface *load(const char *name)
{
    BT_AUTOFREE char *path = golden_path(name);
    SDL_Surface *stored = IMG_Load(path);
    assert_non_null(stored);
    SDL_Surface *bgra = SDL_ConvertSurfaceFormat(stored, SDL_PIXELFORMAT_BGRA32, 0);
    SDL_FreeSurface(stored);
    assert_non_null(bgra);
    assert_int_equal(bgra->w, WIDTH);
    assert_int_equal(bgra->h, HEIGHT);
    return bgra;
}

// One line of a picture: rows × WIDTH values of one channel.
struct band {
    const uint8_t *pixels;
    size_t stride;
};

static int value(const struct band *band, int x, int y)
{
    return band->pixels[(size_t)y * band->stride + 4 * (size_t)x];
}

// The ink's box: left, top, right, bottom.
static void find_ink(const struct band *band, int box[4])
{
    box[0] = WIDTH;
    box[1] = PITCH_PX;
    box[2] = box[3] = 0;
    for (int y = 0; y < PITCH_PX; y++) {
        for (int x = 0; x < WIDTH; x++) {
            if (value(band, x, y) > 40) {
                box[0] = BT_MIN(box[0], x);
                box[1] = BT_MIN(box[1], y);
                box[2] = BT_MAX(box[2], x + 1);
                box[3] = BT_MAX(box[3], y + 1);
            }
        }
    }
}

// How much ink differs, percent of what the golden line has.
static int64_t difference(const struct band *band, const struct band *golden)
{
    int64_t differing = 0, all = 0;
    for (int y = 0; y < PITCH_PX; y++) {
        for (int x = 0; x < WIDTH; x++) {
            differing += abs(value(band, x, y) - value(golden, x, y));
            all += value(golden, x, y);
        }
    }
    return all > 0 ? differing * 100 / all : 100;
}

static bool lines_agree(const struct bt_image *image, const SDL_Surface *golden, int line)
{
    size_t first_row = (size_t)(PADDING + line * PITCH_PX);
    const struct band a = {image->pixels + first_row * image->stride, image->stride};
    const struct band b = {
        (const uint8_t *)golden->pixels + first_row * (size_t)golden->pitch,
        (size_t)golden->pitch,
    };
    int ours[4], theirs[4];
    find_ink(&a, ours);
    find_ink(&b, theirs);
    for (int i = 0; i < 4; i++) {
        if (abs(ours[i] - theirs[i]) > 1) {
            return false;
        }
    }
    return difference(&a, &b) <= 20;
}

static int agreeing_lines(const struct bt_image *image, const char *name)
{
    SDL_Surface *golden = load(name);
    int agreeing = 0;
    for (int line = 0; line < LINES; line++) {
        agreeing += lines_agree(image, golden, line);
    }
    SDL_FreeSurface(golden);
    return agreeing;
}

static void assert_golden(const char *name, const struct bt_text_style *style)
{
    BT_AUTO(bt_image) image = draw(sample, style);
    if (getenv("BT_GOLDEN_WRITE") != NULL) {
        BT_AUTOFREE char *path = golden_path(name);
        assert_int_equal(bt_image_write_png(image, path, NULL), 0);
    }
    assert_int_equal(agreeing_lines(image, name), LINES);
}

static void cards_look_as_they_did(void **state)
{
    (void)state;
    assert_golden("text-regular", &regular);
    assert_golden("text-bold", &bold);
    assert_golden("text-effects", &effects);
}

// The tolerance is worth nothing if it lets these pass.
static void the_tolerance_stops_what_matters(void **state)
{
    (void)state;
    BT_AUTO(bt_image) other_face = draw(sample, &bold);
    assert_int_equal(agreeing_lines(other_face, "text-regular"), 0);
    struct bt_text_style lower = regular;
    lower.padding_px += 2;
    BT_AUTO(bt_image) moved = draw(sample, &lower);
    assert_int_equal(agreeing_lines(moved, "text-regular"), 0);
    struct bt_text_style thinner = effects;
    thinner.outline.px = 1;
    BT_AUTO(bt_image) thin = draw(sample, &thinner);
    assert_int_equal(agreeing_lines(thin, "text-effects"), 0);
    BT_AUTO(bt_image) clipped = draw(sample, &regular);
    for (int line = 0; line < LINES; line++) {
        uint8_t *row = clipped->pixels + (size_t)(PADDING + line * PITCH_PX) * clipped->stride;
        memset(row, 0, 5 * clipped->stride);  // the upper marks of capitals
    }
    assert_int_equal(agreeing_lines(clipped, "text-regular"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_look_as_they_did),
        cmocka_unit_test(the_tolerance_stops_what_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

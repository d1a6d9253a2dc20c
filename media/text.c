#include "media/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/font.h"
#include "media/lines.h"

// Where Debian's fonts-noto-core puts the faces.
#define FONT_DIR "/usr/share/fonts/truetype/noto"

#define TILE_PX 2048

struct bt_text {
    struct bt_font *regular, *bold;
};

int bt_text_open(struct bt_text **out, struct bt_error *err)
{
    BT_AUTO(bt_text) text = BT_NEW(struct bt_text);
    int r = bt_font_open(FONT_DIR "/NotoSans-Regular.ttf", &text->regular, err);
    if (r == 0) {
        r = bt_font_open(FONT_DIR "/NotoSans-Bold.ttf", &text->bold, err);
    }
    if (r < 0) {
        return bt_fail_in(err, -ENOENT, "Text needs the package fonts-noto-core");
    }
    *out = BT_TAKE(text);
    return 0;
}

void bt_text_destroy(struct bt_text *text)
{
    if (text == NULL) {
        return;
    }
    bt_font_destroy(text->regular);
    bt_font_destroy(text->bold);
    free(text);
}

static int normalise(const char *utf8, char **out, struct bt_error *err)
{
    int r = bt_text_normalise(utf8, out);
    if (r == -EMSGSIZE) {
        return bt_fail(err, r, "The text is longer than %d bytes", BT_TEXT_MAX_BYTES);
    }
    return r < 0 ? bt_fail(err, r, "The text is not UTF-8") : 0;
}

static void fill(struct bt_image *image, struct bt_colour colour)
{
    const uint8_t bgra[4] = {
        (uint8_t)(colour.b * colour.a / 255),
        (uint8_t)(colour.g * colour.a / 255),
        (uint8_t)(colour.r * colour.a / 255),
        colour.a,
    };
    for (int y = 0; y < image->height; y++) {
        uint8_t *row = image->pixels + (size_t)y * image->stride;
        for (int x = 0; x < image->width; x++) {
            memcpy(row + 4 * (size_t)x, bgra, 4);
        }
    }
    image->opaque = colour.a == 255;
}

static int create_filled(int width, int height, struct bt_colour colour, struct bt_image **out,
                         struct bt_error *err)
{
    struct bt_image *image = bt_image_create(width, height);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a text of %d×%d pixels", width, height);
    }
    fill(image, colour);
    *out = image;
    return 0;
}

// A card being laid out: the box inside the padding, and what stands in it.
struct card {
    struct bt_font *font;
    const struct bt_text_style *style;
    const char *text;
    struct bt_rect box;
    struct bt_lines lines;
    int pitch;
};

static void card_finish(struct card *card)
{
    bt_lines_finish(&card->lines);
}

static int block_height(const struct card *card, size_t lines)
{
    int line = bt_font_ascent(card->font) + bt_font_descent(card->font);
    int64_t height = line + (int64_t)(lines - 1) * card->pitch;
    return (int)BT_MIN(height, INT32_MAX);
}

static int lay_out(struct card *card, int size_px, struct bt_error *err)
{
    int r = bt_font_set_size(card->font, size_px, err);
    if (r == 0) {
        card->pitch = BT_MAX((int)(size_px * card->style->line_percent / 100), 1);
        bt_lines_break(&card->lines, card->font, card->text, card->box.width);
    }
    return r;
}

/**
 * The largest size within [low, high] at which the text fits, laid out; when none does, `low` is.
 * Returns 1 when it fits, 0 when not.
 */
static int fit_between(struct card *card, int low, int high, bool may_split, struct bt_error *err)
{
    int best = 0, first = low, r = 0;
    // The size asked for is tried first: nearly every text fits.
    for (int size = high; first <= high && r == 0; size = (first + high + 1) / 2) {
        r = lay_out(card, size, err);
        if (r == 0 && block_height(card, card->lines.count) <= card->box.height &&
            (may_split || !card->lines.split_words)) {
            best = size;
            first = size + 1;
        } else {
            high = size - 1;
        }
    }
    if (r == 0) {
        r = lay_out(card, best > 0 ? best : low, err);
    }
    return r < 0 ? r : best > 0;
}

/**
 * Smaller letters are better than a split word, up to a point: from half the size on words are
 * split before the text is made smaller still.
 */
static int fit(struct card *card, struct bt_error *err)
{
    int size_px = (int)BT_CLAMP(card->style->size_px, BT_FONT_MIN_PX, BT_FONT_MAX_PX);
    int half_px = BT_MAX(size_px / 2, BT_FONT_MIN_PX);
    int r = fit_between(card, half_px, size_px, false, err);
    return r != 0 ? r : fit_between(card, BT_FONT_MIN_PX, size_px, true, err);
}

// Where the first baseline lies for a block of lines in a box; inside the image in any case.
static int first_baseline(struct bt_font *font, int valign, const struct bt_rect *box, int block)
{
    int room = BT_MAX(box->height - block, 0);
    int top = valign == BT_VALIGN_MIDDLE ? room / 2 : valign == BT_VALIGN_BOTTOM ? room : 0;
    return box->y + top + bt_font_ascent(font);
}

static int line_x(const struct card *card, const struct bt_line *line)
{
    int room = card->box.width - bt_font_width(card->font, line->text, line->len);
    room = BT_MAX(room, 0);
    int left = card->style->align == BT_ALIGN_CENTER  ? room / 2
               : card->style->align == BT_ALIGN_RIGHT ? room
                                                      : 0;
    return card->box.x + left;
}

// Lines that fit as a whole; at least one.
static size_t visible_lines(const struct card *card)
{
    size_t count = card->lines.count;
    while (count > 1 && block_height(card, count) > card->box.height) {
        count--;
    }
    return count;
}

static int draw_card(const struct card *card, struct bt_image *image, struct bt_error *err)
{
    assert(card->lines.count > 0);  // an empty text is one blank line
    size_t count = visible_lines(card);
    int baseline =
        first_baseline(card->font, card->style->valign, &card->box, block_height(card, count));
    // Marks that leave the font's box push the text down before they are cut at the image's edge.
    const struct bt_line *first = &card->lines.lines[0];
    int top = bt_font_top(card->font, first->text, first->len);
    baseline = BT_MAX(baseline, BT_MIN(top, image->height));
    for (size_t i = 0; i < count; i++) {
        const struct bt_line *line = &card->lines.lines[i];
        struct bt_point at = {line_x(card, line), baseline + (int)i * card->pitch};
        int r = bt_font_draw(card->font, line->text, line->len, card->style->colour, &image, 1, at,
                             err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int bt_text_card(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                 int width, int height, struct bt_image **out, struct bt_error *err)
{
    BT_AUTOFREE char *normal = NULL;
    BT_AUTO(bt_image) image = NULL;
    int r = normalise(utf8, &normal, err);
    if (r == 0) {
        r = create_filled(width, height, style->background, &image, err);
    }
    if (r < 0) {
        return r;
    }
    int padding = (int)BT_CLAMP(style->padding_px, 0, (BT_MIN(width, height) - 1) / 2);
    BT_AUTOFINISH(card_finish)
    struct card card = {
        .font = style->bold ? text->bold : text->regular,
        .style = style,
        .text = normal,
        .box = {padding, padding, width - 2 * padding, height - 2 * padding},
    };
    r = fit(&card, err);
    if (r >= 0) {
        r = draw_card(&card, image, err);
    }
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(image);
    return 0;
}

// A crawl is one line: line ends become spaces, and those around the text go.
static void make_one_line(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    size_t leading = strspn(text, " "), len = strlen(text);
    while (len > leading && text[len - 1] == ' ') {
        len--;
    }
    memmove(text, text + leading, len - leading);
    text[len - leading] = '\0';
}

static int create_tiles(struct bt_strip *strip, struct bt_colour background, struct bt_error *err)
{
    size_t count = (size_t)(strip->width + TILE_PX - 1) / TILE_PX;
    strip->tiles = BT_NEW_ARRAY(struct bt_image *, count);
    for (; strip->tile_count < count; strip->tile_count++) {
        int left = (int)strip->tile_count * TILE_PX;
        int r = create_filled(BT_MIN(strip->width - left, TILE_PX), strip->height, background,
                              &strip->tiles[strip->tile_count], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int check_strip(const struct bt_strip *strip, struct bt_error *err)
{
    if (strip->width == 0) {
        return bt_fail(err, -EINVAL, "The text is empty");
    }
    if (strip->width > BT_STRIP_MAX_PX ||
        (int64_t)strip->width * strip->height > BT_STRIP_MAX_PIXELS) {
        return bt_fail(err, -EFBIG,
                       "The text becomes a line of %d×%d pixels: make it shorter or smaller",
                       strip->width, strip->height);
    }
    return 0;
}

int bt_text_strip(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                  int height, struct bt_strip **out, struct bt_error *err)
{
    BT_AUTOFREE char *line = NULL;
    int r = normalise(utf8, &line, err);
    if (r < 0) {
        return r;
    }
    make_one_line(line);
    size_t len = strlen(line);
    struct bt_font *font = style->bold ? text->bold : text->regular;
    r = bt_font_set_size(font, (int)BT_MIN(style->size_px, height), err);
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_strip) strip = BT_NEW(struct bt_strip);
    strip->width = bt_font_width(font, line, len);
    strip->height = height;
    r = check_strip(strip, err);
    if (r == 0) {
        r = create_tiles(strip, style->background, err);
    }
    if (r < 0) {
        return r;
    }
    const struct bt_rect box = {0, 0, strip->width, height};
    int block = bt_font_ascent(font) + bt_font_descent(font);
    struct bt_point at = {0, first_baseline(font, style->valign, &box, block)};
    r = bt_font_draw(font, line, len, style->colour, strip->tiles, strip->tile_count, at, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(strip);
    return 0;
}

void bt_strip_destroy(struct bt_strip *strip)
{
    if (strip == NULL) {
        return;
    }
    for (size_t i = 0; i < strip->tile_count; i++) {
        bt_image_destroy(strip->tiles[i]);
    }
    free(strip->tiles);
    free(strip);
}

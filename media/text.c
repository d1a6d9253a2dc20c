#include "media/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/font.h"
#include "media/lines.h"

// Where Debian's fonts-noto-core puts the faces.
#define FONT_DIR "/usr/share/fonts/truetype/noto"

#define TILE_PX 2048

static const char *const face_files[2][2][2] = {
    [BT_FAMILY_SANS] = {{"NotoSans-Regular.ttf", "NotoSans-Italic.ttf"},
                        {"NotoSans-Bold.ttf", "NotoSans-BoldItalic.ttf"}},
    [BT_FAMILY_SERIF] = {{"NotoSerif-Regular.ttf", "NotoSerif-Italic.ttf"},
                         {"NotoSerif-Bold.ttf", "NotoSerif-BoldItalic.ttf"}},
};

struct bt_text {
    struct bt_font *faces[2][2][2];  // by family, bold, italic; NULL: not asked for yet
};

static int find_face(struct bt_text *text, int family, bool bold, bool italic, struct bt_font **out,
                     struct bt_error *err)
{
    struct bt_font **face = &text->faces[family][bold][italic];
    if (*face == NULL) {
        char path[sizeof(FONT_DIR) + 32];
        int r = bt_format(path, sizeof(path), FONT_DIR "/%s", face_files[family][bold][italic]);
        assert(r >= 0);
        r = bt_font_open(path, face, err);
        if (r < 0) {
            return bt_fail_in(err, -ENOENT, "Text needs the package fonts-noto-core");
        }
    }
    *out = *face;
    return 0;
}

static int face_of(struct bt_text *text, const struct bt_text_style *style, struct bt_font **out,
                   struct bt_error *err)
{
    return find_face(text, style->family, style->bold, style->italic, out, err);
}

int bt_text_open(struct bt_text **out, struct bt_error *err)
{
    BT_AUTO(bt_text) text = BT_NEW(struct bt_text);
    struct bt_font *any;
    int r = find_face(text, BT_FAMILY_SANS, false, false, &any, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(text);
    return 0;
}

void bt_text_destroy(struct bt_text *text)
{
    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < 8; i++) {
        bt_font_destroy(text->faces[i / 4][i / 2 % 2][i % 2]);
    }
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
    int size_px, pitch;
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
        card->size_px = size_px;
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

static int aligned(int align, int room)
{
    room = BT_MAX(room, 0);
    return align == BT_ALIGN_CENTER ? room / 2 : align == BT_ALIGN_RIGHT ? room : 0;
}

static int line_x(const struct card *card, const struct bt_line *line)
{
    int room = card->box.width - bt_font_width(card->font, line->text, line->len);
    return card->box.x + aligned(card->style->align, room);
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

static int draw_lines(const struct card *card, struct bt_mask *mask, struct bt_error *err)
{
    assert(card->lines.count > 0);  // an empty text is one blank line
    size_t count = visible_lines(card);
    int baseline =
        first_baseline(card->font, card->style->valign, &card->box, block_height(card, count));
    // Marks that leave the font's box push the text down before they are cut at the image's edge.
    const struct bt_line *first = &card->lines.lines[0];
    int top = bt_font_top(card->font, first->text, first->len);
    baseline = BT_MAX(baseline, BT_MIN(top, mask->height));
    for (size_t i = 0; i < count; i++) {
        const struct bt_line *line = &card->lines.lines[i];
        struct bt_point at = {line_x(card, line), baseline + (int)i * card->pitch};
        int r = bt_font_draw(card->font, line->text, line->len, mask, at, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int draw_card(const struct card *card, struct bt_image *image, struct bt_error *err)
{
    BT_AUTO(bt_mask) mask = NULL;
    int r = bt_mask_create(image->width, image->height, &mask, err);
    r = r == 0 ? draw_lines(card, mask, err) : r;
    return r == 0 ? bt_mask_paint_letters(mask, card->style, &image, 1, err) : r;
}

// Lays the text out; `normal` must outlive the card.
static int card_init(struct card *card, struct bt_text *text, const char *normal,
                     const struct bt_text_style *style, int width, int height, struct bt_error *err)
{
    int padding = BT_MAX((int)style->padding_px, bt_outline_reach(style));
    padding = BT_CLAMP(padding, 0, (BT_MIN(width, height) - 1) / 2);
    *card = (struct card){
        .style = style,
        .text = normal,
        .box = {padding, padding, width - 2 * padding, height - 2 * padding},
    };
    int r = face_of(text, style, &card->font, err);
    return r == 0 ? fit(card, err) : r;
}

int bt_text_measure(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                    int width, int height, struct bt_text_fit *out, struct bt_error *err)
{
    BT_AUTOFREE char *normal = NULL;
    BT_AUTOFINISH(card_finish) struct card card = {0};
    int r = normalise(utf8, &normal, err);
    r = r == 0 ? card_init(&card, text, normal, style, width, height, err) : r;
    if (r < 0) {
        return r;
    }
    *out = (struct bt_text_fit){
        .size_px = card.size_px,
        .lines_left_out = card.lines.count - visible_lines(&card),
    };
    return 0;
}

int bt_text_card(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                 int width, int height, struct bt_image **out, struct bt_error *err)
{
    BT_AUTOFREE char *normal = NULL;
    BT_AUTO(bt_image) image = NULL;
    BT_AUTOFINISH(card_finish) struct card card = {0};
    int r = normalise(utf8, &normal, err);
    r = r == 0 ? create_filled(width, height, style->background, &image, err) : r;
    r = r == 0 ? card_init(&card, text, normal, style, width, height, err) : r;
    r = r >= 0 ? draw_card(&card, image, err) : r;
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(image);
    return 0;
}

// What a strip is made of: a line, or two.
struct slogan {
    struct bt_font *font;
    const struct bt_text_style *style;
    struct bt_line lines[2];
    size_t count;
    int left, right;  // room for what stands beside the letters
    int size_px, pitch;
};

static struct bt_line trimmed(const char *text, size_t len)
{
    while (len > 0 && text[0] == ' ') {
        text++;
        len--;
    }
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    return (struct bt_line){text, len};
}

// The first line end parts two lines, others become spaces. What is empty is no line.
static void part(struct slogan *slogan, char *text)
{
    char *rest = strchr(text, '\n');
    struct bt_line parts[2] = {trimmed(text, strcspn(text, "\n"))};
    if (rest != NULL) {
        for (char *c = ++rest; *c != '\0'; c++) {
            *c = *c == '\n' ? ' ' : *c;
        }
        parts[1] = trimmed(rest, strlen(rest));
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(parts); i++) {
        if (parts[i].len > 0) {
            slogan->lines[slogan->count++] = parts[i];
        }
    }
}

static int slogan_width(const struct slogan *slogan)
{
    int width = 0;
    for (size_t i = 0; i < slogan->count; i++) {
        const struct bt_line *line = &slogan->lines[i];
        width = BT_MAX(width, bt_font_width(slogan->font, line->text, line->len));
    }
    return width > 0 ? slogan->left + width + slogan->right : 0;
}

// Copies of the strip stand side by side: what reaches beyond the letters needs room in it.
static void make_room(struct slogan *slogan)
{
    const struct bt_shadow *shadow = &slogan->style->shadow;
    int reach = bt_outline_reach(slogan->style);
    int x = shadow->colour.a > 0 ? (int)shadow->x : 0;
    int blur = shadow->colour.a > 0 ? (int)shadow->blur_px : 0;
    slogan->left = reach + BT_MAX(blur - x, 0);
    slogan->right = reach + BT_MAX(blur + x, 0);
}

static int slogan_init(struct slogan *slogan, struct bt_text *text, char *normal,
                       const struct bt_text_style *style, int height, struct bt_error *err)
{
    *slogan = (struct slogan){.style = style};
    part(slogan, normal);
    make_room(slogan);
    int r = face_of(text, style, &slogan->font, err);
    if (r < 0) {
        return r;
    }
    int64_t room = height - 2 * bt_outline_reach(style);
    room = slogan->count == 2 ? room * 100 / (100 + style->line_percent) : room;
    int size_px = (int)BT_CLAMP(style->size_px, 1, BT_MAX(room, 1));
    slogan->size_px = size_px;
    slogan->pitch = (int)(size_px * style->line_percent / 100);
    slogan->right += size_px;  // between one end and the next beginning
    return bt_font_set_size(slogan->font, size_px, err);
}

static int draw_slogan(const struct slogan *slogan, struct bt_mask *mask, struct bt_error *err)
{
    int reach = bt_outline_reach(slogan->style);
    const struct bt_rect box = {0, reach, mask->width, mask->height - 2 * reach};
    int block = bt_font_ascent(slogan->font) + bt_font_descent(slogan->font) +
                (int)(slogan->count - 1) * slogan->pitch;
    int baseline = first_baseline(slogan->font, slogan->style->valign, &box, block), r = 0;
    for (size_t i = 0; i < slogan->count && r == 0; i++) {
        const struct bt_line *line = &slogan->lines[i];
        int room = mask->width - slogan->left - slogan->right -
                   bt_font_width(slogan->font, line->text, line->len);
        struct bt_point at = {slogan->left + aligned(slogan->style->align, room),
                              baseline + (int)i * slogan->pitch};
        r = bt_font_draw(slogan->font, line->text, line->len, mask, at, err);
    }
    return r;
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

static int draw_strip(const struct slogan *slogan, struct bt_strip *strip, struct bt_error *err)
{
    BT_AUTO(bt_mask) mask = NULL;
    int r = check_strip(strip, err);
    r = r == 0 ? create_tiles(strip, slogan->style->background, err) : r;
    r = r == 0 ? bt_mask_create(strip->width, strip->height, &mask, err) : r;
    r = r == 0 ? draw_slogan(slogan, mask, err) : r;
    return r < 0 ? r
                 : bt_mask_paint_letters(mask, slogan->style, strip->tiles, strip->tile_count, err);
}

int bt_text_strip(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                  int height, struct bt_strip **out, struct bt_error *err)
{
    BT_AUTOFREE char *normal = NULL;
    struct slogan slogan;
    int r = normalise(utf8, &normal, err);
    r = r == 0 ? slogan_init(&slogan, text, normal, style, height, err) : r;
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_strip) strip = BT_NEW(struct bt_strip);
    strip->width = slogan_width(&slogan);
    strip->height = height;
    r = draw_strip(&slogan, strip, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(strip);
    return 0;
}

int bt_text_measure_strip(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                          int height, struct bt_text_fit *out, struct bt_error *err)
{
    BT_AUTOFREE char *normal = NULL;
    struct slogan slogan;
    int r = normalise(utf8, &normal, err);
    r = r == 0 ? slogan_init(&slogan, text, normal, style, height, err) : r;
    if (r < 0) {
        return r;
    }
    const struct bt_strip strip = {.width = slogan_width(&slogan), .height = height};
    *out = (struct bt_text_fit){
        .size_px = slogan.size_px,
        .lines_left_out = check_strip(&strip, NULL) == 0 ? 0 : slogan.count,
    };
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

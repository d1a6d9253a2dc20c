#include "media/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

// The 67 accented letters of Vietnamese; the capitals come from them.
static const char *const letters[] = {
    "à", "á", "ả", "ã", "ạ", "ă", "ằ", "ắ", "ẳ", "ẵ", "ặ", "â", "ầ", "ấ", "ẩ", "ẫ", "ậ",
    "è", "é", "ẻ", "ẽ", "ẹ", "ê", "ề", "ế", "ể", "ễ", "ệ", "ì", "í", "ỉ", "ĩ", "ị", "ò",
    "ó", "ỏ", "õ", "ọ", "ô", "ồ", "ố", "ổ", "ỗ", "ộ", "ơ", "ờ", "ớ", "ở", "ỡ", "ợ", "ù",
    "ú", "ủ", "ũ", "ụ", "ư", "ừ", "ứ", "ử", "ữ", "ự", "ỳ", "ý", "ỷ", "ỹ", "ỵ", "đ",
};

static const struct bt_text_style plain = {
    .size_px = 48,
    .line_percent = 100,
    .colour = {255, 255, 255, 255},
    .background = {0, 0, 0, 255},
};

// As LED walls want it over pictures.
static const struct bt_text_style outlined = {
    .family = BT_FAMILY_SERIF,
    .italic = true,
    .size_px = 40,
    .line_percent = 100,
    .colour = {255, 255, 255, 255},
    .background = {0, 0, 0, 255},
    .outline = {3, {0, 160, 0, 255}},
    .shadow = {4, 4, 3, {0, 80, 80, 200}},
};

static int open_text(void **state)
{
    struct bt_text *text = NULL;
    int r = bt_text_open(&text, NULL);
    *state = text;
    return r;
}

static int close_text(void **state)
{
    bt_text_destroy(*state);
    return 0;
}

static struct bt_image *card(struct bt_text *text, const char *utf8,
                             const struct bt_text_style *style, int width, int height)
{
    struct bt_image *image = NULL;
    struct bt_error err = {""};
    if (bt_text_card(text, utf8, style, width, height, &image, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(image->width, width);
    assert_int_equal(image->height, height);
    return image;
}

static const uint8_t *pixel(const struct bt_image *image, int x, int y)
{
    return image->pixels + (size_t)y * image->stride + 4 * (size_t)x;
}

// What is not black; empty when width is 0.
static struct bt_rect ink(const struct bt_image *image)
{
    int left = image->width, top = image->height, right = 0, bottom = 0;
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            if (pixel(image, x, y)[1] > 0) {
                left = BT_MIN(left, x);
                right = BT_MAX(right, x + 1);
                top = BT_MIN(top, y);
                bottom = BT_MAX(bottom, y + 1);
            }
        }
    }
    return (struct bt_rect){left, top, BT_MAX(right - left, 0), BT_MAX(bottom - top, 0)};
}

static void assert_same_part(const struct bt_image *a, int ax, int ay, const struct bt_image *b,
                             const struct bt_rect *part, const char *what)
{
    for (int y = 0; y < part->height; y++) {
        if (memcmp(pixel(a, ax, ay + y), pixel(b, part->x, part->y + y), 4 * (size_t)part->width) !=
            0) {
            fail_msg("'%s' differs in row %d", what, y);
        }
    }
}

static void assert_same_picture(const struct bt_image *a, const struct bt_image *b,
                                const char *what)
{
    const struct bt_rect all = {0, 0, b->width, b->height};
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_same_part(a, 0, 0, b, &all, what);
}

static size_t decompose(const char *letter, bool upper, int32_t *codes)
{
    utf8proc_ssize_t count =
        utf8proc_decompose((const uint8_t *)letter, (utf8proc_ssize_t)strlen(letter), codes, 4,
                           UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    assert_in_range(count, 1, 3);
    codes[0] = upper ? utf8proc_toupper(codes[0]) : codes[0];
    return (size_t)count;
}

// The letter as text: in the order given, its first `composed` code points as one character.
static void spell(const int32_t *codes, size_t count, size_t composed, char *out)
{
    int32_t head[8] = {0};
    memcpy(head, codes, composed * sizeof(*codes));
    utf8proc_ssize_t len =
        utf8proc_reencode(head, (utf8proc_ssize_t)composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    memcpy(out, head, (size_t)len);
    for (size_t i = composed; i < count; i++) {
        len += utf8proc_encode_char(codes[i], (uint8_t *)out + len);
    }
    out[len] = '\0';
}

// Every way to type one letter: marks in both orders, composed as far as they go or not.
static void assert_one_picture(struct bt_text *text, const char *letter, bool upper,
                               const struct bt_text_style *style)
{
    int32_t codes[8];
    char spelling[32];
    size_t count = decompose(letter, upper, codes);
    spell(codes, count, count, spelling);
    BT_AUTO(bt_image) reference = card(text, spelling, style, 64, 64);
    assert_true(ink(reference).width > 0);
    for (int order = 0; order < (count == 3 ? 2 : 1); order++) {
        for (size_t composed = 1; composed <= count; composed++) {
            spell(codes, count, composed, spelling);
            BT_AUTO(bt_image) picture = card(text, spelling, style, 64, 64);
            assert_same_picture(picture, reference, spelling);
        }
        int32_t moved = codes[1];
        codes[1] = codes[2];
        codes[2] = moved;
    }
}

static void every_spelling_of_a_letter_is_one_picture(void **state)
{
    assert_int_equal(BT_ARRAY_LEN(letters), 67);
    for (size_t i = 0; i < BT_ARRAY_LEN(letters); i++) {
        assert_one_picture(*state, letters[i], false, &plain);
        assert_one_picture(*state, letters[i], true, &outlined);
    }
}

// In a box as high as the line and its outline, a letter has all the ink it has with room around.
static void assert_not_clipped(struct bt_text *text, const char *letter,
                               const struct bt_text_style *style)
{
    int size = (int)style->size_px + 2 * (int)style->outline.px;
    struct bt_text_style middle = *style;
    middle.align = BT_ALIGN_CENTER;
    middle.valign = BT_VALIGN_MIDDLE;
    BT_AUTO(bt_image) tight = card(text, letter, style, 2 * size, size);
    BT_AUTO(bt_image) roomy = card(text, letter, &middle, 2 * size, 3 * size);
    const struct bt_rect a = ink(tight), b = ink(roomy);
    assert_int_equal(a.width, b.width);
    assert_int_equal(a.height, b.height);
    assert_same_part(tight, a.x, a.y, roomy, &b, letter);
}

static void no_mark_is_clipped(void **state)
{
    static const int sizes[] = {16, 22, 48, 101};
    for (size_t i = 0; i < 4 * BT_ARRAY_LEN(sizes); i++) {
        struct bt_text_style style = plain;
        style.size_px = sizes[i / 4];
        style.bold = i / 2 % 2 == 0;
        style.family = i % 4 == 2 ? BT_FAMILY_SERIF : BT_FAMILY_SANS;
        style.italic = i % 4 == 1;
        style.outline = i / 4 % 2 == 1 ? outlined.outline : style.outline;
        for (size_t k = 0; k < BT_ARRAY_LEN(letters); k++) {
            char letter[32];
            int32_t codes[8];
            size_t count = decompose(letters[k], i % 2 == 0, codes);
            spell(codes, count, count, letter);
            assert_not_clipped(*state, letter, &style);
        }
    }
}

// An outline and a shadow in the ground's colour change nothing: letters lie above them where they
// lay before, every line of them.
static void effects_cover_no_mark_and_move_no_line(void **state)
{
    struct bt_text_style style = plain, effects;
    style.padding_px = 8;
    style.line_percent = 120;
    style.size_px = 30;
    effects = style;
    effects.outline = (struct bt_outline){8, {0, 0, 0, 255}};
    effects.shadow = (struct bt_shadow){-20, 20, 9, {0, 0, 0, 255}};
    BT_AUTOBUF all;
    bt_buf_init(&all, 4096);
    for (size_t i = 0; i < BT_ARRAY_LEN(letters); i++) {
        char upper[32];
        int32_t codes[8];
        size_t count = decompose(letters[i], true, codes);
        spell(codes, count, count, upper);
        assert_int_equal(bt_buf_appendf(&all, "%s%s ", letters[i], upper), 0);
    }
    BT_AUTO(bt_image) without = card(*state, bt_buf_text(&all), &style, 600, 400);
    BT_AUTO(bt_image) with = card(*state, bt_buf_text(&all), &effects, 600, 400);
    assert_in_range(ink(without).height, 100, 400);
    assert_same_picture(with, without, "134 letters");
}

static void an_outline_stands_inside_the_card(void **state)
{
    struct bt_text_style style = plain;
    style.outline = (struct bt_outline){9, {0, 200, 0, 255}};
    BT_AUTO(bt_image) edge = card(*state, "Ẫỵ", &style, 200, 66);
    style.valign = BT_VALIGN_MIDDLE;
    style.align = BT_ALIGN_CENTER;
    BT_AUTO(bt_image) roomy = card(*state, "Ẫỵ", &style, 400, 400);
    struct bt_rect a = ink(edge), b = ink(roomy);
    assert_int_equal(a.width, b.width);
    assert_int_equal(a.height, b.height);
    assert_same_part(edge, a.x, a.y, roomy, &b, "Ẫỵ");
}

static void faces_differ(void **state)
{
    BT_AUTO(bt_image) sans = card(*state, "Nghị quyết", &plain, 300, 60);
    for (int i = 1; i < 8; i++) {
        struct bt_text_style style = plain;
        style.family = i & 1 ? BT_FAMILY_SERIF : BT_FAMILY_SANS;
        style.bold = (i & 2) != 0;
        style.italic = (i & 4) != 0;
        BT_AUTO(bt_image) other = card(*state, "Nghị quyết", &style, 300, 60);
        assert_memory_not_equal(other->pixels, sans->pixels, 60 * sans->stride);
    }
}

static void what_does_not_fit_is_told(void **state)
{
    struct bt_text_style style = plain;
    struct bt_text_fit fit;
    assert_int_equal(bt_text_measure(*state, "Xin chào", &style, 400, 100, &fit, NULL), 0);
    assert_int_equal(fit.size_px, 48);
    assert_int_equal(fit.lines_left_out, 0);
    assert_int_equal(bt_text_measure(*state, "Xin chào\nXin chào", &style, 400, 60, &fit, NULL), 0);
    assert_in_range(fit.size_px, 25, 30);
    assert_int_equal(fit.lines_left_out, 0);
    assert_int_equal(bt_text_measure_strip(*state, "Chạy\nhai dòng", &style, 60, &fit, NULL), 0);
    assert_in_range(fit.size_px, 20, 39);
    assert_int_equal(fit.lines_left_out, 0);
    BT_AUTOFREE char *endless = bt_alloc_array(BT_TEXT_MAX_BYTES + 1, 1);
    memset(endless, 'W', BT_TEXT_MAX_BYTES);
    const struct bt_text_style large = {.size_px = 200, .line_percent = 100};
    assert_int_equal(bt_text_measure_strip(*state, endless, &large, 300, &fit, NULL), 0);
    assert_int_equal(fit.lines_left_out, 1);
    assert_int_equal(bt_text_measure(*state, "1\n2\n3\n4\n5", &style, 400, 20, &fit, NULL), 0);
    assert_int_equal(fit.size_px, 8);
    assert_int_equal(fit.lines_left_out, 3);
}

static bool column_has_ink(const struct bt_image *image, int x)
{
    for (int y = 0; y < image->height; y++) {
        if (pixel(image, x, y)[1] > 0) {
            return true;
        }
    }
    return false;
}

// The row under the foot of the first letter: its baseline.
static int baseline_of(const struct bt_image *image)
{
    int x = ink(image).x, lowest = 0;
    for (; x < image->width && column_has_ink(image, x); x++) {
        for (int y = 0; y < image->height; y++) {
            lowest = pixel(image, x, y)[1] > 128 ? BT_MAX(lowest, y + 1) : lowest;
        }
    }
    return lowest;
}

static void the_baseline_is_constant(void **state)
{
    static const char *const lines[] = {"X a phuong", "Ẫ Ổ phường", "E ỆẶỴ", "H gjpqy", "x a"};
    for (int size = 16; size < 120; size += 13) {
        struct bt_text_style style = plain;
        style.size_px = size;
        BT_AUTO(bt_image) first = card(*state, lines[0], &style, 8 * size, size);
        for (size_t i = 1; i < BT_ARRAY_LEN(lines); i++) {
            BT_AUTO(bt_image) other = card(*state, lines[i], &style, 8 * size, size);
            assert_int_equal(baseline_of(other), baseline_of(first));
        }
    }
}

// Marks piled above the font's box (SDL2_ttf moves the baseline for them) do not move the text.
static void piled_marks_leave_the_baseline_where_it_was(void **state)
{
    struct bt_text_style style = plain;
    style.valign = BT_VALIGN_MIDDLE;
    BT_AUTO(bt_image) usual = card(*state, "Xx", &style, 200, 400);
    BT_AUTO(bt_image)
    piled = card(*state, "X x\u0301\u0301\u0301\u0301\u0301\u0301", &style, 200, 400);
    assert_true(ink(piled).y < ink(usual).y - 20);
    assert_int_equal(baseline_of(piled), baseline_of(usual));
}

static void words_move_to_the_next_line(void **state)
{
    struct bt_text_style style = plain;
    style.size_px = 30;
    BT_AUTO(bt_image) broken = card(*state, "chuyển  đổi số", &style, 120, 120);
    BT_AUTO(bt_image) told = card(*state, "chuyển\nđổi số", &style, 120, 120);
    assert_same_picture(broken, told, "chuyển đổi số");
    BT_AUTO(bt_image) blank = card(*state, "số\n\nsố", &style, 120, 120);
    BT_AUTO(bt_image) once = card(*state, "số", &style, 120, 120);
    assert_int_equal(ink(blank).height, ink(once).height + 60);
}

static void long_text_becomes_smaller_until_it_fits(void **state)
{
    struct bt_text_style style = plain;
    style.padding_px = 7;
    style.size_px = 90;
    BT_AUTO(bt_image)
    image = card(*state, "Toàn dân tham gia chuyển đổi số vì một cuộc sống tốt đẹp hơn", &style,
                 200, 100);
    const struct bt_rect box = ink(image);
    assert_true(box.x >= 7 && box.x + box.width <= 193);
    assert_true(box.y >= 7 && box.y + box.height <= 93);
    assert_true(box.height > 43);  // as large as it can be
}

static void long_words_shrink_before_they_are_split(void **state)
{
    struct bt_text_style style = plain;
    style.size_px = 40;
    // "nghiêng" is too wide at 40 px, and fits at more than half of that.
    BT_AUTO(bt_image) shrunk = card(*state, "nghiêng", &style, 110, 200);
    assert_true(ink(shrunk).height < 40);
    // A word that cannot fit even so takes several lines.
    BT_AUTO(bt_image) split = card(*state, "nghiêngnghiêngnghiêng", &style, 110, 200);
    assert_true(ink(split).height > 60);
    assert_true(ink(split).width <= 110);
}

static void text_stands_where_it_is_told(void **state)
{
    struct bt_text_style style = plain;
    style.padding_px = 10;
    int x[3], y[3];
    for (int i = 0; i < 3; i++) {
        style.align = style.valign = i;
        BT_AUTO(bt_image) image = card(*state, "H", &style, 300, 300);
        const struct bt_rect box = ink(image);
        x[i] = box.x + box.width / 2;
        y[i] = box.y + box.height / 2;
    }
    assert_in_range(x[0], 10, 40);
    assert_in_range(x[1], 148, 152);
    assert_in_range(x[2], 260, 290);
    assert_in_range(y[0], 20, 50);
    assert_in_range(y[1], 140, 160);
    assert_in_range(y[2], 250, 280);
}

static void colours_are_premultiplied(void **state)
{
    struct bt_text_style style = plain;
    style.colour = (struct bt_colour){255, 128, 0, 200};
    style.background = (struct bt_colour){200, 100, 50, 128};
    BT_AUTO(bt_image) image = card(*state, "Ở", &style, 60, 60);
    const uint8_t corner[] = {25, 50, 100, 128};
    assert_memory_equal(pixel(image, 0, 0), corner, 4);
    assert_false(image->opaque);
    for (int y = 0; y < 60; y++) {
        for (int x = 0; x < 60; x++) {
            const uint8_t *p = pixel(image, x, y);
            assert_true(p[0] <= p[3] && p[1] <= p[3] && p[2] <= p[3]);
        }
    }
    style.background.a = 255;
    BT_AUTO(bt_image) opaque = card(*state, "Ở", &style, 60, 60);
    assert_true(opaque->opaque);
    assert_int_equal(pixel(opaque, 30, 30)[3], 255);
}

static char *long_line(void)
{
    struct bt_buf buf;
    bt_buf_init(&buf, BT_TEXT_MAX_BYTES);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(bt_buf_appendf(&buf,
                                        "%d. Nghị quyết số 57-NQ/TW về đột phá phát triển "
                                        "khoa học, công nghệ; ",
                                        i),
                         0);
    }
    return buf.data;
}

// Cutting into tiles changes nothing: side by side they are the line drawn at once.
static void tiles_of_a_strip_fit_together(void **state)
{
    BT_AUTOFREE char *line = long_line();
    BT_AUTO(bt_strip) strip = NULL;
    assert_int_equal(bt_text_strip(*state, line, &plain, 60, &strip, NULL), 0);
    assert_true(strip->tile_count > 3);
    assert_int_equal(strip->height, 60);
    BT_AUTO(bt_image) whole = card(*state, line, &plain, strip->width, 60);
    int left = 0;
    for (size_t i = 0; i < strip->tile_count; i++) {
        const struct bt_image *tile = strip->tiles[i];
        assert_true(tile->width <= 2048);
        const struct bt_rect part = {left, 0, tile->width, 60};
        assert_same_part(tile, 0, 0, whole, &part, "tile");
        left += tile->width;
    }
    assert_int_equal(left, strip->width);
}

static void a_strip_is_one_line_in_the_middle(void **state)
{
    struct bt_text_style style = plain;
    style.valign = BT_VALIGN_MIDDLE;
    BT_AUTO(bt_strip) strip = NULL;
    assert_int_equal(bt_text_strip(*state, "  hai dòng  ", &style, 100, &strip, NULL), 0);
    BT_AUTO(bt_strip) same = NULL;
    assert_int_equal(bt_text_strip(*state, "hai dòng", &style, 100, &same, NULL), 0);
    assert_same_picture(strip->tiles[0], same->tiles[0], "hai dòng");
    const struct bt_rect box = ink(strip->tiles[0]);
    assert_in_range(box.y, 20, 50);
    assert_in_range(box.y + box.height, 55, 80);
}

static void a_slogan_is_two_lines_that_move_together(void **state)
{
    struct bt_text_style style = plain;
    style.size_px = 30;
    style.line_percent = 140;
    BT_AUTO(bt_strip) two = NULL;
    BT_AUTO(bt_strip) wide = NULL;
    BT_AUTO(bt_strip) one = NULL;
    assert_int_equal(bt_text_strip(*state, "ngắn\nmột dòng dài hơn", &style, 90, &two, NULL), 0);
    assert_int_equal(bt_text_strip(*state, "một dòng dài hơn", &style, 90, &wide, NULL), 0);
    assert_int_equal(two->width, wide->width);
    assert_in_range(ink(two->tiles[0]).height, ink(wide->tiles[0]).height + 40,
                    ink(wide->tiles[0]).height + 44);
    // A further break is a space; an empty line is none.
    BT_AUTO(bt_strip) three = NULL;
    assert_int_equal(bt_text_strip(*state, "ngắn\nmột dòng\ndài hơn", &style, 90, &three, NULL), 0);
    assert_same_picture(three->tiles[0], two->tiles[0], "ngắn");
    assert_int_equal(bt_text_strip(*state, "\nmột dòng dài hơn", &style, 90, &one, NULL), 0);
    assert_same_picture(one->tiles[0], wide->tiles[0], "một dòng");
}

static void lines_too_high_for_their_strip_are_set_smaller(void **state)
{
    struct bt_text_style style = plain;
    style.line_percent = 120;
    style.outline = outlined.outline;
    BT_AUTO(bt_strip) strip = NULL;
    assert_int_equal(bt_text_strip(*state, "Ẫ gỵ\nẪ gỵ", &style, 50, &strip, NULL), 0);
    const struct bt_rect box = ink(strip->tiles[0]);
    assert_true(box.height > 35);
    // 44 px for 2.2 line boxes of 20: all of their ink is in the strip.
    BT_AUTO(bt_strip) roomy = NULL;
    style.size_px = 20;
    assert_int_equal(bt_text_strip(*state, "Ẫ gỵ\nẪ gỵ", &style, 150, &roomy, NULL), 0);
    const struct bt_rect whole = ink(roomy->tiles[0]);
    assert_int_equal(box.height, whole.height);
    assert_same_part(strip->tiles[0], box.x, box.y, roomy->tiles[0], &whole, "Ẫ gỵ");
}

// Copies stand side by side: no outline and no shadow may be cut where one ends.
static void a_strip_has_room_for_what_stands_beside_its_letters(void **state)
{
    struct bt_text_style style = plain;
    style.outline = (struct bt_outline){5, {0, 255, 0, 255}};
    style.shadow = (struct bt_shadow){-12, 0, 4, {0, 255, 0, 255}};
    BT_AUTO(bt_strip) with = NULL;
    BT_AUTO(bt_strip) without = NULL;
    assert_int_equal(bt_text_strip(*state, "H", &plain, 60, &without, NULL), 0);
    assert_int_equal(bt_text_strip(*state, "H", &style, 60, &with, NULL), 0);
    assert_int_equal(with->width, without->width + 5 + 16 + 5);
    const struct bt_rect box = ink(with->tiles[0]);
    assert_true(box.x > 0 && box.x + box.width < with->width);
}

static void impossible_texts_are_refused(void **state)
{
    BT_AUTO(bt_strip) strip = NULL;
    BT_AUTO(bt_image) image = NULL;
    struct bt_error err;
    assert_int_equal(bt_text_strip(*state, " \n ", &plain, 60, &strip, &err), -EINVAL);
    assert_int_equal(bt_text_card(*state, "\xFF", &plain, 60, 60, &image, &err), -EILSEQ);
    assert_string_equal(err.msg, "The text is not UTF-8");
    struct bt_text_style style = plain;
    style.size_px = 2000;
    BT_AUTOFREE char *line = long_line();
    assert_int_equal(bt_text_strip(*state, line, &style, 2000, &strip, &err), -EFBIG);
    assert_null(strip);
    assert_null(image);
}

static void nothing_to_say_is_background(void **state)
{
    BT_AUTO(bt_image) empty = card(*state, "", &plain, 20, 10);
    assert_int_equal(ink(empty).width, 0);
    BT_AUTO(bt_image) tiny = card(*state, "Nghị quyết số 57", &plain, 1, 1);
    assert_true(tiny->opaque);
}

// Strings that broke other programs; what they look like is their own business.
static void naughty_strings_do_no_harm(void **state)
{
    const char *dir = getenv("BT_MEDIA");
    char path[4096];
    FILE *file = NULL;
    if (dir != NULL && bt_format(path, sizeof(path), "%s/text/blns.txt", dir) >= 0) {
        file = fopen(path, "re");
    }
    if (file == NULL) {
        skip();
    }
    struct bt_text_style style = plain;
    style.size_px = 16;
    char line[4096];
    int drawn = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        BT_AUTO(bt_image) image = NULL;
        BT_AUTO(bt_strip) strip = NULL;
        if (bt_text_card(*state, line, &style, 150, 60, &image, NULL) == 0) {
            drawn++;
        }
        if (bt_text_strip(*state, line, &style, 40, &strip, NULL) == 0) {
            assert_non_null(strip);
        }
    }
    fclose(file);
    assert_true(drawn > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_a_letter_is_one_picture),
        cmocka_unit_test(no_mark_is_clipped),
        cmocka_unit_test(effects_cover_no_mark_and_move_no_line),
        cmocka_unit_test(an_outline_stands_inside_the_card),
        cmocka_unit_test(faces_differ),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(the_baseline_is_constant),
        cmocka_unit_test(piled_marks_leave_the_baseline_where_it_was),
        cmocka_unit_test(words_move_to_the_next_line),
        cmocka_unit_test(long_text_becomes_smaller_until_it_fits),
        cmocka_unit_test(long_words_shrink_before_they_are_split),
        cmocka_unit_test(text_stands_where_it_is_told),
        cmocka_unit_test(colours_are_premultiplied),
        cmocka_unit_test(tiles_of_a_strip_fit_together),
        cmocka_unit_test(a_strip_is_one_line_in_the_middle),
        cmocka_unit_test(a_slogan_is_two_lines_that_move_together),
        cmocka_unit_test(lines_too_high_for_their_strip_are_set_smaller),
        cmocka_unit_test(a_strip_has_room_for_what_stands_beside_its_letters),
        cmocka_unit_test(impossible_texts_are_refused),
        cmocka_unit_test(nothing_to_say_is_background),
        cmocka_unit_test(naughty_strings_do_no_harm),
    };
    return cmocka_run_group_tests(tests, open_text, close_text);
}

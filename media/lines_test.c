#include "media/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static struct bt_font *open_font(void)
{
    struct bt_font *font = NULL;
    assert_int_equal(
        bt_font_open("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf", &font, NULL), 0);
    assert_int_equal(bt_font_set_size(font, 20, NULL), 0);
    return font;
}

// The lines with a | after each.
static void assert_lines(const char *text, int width_px, const char *expected)
{
    BT_AUTO(bt_font) font = open_font();
    BT_AUTOFINISH(bt_lines_finish) struct bt_lines lines = {0};
    bt_lines_break(&lines, font, text, width_px);
    BT_AUTOBUF joined;
    bt_buf_init(&joined, 4096);
    for (size_t i = 0; i < lines.count; i++) {
        const struct bt_line *line = &lines.lines[i];
        assert_int_equal(bt_buf_appendf(&joined, "%.*s|", (int)line->len, line->text), 0);
        assert_true(line->len < 6 || bt_font_width(font, line->text, line->len) <= width_px + 1);
    }
    assert_string_equal(bt_buf_text(&joined), expected);
}

static int width_of(const char *text)
{
    BT_AUTO(bt_font) font = open_font();
    return bt_font_width(font, text, strlen(text));
}

static void words_stay_whole(void **state)
{
    (void)state;
    assert_lines("một hai ba", 1000, "một hai ba|");
    assert_lines("một hai ba", width_of("một hai") + 2, "một hai|ba|");
    assert_lines("  một   hai ", 1000, "một   hai|");
    assert_lines("một   hai", width_of("một") + 2, "một|hai|");
}

static void line_ends_are_kept(void **state)
{
    (void)state;
    assert_lines("một\nhai", 1000, "một|hai|");
    assert_lines("một\n\n hai\n", 1000, "một||hai||");
    assert_lines("", 1000, "|");
    assert_lines(" \n ", 1000, "||");
}

static void wide_words_are_split_between_letters(void **state)
{
    (void)state;
    assert_lines("nghiêng", width_of("nghi") + 1, "nghi|êng|");
    assert_lines("ở nghiêng ạ", width_of("nghi") + 1, "ở|nghi|êng|ạ|");
    assert_lines("ab", 1, "a|b|");
    // A letter keeps its marks, also those that have no composed form.
    assert_lines("x\u0301\u0323y\u0301\u0323", 1, "x\u0301\u0323|y\u0301\u0323|");
}

static void addresses_are_split_after_their_signs(void **state)
{
    (void)state;
    int width = width_of("dichvucong.gov.") + 4;
    assert_lines("dichvucong.gov.vn/tra-cuu", width, "dichvucong.gov.|vn/tra-cuu|");
    BT_AUTO(bt_font) font = open_font();
    BT_AUTOFINISH(bt_lines_finish) struct bt_lines lines = {0};
    bt_lines_break(&lines, font, "dichvucong.gov.vn/tra-cuu", width);
    assert_false(lines.split_words);
    bt_lines_break(&lines, font, "nghiêngnghiêngnghiêng", width);
    assert_true(lines.split_words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stay_whole),
        cmocka_unit_test(line_ends_are_kept),
        cmocka_unit_test(wide_words_are_split_between_letters),
        cmocka_unit_test(addresses_are_split_after_their_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

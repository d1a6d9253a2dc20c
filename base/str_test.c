#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void format_refuses_what_does_not_fit(void **state)
{
    (void)state;
    char out[6];
    assert_int_equal(bt_format(out, sizeof(out), "%d-%s", 12, "ab"), 0);
    assert_string_equal(out, "12-ab");
    assert_int_equal(bt_format(out, sizeof(out), "%s", "123456"), -EMSGSIZE);
    assert_string_equal(out, "");
    assert_int_equal(bt_format(out, 0, "%s", "1"), -EMSGSIZE);
}

static void strf_allocates_any_length(void **state)
{
    (void)state;
    BT_AUTOFREE char *text = bt_strf("%0500d", 7);
    assert_int_equal(strlen(text), 500);
}

static void copy_cut_never_leaves_half_a_character(void **state)
{
    (void)state;
    // "Tiến" has 1, 1, 3 and 1 bytes.
    static const char *const wanted_by_size[] = {
        [1] = "", [2] = "T", [3] = "Ti", [4] = "Ti", [5] = "Ti", [6] = "Tiế", [7] = "Tiến",
    };
    for (size_t size = 1; size < BT_ARRAY_LEN(wanted_by_size); size++) {
        char out[8];
        bt_copy_cut(out, size, "Tiến");
        assert_string_equal(out, wanted_by_size[size]);
    }
}

static void parse_int_wants_the_whole_text_in_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max;
        int r;
        int64_t value;
    } rows[] = {
        {"0", 0, 10, 0, 0},
        {"10", 0, 10, 0, 10},
        {"-3", -3, 3, 0, -3},
        {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
        {"11", 0, 10, -EINVAL, 0},
        {"-1", 0, 10, -EINVAL, 0},
        {"9223372036854775808", INT64_MIN, INT64_MAX, -EINVAL, 0},
        {"", 0, 10, -EINVAL, 0},
        {"-", -1, 10, -EINVAL, 0},
        {"+1", 0, 10, -EINVAL, 0},
        {" 1", 0, 10, -EINVAL, 0},
        {"1 ", 0, 10, -EINVAL, 0},
        {"1x", 0, 10, -EINVAL, 0},
        {"0x1", 0, 10, -EINVAL, 0},
        {"1.0", 0, 10, -EINVAL, 0},
        {"- 1", -5, 10, -EINVAL, 0},
        {"--1", -5, 10, -EINVAL, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        int64_t value = 77;
        assert_int_equal(bt_parse_int(rows[i].text, rows[i].min, rows[i].max, &value), rows[i].r);
        assert_true(value == (rows[i].r == 0 ? rows[i].value : 77));
    }
}

static void null_equals_only_null(void **state)
{
    (void)state;
    assert_true(bt_str_equal("a", "a"));
    assert_false(bt_str_equal("a", "b"));
    assert_false(bt_str_equal("a", NULL));
    assert_false(bt_str_equal(NULL, "a"));
    assert_true(bt_str_equal(NULL, NULL));
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(bt_str_starts("clip.mp4", "clip"));
    assert_true(bt_str_starts("clip", ""));
    assert_false(bt_str_starts("cl", "clip"));
    assert_true(bt_str_ends("clip.mp4", ".mp4"));
    assert_true(bt_str_ends("", ""));
    assert_false(bt_str_ends("mp4", ".mp4"));
}

static void utf8_is_valid_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool valid;
    } rows[] = {
        {"", true},
        {"Bảng tin", true},
        {"\x7F", true},
        {"\xC2\x80", true},
        {"\xDF\xBF", true},
        {"\xE0\xA0\x80", true},
        {"\xED\x9F\xBF", true},
        {"\xEE\x80\x80", true},
        {"\xEF\xBF\xBF", true},
        {"\xF0\x90\x80\x80", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"\x80", false},              // a continuation alone
        {"a\xBF", false},             //
        {"\xC0\x80", false},          // overlong NUL
        {"\xC1\xBF", false},          // overlong
        {"\xE0\x9F\xBF", false},      // overlong
        {"\xF0\x8F\xBF\xBF", false},  // overlong
        {"\xED\xA0\x80", false},      // surrogate
        {"\xED\xBF\xBF", false},      // surrogate
        {"\xF4\x90\x80\x80", false},  // above U+10FFFF
        {"\xF5\x80\x80\x80", false},  //
        {"\xFE", false},              //
        {"\xFF", false},              //
        {"\xC3", false},              // ends inside a character
        {"\xE1\xBA", false},          //
        {"\xF0\x9F\x98", false},      //
        {"\xE1\xBA(", false},         // goes on with something else
        {"\xC3\xC3", false},          //
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        assert_int_equal(bt_utf8_valid(rows[i].bytes, strlen(rows[i].bytes)), rows[i].valid);
    }
    assert_false(bt_utf8_valid("a\0b", 3));
    assert_true(bt_utf8_valid("a\xC3", 1));  // what follows the length is not looked at
}

static void trimming_removes_only_an_incomplete_end(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},       {"a", "a"},         {"ế", "ế"},
        {"a\xC3", "a"}, {"a\xE1\xBA", "a"}, {"a\xF0\x9F\x98", "a"},
        {"a😀", "a😀"},   {"\xE1", ""},       {"đ\xE1\xBA", "đ"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        char text[16];
        assert_int_equal(bt_format(text, sizeof(text), "%s", rows[i].text), 0);
        bt_utf8_trim_partial(text);
        assert_string_equal(text, rows[i].wanted);
    }
}

static void hex_goes_there_and_back(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x1F, 0xA0, 0xFF};
    char text[9];
    bt_hex(bytes, sizeof(bytes), text);
    assert_string_equal(text, "001fa0ff");
    uint8_t back[4];
    assert_int_equal(bt_unhex(text, back, sizeof(back)), 0);
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_int_equal(bt_unhex("001FA0FF", back, sizeof(back)), -EINVAL);  // lower case only
    assert_int_equal(bt_unhex("001fa0f", back, sizeof(back)), -EINVAL);
    assert_int_equal(bt_unhex("001fa0ff00", back, sizeof(back)), -EINVAL);
    assert_int_equal(bt_unhex("001fa0fg", back, sizeof(back)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_refuses_what_does_not_fit),
        cmocka_unit_test(strf_allocates_any_length),
        cmocka_unit_test(copy_cut_never_leaves_half_a_character),
        cmocka_unit_test(parse_int_wants_the_whole_text_in_range),
        cmocka_unit_test(null_equals_only_null),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(utf8_is_valid_or_not),
        cmocka_unit_test(trimming_removes_only_an_incomplete_end),
        cmocka_unit_test(hex_goes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

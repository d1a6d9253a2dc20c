#include "playlists/clock_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/civil.h"

// A Saturday.
static const struct bt_civil evening = {2026, 11, 21, 19, 5, 9};

static void placeholders_become_local_time_in_vietnamese(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
    } rows[] = {
        {"%H:%M", "19:05"},
        {"%H:%M:%S", "19:05:09"},
        {"%A, ngày %d/%m/%Y", "Thứ Bảy, ngày 21/11/2026"},
        {"100%%", "100%"},
        {"%%H", "%H"},
        {"bảng tin", "bảng tin"},
        {"%d/%m (%l âm lịch)", "21/11 (13/10 âm lịch)"},
        {"%L", "ngày 13 tháng 10 năm Bính Ngọ"},
        {"%H\n%M", "19\n05"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        assert_int_equal(bt_clock_pattern_check(rows[i].pattern, NULL), 0);
        BT_AUTOFREE char *text = bt_clock_text(rows[i].pattern, bt_civil_to_s(&evening));
        assert_string_equal(text, rows[i].text);
    }
}

static void the_week_ends_on_sunday(void **state)
{
    (void)state;
    int64_t monday_s = bt_civil_to_s(&(struct bt_civil){2026, 11, 23, 0, 0, 0});
    BT_AUTOFREE char *first = bt_clock_text("%A", monday_s);
    BT_AUTOFREE char *last = bt_clock_text("%A", monday_s - 1);
    assert_string_equal(first, "Thứ Hai");
    assert_string_equal(last, "Chủ Nhật");
}

static void where_the_lunar_calendar_ends_nothing_stands(void **state)
{
    (void)state;
    int64_t late_s = bt_civil_to_s(&(struct bt_civil){2101, 1, 1, 0, 0, 0});
    BT_AUTOFREE char *short_date = bt_clock_text("[%l]", late_s);
    BT_AUTOFREE char *long_date = bt_clock_text("[%L]", late_s);
    assert_string_equal(short_date, "[]");
    assert_string_equal(long_date, "[]");
}

static void unknown_placeholders_are_refused(void **state)
{
    (void)state;
    static const char *const patterns[] = {"%", "%H%", "%k", "%H:%é", "%%%"};
    for (size_t i = 0; i < BT_ARRAY_LEN(patterns); i++) {
        struct bt_error err = {0};
        assert_int_equal(bt_clock_pattern_check(patterns[i], &err), -EINVAL);
        assert_non_null(strstr(err.msg, "unknown placeholder"));
    }
}

static void seconds_are_found_only_where_they_are_shown(void **state)
{
    (void)state;
    assert_true(bt_clock_shows_seconds("%H:%M:%S"));
    assert_false(bt_clock_shows_seconds("%H:%M"));
    assert_false(bt_clock_shows_seconds("%%S"));
    assert_false(bt_clock_shows_seconds("S"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_become_local_time_in_vietnamese),
        cmocka_unit_test(the_week_ends_on_sunday),
        cmocka_unit_test(where_the_lunar_calendar_ends_nothing_stands),
        cmocka_unit_test(unknown_placeholders_are_refused),
        cmocka_unit_test(seconds_are_found_only_where_they_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "media/clockface.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct bt_civil saturday = {2026, 11, 21, 9, 5, 7};

static void patterns_become_vietnamese(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *shows;
    } cases[] = {
        {BT_CLOCKFACE_DEFAULT, "09:05\nThứ bảy, 21/11/2026"},
        {"HH:mm:ss", "09:05:07"},
        {"H 'giờ' m", "9 giờ 5"},
        {"h:mm a", "9:05 SA"},
        {"eeee 'ngày' d MMMM", "thứ bảy ngày 21 tháng 11"},
        {"EEE dd-MM-yy", "Th 7 21-11-26"},
        {"'it''s' ss ''", "it's 07 '"},
        {"Đ 21", "Đ 21"},  // what is no ASCII letter stands for itself
        {"", ""},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char shown[128];
        assert_int_equal(
            bt_clockface_format(cases[i].pattern, &saturday, shown, sizeof(shown), NULL), 0);
        assert_string_equal(shown, cases[i].shows);
    }
}

static void midnight_and_noon_are_twelve(void **state)
{
    (void)state;
    static const struct {
        int hour;
        const char *shows;
    } cases[] = {{0, "12 SA"}, {1, "1 SA"}, {11, "11 SA"}, {12, "12 CH"}, {23, "11 CH"}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char shown[16];
        struct bt_civil local = saturday;
        local.hour = cases[i].hour;
        assert_int_equal(bt_clockface_format("h a", &local, shown, sizeof(shown), NULL), 0);
        assert_string_equal(shown, cases[i].shows);
    }
}

static void every_weekday_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"Thứ hai", "Thứ ba",  "Thứ tư",  "Thứ năm",
                                        "Thứ sáu", "Thứ bảy", "Chủ nhật"};
    for (int i = 0; i < 7; i++) {
        struct bt_civil local = {2026, 11, 16 + i, 0, 0, 0};  // 16 November 2026 is a Monday
        char shown[32];
        assert_int_equal(bt_clockface_format("EEEE", &local, shown, sizeof(shown), NULL), 0);
        assert_string_equal(shown, names[i]);
    }
}

static void a_letter_without_meaning_is_named(void **state)
{
    (void)state;
    char shown[32] = "kept";
    struct bt_error err;
    assert_int_equal(bt_clockface_format("HH:mm QQ", &saturday, shown, sizeof(shown), &err),
                     -EINVAL);
    assert_string_equal(err.msg, "'QQ' in the pattern 'HH:mm QQ' means nothing");
    assert_int_equal(bt_clockface_format("HH 'open", &saturday, shown, sizeof(shown), &err),
                     -EINVAL);
    assert_string_equal(shown, "kept");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    char shown[6];
    assert_int_equal(bt_clockface_format("HH:mm", &saturday, shown, 6, NULL), 0);
    assert_int_equal(bt_clockface_format("HH:mm", &saturday, shown, 5, NULL), -EMSGSIZE);
}

static void only_seconds_change_every_second(void **state)
{
    (void)state;
    assert_int_equal(bt_clockface_period_s("HH:mm"), 60);
    assert_int_equal(bt_clockface_period_s("HH:mm:ss"), 1);
    assert_int_equal(bt_clockface_period_s("s"), 1);
    assert_int_equal(bt_clockface_period_s("'ss' HH:mm 'ss"), 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_become_vietnamese),
        cmocka_unit_test(midnight_and_noon_are_twelve),
        cmocka_unit_test(every_weekday_has_its_name),
        cmocka_unit_test(a_letter_without_meaning_is_named),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(only_seconds_change_every_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

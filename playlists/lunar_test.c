#include "playlists/lunar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"

#define DAY_S 86400

static struct bt_lunar lunar_at(int64_t local_s)
{
    struct bt_lunar lunar;
    assert_true(bt_lunar_from_s(local_s, &lunar));
    return lunar;
}

static int64_t day_of(const char *date)
{
    int64_t local_s;
    assert_int_equal(bt_date_parse(date, &local_s), 0);
    return local_s;
}

static void tet_is_when_people_keep_it(void **state)
{
    (void)state;
    // 1968, 1969, 1985, 2007 and 2030: not the day or the month of the Chinese New Year.
    static const char *const first_days[] = {
        "1968-01-29", "1969-02-16", "1975-02-11", "1985-01-21", "1990-01-27", "1995-01-31",
        "2000-02-05", "2005-02-09", "2007-02-17", "2008-02-07", "2010-02-14", "2015-02-19",
        "2016-02-08", "2017-01-28", "2018-02-16", "2019-02-05", "2020-01-25", "2021-02-12",
        "2022-02-01", "2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06",
        "2028-01-26", "2029-02-13", "2030-02-02", "2031-01-23", "2033-01-31",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(first_days); i++) {
        int64_t local_s = day_of(first_days[i]);
        struct bt_lunar tet = lunar_at(local_s + DAY_S - 1);
        assert_int_equal(tet.day, 1);
        assert_int_equal(tet.month, 1);
        assert_false(tet.leap);
        assert_int_equal(tet.year, bt_civil_from_s(local_s).year);
        struct bt_lunar eve = lunar_at(local_s - 1);
        assert_in_range(eve.day, 29, 30);
        assert_int_equal(eve.month, 12);
        assert_int_equal(eve.year, tet.year - 1);
    }
}

static int leap_month_of(int64_t year)
{
    int64_t local_s = bt_civil_to_s(&(struct bt_civil){(int)year, 1, 20, 0, 0, 0});
    for (int day = 0; day < 400; day++) {
        struct bt_lunar lunar = lunar_at(local_s + day * (int64_t)DAY_S);
        if (lunar.leap && lunar.year == year) {
            return lunar.month;
        }
    }
    return 0;
}

static void leap_months_are_where_calendars_have_them(void **state)
{
    (void)state;
    static const struct {
        int year, month;
    } rows[] = {
        {2001, 4}, {2004, 2}, {2006, 7}, {2009, 5}, {2012, 4}, {2014, 9},  {2017, 6},
        {2020, 4}, {2023, 2}, {2025, 6}, {2028, 5}, {2031, 3}, {2033, 11}, {2036, 6},
        {2024, 0}, {2026, 0}, {2027, 0}, {2032, 0}, {2034, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        assert_int_equal(leap_month_of(rows[i].year), rows[i].month);
    }
}

// One line of the list: the month begins there, and the day before belongs to another.
static void assert_month_begins(char *line)
{
    char *number = strchr(line, ' ');
    assert_non_null(number);
    *number++ = '\0';
    bool leap = number[strlen(number) - 1] == 'n';
    number[strcspn(number, "n")] = '\0';
    int64_t month;
    assert_int_equal(bt_parse_int(number, 1, 12, &month), 0);
    struct bt_lunar lunar = lunar_at(day_of(line));
    if (lunar.day != 1 || lunar.month != month || lunar.leap != leap) {
        fail_msg("%s: %d/%d%s, not 1/%s", line, lunar.day, lunar.month, lunar.leap ? "n" : "",
                 number);
    }
}

static void months_begin_where_another_astronomer_has_them(void **state)
{
    (void)state;
    BT_AUTOFREE char *path =
        bt_strf("%s/playlists/golden/lunar_months.txt", getenv("BT_SOURCE_ROOT"));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    int months = 0;
    char line[256];
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#') {
            assert_month_begins(line);
            months++;
        }
    }
    fclose(file);
    assert_in_range(months, 2480, 2490);
}

static void days_follow_one_another(void **state)
{
    (void)state;
    int64_t first_s = day_of("2019-12-01");
    struct bt_lunar before = lunar_at(first_s);
    for (int day = 1; day < 2000; day++) {
        struct bt_lunar lunar = lunar_at(first_s + day * (int64_t)DAY_S);
        if (lunar.day == 1) {
            assert_in_range(before.day, 29, 30);
        } else {
            assert_int_equal(lunar.day, before.day + 1);
            assert_int_equal(lunar.month, before.month);
        }
        before = lunar;
    }
}

static void it_is_told_in_vietnamese(void **state)
{
    (void)state;
    static const struct {
        const char *date, *brief, *words;
    } rows[] = {
        {"2026-02-17", "1/1", "ngày mùng 1 tháng Giêng năm Bính Ngọ"},
        {"2026-02-16", "29/12", "ngày 29 tháng Chạp năm Ất Tỵ"},
        {"2026-04-26", "10/3", "ngày mùng 10 tháng 3 năm Bính Ngọ"},
        {"2025-07-27", "3/6 nhuận", "ngày mùng 3 tháng 6 nhuận năm Ất Tỵ"},
        {"2034-01-20", "1/12", "ngày mùng 1 tháng Chạp năm Quý Sửu"},
        {"1984-02-02", "1/1", "ngày mùng 1 tháng Giêng năm Giáp Tý"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        char text[BT_LUNAR_BYTES];
        struct bt_lunar lunar = lunar_at(day_of(rows[i].date));
        bt_lunar_short(&lunar, text);
        assert_string_equal(text, rows[i].brief);
        bt_lunar_long(&lunar, text);
        assert_string_equal(text, rows[i].words);
    }
}

static void two_centuries_are_known(void **state)
{
    (void)state;
    struct bt_lunar lunar;
    assert_true(bt_lunar_from_s(day_of("1900-01-01"), &lunar));
    assert_int_equal(lunar.year, 1899);
    assert_true(bt_lunar_from_s(day_of("2100-12-31") + DAY_S - 1, &lunar));
    assert_false(bt_lunar_from_s(day_of("1900-01-01") - 1, &lunar));
    assert_false(bt_lunar_from_s(day_of("2101-01-01"), &lunar));
    assert_false(bt_lunar_from_s(INT64_MIN, &lunar));
    assert_false(bt_lunar_from_s(INT64_MAX, &lunar));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tet_is_when_people_keep_it),
        cmocka_unit_test(leap_months_are_where_calendars_have_them),
        cmocka_unit_test(months_begin_where_another_astronomer_has_them),
        cmocka_unit_test(days_follow_one_another),
        cmocka_unit_test(it_is_told_in_vietnamese),
        cmocka_unit_test(two_centuries_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

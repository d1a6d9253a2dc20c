#include "server/reports/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/str.h"

static const struct bt_report_closing usual = {20, 15, 6, 15, 12};

static int64_t day(const char *iso)
{
    int64_t seconds = 0;
    assert_int_equal(bt_date_parse(iso, &seconds), 0);
    return bt_day_of_s(seconds);
}

static void assert_period(enum bt_preset preset, const char *name, const char *from,
                          const char *until)
{
    struct bt_period period;
    char text[BT_DAY_BYTES];
    assert_int_equal(bt_period_parse(preset, name, &usual, &period), 0);
    bt_day_iso(period.from_day, text);
    assert_string_equal(text, from);
    bt_day_iso(period.until_day, text);
    assert_string_equal(text, until);
}

static void periods_end_before_the_closing_day(void **state)
{
    (void)state;
    assert_period(BT_PRESET_MONTH, "2026-10", "2026-09-20", "2026-10-19");
    assert_period(BT_PRESET_MONTH, "2026-01", "2025-12-20", "2026-01-19");
    assert_period(BT_PRESET_HALF_1, "2026", "2025-12-15", "2026-06-14");
    assert_period(BT_PRESET_HALF_2, "2026", "2026-06-15", "2026-12-14");
    assert_period(BT_PRESET_YEAR, "2026", "2025-12-15", "2026-12-14");
    assert_period(BT_PRESET_CALENDAR_MONTH, "2026-12", "2026-12-01", "2026-12-31");
    assert_period(BT_PRESET_CALENDAR_MONTH, "2028-02", "2028-02-01", "2028-02-29");
    assert_period(BT_PRESET_CALENDAR_YEAR, "2026", "2026-01-01", "2026-12-31");
}

static void no_day_lies_between_two_periods_or_in_both(void **state)
{
    (void)state;
    int64_t next = day("2025-12-20");
    for (int month = 1; month <= 12; month++) {
        char name[16];
        struct bt_period period;
        assert_int_equal(bt_format(name, sizeof(name), "2026-%02d", month), 0);
        assert_int_equal(bt_period_parse(BT_PRESET_MONTH, name, &usual, &period), 0);
        assert_int_equal(period.from_day, next);
        next = period.until_day + 1;
    }
}

static void the_period_that_is_due_is_found(void **state)
{
    (void)state;
    static const struct {
        enum bt_preset preset;
        const char *today, *name;
    } cases[] = {
        {BT_PRESET_MONTH, "2026-10-20", "2026-10"},
        {BT_PRESET_MONTH, "2026-10-09", "2026-09"},
        {BT_PRESET_MONTH, "2026-10-10", "2026-10"},
        {BT_PRESET_MONTH, "2026-12-25", "2026-12"},
        {BT_PRESET_HALF_1, "2026-06-08", "2026"},
        {BT_PRESET_HALF_1, "2026-06-04", "2025"},
        {BT_PRESET_HALF_2, "2026-12-20", "2026"},
        {BT_PRESET_HALF_2, "2026-11-21", "2025"},
        {BT_PRESET_YEAR, "2027-01-02", "2026"},
        {BT_PRESET_CALENDAR_YEAR, "2027-01-02", "2026"},
        {BT_PRESET_CALENDAR_MONTH, "2026-01-05", "2025-12"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_period period;
        assert_int_equal(bt_period_due(cases[i].preset, day(cases[i].today), &usual, &period), 0);
        assert_string_equal(period.name, cases[i].name);
    }
}

static int read(const char *text, struct bt_report_params *out, struct bt_error *err)
{
    BT_AUTOJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    return bt_report_params_read(json, out, err);
}

static void a_request_is_read(void **state)
{
    (void)state;
    struct bt_report_params params;
    struct bt_error err = {0};
    assert_int_equal(read("{\"unit\": \"92\", \"preset\": \"half-year-1\", \"period\": \"2026\","
                          " \"by\": [\"campaign\", \"item\"]}",
                          &params, &err),
                     0);
    assert_int_equal(bt_report_settle(&params, &usual, day("2026-06-20"), &err), 0);
    assert_string_equal(params.title, "Báo cáo lượt phát 6 tháng đầu năm 2026");
    assert_int_equal(params.from_day, day("2025-12-15"));
    assert_true(bt_report_has(&params, BT_BY_ITEM));
    assert_false(bt_report_has(&params, BT_BY_DAY));
    assert_true(params.keep);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",
        "{\"unit\": \"92\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-02\", \"to\": \"2026-10-01\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-32\", \"to\": \"2026-11-01\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\", \"to\": \"2026-11-01\", \"by\": [\"x\"]}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\", \"to\": \"2026-11-01\", \"by\": \"day\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\", \"to\": \"2026-11-01\","
        " \"by\": [\"day\", \"day\"]}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\", \"to\": \"2026-11-01\","
        " \"by\": [\"hour\", \"reason\"]}",
        "{\"unit\": \"92\", \"preset\": \"month\", \"from\": \"2026-10-01\"}",
        "{\"unit\": \"92\", \"preset\": \"week\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\", \"to\": \"2026-11-01\", \"period\": "
        "\"2026\"}",
        "{\"unit\": \"92\", \"from\": \"2026-10-01\", \"to\": \"2026-11-01\", \"filter\": 1}",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(wrong); i++) {
        struct bt_report_params params;
        struct bt_error err = {0};
        assert_int_equal(read(wrong[i], &params, &err), -22);
        assert_string_not_equal(err.msg, "");
    }
}

static void too_many_days_and_odd_periods_are_refused(void **state)
{
    (void)state;
    struct bt_error err = {0};
    struct bt_report_params params = {.from_day = 0, .until_day = BT_REPORT_MAX_DAYS};
    assert_int_equal(bt_report_settle(&params, &usual, 20000, &err), -22);
    static const char *const wrong[] = {"2026",  "2026-13",    "2026-1",
                                        "26-10", "2026-10-01", "abcd-10"};
    for (size_t i = 0; i < BT_ARRAY_LEN(wrong); i++) {
        struct bt_period period;
        assert_int_equal(bt_period_parse(BT_PRESET_MONTH, wrong[i], &usual, &period), -22);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_end_before_the_closing_day),
        cmocka_unit_test(no_day_lies_between_two_periods_or_in_both),
        cmocka_unit_test(the_period_that_is_due_is_found),
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(too_many_days_and_odd_periods_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

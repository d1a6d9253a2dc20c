#include "base/civil.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define DAY_S 86400LL

static int64_t utc(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(bt_rfc3339_parse(text, &ms), 0);
    return ms / 1000;
}

static void every_day_of_ten_thousand_years_goes_there_and_back(void **state)
{
    (void)state;
    struct bt_civil wanted = {.year = 1, .month = 1, .day = 1};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t at = bt_civil_to_s(&wanted);
    int weekday = 0;  // 1 January of the year 1 was a Monday
    for (; wanted.year < 10000; at += DAY_S) {
        struct bt_civil got = bt_civil_from_s(at + DAY_S - 1);
        bool same = got.year == wanted.year && got.month == wanted.month && got.day == wanted.day &&
                    got.hour == 23 && got.minute == 59 && got.second == 59;
        if (!same || bt_civil_to_s(&wanted) != at || bt_civil_weekday(at) != weekday) {
            fail_msg("%d-%d-%d came back as %d-%d-%d", wanted.year, wanted.month, wanted.day,
                     got.year, got.month, got.day);
        }
        weekday = (weekday + 1) % 7;
        bool leap = wanted.year % 4 == 0 && (wanted.year % 100 != 0 || wanted.year % 400 == 0);
        if (++wanted.day > lengths[wanted.month - 1] + (leap && wanted.month == 2)) {
            wanted.day = 1;
            wanted.month++;
        }
        if (wanted.month > 12) {
            wanted.month = 1;
            wanted.year++;
        }
    }
}

static void known_instants_hold(void **state)
{
    (void)state;
    assert_int_equal(bt_civil_to_s(&(struct bt_civil){1970, 1, 1, 0, 0, 0}), 0);
    assert_int_equal(bt_civil_to_s(&(struct bt_civil){2026, 11, 21, 9, 30, 0}), 1795253400);
    assert_int_equal(bt_civil_weekday(1795253400), 5);  // a Saturday
    assert_int_equal(bt_civil_weekday(-1), 2);          // 31 December 1969, a Wednesday
}

static void rfc3339_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-11-21T09:30:00+07:00", 1795228200000},
        {"2026-11-21 09:30:00.250+07:00", 1795228200250},
        {"2026-11-21T02:30:00.2Z", 1795228200200},
        {"2026-11-21T02:30:00.123456789Z", 1795228200123},
        {"2026-11-20T21:30:00-05:00", 1795228200000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00-00:00", 951782400000},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"0001-01-01T00:00:00Z", -62135596800000},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        int64_t ms = 0;
        assert_int_equal(bt_rfc3339_parse(rows[i].text, &ms), 0);
        assert_true(ms == rows[i].ms);
    }
}

static void what_is_not_rfc3339_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T09:30:00",  // no offset: whose time is it?
        "2026-11-21T09:30Z",
        "2026-11-21T09:30:00.Z",
        "2026-11-21T09:30:00.1234567890Z",
        "2026-11-21T09:30:00+0700",
        "2026-11-21T09:30:00+07",
        "2026-11-21T09:30:00+24:00",
        "2026-11-21T09:30:00+07:60",
        "2026-11-21T09:30:00Zx",
        "2026-11-21T09:30:00 Z",
        "2026-11-21x09:30:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-11-21T09:30:60Z",  // leap seconds do not exist on our clocks
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-32T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "2026-1-21T00:00:00Z",
        "２026-11-21T00:00:00Z",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        int64_t ms = 5;
        assert_int_equal(bt_rfc3339_parse(texts[i], &ms), -EINVAL);
        assert_true(ms == 5);
    }
}

static void rfc3339_times_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        int32_t offset_s;
        const char *wanted;
    } rows[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {-1, 0, "1969-12-31T23:59:59.999Z"},
        {1795228200250, 25200, "2026-11-21T09:30:00.250+07:00"},
        {1795228200000, -12600, "2026-11-20T23:00:00-03:30"},
        {253402300799999, 0, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        char out[BT_RFC3339_BYTES];
        bt_rfc3339_format(rows[i].ms, rows[i].offset_s, out);
        assert_string_equal(out, rows[i].wanted);
    }
}

static void dates_and_times_of_day_are_read(void **state)
{
    (void)state;
    int64_t s = 5;
    assert_int_equal(bt_date_parse("2026-11-21", &s), 0);
    assert_int_equal(s, 1795219200);
    assert_int_equal(bt_date_parse("2026-11-21 ", &s), -EINVAL);
    assert_int_equal(bt_date_parse("21-11-2026", &s), -EINVAL);
    assert_int_equal(bt_time_of_day_parse("00:00", &s), 0);
    assert_int_equal(s, 0);
    assert_int_equal(bt_time_of_day_parse("18:30:05", &s), 0);
    assert_int_equal(s, 66605);
    assert_int_equal(bt_time_of_day_parse("24:00", &s), 0);
    assert_int_equal(s, 86400);
    static const char *const wrong[] = {"",       "7:00",     "07:0",  "07:60",
                                        "24:01",  "24:00:01", "25:00", "07:00:60",
                                        "07:00:", "07:00:5",  "07h00", "-1:00"};
    for (size_t i = 0; i < BT_ARRAY_LEN(wrong); i++) {
        assert_int_equal(bt_time_of_day_parse(wrong[i], &s), -EINVAL);
    }
    assert_int_equal(s, 86400);
}

static struct bt_tz *load(const char *name)
{
    struct bt_tz *tz = NULL;
    struct bt_error err = {0};
    if (bt_tz_load(name, &tz, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return tz;
}

static void vietnam_is_seven_hours_ahead(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = load("Asia/Ho_Chi_Minh");
    int64_t now = utc("2026-11-21T02:30:00Z");
    assert_int_equal(bt_tz_offset_s(tz, now), 7 * 3600);
    assert_true(bt_tz_to_local_s(tz, now) == now + 7 * 3600);
    assert_true(bt_tz_to_utc_s(tz, now + 7 * 3600) == now);
    assert_true(bt_tz_next_change_s(tz, now) == INT64_MAX);
    // Saigon's clocks stood an hour further ahead until 13 June 1975.
    assert_int_equal(bt_tz_offset_s(tz, utc("1975-06-01T00:00:00Z")), 8 * 3600);
}

static void berlin_skips_an_hour_and_repeats_one(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = load("Europe/Berlin");
    int64_t forward = utc("2026-03-29T01:00:00Z"), back = utc("2026-10-25T01:00:00Z");
    assert_int_equal(bt_tz_offset_s(tz, forward - 1), 3600);
    assert_int_equal(bt_tz_offset_s(tz, forward), 7200);
    assert_true(bt_tz_next_change_s(tz, forward - 1) == forward);
    assert_true(bt_tz_next_change_s(tz, forward) == back);

    static const struct {
        const char *local;  // read as if it were UTC
        const char *utc;
    } rows[] = {
        {"2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"},
        {"2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"},  // skipped: the instant of the change
        {"2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"},
        {"2026-03-29T02:59:59Z", "2026-03-29T01:00:00Z"},
        {"2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
        {"2026-03-29T03:00:01Z", "2026-03-29T01:00:01Z"},
        {"2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z"},
        {"2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z"},  // happens twice: the first
        {"2026-10-25T02:59:59Z", "2026-10-25T00:59:59Z"},
        {"2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        assert_true(bt_tz_to_utc_s(tz, utc(rows[i].local)) == utc(rows[i].utc));
    }
}

static void a_day_can_vanish(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = load("Pacific/Apia");  // skipped 30 December 2011 altogether
    int64_t change = utc("2011-12-30T10:00:00Z");
    assert_true(bt_tz_to_utc_s(tz, utc("2011-12-30T00:00:00Z")) == change);
    assert_true(bt_tz_to_utc_s(tz, utc("2011-12-30T23:00:00Z")) == change);
    assert_true(bt_tz_to_utc_s(tz, utc("2011-12-31T00:00:00Z")) == change);
}

static void local_time_there_and_back_in_every_hour(void **state)
{
    (void)state;
    static const char *const names[] = {"Asia/Ho_Chi_Minh", "Europe/Berlin", "Australia/Lord_Howe",
                                        "America/St_Johns", "Pacific/Apia"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        BT_AUTO(bt_tz) tz = load(names[i]);
        for (int64_t s = utc("2005-01-01T00:00:00Z"); s < utc("2030-01-01T00:00:00Z"); s += 1800) {
            int64_t again = bt_tz_to_utc_s(tz, bt_tz_to_local_s(tz, s));
            bool repeated = again < s && bt_tz_to_local_s(tz, again) == bt_tz_to_local_s(tz, s);
            assert_true(again == s || repeated);
        }
    }
}

static void a_fixed_zone_never_changes(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(-3600);
    assert_int_equal(bt_tz_offset_s(tz, 0), -3600);
    assert_true(bt_tz_to_utc_s(tz, 0) == 3600);
    assert_true(bt_tz_next_change_s(tz, INT64_MIN) == INT64_MAX);
    bt_tz_destroy(NULL);
}

static void names_that_are_no_zones_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int r;
    } rows[] = {
        {"", -EINVAL},
        {"/etc/passwd", -EINVAL},
        {"../../../etc/passwd", -EINVAL},
        {"Asia/../../../../etc/passwd", -EINVAL},
        {"Asia/Ho Chi Minh", -EINVAL},
        {"Asia/Hà_Nội", -EINVAL},
        {"Asia/Nowhere", -ENOENT},
        {"tzdata.zi", -EINVAL},
        {"Asia", -EISDIR},
        {"zone1970.tab", -EINVAL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        struct bt_tz *tz = NULL;
        struct bt_error err = {0};
        assert_int_equal(bt_tz_load(rows[i].name, &tz, &err), rows[i].r);
        assert_null(tz);
        assert_true(err.msg[0] != '\0');
    }
}

// A version 2 file: an empty first block, then `changes` and `types` as given.
#define HEADER(time, type, chars)                                                                  \
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" time "\0\0\0" type         \
    "\0\0\0" chars
#define FIRST_BLOCK HEADER("\0", "\1", "\0") "\0\0\0\0\0\0"
#define AT(last) "\0\0\0\0\0\0\0" last

static void hostile_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW(""),
        ROW("TZif"),
        ROW("TZif2"),
        ROW("PNG\0"),
        ROW(FIRST_BLOCK),                                       // nothing behind it
        ROW(FIRST_BLOCK HEADER("\0", "\0", "\0")),              // no type at all
        ROW(FIRST_BLOCK HEADER("\0", "\1", "\0")),              // ends before its type
        ROW(FIRST_BLOCK HEADER("\xFF", "\1", "\0") "\0\0"),     // ends in its changes
        ROW(FIRST_BLOCK HEADER("\1", "\1", "\0") AT("\0") "\1"  // a type that does not exist
                                                          "\0\0\0\0\0\0"),
        ROW(FIRST_BLOCK HEADER("\2", "\1", "\0") AT("\5") AT("\5") "\0\0"  // stands still
                                                                   "\0\0\0\0\0\0"),
        ROW(FIRST_BLOCK HEADER("\2", "\1", "\0") AT("\5") AT("\4") "\0\0"  // goes back
                                                                   "\0\0\0\0\0\0"),
        ROW(FIRST_BLOCK HEADER("\0", "\1", "\0") "\x80\0\0\0\0\0"),  // offset INT32_MIN
        ROW(FIRST_BLOCK HEADER("\0", "\1", "\0") "\x7F\xFF\xFF\xFF\0\0"),
#undef ROW
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        BT_AUTOFREE void *exact = bt_alloc(rows[i].len);  // the sanitizer watches its end
        memcpy(exact, rows[i].bytes, rows[i].len);
        struct bt_tz *tz = NULL;
        struct bt_error err = {0};
        assert_int_equal(bt_tz_parse(exact, rows[i].len, &tz, &err), -EINVAL);
        assert_null(tz);
        assert_true(err.msg[0] != '\0');
    }
}

static void a_small_honest_file_is_read(void **state)
{
    (void)state;
    static const char file[] = FIRST_BLOCK HEADER("\1", "\2", "\0")
        AT("\x64") "\1"
                   "\0\0\x0E\x10\0\0"   // an hour ahead
                   "\0\0\x1C\x20\1\0";  // two hours, from second 100 on
    BT_AUTO(bt_tz) tz = NULL;
    assert_int_equal(bt_tz_parse(file, sizeof(file) - 1, &tz, NULL), 0);
    assert_int_equal(bt_tz_offset_s(tz, 99), 3600);
    assert_int_equal(bt_tz_offset_s(tz, 100), 7200);
    assert_true(bt_tz_next_change_s(tz, 0) == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_ten_thousand_years_goes_there_and_back),
        cmocka_unit_test(known_instants_hold),
        cmocka_unit_test(rfc3339_times_are_read),
        cmocka_unit_test(what_is_not_rfc3339_is_refused),
        cmocka_unit_test(rfc3339_times_are_written),
        cmocka_unit_test(dates_and_times_of_day_are_read),
        cmocka_unit_test(vietnam_is_seven_hours_ahead),
        cmocka_unit_test(berlin_skips_an_hour_and_repeats_one),
        cmocka_unit_test(a_day_can_vanish),
        cmocka_unit_test(local_time_there_and_back_in_every_hour),
        cmocka_unit_test(a_fixed_zone_never_changes),
        cmocka_unit_test(names_that_are_no_zones_are_refused),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(a_small_honest_file_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

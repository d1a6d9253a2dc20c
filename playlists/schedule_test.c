#include "playlists/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct bt_when always = {
    .from_ms = INT64_MIN,
    .until_ms = INT64_MAX,
    .date_from_s = INT64_MIN,
    .date_until_s = INT64_MAX,
    .time_until_s = 86400,
    .weekdays = 0x7F,
};

static int64_t ns(const char *time)
{
    int64_t ms;
    assert_int_equal(bt_rfc3339_parse(time, &ms), 0);
    return ms * BT_NS_PER_MS;
}

static struct bt_window ask(const struct bt_when *when, const struct bt_tz *tz, const char *time,
                            bool trusted)
{
    BT_AUTO(bt_schedule) schedule = bt_schedule_create(when, tz);
    struct bt_window window;
    bt_schedule_at(schedule, ns(time), trusted, &window);
    assert_true(window.changes_ns > ns(time));
    return window;
}

static void nothing_said_means_always(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    struct bt_window w = ask(&always, tz, "2026-10-10T08:00:00+07:00", true);
    assert_true(w.open);
    assert_int_equal(w.opens_ns, INT64_MIN);
    assert_int_equal(w.closes_ns, INT64_MAX);
    assert_int_equal(w.changes_ns, INT64_MAX);
}

static void a_window_across_midnight_belongs_to_the_day_it_starts_on(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    struct bt_when when = always;
    when.time_from_s = 22 * 3600;
    when.time_until_s = 26 * 3600;
    when.weekdays = 1U << 4;                                                 // Friday
    struct bt_window w = ask(&when, tz, "2026-10-10T01:59:59+07:00", true);  // Saturday
    assert_true(w.open);
    assert_int_equal(w.opens_ns, ns("2026-10-09T22:00:00+07:00"));
    assert_int_equal(w.closes_ns, ns("2026-10-10T02:00:00+07:00"));
    w = ask(&when, tz, "2026-10-10T02:00:00+07:00", true);
    assert_false(w.open);
    assert_int_equal(w.changes_ns, ns("2026-10-16T22:00:00+07:00"));
    // The last day's night is still its own; the night before the first day is not.
    assert_int_equal(bt_date_parse("2026-10-09", &when.date_from_s), 0);
    when.date_until_s = when.date_from_s + 86400;
    assert_true(ask(&when, tz, "2026-10-10T01:00:00+07:00", true).open);
    assert_false(ask(&when, tz, "2026-10-03T01:00:00+07:00", true).open);
    assert_int_equal(ask(&when, tz, "2026-10-12T00:00:00+07:00", true).changes_ns, INT64_MAX);
}

static void windows_that_touch_are_one(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    struct bt_when when = always;
    when.weekdays = 0x1F;  // Monday to Friday, all day
    struct bt_window w = ask(&when, tz, "2026-10-07T12:00:00+07:00", true);  // Wednesday
    assert_int_equal(w.opens_ns, ns("2026-10-05T00:00:00+07:00"));
    assert_int_equal(w.closes_ns, ns("2026-10-10T00:00:00+07:00"));
    // Every day from 06:00 for 24 hours never closes.
    when.weekdays = 0x7F;
    when.time_from_s = 6 * 3600;
    when.time_until_s = 30 * 3600;
    w = ask(&when, tz, "2026-10-07T12:00:00+07:00", true);
    assert_true(w.open);
    assert_int_equal(w.opens_ns, INT64_MIN);
    assert_int_equal(w.closes_ns, INT64_MAX);
}

static void windows_open_and_close_once_when_the_clock_changes(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = NULL;
    assert_int_equal(bt_tz_load("Europe/Berlin", &tz, NULL), 0);
    struct bt_when when = always;
    when.time_from_s = 2 * 3600 + 1800;
    when.time_until_s = 2 * 3600 + 2700;  // 02:30 to 02:45
    struct bt_window w = ask(&when, tz, "2026-10-25T02:30:00+02:00", true);
    assert_true(w.open);
    assert_int_equal(w.closes_ns, ns("2026-10-25T02:45:00+02:00"));
    assert_false(ask(&when, tz, "2026-10-25T02:30:00+01:00", true).open);  // the hour's second run
    w = ask(&when, tz, "2026-03-28T12:00:00+01:00", true);                 // 29 March has no 02:30
    assert_int_equal(w.changes_ns, ns("2026-03-30T02:30:00+02:00"));
}

static void recurrence_and_times_must_both_hold(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    char rrule[] = "FREQ=MONTHLY;BYMONTHDAY=10";
    struct bt_when when = always;
    when.rrule = rrule;
    when.rrule_length_s = 2 * 86400;
    when.time_from_s = 8 * 3600;
    when.time_until_s = 9 * 3600;
    struct bt_window w = ask(&when, tz, "2026-10-11T08:30:00+07:00", true);
    assert_true(w.open);
    assert_int_equal(w.opens_ns, ns("2026-10-11T08:00:00+07:00"));
    assert_int_equal(w.closes_ns, ns("2026-10-11T09:00:00+07:00"));
    w = ask(&when, tz, "2026-10-12T08:30:00+07:00", true);
    assert_false(w.open);
    assert_int_equal(w.changes_ns, ns("2026-11-10T00:00:00+07:00"));
}

static void a_recurrence_that_never_comes_is_asked_again_once_a_year(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    char never[] = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", wrong[] = "FREQ=HOURLY";
    struct bt_when when = always;
    when.rrule = never;
    when.rrule_length_s = 3600;
    struct bt_window w = ask(&when, tz, "2026-10-11T08:30:00+07:00", true);
    assert_false(w.open);
    assert_int_equal(w.changes_ns, ns("2026-10-11T08:30:00+07:00") + 400 * 86400 * BT_NS_PER_S);
    when.rrule = wrong;
    w = ask(&when, tz, "2026-10-11T08:30:00+07:00", true);
    assert_false(w.open);
    assert_int_equal(w.changes_ns, INT64_MAX);
}

static void an_untrusted_clock_knows_dates_only(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    char rrule[] = "FREQ=YEARLY";
    struct bt_when when = always;
    when.rrule = rrule;
    when.rrule_length_s = 60;
    when.time_from_s = 3600;
    when.weekdays = 1;
    assert_int_equal(bt_date_parse("2026-10-11", &when.date_from_s), 0);
    when.date_until_s = when.date_from_s + 86400;
    struct bt_window w = ask(&when, tz, "2026-10-11T00:30:00+07:00", false);
    assert_true(w.open);
    assert_int_equal(w.closes_ns, ns("2026-10-12T00:00:00+07:00"));
    assert_false(ask(&when, tz, "2026-10-11T00:30:00+07:00", true).open);
    assert_false(ask(&when, tz, "2026-10-12T00:00:00+07:00", false).open);
    assert_int_equal(ask(&when, tz, "2026-10-01T00:00:00+07:00", false).changes_ns,
                     ns("2026-10-11T00:00:00+07:00"));
}

static void absolute_times_are_half_open(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(0);
    struct bt_when when = always;
    when.from_ms = ns("2026-10-10T00:00:00Z") / BT_NS_PER_MS;
    when.until_ms = when.from_ms + 1;
    assert_false(ask(&when, tz, "2026-10-09T23:59:59.999Z", true).open);
    assert_true(ask(&when, tz, "2026-10-10T00:00:00Z", true).open);
    assert_false(ask(&when, tz, "2026-10-10T00:00:00.001Z", true).open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_means_always),
        cmocka_unit_test(a_window_across_midnight_belongs_to_the_day_it_starts_on),
        cmocka_unit_test(windows_that_touch_are_one),
        cmocka_unit_test(windows_open_and_close_once_when_the_clock_changes),
        cmocka_unit_test(recurrence_and_times_must_both_hold),
        cmocka_unit_test(a_recurrence_that_never_comes_is_asked_again_once_a_year),
        cmocka_unit_test(an_untrusted_clock_knows_dates_only),
        cmocka_unit_test(absolute_times_are_half_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

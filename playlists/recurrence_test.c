#include "playlists/recurrence.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#ifdef BT_HAVE_LIBICAL
#include <libical/ical.h>
#endif

#include "base/buf.h"
#include "base/civil.h"
#include "base/file.h"
#include "base/str.h"

#define DAY_S INT64_C(86400)
#define FAR_S (INT64_C(4) * 366 * DAY_S)

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct bt_civil civil = {year, month, day, hour, minute, 0};
    return bt_civil_to_s(&civil);
}

struct refusal {
    const char *rrule, *why;
};

static const struct refusal refusals[] = {
    {"", "''"},
    {"DAILY", "'DAILY'"},
    {"INTERVAL=2", "'FREQ' is missing"},
    {"FREQ=SECONDLY", "'FREQ' is 'SECONDLY'"},
    {"FREQ=MINUTELY", "'FREQ' is 'MINUTELY'"},
    {"FREQ=HOURLY", "'FREQ' is 'HOURLY'"},
    {"FREQ=DAILY;FREQ=DAILY", "'FREQ' stands twice"},
    {"FREQ=DAILY;INTERVAL=0", "'INTERVAL' is '0'"},
    {"FREQ=DAILY;INTERVAL=70000", "'INTERVAL' is '70000'"},
    {"FREQ=DAILY;COUNT=99999999999", "'COUNT' is '99999999999'"},
    {"FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"},
    {"FREQ=DAILY;UNTIL=20270230", "'UNTIL' is '20270230'"},
    {"FREQ=DAILY;UNTIL=2027", "'UNTIL'"},
    {"FREQ=DAILY;UNTIL=20270101T250000", "'UNTIL'"},
    {"FREQ=YEARLY;BYMONTH=13", "'BYMONTH' is '13', outside 1..12"},
    {"FREQ=YEARLY;BYMONTH=-1", "'BYMONTH' is '-1'"},
    {"FREQ=YEARLY;BYMONTH=", "'BYMONTH' is ''"},
    {"FREQ=YEARLY;BYMONTH=1,,2", "'BYMONTH' is ''"},
    {"FREQ=YEARLY;BYMONTH=1x", "'BYMONTH' is '1x'"},
    {"FREQ=YEARLY;BYMONTHDAY=--1", "'BYMONTHDAY' is '--1'"},
    {"FREQ=YEARLY;BYMONTHDAY=0", "'BYMONTHDAY' is '0'"},
    {"FREQ=WEEKLY;BYDAY=MO=;COUNT=3", "'BYDAY'"},
    {"FREQ=WEEKLY;BYDAY=XX", "no weekday"},
    {"FREQ=WEEKLY;BYDAY=2MO", "no meaning with WEEKLY"},
    {"FREQ=MONTHLY;BYDAY=0MO", "'BYDAY' counts to '0'"},
    {"FREQ=MONTHLY;BYDAY=54MO", "'BYDAY' counts to '54'"},
    {"FREQ=YEARLY;BYWEEKNO=2;BYDAY=2MO", "no meaning with BYWEEKNO"},
    {"FREQ=WEEKLY;BYMONTHDAY=2", "'BYMONTHDAY' has no meaning with FREQ=WEEKLY"},
    {"FREQ=MONTHLY;BYYEARDAY=2", "'BYYEARDAY' has no meaning with FREQ=MONTHLY"},
    {"FREQ=MONTHLY;BYWEEKNO=2", "'BYWEEKNO' has no meaning with FREQ=MONTHLY"},
    {"FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=0,10,20,30,40", "more than 24 times a day"},
    {"FREQ=DAILY;BYHOUR=8,9;BYSETPOS=1", "several times of one day"},
    {"FREQ=DAILY;WKST=XX", "'WKST' is 'XX'"},
    {"RSCALE=CHINESE;FREQ=YEARLY", "'RSCALE' is not a part"},
    {"FREQ=DAILY;X-ANY=1", "'X-ANY' is not a part"},
};

static void wrong_rules_are_refused_in_plain_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(refusals); i++) {
        struct bt_error err = {0};
        assert_int_equal(bt_recurrence_check(refusals[i].rrule, &err), -EINVAL);
        if (strstr(err.msg, refusals[i].why) == NULL) {
            fail_msg("'%s' is refused with '%s'", refusals[i].rrule, err.msg);
        }
    }
}

static void a_rule_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[BT_RECURRENCE_MAX_BYTES + 1];
    memset(text, 'A', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    struct bt_error err;
    assert_int_equal(bt_recurrence_check(text, &err), -EINVAL);
}

static struct bt_recurrence *create(const char *rrule, int64_t start_s)
{
    struct bt_recurrence *r = NULL;
    struct bt_error err;
    if (bt_recurrence_create(rrule, start_s, &r, &err) < 0) {
        fail_msg("'%s': %s", rrule, err.msg);
    }
    return r;
}

static void a_rule_that_never_comes_true_ends_its_search_with_the_span(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1;BYSETPOS=2",
        "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100",
        "FREQ=YEARLY;INTERVAL=10000;BYMONTH=2;BYMONTHDAY=29;COUNT=1000000",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rules); i++) {
        BT_AUTO(bt_recurrence) r = create(rules[i], at(2026, 1, 1, 0, 0));
        int64_t found = 0;
        assert_false(bt_recurrence_next(r, at(2026, 1, 1, 0, 0), at(2066, 1, 1, 0, 0), &found));
    }
}

static void a_search_starts_anywhere_without_walking_from_the_start(void **state)
{
    (void)state;
    BT_AUTO(bt_recurrence) r = create("FREQ=MONTHLY;BYDAY=-1FR", at(2001, 1, 1, 9, 30));
    int64_t found = 0;
    assert_true(bt_recurrence_next(r, at(2026, 10, 1, 0, 0), at(2027, 1, 1, 0, 0), &found));
    assert_int_equal(found, at(2026, 10, 30, 9, 30));
    assert_true(bt_recurrence_next(r, found, found + 1, &found));
    assert_false(bt_recurrence_next(r, found + 1, at(2026, 11, 27, 9, 30), &found));
}

static void several_times_of_a_day_come_in_order(void **state)
{
    (void)state;
    BT_AUTO(bt_recurrence)
    r = create("FREQ=DAILY;BYHOUR=17,7;BYMINUTE=30,0", at(2026, 10, 10, 7, 15));
    static const int wanted[][2] = {{7, 30}, {17, 0}, {17, 30}, {7, 0}};
    int64_t from = 0, found = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(wanted); i++, from = found + 1) {
        assert_true(bt_recurrence_next(r, from, INT64_MAX, &found));
        assert_int_equal(found, at(2026, 10, i < 3 ? 10 : 11, wanted[i][0], wanted[i][1]));
    }
}

// "20241024" or "20241024T090000[Z]" in local seconds.
static int64_t read_stamp(const char *text)
{
    int64_t day, clock = 0;
    char part[16];
    assert_int_equal(bt_format(part, sizeof(part), "%.4s-%.2s-%.2s", text, text + 4, text + 6), 0);
    assert_int_equal(bt_date_parse(part, &day), 0);
    if (text[8] == 'T') {
        assert_int_equal(
            bt_format(part, sizeof(part), "%.2s:%.2s:%.2s", text + 9, text + 11, text + 13), 0);
        assert_int_equal(bt_time_of_day_parse(part, &clock), 0);
    }
    return day + clock;
}

struct corpus_case {
    char *rrule, *start, *instances;
};

// 1 when the case was compared, 0 when the rule is of a kind we refuse.
static int compare_case(const struct corpus_case *c)
{
    struct bt_error err;
    if (bt_recurrence_check(c->rrule, &err) < 0) {
        return 0;
    }
    BT_AUTO(bt_recurrence) r = create(c->rrule, read_stamp(c->start));
    int64_t from = 0, found = 0;
    for (char *stamp = c->instances; stamp != NULL; from = found + 1) {
        int64_t wanted = read_stamp(stamp);
        if (from == 0) {
            from = wanted;  // some cases look from later than their start
        }
        if (!bt_recurrence_next(r, from, from + 8 * FAR_S, &found) || found != wanted) {
            fail_msg("%s from %s: %.15s is not found", c->rrule, c->start, stamp);
        }
        stamp = strchr(stamp, ',');
        stamp = stamp == NULL ? NULL : stamp + 1;
    }
    bool ends = strstr(c->rrule, "COUNT") != NULL || strstr(c->rrule, "UNTIL") != NULL;
    if (ends && bt_recurrence_next(r, from, from + 8 * FAR_S, &found)) {
        fail_msg("%s from %s: one too many", c->rrule, c->start);
    }
    return 1;
}

static char *value_of(char *line, const char *key)
{
    return bt_str_starts(line, key) ? line + strlen(key) : NULL;
}

static void the_public_corpus_of_cases_agrees(void **state)
{
    (void)state;
    const char *media = getenv("BT_MEDIA");
    char path[512];
    BT_AUTOBUF file;
    bt_buf_init(&file, 1 << 20);
    struct bt_error err;
    if (media == NULL ||
        bt_format(path, sizeof(path), "%s/ical/RecurrenceTestCases.txt", media) < 0 ||
        bt_file_read(path, &file, &err) < 0) {
        skip();
    }
    int compared = 0;
    struct corpus_case c = {0};
    for (char *rest = NULL, *line = strtok_r(file.data, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        char *rrule = value_of(line, "RRULE:"), *start = value_of(line, "DTSTART:");
        c.rrule = rrule != NULL ? rrule : c.rrule;
        c.start = start != NULL ? start : c.start;
        c.instances = value_of(line, "INSTANCES:");
        if (c.rrule != NULL && c.start != NULL && c.instances != NULL) {
            compared += compare_case(&c);
        }
    }
    assert_true(compared > 50);
}

#ifdef BT_HAVE_LIBICAL
static uint64_t seed = 57;

static int pick(int n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((seed >> 33) % (uint64_t)n);
}

static void add_list(struct bt_buf *out, const char *key, int max, bool negative)
{
    assert_int_equal(bt_buf_appendf(out, ";%s", key), 0);
    char separator = '=';
    for (int number = 1 + pick(max); number <= max; number += 1 + pick(max), separator = ',') {
        assert_int_equal(
            bt_buf_appendf(out, "%c%d", separator, negative && pick(3) == 0 ? -number : number), 0);
    }
}

static void add_days(struct bt_buf *out, bool numbered)
{
    static const char *const words[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
    static const char *const numbers[] = {"1", "2", "+3", "4", "-1", "-2"};
    assert_int_equal(bt_buf_appendf(out, ";BYDAY"), 0);
    char separator = '=';
    for (int day = pick(7); day < 7; day += 1 + pick(3), separator = ',') {
        assert_int_equal(
            bt_buf_appendf(out, "%c%s%s", separator, numbered ? numbers[pick(6)] : "", words[day]),
            0);
    }
}

// Only what both understand alike: see the header for where the standard leaves a choice.
static void make_rule(struct bt_buf *out)
{
    static const char *const words[] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
    int frequency = pick(4);
    assert_int_equal(bt_buf_appendf(out, "FREQ=%s;INTERVAL=%d", words[frequency], 1 + pick(3)), 0);
    if (pick(3) == 0) {
        add_list(out, "BYMONTH", 12, false);
    }
    if (frequency != 1 && pick(3) == 0) {
        add_list(out, "BYMONTHDAY", 31, frequency != 0);
    } else if (pick(2) == 0) {
        add_days(out, frequency >= 2 && pick(2) == 0);
    } else if (frequency == 3 && strstr(out->data, "BYMONTH") == NULL && pick(2) == 0) {
        add_list(out, "BYYEARDAY", 366, true);
    }
    if (frequency == 2 && strstr(out->data, "BYDAY") != NULL && pick(3) == 0) {
        add_list(out, "BYSETPOS", 4, true);
    }
}

static icalrecur_iterator *judge(const char *rrule, int64_t start)
{
    struct bt_civil c = bt_civil_from_s(start);
    struct icaltimetype from = icaltime_null_time();
    from.is_date = 0;
    from.year = c.year;
    from.month = c.month;
    from.day = c.day;
    from.hour = c.hour;
    return icalrecur_iterator_new(icalrecurrencetype_from_string(rrule), from);
}

static void compare_with_judge(const char *rrule, int64_t start)
{
    int64_t end = start + 3 * FAR_S, from = start;
    icalrecur_iterator *theirs = judge(rrule, start);
    assert_non_null(theirs);
    BT_AUTO(bt_recurrence) ours = create(rrule, start);
    for (int i = 0; i < 30; i++) {
        struct icaltimetype t = icalrecur_iterator_next(theirs);
        int64_t wanted = icaltime_is_null_time(t) ? end : at(t.year, t.month, t.day, t.hour, 0);
        int64_t found = end;
        (void)bt_recurrence_next(ours, from, end, &found);
        if (found != BT_MIN(wanted, end)) {
            fail_msg("%s from %lld: occurrence %d differs", rrule, (long long)start, i);
        }
        from = found + 1;
    }
    icalrecur_iterator_free(theirs);
}

static void random_rules_agree_with_libical(void **state)
{
    (void)state;
    int compared = 0;
    for (int round = 0; round < 1000; round++) {
        BT_AUTOBUF rule;
        bt_buf_init(&rule, 1024);
        make_rule(&rule);
        int64_t start = at(2026, 1 + pick(12), 1 + pick(28), pick(24), 0);
        BT_AUTO(bt_recurrence) first = create(rule.data, start);
        // A start outside its rule is where libraries differ.
        if (bt_recurrence_next(first, start, start + FAR_S, &start)) {
            compare_with_judge(rule.data, start);
            compared++;
        }
    }
    assert_true(compared > 700);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_rules_are_refused_in_plain_words),
        cmocka_unit_test(a_rule_that_is_too_long_is_refused),
        cmocka_unit_test(a_rule_that_never_comes_true_ends_its_search_with_the_span),
        cmocka_unit_test(a_search_starts_anywhere_without_walking_from_the_start),
        cmocka_unit_test(several_times_of_a_day_come_in_order),
        cmocka_unit_test(the_public_corpus_of_cases_agrees),
#ifdef BT_HAVE_LIBICAL
        cmocka_unit_test(random_rules_agree_with_libical),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "server/reports/period.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/str.h"

#define SECONDS_PER_DAY 86400
// A report is made shortly before it is due, too.
#define DUE_WITHIN_DAYS 9

int64_t bt_day_of_s(int64_t seconds)
{
    int64_t day = seconds / SECONDS_PER_DAY;
    return seconds % SECONDS_PER_DAY < 0 ? day - 1 : day;
}

static int64_t day_of(int year, int month, int day)
{
    const struct bt_civil civil = {.year = year, .month = month, .day = day};
    return bt_day_of_s(bt_civil_to_s(&civil));
}

void bt_day_iso(int64_t day, char out[BT_DAY_BYTES])
{
    struct bt_civil civil = bt_civil_from_s(day * SECONDS_PER_DAY);
    int r = bt_format(out, BT_DAY_BYTES, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
    assert(r == 0);
}

void bt_day_vi(int64_t day, char out[BT_DAY_BYTES])
{
    struct bt_civil civil = bt_civil_from_s(day * SECONDS_PER_DAY);
    int r = bt_format(out, BT_DAY_BYTES, "%02d/%02d/%04d", civil.day, civil.month, civil.year);
    assert(r == 0);
}

void bt_period_days_phrase(int64_t from_day, int64_t until_day, char *out, size_t size)
{
    char from[BT_DAY_BYTES], until[BT_DAY_BYTES];
    bt_day_vi(from_day, from);
    bt_day_vi(until_day, until);
    int r = from_day == until_day ? bt_format(out, size, "ngày %s", from)
                                  : bt_format(out, size, "từ ngày %s đến ngày %s", from, until);
    assert(r == 0);
}

// A month's period, or a year's when month is 0. Closing on the 1st is the calendar.
static void month_days(int year, int month, int day, struct bt_period *out)
{
    int before = month == 1 ? 12 : month - 1;
    if (day == 1) {
        out->from_day = day_of(year, month, 1);
        out->until_day = day_of(month == 12 ? year + 1 : year, month % 12 + 1, 1) - 1;
        return;
    }
    out->from_day = day_of(month == 1 ? year - 1 : year, before, day);
    out->until_day = day_of(year, month, day) - 1;
}

static void fill_days(enum bt_preset preset, int year, int month,
                      const struct bt_report_closing *closing, struct bt_period *out)
{
    int64_t middle = day_of(year, closing->half_1_month, closing->half_1_day);
    int64_t end = day_of(year, closing->half_2_month, closing->half_2_day);
    int64_t before = day_of(year - 1, closing->half_2_month, closing->half_2_day);
    switch (preset) {
    case BT_PRESET_MONTH:
        month_days(year, month, closing->month_day, out);
        break;
    case BT_PRESET_CALENDAR_MONTH:
        month_days(year, month, 1, out);
        break;
    case BT_PRESET_HALF_1:
        out->from_day = before, out->until_day = middle - 1;
        break;
    case BT_PRESET_HALF_2:
        out->from_day = middle, out->until_day = end - 1;
        break;
    case BT_PRESET_YEAR:
        out->from_day = before, out->until_day = end - 1;
        break;
    case BT_PRESET_CALENDAR_YEAR:
        out->from_day = day_of(year, 1, 1), out->until_day = day_of(year, 12, 31);
        break;
    }
}

static bool is_monthly(enum bt_preset preset)
{
    return preset == BT_PRESET_MONTH || preset == BT_PRESET_CALENDAR_MONTH;
}

static int fill(enum bt_preset preset, int year, int month, const struct bt_report_closing *closing,
                struct bt_period *out)
{
    static const char *const phrases[] = {
        [BT_PRESET_HALF_1] = "6 tháng đầu năm",
        [BT_PRESET_HALF_2] = "6 tháng cuối năm",
        [BT_PRESET_YEAR] = "năm",
        [BT_PRESET_CALENDAR_YEAR] = "năm",
    };
    int r;
    *out = (struct bt_period){.from_day = 0};
    fill_days(preset, year, month, closing, out);
    if (is_monthly(preset)) {
        r = bt_format(out->name, sizeof(out->name), "%04d-%02d", year, month);
        r = r < 0 ? r : bt_format(out->phrase, sizeof(out->phrase), "tháng %02d/%04d", month, year);
    } else {
        r = bt_format(out->name, sizeof(out->name), "%04d", year);
        r = r < 0 ? r
                  : bt_format(out->phrase, sizeof(out->phrase), "%s %04d", phrases[preset], year);
    }
    return r < 0 || out->until_day < out->from_day ? -EINVAL : 0;
}

int bt_period_parse(enum bt_preset preset, const char *name,
                    const struct bt_report_closing *closing, struct bt_period *out)
{
    char year_text[8];
    int64_t year, month = 0;
    if (bt_format(year_text, sizeof(year_text), "%.4s", name) < 0 ||
        bt_parse_int(year_text, 1971, 2400, &year) < 0) {
        return -EINVAL;
    }
    bool fits = is_monthly(preset) ? strlen(name) == 7 && name[4] == '-' &&
                                         bt_parse_int(name + 5, 1, 12, &month) == 0
                                   : strlen(name) == 4;
    return fits ? fill(preset, (int)year, (int)month, closing, out) : -EINVAL;
}

int bt_period_due(enum bt_preset preset, int64_t today, const struct bt_report_closing *closing,
                  struct bt_period *out)
{
    // From the next one on back: one of them is over.
    struct bt_civil civil = bt_civil_from_s(today * SECONDS_PER_DAY);
    int year = civil.year + 1, month = 12;
    for (int tries = 0; tries < 36; tries++) {
        int r = fill(preset, year, month, closing, out);
        if (r < 0 || out->until_day <= today + DUE_WITHIN_DAYS) {
            return r;
        }
        bool same_year = is_monthly(preset) && month > 1;
        year = same_year ? year : year - 1;
        month = same_year ? month - 1 : 12;
    }
    return -EINVAL;
}

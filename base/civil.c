#include "base/civil.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define DAY_S 86400

// Larger than any file of the tz database.
#define TZIF_MAX_BYTES (256 * 1024)
#define TZIF_MAX_CHANGES 4096

struct tz_change {
    int64_t utc_s;     // from here on
    int32_t offset_s;  // local = UTC + offset
};

struct bt_tz {
    int32_t first_offset_s;  // before the first change
    struct tz_change *changes;
    size_t count;
};

// Days since 1970-01-01; the year starts in March so that the leap day comes last.
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t bt_civil_to_s(const struct bt_civil *civil)
{
    return days_from_civil(civil->year, civil->month, civil->day) * DAY_S + civil->hour * 3600 +
           civil->minute * 60 + civil->second;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct bt_civil bt_civil_from_s(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY_S);
    int64_t rest = seconds - days * DAY_S;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (struct bt_civil){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
    };
}

int bt_civil_weekday(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY_S) + 3;  // 1970-01-01 was a Thursday
    return (int)(days - floor_div(days, 7) * 7);
}

// Exactly `digits` decimal digits, or -1.
static int read_digits(const char **text, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9') {
            return -1;
        }
        value = value * 10 + (**text - '0');
    }
    return value;
}

static bool read_char(const char **text, char wanted)
{
    if (**text != wanted) {
        return false;
    }
    (*text)++;
    return true;
}

static bool read_date(const char **text, struct bt_civil *out)
{
    out->year = read_digits(text, 4);
    if (out->year < 1 || !read_char(text, '-')) {
        return false;
    }
    out->month = read_digits(text, 2);
    if (out->month < 1 || out->month > 12 || !read_char(text, '-')) {
        return false;
    }
    out->day = read_digits(text, 2);
    struct bt_civil again =
        bt_civil_from_s(days_from_civil(out->year, out->month, out->day) * DAY_S);
    return out->day >= 1 && again.day == out->day;  // 30 February comes back as another day
}

static bool read_clock(const char **text, struct bt_civil *out)
{
    out->hour = read_digits(text, 2);
    if (out->hour < 0 || out->hour > 23 || !read_char(text, ':')) {
        return false;
    }
    out->minute = read_digits(text, 2);
    if (out->minute < 0 || out->minute > 59 || !read_char(text, ':')) {
        return false;
    }
    out->second = read_digits(text, 2);
    return out->second >= 0 && out->second <= 59;
}

static int read_milliseconds(const char **text)
{
    if (!read_char(text, '.')) {
        return 0;
    }
    int ms = 0, scale = 100, digits = 0;
    for (; **text >= '0' && **text <= '9' && digits < 9; (*text)++, digits++) {
        ms += (**text - '0') * scale;
        scale /= 10;
    }
    return digits == 0 ? -1 : ms;
}

static bool read_offset(const char **text, int *out_s)
{
    if (read_char(text, 'Z')) {
        *out_s = 0;
        return true;
    }
    int sign = **text == '-' ? -1 : 1;
    if (!read_char(text, '+') && !read_char(text, '-')) {
        return false;
    }
    int hours = read_digits(text, 2);
    if (hours < 0 || hours > 23 || !read_char(text, ':')) {
        return false;
    }
    int minutes = read_digits(text, 2);
    *out_s = sign * (hours * 3600 + minutes * 60);
    return minutes >= 0 && minutes <= 59;
}

int bt_rfc3339_parse(const char *text, int64_t *out_ms)
{
    struct bt_civil civil = {0};
    int offset_s;
    if (!read_date(&text, &civil) || !(read_char(&text, 'T') || read_char(&text, ' ')) ||
        !read_clock(&text, &civil)) {
        return -EINVAL;
    }
    int ms = read_milliseconds(&text);
    if (ms < 0 || !read_offset(&text, &offset_s) || *text != '\0') {
        return -EINVAL;
    }
    *out_ms = (bt_civil_to_s(&civil) - offset_s) * 1000 + ms;
    return 0;
}

// Exactly `digits` decimal digits of a number that is not negative, and then `after`.
static char *write_digits(char *out, int number, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10) {
        out[i] = (char)('0' + number % 10);
    }
    out[digits] = after;
    return out + digits + 1;
}

// By hand, since a plan has a million of them.
void bt_rfc3339_format(int64_t ms, int32_t offset_s, char *out)
{
    int64_t seconds = floor_div(ms, 1000);
    int fraction = (int)(ms - seconds * 1000);
    struct bt_civil c = bt_civil_from_s(seconds + offset_s);
    out = write_digits(out, c.year, 4, '-');
    out = write_digits(out, c.month, 2, '-');
    out = write_digits(out, c.day, 2, 'T');
    out = write_digits(out, c.hour, 2, ':');
    out = write_digits(out, c.minute, 2, ':');
    char zone = offset_s == 0 ? 'Z' : offset_s < 0 ? '-' : '+';
    out = write_digits(out, c.second, 2, fraction != 0 ? '.' : zone);
    if (fraction != 0) {
        out = write_digits(out, fraction, 3, zone);
    }
    if (offset_s != 0) {
        int minutes = abs(offset_s) / 60 % (24 * 60);
        out = write_digits(out, minutes / 60, 2, ':');
        write_digits(out, minutes % 60, 2, '\0');
    } else {
        *out = '\0';
    }
}

int bt_date_parse(const char *text, int64_t *out_s)
{
    struct bt_civil civil = {0};
    if (!read_date(&text, &civil) || *text != '\0') {
        return -EINVAL;
    }
    *out_s = bt_civil_to_s(&civil);
    return 0;
}

int bt_time_of_day_parse(const char *text, int64_t *out_s)
{
    int hour = read_digits(&text, 2);
    if (hour < 0 || !read_char(&text, ':')) {
        return -EINVAL;
    }
    int minute = read_digits(&text, 2), second = 0;
    if (minute >= 0 && *text != '\0') {
        second = read_char(&text, ':') ? read_digits(&text, 2) : -1;
    }
    int64_t total = hour * 3600LL + minute * 60LL + second;
    if (minute < 0 || minute > 59 || second < 0 || second > 59 || *text != '\0' || total > DAY_S) {
        return -EINVAL;
    }
    *out_s = total;
    return 0;
}

struct bt_tz *bt_tz_create_fixed(int32_t offset_s)
{
    struct bt_tz *tz = BT_NEW(struct bt_tz);
    tz->first_offset_s = offset_s;
    return tz;
}

void bt_tz_destroy(struct bt_tz *tz)
{
    if (tz == NULL) {
        return;
    }
    free(tz->changes);
    free(tz);
}

static int64_t big_endian(const uint8_t *bytes, int len)
{
    uint64_t value = (bytes[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++) {
        value = value << 8 | bytes[i];
    }
    return (int64_t)value;
}

#define TZIF_HEADER_BYTES 44
#define TZIF_TYPE_BYTES 6
#define MAX_OFFSET_S (26 * 3600)  // RFC 8536: offsets lie within -25 and +26 hours

struct tzif_counts {
    int64_t isut, isstd, leap, time, type, chars;
};

static bool read_tzif_header(const uint8_t *bytes, size_t len, struct tzif_counts *out)
{
    if (len < TZIF_HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) {
        return false;
    }
    int64_t *counts[] = {&out->isut, &out->isstd, &out->leap, &out->time, &out->type, &out->chars};
    for (size_t i = 0; i < BT_ARRAY_LEN(counts); i++) {
        *counts[i] = big_endian(bytes + 20 + 4 * i, 4);
        if (*counts[i] < 0 || *counts[i] > TZIF_MAX_CHANGES) {
            return false;
        }
    }
    return out->type > 0;
}

static size_t tzif_block_bytes(const struct tzif_counts *n, int time_bytes)
{
    return (size_t)(n->time * (time_bytes + 1) + n->type * TZIF_TYPE_BYTES + n->chars +
                    n->leap * (time_bytes + 4) + n->isstd + n->isut);
}

static bool offsets_are_sane(const uint8_t *types, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t offset_s = big_endian(types + i * TZIF_TYPE_BYTES, 4);
        if (offset_s < -MAX_OFFSET_S || offset_s > MAX_OFFSET_S) {
            return false;
        }
    }
    return true;
}

// The times of all changes, then one byte each: the index of its type. A change of the name or of
// summer time alone, and the one Debian puts at the end of 32-bit time, leave the offset as it is:
// those are dropped.
static bool read_changes(struct bt_tz *tz, const struct tzif_counts *n, const uint8_t *times,
                         const uint8_t *types)
{
    const uint8_t *indices = times + n->time * 8;
    tz->changes = BT_NEW_ARRAY(struct tz_change, (size_t)n->time);
    int64_t last_s = 0;
    int32_t offset_s = tz->first_offset_s;
    for (int64_t i = 0; i < n->time; i++) {
        int64_t utc_s = big_endian(times + i * 8, 8);
        if (indices[i] >= n->type || (i > 0 && utc_s <= last_s)) {
            return false;
        }
        last_s = utc_s;
        int32_t new_offset_s = (int32_t)big_endian(types + indices[i] * TZIF_TYPE_BYTES, 4);
        if (new_offset_s != offset_s) {
            tz->changes[tz->count++] = (struct tz_change){utc_s, new_offset_s};
            offset_s = new_offset_s;
        }
    }
    return true;
}

int bt_tz_parse(const void *file, size_t len, struct bt_tz **out, struct bt_error *err)
{
    const uint8_t *bytes = file;
    struct tzif_counts n;
    if (!read_tzif_header(bytes, len, &n) || bytes[4] < '2') {
        return bt_fail(err, -EINVAL, "not a TZif file of version 2 or later");
    }
    // The first block is for readers of 32-bit times; the one we want follows.
    size_t skip = TZIF_HEADER_BYTES + tzif_block_bytes(&n, 4);
    if (skip > len || !read_tzif_header(bytes + skip, len - skip, &n) ||
        len - skip - TZIF_HEADER_BYTES < tzif_block_bytes(&n, 8)) {
        return bt_fail(err, -EINVAL, "a TZif file that ends too early");
    }
    const uint8_t *times = bytes + skip + TZIF_HEADER_BYTES;
    const uint8_t *types = times + n.time * 9;
    if (!offsets_are_sane(types, n.type)) {
        return bt_fail(err, -EINVAL, "a TZif file with an offset of more than a day");
    }
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed((int32_t)big_endian(types, 4));
    if (!read_changes(tz, &n, times, types)) {
        return bt_fail(err, -EINVAL, "a TZif file that contradicts itself");
    }
    *out = BT_TAKE(tz);
    return 0;
}

static bool is_zone_name(const char *name)
{
    return name[0] != '/' && name[0] != '\0' && strstr(name, "..") == NULL &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
               strlen(name);
}

int bt_tz_load(const char *name, struct bt_tz **out, struct bt_error *err)
{
    char path[256];
    if (!is_zone_name(name) || bt_format(path, sizeof(path), "/usr/share/zoneinfo/%s", name) < 0) {
        return bt_fail(err, -EINVAL, "'%.64s' is not the name of a time zone", name);
    }
    BT_AUTOBUF file;
    bt_buf_init(&file, TZIF_MAX_BYTES);
    int r = bt_file_read(path, &file, err);
    if (r < 0) {
        return bt_fail(err, r, "The time zone '%s' is not known on this machine (tzdata)", name);
    }
    r = bt_tz_parse(file.data, file.len, out, err);
    return r < 0 ? bt_fail_in(err, r, "Time zone '%s'", name) : 0;
}

// The index of the last change at or before utc_s, or -1.
static int64_t change_before(const struct bt_tz *tz, int64_t utc_s)
{
    int64_t low = -1, high = (int64_t)tz->count;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (tz->changes[middle].utc_s <= utc_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t bt_tz_offset_s(const struct bt_tz *tz, int64_t utc_s)
{
    int64_t i = change_before(tz, utc_s);
    return i < 0 ? tz->first_offset_s : tz->changes[i].offset_s;
}

int64_t bt_tz_to_local_s(const struct bt_tz *tz, int64_t utc_s)
{
    return utc_s + bt_tz_offset_s(tz, utc_s);
}

int64_t bt_tz_next_change_s(const struct bt_tz *tz, int64_t utc_s)
{
    size_t next = (size_t)(change_before(tz, utc_s) + 1);
    return next < tz->count ? tz->changes[next].utc_s : INT64_MAX;
}

int64_t bt_tz_to_utc_s(const struct bt_tz *tz, int64_t local_s)
{
    // Offsets are within 26 hours, so one of the spans around here holds the answer.
    int64_t i = change_before(tz, local_s - 2 * DAY_S);
    for (;; i++) {
        int32_t offset = i < 0 ? tz->first_offset_s : tz->changes[i].offset_s;
        int64_t ends = i + 1 < (int64_t)tz->count ? tz->changes[i + 1].utc_s : INT64_MAX;
        int64_t starts = i < 0 ? INT64_MIN : tz->changes[i].utc_s;
        int64_t utc = local_s - offset;
        if (utc < starts) {
            return starts;  // skipped by a change forward
        }
        if (utc < ends) {
            return utc;
        }
    }
}

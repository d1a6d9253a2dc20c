/**
 * Calendar arithmetic (proleptic Gregorian) and time zones. Local seconds are "floating": the
 * number of seconds a clock on the wall has run since 1970-01-01 00:00 on that wall. Pure, except
 * bt_tz_load, which reads the system's tz database once.
 */
#ifndef BT_BASE_CIVIL_H
#define BT_BASE_CIVIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_civil {
    int year;                  // 1..9999
    int month, day;            // 1..12, 1..31
    int hour, minute, second;  // 0..23, 0..59, 0..59
};

int64_t bt_civil_to_s(const struct bt_civil *civil);
struct bt_civil bt_civil_from_s(int64_t seconds);
int bt_civil_weekday(int64_t seconds);  // 0 Monday .. 6 Sunday

// "2026-11-21T09:30:00.250+07:00" → milliseconds UTC. The offset ("Z" too) must be there.
int bt_rfc3339_parse(const char *text, int64_t *out_ms) BT_NODISCARD;

// With milliseconds only when they are not zero. `out` has room for BT_RFC3339_BYTES.
#define BT_RFC3339_BYTES 40
void bt_rfc3339_format(int64_t ms, int32_t offset_s, char *out);

int bt_date_parse(const char *text, int64_t *out_s) BT_NODISCARD;  // "2026-11-21" → local seconds
int bt_time_of_day_parse(const char *text, int64_t *out_s) BT_NODISCARD;  // "HH:MM[:SS]", to 24:00

/**
 * A time zone: UTC offsets and when they change. After the last change the tz database lists
 * (2037 on Debian) the last offset stays.
 */
struct bt_tz;

// An IANA name such as "Asia/Ho_Chi_Minh". Errors: -ENOENT unknown, -EINVAL no usable data.
int bt_tz_load(const char *name, struct bt_tz **out, struct bt_error *err) BT_NODISCARD;
int bt_tz_parse(const void *file, size_t len, struct bt_tz **out,
                struct bt_error *err) BT_NODISCARD;  // a whole TZif file, RFC 8536
struct bt_tz *bt_tz_create_fixed(int32_t offset_s) BT_NODISCARD;
void bt_tz_destroy(struct bt_tz *tz);
BT_DEFINE_AUTO(bt_tz)

int32_t bt_tz_offset_s(const struct bt_tz *tz, int64_t utc_s);
int64_t bt_tz_to_local_s(const struct bt_tz *tz, int64_t utc_s);

// A local time that happens twice means the first; one that is skipped means the instant of the
// change.
int64_t bt_tz_to_utc_s(const struct bt_tz *tz, int64_t local_s);

// The next change of the offset after utc_s, or INT64_MAX.
int64_t bt_tz_next_change_s(const struct bt_tz *tz, int64_t utc_s);

#endif

/**
 * What a clock item shows. The pattern is text with these placeholders, in local time:
 *
 *   %H hour 00..23   %M minute   %S second   %d day 01..31   %m month 01..12   %Y year
 *   %A weekday in Vietnamese ("Thứ Hai" .. "Chủ Nhật")       %% a percent sign
 *   %l lunar day and month ("12/10"; "3/6 nhuận" in a leap month)
 *   %L lunar date in words ("ngày 12 tháng 10 năm Bính Ngọ")
 *
 * Lunar dates are Vietnam's and known from 1900 to 2100; outside there is nothing in their place.
 *
 * Not strftime: its words depend on the locale the process runs in.
 */
#ifndef BT_PLAYLISTS_CLOCK_TEXT_H
#define BT_PLAYLISTS_CLOCK_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// Errors: -EINVAL an unknown placeholder.
int bt_clock_pattern_check(const char *pattern, struct bt_error *err) BT_NODISCARD;

// The text at a local second; the caller frees it. The pattern has passed the check.
char *bt_clock_text(const char *pattern, int64_t local_s) BT_NODISCARD;

// Whether the text changes every second; otherwise it changes with the minute.
bool bt_clock_shows_seconds(const char *pattern);

#endif

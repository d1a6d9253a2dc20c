/**
 * Time and date as people in Việt Nam read them, from a pattern. The letters are CLDR's:
 *
 *   H HH     hour 0..23            EEEE  Thứ hai … Thứ bảy, Chủ nhật
 *   h hh     hour 1..12            eeee  the same inside a sentence: thứ hai … chủ nhật
 *   m mm     minute                EEE   Th 2 … Th 7, CN
 *   s ss     second                d dd  day of the month
 *   a        SA, CH                M MM  month
 *   yyyy yy  year                  MMMM  tháng 1 … tháng 12
 *
 * Text in single quotes stands for itself ('ngày' d), '' is one quote; so does everything that is
 * no letter a..z, A..Z, line ends too. Pure and thread-safe.
 */
#ifndef BT_MEDIA_CLOCKFACE_H
#define BT_MEDIA_CLOCKFACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/civil.h"

#define BT_CLOCKFACE_DEFAULT "HH:mm\nEEEE, dd/MM/yyyy"  // 09:30 / Thứ bảy, 21/11/2026

/**
 * Writes what a clock with this pattern shows at a local time.
 * Errors: -EINVAL a letter without meaning or an open quote (err names it), -EMSGSIZE it does not
 * fit.
 */
int bt_clockface_format(const char *pattern, const struct bt_civil *local, char *out, size_t size,
                        struct bt_error *err) BT_NODISCARD;

// How often what it shows changes: 1 with seconds, else 60.
int64_t bt_clockface_period_s(const char *pattern);

#endif

/**
 * The Vietnamese lunisolar calendar (âm lịch), computed from its definition: a month begins on the
 * day, by the clock of UTC+7, on which the moon is new; the month in which the sun passes 270°
 * (đông chí) is the eleventh; where thirteen months begin between two eleventh ones, the first in
 * which the sun passes no multiple of 30° is a leap month and has the number of the one before it.
 *
 * Moon and sun after J. Meeus, Astronomical Algorithms, chapters 49 and 25: to some seconds, and to
 * some minutes. Compared with the positions that PyEphem gives, every month from 1900 to 2100
 * begins on the same day but one: the new moon of July 1967 came three seconds after midnight.
 * What people used before 1968 was at times the Chinese calendar, which counts by UTC+8.
 */
#ifndef BT_PLAYLISTS_LUNAR_H
#define BT_PLAYLISTS_LUNAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_lunar {
    int day;       // 1..30
    int month;     // 1..12
    bool leap;     // the second one of that number
    int64_t year;  // the Gregorian year in which it begins
};

// The lunar date of a local second; false outside 1900..2100.
bool bt_lunar_from_s(int64_t local_s, struct bt_lunar *out) BT_NODISCARD;

// As numbers, "12/10" and "3/6 nhuận"; both into a buffer of BT_LUNAR_BYTES.
#define BT_LUNAR_BYTES 96
void bt_lunar_short(const struct bt_lunar *lunar, char *out);

// As calendars and announcements say it: "ngày mùng 3 tháng 6 nhuận năm Ất Tỵ". The first ten days
// are "mùng", months one and twelve are "Giêng" and "Chạp".
void bt_lunar_long(const struct bt_lunar *lunar, char *out);

#endif

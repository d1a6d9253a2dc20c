// Reporting periods: days from words and closing days. Pure.
#ifndef BT_SERVER_REPORTS_PERIOD_H
#define BT_SERVER_REPORTS_PERIOD_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "server/reports/params.h"

// In the order of bt_report_presets.
enum bt_preset {
    BT_PRESET_MONTH,
    BT_PRESET_HALF_1,
    BT_PRESET_HALF_2,
    BT_PRESET_YEAR,
    BT_PRESET_CALENDAR_MONTH,
    BT_PRESET_CALENDAR_YEAR,
};

struct bt_period {
    int64_t from_day, until_day;
    char name[16];    // "2026-10", "2026"
    char phrase[64];  // "tháng 10/2026", "6 tháng đầu năm 2026"
};

// -EINVAL: no such period, or one that begins after its end because the closing days are odd.
int bt_period_parse(enum bt_preset preset, const char *name,
                    const struct bt_report_closing *closing, struct bt_period *out) BT_NODISCARD;
int bt_period_due(enum bt_preset preset, int64_t today, const struct bt_report_closing *closing,
                  struct bt_period *out) BT_NODISCARD;

void bt_period_days_phrase(int64_t from_day, int64_t until_day, char *out, size_t size);

int64_t bt_day_of_s(int64_t seconds);  // floor
#define BT_DAY_BYTES 16
void bt_day_iso(int64_t day, char out[BT_DAY_BYTES]);  // "2026-10-01"
void bt_day_vi(int64_t day, char out[BT_DAY_BYTES]);   // "01/10/2026"

#endif

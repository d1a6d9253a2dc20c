/**
 * What a report is about: which days, whose screens, which plays, and by what they are grouped.
 *
 * Periods follow the closing days of the offices (server/settings/): a report that is due on the
 * 20th counts from the 20th of the month before to the 19th, so that no day is left out between two
 * reports and none is counted twice. All pure.
 */
#ifndef BT_SERVER_REPORTS_PARAMS_H
#define BT_SERVER_REPORTS_PARAMS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "plays/dimension.h"

// Ten years: more is asked for by nobody, and an hour's work for the database.
#define BT_REPORT_MAX_DAYS 3660

#define BT_REPORT_TEXT_BYTES 201
#define BT_REPORT_ID_BYTES 129  // of whatever is filtered by

struct bt_report_params {
    char unit[25];
    char preset[24];              // "" without
    char period[16];              // of a preset: "2026-10", "2026"; "" the one that is due
    int64_t from_day, until_day;  // since 1970-01-01; the last one belongs to it
    enum bt_dimension by[BT_DIMENSIONS];
    size_t by_count;
    char campaign[BT_REPORT_ID_BYTES], item[BT_REPORT_ID_BYTES];
    char screen[BT_REPORT_ID_BYTES], group[BT_REPORT_ID_BYTES];
    int units;  // enum bt_report_units
    int level;  // enum bt_report_level
    char title[BT_REPORT_TEXT_BYTES];
    char phrase[BT_REPORT_TEXT_BYTES];  // "tháng 10/2026", for sentences
    bool keep;
};

// Plays of a unit that was merged away stand under its own code, or under the one it is part of
// now.
enum bt_report_units { BT_UNITS_THEN, BT_UNITS_NOW };
// Each unit by itself, or together with all below the units right below the report's.
enum bt_report_level { BT_LEVEL_OWN, BT_LEVEL_BELOW };

bool bt_report_has(const struct bt_report_params *params, enum bt_dimension by);

/**
 * Reads a request's body {"unit", "from", "to" or "preset" (and "period"), "by": […], "campaign",
 * "item", "screen", "group", "units", "level", "title", "keep"}. Errors: -EINVAL with the reason.
 * The days of a preset are filled in by bt_report_settle.
 */
int bt_report_params_read(const cJSON *json, struct bt_report_params *out,
                          struct bt_error *err) BT_NODISCARD;

struct bt_report_closing {
    int month_day;                 // 1..28
    int half_1_day, half_1_month;  // 15, 6
    int half_2_day, half_2_month;
};

extern const char *const bt_report_presets[];  // ends with NULL

/**
 * Fills in days, title and phrase. Without a period a preset means the one that ends within nine
 * days from `today`, or else the last one that is over. Errors: -EINVAL.
 */
int bt_report_settle(struct bt_report_params *params, const struct bt_report_closing *closing,
                     int64_t today, struct bt_error *err) BT_NODISCARD;

/**
 * SHA-256 in hex of all that was asked for but the days: reports of one kind and unit follow each
 * other. Out has room for 65 bytes.
 */
void bt_report_kind(const struct bt_report_params *params, char out[65]);

#endif

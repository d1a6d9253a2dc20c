/**
 * What a report says beside its rows: how complete it is, whom a campaign reached, how soon, and
 * why something fell short. Each is a part of the report document (docs/reports.md).
 */
#ifndef BT_SERVER_REPORTS_FACTS_H
#define BT_SERVER_REPORTS_FACTS_H

#include <cjson/cJSON.h>

#include "server/reports/scope.h"

// Lists end here and say in "more" how many there would have been.
#define BT_REPORT_MAX_LISTED 1000

int bt_report_completeness(struct bt_db *db, const struct bt_report_params *params,
                           const char *path, const struct bt_scope *scope, cJSON **out,
                           struct bt_error *err) BT_NODISCARD;
cJSON *bt_report_coverage(const struct bt_scope *scope);
int bt_report_timeliness(struct bt_db *db, const struct bt_report_params *params,
                         const struct bt_scope *scope, cJSON **out,
                         struct bt_error *err) BT_NODISCARD;

// Plays that ended early, by what ended them.
int bt_report_reasons(struct bt_db *db, const struct bt_report_params *params, const char *path,
                      const struct bt_scope *scope, cJSON **out, struct bt_error *err) BT_NODISCARD;

/**
 * What was asked for and did not come complete, and why: screen by screen and day by day, so that
 * what one showed too often makes up for nothing on another. null over ranges too long for that.
 */
int bt_report_shortfall(struct bt_db *db, const struct bt_report_params *params, const char *path,
                        const struct bt_scope *scope, cJSON **out,
                        struct bt_error *err) BT_NODISCARD;

// {"PLAYER/JOURNAL": last record counted} of the scope's screens.
int bt_report_watermarks(struct bt_db *db, const struct bt_scope *scope, cJSON **out,
                         struct bt_error *err) BT_NODISCARD;

#endif

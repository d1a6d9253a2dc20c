/**
 * What came between a schedule and its screens: takedowns, emergencies, and what was wrong with
 * screens, as people were told of it. The part "incidents" of the report document.
 */
#ifndef BT_SERVER_REPORTS_INCIDENTS_H
#define BT_SERVER_REPORTS_INCIDENTS_H

#include <cjson/cJSON.h>

#include "server/reports/scope.h"

// Of the scope's screens, whatever campaign or item the report is about. `path` of its unit.
int bt_report_incidents(struct bt_db *db, const struct bt_report_params *params, const char *path,
                        const struct bt_scope *scope, cJSON **out,
                        struct bt_error *err) BT_NODISCARD;

#endif

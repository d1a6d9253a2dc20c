// Gives a table's labels the names that people know: units, screens, campaigns, what was shown.
#ifndef BT_SERVER_REPORTS_NAMES_H
#define BT_SERVER_REPORTS_NAMES_H

#include "base/error.h"
#include "server/db/db.h"
#include "server/reports/table.h"

int bt_report_name(struct bt_db *db, const struct bt_report_params *params,
                   struct bt_report_table *table, struct bt_error *err) BT_NODISCARD;

/**
 * What each campaign of the table was to reach (`goal_plays`), and by how much it fell short;
 * likewise of what was planned where there is no goal. A goal is a campaign's as a whole: it is
 * said where nothing else divides the rows.
 */
int bt_report_goals(struct bt_db *db, const struct bt_report_params *params,
                    struct bt_report_table *table, struct bt_error *err) BT_NODISCARD;

#endif

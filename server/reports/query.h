/**
 * The questions a report asks the counts (play_daily, play_hourly, plan_daily), put together from
 * fixed pieces of SQL; what people said is in values.
 *
 * Which plays belong to a unit: those that stand under its code or a code below it, and those under
 * the code of a unit that is no more and was noted as a former code of one of these (unit_alias).
 */
#ifndef BT_SERVER_REPORTS_QUERY_H
#define BT_SERVER_REPORTS_QUERY_H

#include "base/buf.h"
#include "server/db/db.h"
#include "server/reports/params.h"
#include "server/reports/table.h"

#define BT_REPORT_MAX_VALUES 32

struct bt_report_query {
    struct bt_buf sql;
    struct bt_db_value values[BT_REPORT_MAX_VALUES];
    size_t count;
    int r;  // the first error while it was put together
};
void bt_report_query_finish(struct bt_report_query *query);
#define BT_AUTOQUERY BT_AUTOFINISH(bt_report_query_finish) struct bt_report_query

/**
 * Begins with the common part: "WITH … place(code, unit) AS (…) ", where `unit` is what a code
 * counts as. `path` (of the report's unit) is borrowed until the query was asked.
 */
void bt_report_query_begin(struct bt_report_query *query, const struct bt_report_params *params,
                           const char *path);
void bt_report_query_add(struct bt_report_query *query, const char *text);
// The number behind '$' for a value; adds nothing.
size_t bt_report_query_value(struct bt_report_query *query, struct bt_db_value value);
// "d.day >= $ AND d.day <= $ AND p.code = d.unit", and what is filtered by (d, p, s).
void bt_report_query_where(struct bt_report_query *query, const struct bt_report_params *params);
// "FROM plan_daily d … WHERE …", with the same filters.
void bt_report_query_planned(struct bt_report_query *query, const struct bt_report_params *params);
int bt_report_query_ask(struct bt_report_query *query, struct bt_db *db, struct bt_db_rows **out,
                        struct bt_error *err) BT_NODISCARD;

// Fills the table with what was counted, and with what was planned where that is known.
int bt_report_fill(struct bt_db *db, const struct bt_report_params *params, const char *path,
                   struct bt_report_table *table, struct bt_error *err) BT_NODISCARD;

#endif

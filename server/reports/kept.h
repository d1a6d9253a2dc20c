// Reports that are kept: made in one snapshot, stored, found again.
#ifndef BT_SERVER_REPORTS_KEPT_H
#define BT_SERVER_REPORTS_KEPT_H

#include "server/reports/document.h"
#include "server/reports/params.h"

// The closing days and the local day that hold in the report's unit; settles the params with them.
int bt_report_settle_in(struct bt_db *db, struct bt_report_params *params, int64_t now_ms,
                        struct bt_error *err) BT_NODISCARD;

// Inside a writing transaction.
int bt_report_store(struct bt_db *db, const struct bt_report_order *order,
                    const struct bt_report_made *made, struct bt_error *err) BT_NODISCARD;

#endif

/**
 * What came late: a report remembers what it counted on each day and screen (report_day), so that
 * the next of its kind can say what has come since for days that were reported already ("bổ sung").
 * It remembers these days anew, and so on for thirteen months.
 *
 * A row with the screen "" stands for each day that was reported at all: a day without it was in no
 * report, and nothing on it is late.
 */
#ifndef BT_SERVER_REPORTS_SUPPLEMENT_H
#define BT_SERVER_REPORTS_SUPPLEMENT_H

#include <cjson/cJSON.h>

#include "server/reports/scope.h"

struct bt_remembered {
    struct bt_scope_day *list;  // by day, then screen
    size_t count, capacity;
};
void bt_remembered_finish(struct bt_remembered *days);
#define BT_AUTOREMEMBERED BT_AUTOFINISH(bt_remembered_finish) struct bt_remembered

/**
 * *out is the document's "supplement", `days` what the new report has to store. Both are empty
 * where there was no report before, or where there are too many days.
 */
int bt_supplement_make(struct bt_db *db, const struct bt_report_params *params, const char *path,
                       const struct bt_scope *scope, cJSON **out, struct bt_remembered *days,
                       struct bt_error *err) BT_NODISCARD;

int bt_supplement_store(struct bt_db *db, const char *report, const struct bt_remembered *days,
                        struct bt_error *err) BT_NODISCARD;

#endif

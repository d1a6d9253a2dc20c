// The columns of reports: one table for documents, CSV and XLSX.
#ifndef BT_SERVER_REPORTS_COLUMNS_H
#define BT_SERVER_REPORTS_COLUMNS_H

#include "server/reports/params.h"
#include "server/reports/table.h"

struct bt_report_column {
    const char *name, *kind, *vi, *en;
};
extern const struct bt_report_column bt_dimension_columns[BT_DIMENSIONS];
extern const struct bt_report_column bt_measure_columns[BT_MEASURE_COUNT];
// Beside a name stands what it stands for: an id, a code, a hash. .name NULL: nothing does.
extern const struct bt_report_column bt_key_columns[BT_DIMENSIONS];

// What a word of the counts ("normal", "power lost") is called in Vietnamese; itself if unknown.
const char *bt_report_word_vi(const char *word);

#endif

/**
 * A report's rows while they are put together: for each a name under every dimension, and its
 * measures. Not thread-safe.
 */
#ifndef BT_SERVER_REPORTS_TABLE_H
#define BT_SERVER_REPORTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "server/reports/params.h"

// Fifty thousand rows are a thousand pages, and 50 MiB while they become a spreadsheet.
#define BT_REPORT_MAX_ROWS 50000

enum bt_measure {
    BT_MEASURE_SCHEDULED,
    BT_MEASURE_COMPLETE,
    BT_MEASURE_PARTIAL,
    BT_MEASURE_VERIFIED,
    BT_MEASURE_CARDS,
    BT_MEASURE_SHOWN_MS,
    BT_MEASURE_SCREENS,
    BT_MEASURE_GOAL,
    BT_MEASURE_SHORTFALL,
    BT_MEASURE_COUNT
};

// What stands under a dimension: its key in the database, and what people call it.
struct bt_report_label {
    char *key;      // "c-7K3QZ5MX2A", "2026-10-03", "07"
    char *name;     // NULL: as the key
    char *sort;     // what it is sorted by; NULL: the key
    size_t number;  // in the order in which they came
};

struct bt_report_row {
    struct bt_report_label *labels[BT_DIMENSIONS];  // as many as `by` has; borrowed from the table
    int64_t measures[BT_MEASURE_COUNT];
    bool known[BT_MEASURE_COUNT];
    unsigned char *seen;  // a bit for each screen, by the label's number
    size_t seen_room;
};

struct bt_report_table;
struct bt_report_table *bt_report_table_create(const struct bt_report_params *params) BT_NODISCARD;
void bt_report_table_destroy(struct bt_report_table *table);
BT_DEFINE_AUTO(bt_report_table)

/**
 * The row under these keys, in the order of `by`; made when there is none. Borrowed until the next
 * one is made. Errors: -E2BIG too many rows.
 */
int bt_report_table_row(struct bt_report_table *table, const char *const *keys,
                        struct bt_report_row **out, struct bt_error *err) BT_NODISCARD;

// Counts the screen in the row's BT_MEASURE_SCREENS, once.
void bt_report_row_saw(struct bt_report_table *table, struct bt_report_row *row,
                       const char *screen);

size_t bt_report_table_count(const struct bt_report_table *table);
struct bt_report_row *bt_report_table_at(struct bt_report_table *table, size_t index);

// All labels of a dimension, for giving them names.
size_t bt_report_label_count(const struct bt_report_table *table, size_t dimension);
struct bt_report_label *bt_report_label_at(const struct bt_report_table *table, size_t dimension,
                                           size_t index);
struct bt_report_label *bt_report_label_find(const struct bt_report_table *table, size_t dimension,
                                             const char *key);  // or NULL

// A name, and what it is sorted by: both are copied. The first name given stays.
void bt_report_label_name(struct bt_report_label *label, const char *name);

// By the first dimension, then the second…
void bt_report_table_sort(struct bt_report_table *table);

#endif

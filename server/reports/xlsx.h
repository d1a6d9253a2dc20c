/**
 * A report as a spreadsheet, laid out as the annexes of offices are: names of the office and the
 * State, the form's title, merged headings, a row for the sum, who made it and who signs it. A4
 * landscape, headings on every page, Times New Roman; numbers are numbers. What must be known
 * beside them stands on a second sheet and at the foot of every page.
 *
 * Drawn from a report document alone; the same document gives the same bytes.
 */
#ifndef BT_SERVER_REPORTS_XLSX_H
#define BT_SERVER_REPORTS_XLSX_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define BT_XLSX_MAX_BYTES (32 * 1024 * 1024)

// Appends the file. Thread-safe.
int bt_report_xlsx(const char *document, size_t len, struct bt_buf *out,
                   struct bt_error *err) BT_NODISCARD;

#endif

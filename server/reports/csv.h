// Files that are drawn from a report document, and from nothing else: the same document gives the
// same bytes.
#ifndef BT_SERVER_REPORTS_CSV_H
#define BT_SERVER_REPORTS_CSV_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/**
 * CSV as docs/reports.md has it. `separator` is ';' or ','; with ';' decimals have a comma. The
 * text is appended.
 */
int bt_report_csv(const char *document, size_t len, char separator, struct bt_buf *out,
                  struct bt_error *err) BT_NODISCARD;

#endif

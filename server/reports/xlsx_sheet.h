// What the sheets of a report's spreadsheet share: formats, and cells that are put safely.
#ifndef BT_SERVER_REPORTS_XLSX_SHEET_H
#define BT_SERVER_REPORTS_XLSX_SHEET_H

#include <cjson/cJSON.h>
#include <xlsxwriter.h>

#include "server/reports/document.h"

enum bt_sheet_format {
    BT_FORMAT_PLAIN,
    BT_FORMAT_OFFICE,  // bold, in the middle
    BT_FORMAT_MOTTO,   // underlined, too
    BT_FORMAT_TITLE,
    BT_FORMAT_SUBTITLE,
    BT_FORMAT_HEADING,
    BT_FORMAT_ORDER,
    BT_FORMAT_TEXT,
    BT_FORMAT_NUMBER,
    BT_FORMAT_HOURS,
    BT_FORMAT_PERCENT,
    BT_FORMAT_SUM_TEXT,
    BT_FORMAT_SUM_NUMBER,
    BT_FORMAT_SUM_HOURS,
    BT_FORMAT_SUM_PERCENT,
    BT_FORMAT_NOTE,
    BT_FORMAT_SECTION,
    BT_FORMAT_GROUP,  // of a table's rows
    BT_FORMAT_SIGN,
    BT_FORMAT_COUNT
};

struct bt_sheet {
    lxw_workbook *workbook;
    lxw_worksheet *sheet;
    lxw_format *formats[BT_FORMAT_COUNT];
    const cJSON *head;
    lxw_row_t row;  // the next one
    int lines;      // of text that it has, as far as was said
    bool large;     // rows are written as they come and cannot be changed afterwards
    bool failed;
};

void bt_sheet_formats(struct bt_sheet *sheet);

// A new sheet with page, margins, header and footer.
void bt_sheet_begin(struct bt_sheet *sheet, const char *name);

void bt_sheet_text(struct bt_sheet *sheet, int column, const char *text,
                   enum bt_sheet_format format);
void bt_sheet_number(struct bt_sheet *sheet, int column, double number,
                     enum bt_sheet_format format);
void bt_sheet_blank(struct bt_sheet *sheet, int column, enum bt_sheet_format format);

/**
 * Spreadsheets do not make rows higher by themselves for what is wrapped in merged cells, and not
 * all do for others: that a text stands in so many characters' width is said before its row ends.
 */
void bt_sheet_fit(struct bt_sheet *sheet, const char *text, double width);
void bt_sheet_end_row(struct bt_sheet *sheet);

// One text over several cells of `rows` rows from the present one.
void bt_sheet_over(struct bt_sheet *sheet, int first, int last, int rows, const char *text,
                   enum bt_sheet_format format);

// Over columns 0 to `last`, so wide together: the office, the State, the form's title and what it
// is about; and, under everything else, who signs it.
void bt_sheet_top(struct bt_sheet *sheet, int last, double width, const char *title);
void bt_sheet_signatures(struct bt_sheet *sheet, int last);

// The form itself, the sheet of what must be known beside it, and that of incidents.
int bt_sheet_form(struct bt_sheet *sheet, struct bt_report_reader *reader,
                  struct bt_error *err) BT_NODISCARD;
void bt_sheet_facts(struct bt_sheet *sheet);
void bt_sheet_incidents(struct bt_sheet *sheet);

#endif

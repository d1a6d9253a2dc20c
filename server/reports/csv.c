#include "server/reports/csv.h"

#include <errno.h>
#include <string.h>

#include "server/reports/columns.h"
#include "server/reports/document.h"
#include "server/reports/shown.h"

struct csv {
    struct bt_buf *out;
    char separator;
    bool begun;  // the line has a cell
    int r;
};

static void add(struct csv *csv, const char *text, size_t len)
{
    csv->r = csv->r < 0 ? csv->r : bt_buf_append(csv->out, text, len);
}

static void begin_cell(struct csv *csv)
{
    if (csv->begun) {
        add(csv, &csv->separator, 1);
    }
    csv->begun = true;
}

// Spreadsheets run a text that begins like a formula; an apostrophe says that it is a text.
static void add_text(struct csv *csv, const char *text)
{
    begin_cell(csv);
    add(csv, "\"", 1);
    if (text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL) {
        add(csv, "'", 1);
    }
    for (const char *c = text; *c != '\0'; c++) {
        add(csv, c, 1);
        if (*c == '"') {
            add(csv, c, 1);
        }
    }
    add(csv, "\"", 1);
}

static void end_line(struct csv *csv)
{
    add(csv, "\r\n", 2);
    csv->begun = false;
}

// Seconds with three decimals: exact, and a number for a spreadsheet of the same language.
static void add_duration(struct csv *csv, int64_t ms)
{
    char comma = csv->separator == ';' ? ',' : '.';
    begin_cell(csv);
    csv->r = csv->r < 0 ? csv->r
                        : bt_buf_appendf(csv->out, "%lld%c%03lld", (long long)(ms / 1000), comma,
                                         (long long)(ms % 1000));
}

static void add_number(struct csv *csv, int64_t number)
{
    begin_cell(csv);
    csv->r = csv->r < 0 ? csv->r : bt_buf_appendf(csv->out, "%lld", (long long)number);
}

static void add_cell(struct csv *csv, const cJSON *column, const cJSON *cell)
{
    char shown[BT_SHOWN_BYTES];
    int64_t number;
    if (cJSON_IsString(cell)) {
        bt_shown_text(column, cell->valuestring, shown);
        add_text(csv, shown);
    } else if (!bt_shown_whole(cell, &number)) {
        begin_cell(csv);
    } else if (strcmp(bt_shown_key(column, "kind"), "duration_ms") == 0) {
        add_duration(csv, number);
    } else {
        add_number(csv, number);
    }
}

static void add_headings(struct csv *csv, const cJSON *columns)
{
    for (const cJSON *column = columns->child; column != NULL; column = column->next) {
        char heading[BT_SHOWN_BYTES];
        bool seconds = strcmp(bt_shown_key(column, "kind"), "duration_ms") == 0;
        bt_copy_cut(heading, sizeof(heading) - 16, bt_shown_key(column, "vi"));
        add_text(csv, seconds ? "Thời lượng phát (giây)" : heading);
    }
    end_line(csv);
}

static void add_row(struct csv *csv, const cJSON *columns, const cJSON *row)
{
    const cJSON *cell = row->child;
    for (const cJSON *column = columns->child; column != NULL && cell != NULL;
         column = column->next, cell = cell->next) {
        add_cell(csv, column, cell);
    }
    end_line(csv);
}

// The first cell of the total says what it is; without dimensions there is none to say it in.
static void add_total(struct csv *csv, const cJSON *head)
{
    const cJSON *columns = bt_shown_member(head, "columns"),
                *total = bt_shown_member(head, "total");
    const cJSON *cell = total->child, *column = columns->child;
    if (cJSON_IsString(cell)) {
        add_text(csv, "Tổng cộng");
        cell = cell->next, column = column->next;
    }
    for (; column != NULL && cell != NULL; column = column->next, cell = cell->next) {
        add_cell(csv, column, cell);
    }
    end_line(csv);
}

static void add_notes(struct csv *csv, const cJSON *head)
{
    struct bt_shown_notes notes;
    bt_shown_notes(head, &notes);
    end_line(csv);
    for (size_t i = 0; i < notes.count; i++) {
        add_text(csv, notes.lines[i]);
        end_line(csv);
    }
}

// Why something fell short, each reason with its number; nothing where there is none to say.
static void add_reasons(struct csv *csv, const cJSON *list, const char *title, const char *number)
{
    if (!cJSON_IsArray(list) || list->child == NULL) {
        return;
    }
    end_line(csv);
    add_text(csv, title);
    add_text(csv, "Số lượt");
    end_line(csv);
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        add_text(csv, bt_report_word_vi(bt_shown_key(item, "reason")));
        add_number(csv, bt_shown_number(item, number));
        end_line(csv);
    }
}

int bt_report_csv(const char *document, size_t len, char separator, struct bt_buf *out,
                  struct bt_error *err)
{
    BT_AUTOREADER reader;
    struct csv csv = {.out = out, .separator = separator};
    int r = bt_report_reader_init(&reader, document, len, err);
    if (r < 0 || (r = bt_shown_check(reader.head, err)) < 0) {
        return r;
    }
    const cJSON *columns = bt_shown_member(reader.head, "columns");
    add(&csv, "\xef\xbb\xbf", 3);
    add_headings(&csv, columns);
    cJSON *row = NULL;
    while ((r = bt_report_reader_next(&reader, &row, err)) > 0) {
        add_row(&csv, columns, row);
        cJSON_Delete(row);
    }
    if (r < 0) {
        return r;
    }
    add_total(&csv, reader.head);
    add_notes(&csv, reader.head);
    add_reasons(&csv, bt_shown_member(bt_shown_member(reader.head, "shortfall"), "reasons"),
                "Theo lịch mà chưa phát trọn vẹn, theo lý do", "plays");
    add_reasons(&csv, bt_shown_member(reader.head, "reasons"), "Lượt dở dang, theo lý do",
                "partial");
    return csv.r < 0 ? bt_fail(err, csv.r, "The file became too long") : 0;
}

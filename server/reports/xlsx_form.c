// The form: one row for each row of the report.
#include <string.h>

#include "server/reports/shown.h"
#include "server/reports/xlsx_sheet.h"

#define MAX_COLUMNS 24
// Points: one line, and two lines of eleven.
#define GROUP_HEIGHT 18
#define TITLES_HEIGHT 33
#define WIDTH_OF_SUM 16

enum cell_kind { CELL_NUMBER, CELL_TEXT, CELL_COUNT, CELL_HOURS, CELL_SHARE };

// A column of the form, from one or two of the report's.
struct column {
    enum cell_kind kind;
    const char *title;
    const char *group;  // a heading above it and its neighbours, or NULL
    int source, of;     // places in the report's rows; `of` for shares
    double width;
    const cJSON *said;  // the report's column, for texts
    bool partly;        // only some rows say it: of the sum there is no share
};

struct form {
    struct column columns[MAX_COLUMNS];
    int count;
};

static int place_of(const cJSON *head, const char *name)
{
    int place = 0;
    for (const cJSON *column = bt_shown_member(head, "columns")->child; column != NULL;
         column = column->next, place++) {
        if (strcmp(bt_shown_key(column, "name"), name) == 0) {
            return place;
        }
    }
    return -1;
}

static void add(struct form *form, const struct column *column)
{
    if (form->count < MAX_COLUMNS) {
        form->columns[form->count++] = *column;
    }
}

static bool is_dimension(const cJSON *head, const char *name)
{
    for (const cJSON *by = bt_shown_member(head, "by")->child; by != NULL; by = by->next) {
        if (cJSON_IsString(by) && strcmp(by->valuestring, name) == 0) {
            return true;
        }
    }
    return false;
}

static double width_of_text(const char *name)
{
    static const struct {
        const char *name;
        double width;
    } narrow[] = {
        {"day", 12},      {"month", 12},  {"hour", 12},
        {"priority", 12}, {"reason", 20}, {"evidence", 24},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(narrow); i++) {
        if (strcmp(narrow[i].name, name) == 0) {
            return narrow[i].width;
        }
    }
    return 34;
}

static void add_texts(struct form *form, const cJSON *head)
{
    int place = 0;
    for (const cJSON *column = bt_shown_member(head, "columns")->child; column != NULL;
         column = column->next, place++) {
        const char *name = bt_shown_key(column, "name");
        if (is_dimension(head, name)) {
            add(form, &(struct column){.kind = CELL_TEXT,
                                       .title = bt_shown_key(column, "vi"),
                                       .source = place,
                                       .width = width_of_text(name),
                                       .said = column});
        }
    }
}

// Columns of numbers that no row says are left out; the sum tells.
static void add_numbers(struct form *form, const cJSON *head)
{
    static const struct {
        enum cell_kind kind;
        const char *title, *group, *source, *of;
        bool zero_is_nothing;
    } wanted[] = {
        {CELL_COUNT, "Số màn hình", NULL, "screens", NULL, false},
        {CELL_COUNT, "Theo lịch", NULL, "scheduled", NULL, false},
        {CELL_COUNT, "Trọn vẹn", "Số lượt phát", "complete", NULL, false},
        {CELL_COUNT, "Dở dang", "Số lượt phát", "partial", NULL, false},
        {CELL_COUNT, "Xác minh hiển thị", "Số lượt phát", "verified", NULL, false},
        {CELL_SHARE, "Tỷ lệ xác minh (%)", "Số lượt phát", "verified", "complete", false},
        {CELL_COUNT, "Lượt thẻ", NULL, "cards", NULL, true},
        {CELL_HOURS, "Tổng thời lượng (giờ)", NULL, "shown_ms", NULL, false},
        {CELL_COUNT, "Chỉ tiêu", "Kế hoạch", "goal", NULL, false},
        {CELL_SHARE, "Thực hiện (%)", "Kế hoạch", "complete", "goal", false},
        {CELL_COUNT, "Còn thiếu", "Kế hoạch", "shortfall", NULL, false},
    };
    const cJSON *total = bt_shown_member(head, "total");
    for (size_t i = 0; i < BT_ARRAY_LEN(wanted); i++) {
        int source = place_of(head, wanted[i].source);
        int of = wanted[i].of != NULL ? place_of(head, wanted[i].of) : source;
        const cJSON *sum = cJSON_GetArrayItem(total, of);
        if (source < 0 || of < 0 || !cJSON_IsNumber(sum) ||
            (wanted[i].zero_is_nothing && sum->valuedouble < 1) ||
            (strcmp(wanted[i].source, "screens") == 0 && is_dimension(head, "screen"))) {
            continue;
        }
        add(form,
            &(struct column){.kind = wanted[i].kind,
                             .title = wanted[i].title,
                             .group = wanted[i].group,
                             .source = source,
                             .of = of,
                             .partly = wanted[i].of != NULL && strcmp(wanted[i].of, "goal") == 0,
                             .width = 12});
    }
}

static const char *form_title(const cJSON *head)
{
    static const struct {
        const char *by, *title;
    } titles[] = {
        {"item", "BIỂU 01: SỐ LƯỢT PHÁT THEO NỘI DUNG"},
        {"unit", "BIỂU 02: SỐ LƯỢT PHÁT THEO ĐƠN VỊ"},
        {"screen", "BIỂU 03: SỐ LƯỢT PHÁT THEO MÀN HÌNH"},
        {"day", "BIỂU 03: SỐ LƯỢT PHÁT THEO NGÀY"},
        {"campaign", "BIỂU 04: SỐ LƯỢT PHÁT THEO CHIẾN DỊCH"},
    };
    const cJSON *first = bt_shown_member(head, "by")->child;
    for (size_t i = 0; i < BT_ARRAY_LEN(titles) && cJSON_IsString(first); i++) {
        if (strcmp(first->valuestring, titles[i].by) == 0) {
            return titles[i].title;
        }
    }
    return "BIỂU TỔNG HỢP SỐ LƯỢT PHÁT";
}

// Where the columns under the same group as this one end.
static int end_of_group(const struct form *form, int first)
{
    const char *group = form->columns[first].group;
    int next = first + 1;
    while (next < form->count && group != NULL && form->columns[next].group != NULL &&
           strcmp(form->columns[next].group, group) == 0) {
        next++;
    }
    return next;
}

static void draw_groups(struct bt_sheet *sheet, const struct form *form)
{
    for (int i = 0, next; i < form->count; i = next) {
        next = end_of_group(form, i);
        if (form->columns[i].group != NULL) {
            bt_sheet_over(sheet, i, next - 1, 1, form->columns[i].group, BT_FORMAT_HEADING);
        } else {
            bt_sheet_over(sheet, i, i, sheet->large ? 1 : 2, form->columns[i].title,
                          BT_FORMAT_HEADING);
        }
    }
}

static void draw_titles(struct bt_sheet *sheet, const struct form *form)
{
    for (int i = 0; i < form->count; i++) {
        if (form->columns[i].group != NULL) {
            bt_sheet_text(sheet, i, form->columns[i].title, BT_FORMAT_HEADING);
        } else if (sheet->large) {
            bt_sheet_blank(sheet, i, BT_FORMAT_HEADING);
        }
    }
}

static void draw_headings(struct bt_sheet *sheet, const struct form *form)
{
    lxw_row_t first = sheet->row;
    worksheet_set_row(sheet->sheet, sheet->row, GROUP_HEIGHT, NULL);
    draw_groups(sheet, form);
    sheet->row++;
    worksheet_set_row(sheet->sheet, sheet->row, TITLES_HEIGHT, NULL);
    draw_titles(sheet, form);
    sheet->row++;
    worksheet_repeat_rows(sheet->sheet, first, first + 1);
    worksheet_freeze_panes(sheet->sheet, sheet->row, 1);
}

static void draw_number(struct bt_sheet *sheet, int at, const struct column *column,
                        const cJSON *row, bool sum)
{
    static const enum bt_sheet_format formats[][2] = {
        [CELL_COUNT] = {BT_FORMAT_NUMBER, BT_FORMAT_SUM_NUMBER},
        [CELL_HOURS] = {BT_FORMAT_HOURS, BT_FORMAT_SUM_HOURS},
        [CELL_SHARE] = {BT_FORMAT_PERCENT, BT_FORMAT_SUM_PERCENT},
    };
    const cJSON *value = cJSON_GetArrayItem(row, column->source);
    const cJSON *of = cJSON_GetArrayItem(row, column->of);
    enum bt_sheet_format format = formats[column->kind][sum ? 1 : 0];
    if (!cJSON_IsNumber(value) || !cJSON_IsNumber(of) ||
        (column->kind == CELL_SHARE && of->valuedouble < 1) || (sum && column->partly)) {
        bt_sheet_blank(sheet, at, format);
        return;
    }
    double divisor = column->kind == CELL_SHARE   ? of->valuedouble
                     : column->kind == CELL_HOURS ? 3600000.0
                                                  : 1.0;
    bt_sheet_number(sheet, at, value->valuedouble / divisor, format);
}

static void draw_row(struct bt_sheet *sheet, const struct form *form, const cJSON *row, int number)
{
    char text[BT_SHOWN_BYTES];
    for (int i = 0; i < form->count; i++) {
        const struct column *column = &form->columns[i];
        if (column->kind == CELL_NUMBER) {
            bt_sheet_number(sheet, i, number, BT_FORMAT_ORDER);
        } else if (column->kind == CELL_TEXT) {
            const char *said = cJSON_GetStringValue(cJSON_GetArrayItem(row, column->source));
            bt_shown_text(column->said, said != NULL ? said : "", text);
            bt_sheet_text(sheet, i, text, BT_FORMAT_TEXT);
            bt_sheet_fit(sheet, text, column->width);
        } else {
            draw_number(sheet, i, column, row, false);
        }
    }
    bt_sheet_end_row(sheet);
}

static void draw_total(struct bt_sheet *sheet, const struct form *form)
{
    int texts = 0;
    while (texts < form->count && form->columns[texts].kind <= CELL_TEXT) {
        texts++;
    }
    bt_sheet_over(sheet, 0, texts - 1, 1, "TỔNG CỘNG", BT_FORMAT_SUM_TEXT);
    for (int i = texts; i < form->count; i++) {
        draw_number(sheet, i, &form->columns[i], bt_shown_member(sheet->head, "total"), true);
    }
    sheet->row += 2;
}

static double width_of(const struct form *form)
{
    double width = 0;
    for (int i = 0; i < form->count; i++) {
        width += form->columns[i].width;
    }
    return width;
}

static void draw_notes(struct bt_sheet *sheet, const struct form *form)
{
    struct bt_shown_notes notes;
    bt_shown_notes(sheet->head, &notes);
    for (size_t i = 0; i < notes.count; i++) {
        bt_sheet_over(sheet, 0, form->count - 1, 1, notes.lines[i], BT_FORMAT_NOTE);
        bt_sheet_fit(sheet, notes.lines[i], width_of(form));
        bt_sheet_end_row(sheet);
    }
    sheet->row++;
}

int bt_sheet_form(struct bt_sheet *sheet, struct bt_report_reader *reader, struct bt_error *err)
{
    struct form form = {.count = 0};
    add(&form, &(struct column){.kind = CELL_NUMBER, .title = "STT", .width = 6});
    add_texts(&form, sheet->head);
    if (form.count == 1) {
        form.columns[0].width = WIDTH_OF_SUM;  // nothing beside it says that the sum is one
    }
    add_numbers(&form, sheet->head);
    bt_sheet_begin(sheet, "Lượt phát");
    for (int i = 0; i < form.count; i++) {
        worksheet_set_column(sheet->sheet, (lxw_col_t)i, (lxw_col_t)i, form.columns[i].width, NULL);
    }
    bt_sheet_top(sheet, form.count - 1, width_of(&form), form_title(sheet->head));
    draw_headings(sheet, &form);
    cJSON *row = NULL;
    int r, number = 0;
    while ((r = bt_report_reader_next(reader, &row, err)) > 0) {
        draw_row(sheet, &form, row, ++number);
        cJSON_Delete(row);
    }
    if (r == 0) {
        draw_total(sheet, &form);
        draw_notes(sheet, &form);
        bt_sheet_signatures(sheet, form.count - 1);
    }
    return r;
}

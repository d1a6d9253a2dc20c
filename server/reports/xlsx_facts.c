// The sheet beside the form: who has not reported, what was lost, who did not show it, what came
// late, why plays ended early.
#include <string.h>

#include "server/reports/columns.h"
#include "server/reports/shown.h"
#include "server/reports/xlsx_sheet.h"

#define WIDTH 7
static const double widths[WIDTH] = {6, 38, 34, 18, 18, 18, 18};

enum fact_kind { FACT_TEXT, FACT_COUNT, FACT_MOMENT, FACT_DAY, FACT_WORD };

struct fact_column {
    const char *title, *key;
    enum fact_kind kind;
};

struct fact_list {
    const char *part, *key;  // key NULL: the part itself is the list
    const char *title;
    const char *more;  // the number that is not listed
    struct fact_column columns[WIDTH - 1];
};

static const struct fact_list lists[] = {
    {"completeness",
     "silent",
     "1. Màn hình chưa báo về đủ",
     "silent_more",
     {{"Màn hình", "name", FACT_TEXT},
      {"Đơn vị", "unit_name", FACT_TEXT},
      {"Mã màn hình", "screen", FACT_TEXT},
      {"Đã biết đến lúc", "known_ms", FACT_MOMENT}}},
    {"completeness",
     "losses",
     "2. Khai báo mất lượt phát",
     "losses_more",
     {{"Nguyên nhân", "cause", FACT_WORD},
      {"Màn hình", "name", FACT_TEXT},
      {"Mã màn hình", "screen", FACT_TEXT},
      {"Số lượt (0: không rõ)", "plays", FACT_COUNT},
      {"Từ", "start_ms", FACT_MOMENT},
      {"Đến", "end_ms", FACT_MOMENT}}},
    {"coverage",
     "missing",
     "3. Màn hình chưa phát trọn vẹn lượt nào",
     "missing_more",
     {{"Màn hình", "name", FACT_TEXT},
      {"Đơn vị", "unit_name", FACT_TEXT},
      {"Mã màn hình", "screen", FACT_TEXT}}},
    {"reasons",
     NULL,
     "4. Lượt dở dang theo lý do",
     NULL,
     {{"Lý do", "reason", FACT_WORD}, {"Số lượt dở dang", "partial", FACT_COUNT}}},
    {"shortfall",
     "reasons",
     "5. Theo lịch mà chưa phát trọn vẹn, theo lý do",
     NULL,
     {{"Lý do", "reason", FACT_WORD}, {"Số lượt còn thiếu", "plays", FACT_COUNT}}},
    {"supplement",
     "rows",
     "6. Bổ sung cho kỳ trước (về sau khi đã báo cáo)",
     "more",
     {{"Màn hình", "name", FACT_TEXT},
      {"Ngày", "day", FACT_DAY},
      {"Trọn vẹn", "complete", FACT_COUNT},
      {"Dở dang", "partial", FACT_COUNT}}},
};

static void draw_cell(struct bt_sheet *sheet, int at, const struct fact_column *column,
                      const cJSON *item)
{
    char text[BT_SHOWN_BYTES];
    switch (column->kind) {
    case FACT_COUNT:
        bt_sheet_number(sheet, at, (double)bt_shown_number(item, column->key), BT_FORMAT_NUMBER);
        return;
    case FACT_MOMENT:
        bt_shown_moment(sheet->head, bt_shown_number(item, column->key), text);
        bt_sheet_text(sheet, at, text[0] != '\0' ? text : "chưa có", BT_FORMAT_TEXT);
        return;
    case FACT_DAY:
        bt_shown_day(bt_shown_key(item, column->key), text);
        bt_sheet_text(sheet, at, text, BT_FORMAT_TEXT);
        return;
    case FACT_WORD:
        bt_sheet_text(sheet, at, bt_report_word_vi(bt_shown_key(item, column->key)),
                      BT_FORMAT_TEXT);
        return;
    case FACT_TEXT:
        bt_sheet_text(sheet, at, bt_shown_key(item, column->key), BT_FORMAT_TEXT);
        bt_sheet_fit(sheet, bt_shown_key(item, column->key), widths[at]);
        return;
    }
}

static void draw_headings(struct bt_sheet *sheet, const struct fact_list *list)
{
    bt_sheet_text(sheet, 0, "STT", BT_FORMAT_HEADING);
    for (int i = 0; i < WIDTH - 1 && list->columns[i].title != NULL; i++) {
        bt_sheet_text(sheet, i + 1, list->columns[i].title, BT_FORMAT_HEADING);
    }
    sheet->row++;
}

static void draw_list(struct bt_sheet *sheet, const struct fact_list *list)
{
    const cJSON *part = bt_shown_member(sheet->head, list->part);
    const cJSON *items = list->key == NULL ? part : bt_shown_member(part, list->key);
    bt_sheet_over(sheet, 0, WIDTH - 1, 1, list->title, BT_FORMAT_SECTION);
    sheet->row++;
    if (!cJSON_IsArray(items) || items->child == NULL) {
        bt_sheet_over(sheet, 0, WIDTH - 1, 1, "Không có", BT_FORMAT_NOTE);
        sheet->row += 2;
        return;
    }
    draw_headings(sheet, list);
    int number = 0;
    for (const cJSON *item = items->child; item != NULL; item = item->next) {
        bt_sheet_number(sheet, 0, ++number, BT_FORMAT_ORDER);
        for (int i = 0; i < WIDTH - 1 && list->columns[i].title != NULL; i++) {
            draw_cell(sheet, i + 1, &list->columns[i], item);
        }
        bt_sheet_end_row(sheet);
    }
    if (list->more != NULL && bt_shown_number(part, list->more) > 0) {
        BT_AUTOFREE char *more = bt_strf("… và %lld dòng nữa không in ở đây",
                                         (long long)bt_shown_number(part, list->more));
        bt_sheet_over(sheet, 0, WIDTH - 1, 1, more, BT_FORMAT_NOTE);
        sheet->row++;
    }
    sheet->row++;
}

void bt_sheet_facts(struct bt_sheet *sheet)
{
    bt_sheet_begin(sheet, "Độ đầy đủ");
    for (int i = 0; i < WIDTH; i++) {
        worksheet_set_column(sheet->sheet, (lxw_col_t)i, (lxw_col_t)i, widths[i], NULL);
    }
    bt_sheet_over(sheet, 0, WIDTH - 1, 1, "ĐỘ ĐẦY ĐỦ, ĐỘ PHỦ VÀ BỔ SUNG", BT_FORMAT_TITLE);
    sheet->row++;
    bt_sheet_over(sheet, 0, WIDTH - 1, 1, bt_shown_key(sheet->head, "title"), BT_FORMAT_SUBTITLE);
    sheet->row += 2;
    for (size_t i = 0; i < BT_ARRAY_LEN(lists); i++) {
        draw_list(sheet, &lists[i]);
    }
}

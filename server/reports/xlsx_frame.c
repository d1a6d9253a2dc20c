// What stands around the tables of all forms: whose they are and what about, and who signs them.
#include "server/reports/shown.h"
#include "server/reports/xlsx_sheet.h"

// Where the left half of so many columns ends.
static int end_of_left(int last)
{
    return BT_MAX((last + 1) / 2 - 1, 0);
}

void bt_sheet_top(struct bt_sheet *sheet, int last, double width, const char *title)
{
    char from[BT_SHOWN_BYTES], until[BT_SHOWN_BYTES];
    const cJSON *head = sheet->head;
    int left = end_of_left(last);
    bt_shown_day(bt_shown_key(head, "from_day"), from);
    bt_shown_day(bt_shown_key(head, "until_day"), until);
    BT_AUTOFREE char *span =
        bt_strf("(%s; số liệu từ ngày %s đến hết ngày %s; đơn vị: %s)", bt_shown_key(head, "title"),
                from, until, bt_shown_key(head, "unit_name"));
    const char *office = bt_shown_key(head, "organisation");
    bt_sheet_over(sheet, 0, left, 1, office, BT_FORMAT_OFFICE);
    // Bold, in twelve points, over about half of the columns.
    bt_sheet_fit(sheet, office, width * 0.4);
    bt_sheet_over(sheet, left + 1, last, 1, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", BT_FORMAT_OFFICE);
    bt_sheet_end_row(sheet);
    bt_sheet_over(sheet, left + 1, last, 1, "Độc lập - Tự do - Hạnh phúc", BT_FORMAT_MOTTO);
    sheet->row += 2;
    bt_sheet_over(sheet, 0, last, 1, title, BT_FORMAT_TITLE);
    sheet->row++;
    bt_sheet_over(sheet, 0, last, 1, span, BT_FORMAT_SUBTITLE);
    bt_sheet_fit(sheet, span, width);
    bt_sheet_end_row(sheet);
    sheet->row++;
}

void bt_sheet_signatures(struct bt_sheet *sheet, int last)
{
    int left = end_of_left(last);
    bt_sheet_over(sheet, left + 1, last, 1, "………, ngày …… tháng …… năm ………", BT_FORMAT_SUBTITLE);
    sheet->row++;
    bt_sheet_over(sheet, 0, left, 1, "NGƯỜI LẬP BIỂU", BT_FORMAT_SIGN);
    bt_sheet_over(sheet, left + 1, last, 1, "THỦ TRƯỞNG ĐƠN VỊ", BT_FORMAT_SIGN);
    sheet->row++;
    bt_sheet_over(sheet, 0, left, 1, "(Ký, ghi rõ họ tên)", BT_FORMAT_SUBTITLE);
    bt_sheet_over(sheet, left + 1, last, 1, "(Ký, đóng dấu, ghi rõ họ tên)", BT_FORMAT_SUBTITLE);
    sheet->row += 4;
    bt_sheet_over(sheet, 0, left, 1, bt_shown_key(sheet->head, "created_by_name"), BT_FORMAT_SIGN);
}

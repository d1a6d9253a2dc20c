// Form 05: what came between the schedule and the screens. Lists first, and under each what it came
// to, all from the report document.
#include <string.h>

#include "server/reports/columns.h"
#include "server/reports/shown.h"
#include "server/reports/xlsx_sheet.h"

enum { NUMBER, CONTENT, PLACE, FROM, UNTIL, SCREENS, PLAYS, NOTE, WIDTH };
#define HEADING_HEIGHT 33

static const struct {
    const char *title;
    double width;
} columns[WIDTH] = {
    [NUMBER] = {"STT", 6},     [CONTENT] = {"Nội dung", 44}, [PLACE] = {"Đơn vị, màn hình", 30},
    [FROM] = {"Từ", 17},       [UNTIL] = {"Đến", 17},        [SCREENS] = {"Số màn hình", 11},
    [PLAYS] = {"Số lượt", 11}, [NOTE] = {"Ghi chú", 34},
};

// One line of a list; NULL and below 0: says nothing.
struct line {
    const char *content, *place, *note;
    int64_t from_ms, until_ms;
    int64_t screens, plays;
};

static void draw_text(struct bt_sheet *sheet, int at, const char *text)
{
    bt_sheet_text(sheet, at, text != NULL ? text : "", BT_FORMAT_TEXT);
    bt_sheet_fit(sheet, text != NULL ? text : "", columns[at].width);
}

static void draw_moment(struct bt_sheet *sheet, int at, int64_t ms, const char *otherwise)
{
    char text[BT_SHOWN_BYTES];
    bt_shown_moment(sheet->head, ms, text);
    draw_text(sheet, at, text[0] != '\0' ? text : otherwise);
}

static void draw_count(struct bt_sheet *sheet, int at, int64_t count, enum bt_sheet_format format)
{
    if (count < 0) {
        bt_sheet_blank(sheet, at, format);
    } else {
        bt_sheet_number(sheet, at, (double)count, format);
    }
}

static void draw_line(struct bt_sheet *sheet, int number, const struct line *line)
{
    bt_sheet_number(sheet, NUMBER, number, BT_FORMAT_ORDER);
    draw_text(sheet, CONTENT, line->content);
    draw_text(sheet, PLACE, line->place);
    draw_moment(sheet, FROM, line->from_ms, "");
    draw_moment(sheet, UNTIL, line->until_ms, "chưa kết thúc");
    draw_count(sheet, SCREENS, line->screens, BT_FORMAT_NUMBER);
    draw_count(sheet, PLAYS, line->plays, BT_FORMAT_NUMBER);
    draw_text(sheet, NOTE, line->note);
    bt_sheet_end_row(sheet);
}

/*
 * The lists.
 */

static struct line line_of(const cJSON *item)
{
    return (struct line){
        .content = bt_shown_key(item, "content"),
        .place = bt_shown_key(item, "unit_name"),
        .from_ms = bt_shown_number(item, "from_ms"),
        .until_ms = bt_shown_number(item, "until_ms"),
        .screens = -1,
        .plays = -1,
    };
}

static char *say_who(const cJSON *item)
{
    const char *by = bt_shown_key(item, "by");
    return by[0] != '\0' ? bt_strf("Người ra lệnh: %s", by) : bt_strf("%s", "");
}

static void draw_takedown(struct bt_sheet *sheet, int number, const cJSON *item)
{
    struct line line = line_of(item);
    const char *reason = bt_shown_key(item, "reason");
    BT_AUTOFREE char *by = say_who(item);
    BT_AUTOFREE char *note =
        bt_strf("%s%s%s", reason, reason[0] != '\0' && by[0] != '\0' ? ". " : "", by);
    line.note = note;
    line.screens = bt_shown_number(item, "screens");
    draw_line(sheet, number, &line);
}

static void draw_emergency(struct bt_sheet *sheet, int number, const cJSON *item)
{
    struct line line = line_of(item);
    BT_AUTOFREE char *by = say_who(item);
    BT_AUTOFREE char *note = bt_strf("Cấp %lld. %s", (long long)bt_shown_number(item, "level"), by);
    line.note = note;
    line.screens = bt_shown_number(item, "screens");
    draw_line(sheet, number, &line);
}

static void draw_trouble(struct bt_sheet *sheet, int number, const cJSON *item)
{
    struct line line = line_of(item);
    BT_AUTOFREE char *place =
        bt_strf("%s, %s", bt_shown_key(item, "name"), bt_shown_key(item, "unit_name"));
    line.place = place;
    draw_line(sheet, number, &line);
}

static void draw_loss(struct bt_sheet *sheet, int number, const cJSON *item)
{
    struct line line = {
        .content = bt_report_word_vi(bt_shown_key(item, "cause")),
        .place = bt_shown_key(item, bt_shown_key(item, "name")[0] != '\0' ? "name" : "screen"),
        .from_ms = bt_shown_number(item, "start_ms"),
        .until_ms = bt_shown_number(item, "end_ms"),
        .screens = -1,
        .plays = bt_shown_number(item, "plays"),
    };
    line.note = line.plays == 0 ? "Không rõ số lượt" : "";
    draw_line(sheet, number, &line);
}

enum list { TAKEDOWNS, EMERGENCIES, TROUBLES, LOSSES, LISTS };

static const struct {
    const char *title, *part, *key, *more;
    void (*draw)(struct bt_sheet *sheet, int number, const cJSON *item);
} lists[LISTS] = {
    [TAKEDOWNS] = {"I. GỠ BỎ NỘI DUNG", "incidents", "takedowns", "takedowns_more", draw_takedown},
    [EMERGENCIES] = {"II. PHÁT KHẨN CẤP", "incidents", "emergencies", "emergencies_more",
                     draw_emergency},
    [TROUBLES] = {"III. SỰ CỐ MÀN HÌNH", "incidents", "troubles", "troubles_more", draw_trouble},
    [LOSSES] = {"IV. KHAI BÁO MẤT LƯỢT PHÁT", "completeness", "losses", "losses_more", draw_loss},
};

/*
 * What they came to.
 */

static const struct {
    enum list list;
    const char *content;
    const char *part, *key;  // a number of the document
    const char *reason;      // or that of a reason, in the list that `part` is or has
} sums[] = {
    {TAKEDOWNS, "Lượt đang phát thì bị gỡ", "reasons", "partial", "removed"},
    {TAKEDOWNS, "Lượt theo lịch không phát vì đang có lệnh gỡ", "shortfall", "plays", "taken down"},
    {EMERGENCIES, "Lượt phát khẩn cấp trọn vẹn", "emergency_plays", "complete", NULL},
    {EMERGENCIES, "Lượt phát khẩn cấp dở dang", "emergency_plays", "partial", NULL},
    {EMERGENCIES, "Lượt theo lịch không phát vì đang phát khẩn cấp", "shortfall", "plays",
     "emergency in force"},
    {TROUBLES, "Lượt dở dang vì mất điện", "reasons", "partial", "power lost"},
    {TROUBLES, "Lượt dở dang vì mất màn hình", "reasons", "partial", "display"},
    {TROUBLES, "Lượt dở dang vì lỗi", "reasons", "partial", "error"},
    {TROUBLES, "Lượt dở dang vì máy phát dừng", "reasons", "partial", "stopped"},
    {LOSSES, "Số lượt đã khai báo mất (ít nhất)", "completeness", "lost_plays", NULL},
};

static int64_t number_of_reason(const cJSON *list, const char *reason, const char *key)
{
    for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL; item != NULL;
         item = item->next) {
        if (strcmp(bt_shown_key(item, "reason"), reason) == 0) {
            return bt_shown_number(item, key);
        }
    }
    return 0;
}

static int64_t number_of_sum(const cJSON *head, size_t sum)
{
    const cJSON *part = bt_shown_member(head, sums[sum].part);
    if (part == NULL) {
        part = bt_shown_member(bt_shown_member(head, "incidents"), sums[sum].part);
    }
    if (sums[sum].reason == NULL) {
        return bt_shown_number(part, sums[sum].key);
    }
    return number_of_reason(cJSON_IsArray(part) ? part : bt_shown_member(part, "reasons"),
                            sums[sum].reason, sums[sum].key);
}

// Without a plan nobody knows what the schedule asked for.
static bool is_known(const cJSON *head, size_t sum)
{
    return strcmp(sums[sum].part, "shortfall") != 0 ||
           bt_shown_number(bt_shown_member(head, "shortfall"), "scheduled") > 0;
}

static void draw_sums(struct bt_sheet *sheet, enum list list)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(sums); i++) {
        if (sums[i].list == list && is_known(sheet->head, i)) {
            bt_sheet_over(sheet, NUMBER, SCREENS, 1, sums[i].content, BT_FORMAT_SUM_NUMBER);
            bt_sheet_number(sheet, PLAYS, (double)number_of_sum(sheet->head, i),
                            BT_FORMAT_SUM_NUMBER);
            bt_sheet_blank(sheet, NOTE, BT_FORMAT_TEXT);
            sheet->row++;
        }
    }
}

/*
 * The sheet.
 */

static int64_t count_of(const cJSON *head, enum list list)
{
    const cJSON *part = bt_shown_member(head, lists[list].part);
    return cJSON_GetArraySize(bt_shown_member(part, lists[list].key)) +
           bt_shown_number(part, lists[list].more);
}

static void draw_list(struct bt_sheet *sheet, enum list list)
{
    const cJSON *part = bt_shown_member(sheet->head, lists[list].part);
    const cJSON *items = bt_shown_member(part, lists[list].key);
    int number = 0;
    BT_AUTOFREE char *title =
        bt_strf("%s (%lld)", lists[list].title, (long long)count_of(sheet->head, list));
    bt_sheet_over(sheet, 0, WIDTH - 1, 1, title, BT_FORMAT_GROUP);
    sheet->row++;
    for (const cJSON *item = cJSON_IsArray(items) ? items->child : NULL; item != NULL;
         item = item->next) {
        lists[list].draw(sheet, ++number, item);
    }
    if (bt_shown_number(part, lists[list].more) > 0) {
        BT_AUTOFREE char *more = bt_strf("… và %lld dòng nữa không in ở đây",
                                         (long long)bt_shown_number(part, lists[list].more));
        bt_sheet_over(sheet, 0, WIDTH - 1, 1, more, BT_FORMAT_TEXT);
        sheet->row++;
    }
    draw_sums(sheet, list);
}

static void draw_headings(struct bt_sheet *sheet)
{
    lxw_row_t first = sheet->row;
    worksheet_set_row(sheet->sheet, sheet->row, HEADING_HEIGHT, NULL);
    for (int i = 0; i < WIDTH; i++) {
        bt_sheet_text(sheet, i, columns[i].title, BT_FORMAT_HEADING);
    }
    sheet->row++;
    worksheet_repeat_rows(sheet->sheet, first, first);
    worksheet_freeze_panes(sheet->sheet, sheet->row, 1);
}

static void draw_total(struct bt_sheet *sheet)
{
    const cJSON *head = sheet->head;
    BT_AUTOFREE char *total =
        bt_strf("TỔNG CỘNG: %lld lệnh gỡ, %lld đợt phát khẩn cấp, %lld sự cố, %lld khai báo mất",
                (long long)count_of(head, TAKEDOWNS), (long long)count_of(head, EMERGENCIES),
                (long long)count_of(head, TROUBLES), (long long)count_of(head, LOSSES));
    bt_sheet_over(sheet, 0, WIDTH - 1, 1, total, BT_FORMAT_SUM_TEXT);
    sheet->row += 2;
}

void bt_sheet_incidents(struct bt_sheet *sheet)
{
    // Reports that were made before there was such a form stay as they were.
    if (!cJSON_IsObject(bt_shown_member(sheet->head, "incidents"))) {
        return;
    }
    bt_sheet_begin(sheet, "Biểu 05");
    double width = 0;
    for (int i = 0; i < WIDTH; i++) {
        worksheet_set_column(sheet->sheet, (lxw_col_t)i, (lxw_col_t)i, columns[i].width, NULL);
        width += columns[i].width;
    }
    bt_sheet_top(sheet, WIDTH - 1, width, "BIỂU 05: SỰ CỐ, GỠ BỎ, PHÁT KHẨN CẤP");
    draw_headings(sheet);
    for (int i = 0; i < LISTS; i++) {
        draw_list(sheet, (enum list)i);
    }
    draw_total(sheet);
    bt_sheet_signatures(sheet, WIDTH - 1);
}

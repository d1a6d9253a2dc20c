#include "server/reports/xlsx.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "server/reports/shown.h"
#include "server/reports/xlsx_sheet.h"

#define FONT "Times New Roman"
#define A4 9
// "_)": as much room at the right as a bracket takes, so that digits do not touch the border.
#define COUNTS "#,##0_)"
#define HOURS "#,##0.0_)"
#define PERCENTS "0.0%_)"
// Ten thousand rows; longer ones would take more than a hundred MiB as a whole.
#define LARGE_BYTES ((size_t)1024 * 1024)

static const struct shape {
    double size;
    bool bold, italic, underlined, bordered, wrapped;
    enum lxw_format_alignments align;
    const char *number;
} shapes[BT_FORMAT_COUNT] = {
    [BT_FORMAT_PLAIN] = {.size = 11, .align = LXW_ALIGN_LEFT},
    [BT_FORMAT_OFFICE] = {.size = 12, .bold = true, .wrapped = true, .align = LXW_ALIGN_CENTER},
    [BT_FORMAT_MOTTO] = {.size = 12, .bold = true, .underlined = true, .align = LXW_ALIGN_CENTER},
    [BT_FORMAT_TITLE] = {.size = 14, .bold = true, .wrapped = true, .align = LXW_ALIGN_CENTER},
    [BT_FORMAT_SUBTITLE] = {.size = 12, .italic = true, .wrapped = true, .align = LXW_ALIGN_CENTER},
    [BT_FORMAT_HEADING] =
        {.size = 11, .bold = true, .bordered = true, .wrapped = true, .align = LXW_ALIGN_CENTER},
    [BT_FORMAT_ORDER] = {.size = 11, .bordered = true, .align = LXW_ALIGN_CENTER, .number = "0"},
    [BT_FORMAT_TEXT] = {.size = 11, .bordered = true, .wrapped = true, .align = LXW_ALIGN_LEFT},
    [BT_FORMAT_NUMBER] = {.size = 11, .bordered = true, .align = LXW_ALIGN_RIGHT, .number = COUNTS},
    [BT_FORMAT_HOURS] = {.size = 11, .bordered = true, .align = LXW_ALIGN_RIGHT, .number = HOURS},
    [BT_FORMAT_PERCENT] = {.size = 11,
                           .bordered = true,
                           .align = LXW_ALIGN_RIGHT,
                           .number = PERCENTS},
    [BT_FORMAT_SUM_TEXT] = {.size = 11, .bold = true, .bordered = true, .align = LXW_ALIGN_CENTER},
    [BT_FORMAT_SUM_NUMBER] =
        {.size = 11, .bold = true, .bordered = true, .align = LXW_ALIGN_RIGHT, .number = COUNTS},
    [BT_FORMAT_SUM_HOURS] =
        {.size = 11, .bold = true, .bordered = true, .align = LXW_ALIGN_RIGHT, .number = HOURS},
    [BT_FORMAT_SUM_PERCENT] =
        {.size = 11, .bold = true, .bordered = true, .align = LXW_ALIGN_RIGHT, .number = PERCENTS},
    [BT_FORMAT_NOTE] = {.size = 11, .wrapped = true, .align = LXW_ALIGN_LEFT},
    [BT_FORMAT_SECTION] = {.size = 12, .bold = true, .align = LXW_ALIGN_LEFT},
    [BT_FORMAT_GROUP] = {.size = 11, .bold = true, .bordered = true, .align = LXW_ALIGN_LEFT},
    [BT_FORMAT_SIGN] = {.size = 12, .bold = true, .align = LXW_ALIGN_CENTER},
};

static lxw_format *make_format(lxw_workbook *workbook, const struct shape *shape)
{
    lxw_format *format = workbook_add_format(workbook);
    format_set_font_name(format, FONT);
    format_set_font_size(format, shape->size);
    format_set_align(format, (uint8_t)shape->align);
    format_set_align(format, LXW_ALIGN_VERTICAL_CENTER);
    if (shape->bold) {
        format_set_bold(format);
    }
    if (shape->italic) {
        format_set_italic(format);
    }
    if (shape->underlined) {
        format_set_underline(format, LXW_UNDERLINE_SINGLE);
    }
    if (shape->bordered) {
        format_set_border(format, LXW_BORDER_THIN);
    }
    if (shape->bordered && shape->align == LXW_ALIGN_LEFT) {
        format_set_indent(format, 1);
    }
    if (shape->wrapped) {
        format_set_text_wrap(format);
    }
    if (shape->number != NULL) {
        format_set_num_format(format, shape->number);
    }
    return format;
}

void bt_sheet_formats(struct bt_sheet *sheet)
{
    for (int i = 0; i < BT_FORMAT_COUNT; i++) {
        sheet->formats[i] = make_format(sheet->workbook, &shapes[i]);
    }
}

// Points.
#define LINE_HEIGHT 15

// Continuation bytes of UTF-8 are no characters.
static int lines_of(const char *text, double width)
{
    int characters = 0;
    for (const char *c = text; *c != '\0'; c++) {
        characters += ((unsigned char)*c & 0xC0) != 0x80 ? 1 : 0;
    }
    return 1 + (int)((double)BT_MAX(characters - 1, 0) / width);
}

void bt_sheet_fit(struct bt_sheet *sheet, const char *text, double width)
{
    // Columns are measured in digits; letters are narrower, but what is wrapped at words does not
    // fill its lines.
    sheet->lines = BT_MAX(sheet->lines, lines_of(text, width * 1.1));
}

static void keep(struct bt_sheet *sheet, lxw_error error)
{
    sheet->failed |= error != LXW_NO_ERROR;
}

// An '&' begins a command there; and a command that libxlsxwriter refuses leaves it with memory
// that is gone.
static int add_plain(struct bt_buf *out, const char *text)
{
    int r = 0;
    for (const char *c = text; *c != '\0' && r == 0; c++) {
        r = bt_buf_append(out, *c == '&' ? " " : c, 1);
    }
    return r;
}

#define EDGE_FONT "&\"" FONT "\"&9"

static int make_edges(const cJSON *head, struct bt_buf *header, struct bt_buf *footer)
{
    char foot[BT_SHOWN_BYTES];
    bt_shown_foot(head, foot);
    int r = bt_buf_appendf(header, "&L" EDGE_FONT "Báo cáo ");
    r = r < 0 ? r : add_plain(header, bt_shown_key(head, "id"));
    r = r < 0 ? r : bt_buf_appendf(header, "&R" EDGE_FONT "Vân tay gốc ");
    r = r < 0 ? r : add_plain(header, bt_shown_key(head, "root_sha256"));
    r = r < 0 ? r : bt_buf_appendf(footer, "&L" EDGE_FONT);
    r = r < 0 ? r : add_plain(footer, foot);
    return r < 0 ? r : bt_buf_appendf(footer, "&R" EDGE_FONT "Trang &P/&N");
}

static void add_edges(struct bt_sheet *sheet)
{
    BT_AUTOBUF header;
    BT_AUTOBUF footer;
    bt_buf_init(&header, 250);
    bt_buf_init(&footer, 250);
    if (make_edges(sheet->head, &header, &footer) < 0) {
        sheet->failed = true;
        return;
    }
    keep(sheet, worksheet_set_header(sheet->sheet, bt_buf_text(&header)));
    keep(sheet, worksheet_set_footer(sheet->sheet, bt_buf_text(&footer)));
}

void bt_sheet_begin(struct bt_sheet *sheet, const char *name)
{
    sheet->sheet = workbook_add_worksheet(sheet->workbook, name);
    sheet->row = 0;
    worksheet_set_landscape(sheet->sheet);
    worksheet_set_paper(sheet->sheet, A4);
    worksheet_set_margins(sheet->sheet, 0.6, 0.4, 0.7, 0.7);
    worksheet_fit_to_pages(sheet->sheet, 1, 0);
    worksheet_center_horizontally(sheet->sheet);
    worksheet_gridlines(sheet->sheet, LXW_HIDE_ALL_GRIDLINES);
    add_edges(sheet);
}

void bt_sheet_end_row(struct bt_sheet *sheet)
{
    if (sheet->lines > 1) {
        keep(sheet, worksheet_set_row(sheet->sheet, sheet->row, sheet->lines * LINE_HEIGHT, NULL));
    }
    sheet->row++;
    sheet->lines = 0;
}

void bt_sheet_text(struct bt_sheet *sheet, int column, const char *text,
                   enum bt_sheet_format format)
{
    keep(sheet, worksheet_write_string(sheet->sheet, sheet->row, (lxw_col_t)column, text,
                                       sheet->formats[format]));
}

void bt_sheet_number(struct bt_sheet *sheet, int column, double number, enum bt_sheet_format format)
{
    keep(sheet, worksheet_write_number(sheet->sheet, sheet->row, (lxw_col_t)column, number,
                                       sheet->formats[format]));
}

void bt_sheet_blank(struct bt_sheet *sheet, int column, enum bt_sheet_format format)
{
    keep(sheet, worksheet_write_blank(sheet->sheet, sheet->row, (lxw_col_t)column,
                                      sheet->formats[format]));
}

void bt_sheet_over(struct bt_sheet *sheet, int first, int last, int rows, const char *text,
                   enum bt_sheet_format format)
{
    if (first == last && rows == 1) {
        bt_sheet_text(sheet, first, text, format);
        return;
    }
    keep(sheet, worksheet_merge_range(sheet->sheet, sheet->row, (lxw_col_t)first,
                                      sheet->row + (lxw_row_t)rows - 1, (lxw_col_t)last, text,
                                      sheet->formats[format]));
}

// The clock would make each copy different.
static void add_properties(struct bt_sheet *sheet)
{
    BT_AUTOFREE char *title = bt_strf("%s", bt_shown_key(sheet->head, "title"));
    BT_AUTOFREE char *company = bt_strf("%s", bt_shown_key(sheet->head, "organisation"));
    lxw_doc_properties properties = {
        .title = title,
        .company = company,
        .created = (time_t)(bt_shown_number(sheet->head, "created_ms") / 1000),
    };
    keep(sheet, workbook_set_properties(sheet->workbook, &properties));
}

static int draw(const char *path, struct bt_report_reader *reader, struct bt_error *err)
{
    bool large = (size_t)(reader->end - reader->next) > LARGE_BYTES;
    lxw_workbook_options options = {.constant_memory = large};
    struct bt_sheet sheet = {
        .head = reader->head, .large = large, .workbook = workbook_new_opt(path, &options)};
    if (sheet.workbook == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a spreadsheet");
    }
    bt_sheet_formats(&sheet);
    add_properties(&sheet);
    int r = bt_sheet_form(&sheet, reader, err);
    if (r == 0) {
        bt_sheet_facts(&sheet);
        bt_sheet_incidents(&sheet);
    }
    lxw_error error = workbook_close(sheet.workbook);
    if (r == 0 && (error != LXW_NO_ERROR || sheet.failed)) {
        return bt_fail(
            err, -EIO, "Cannot write the spreadsheet: %s",
            lxw_strerror(error != LXW_NO_ERROR ? error : LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED));
    }
    return r;
}

static int read_back(int fd, struct bt_buf *out, struct bt_error *err)
{
    char piece[65536];
    for (off_t at = 0;;) {
        ssize_t got = pread(fd, piece, sizeof(piece), at);
        if (got < 0) {
            return bt_fail_errno(err, "Cannot read the spreadsheet");
        }
        if (got == 0) {
            return 0;
        }
        at += got;
        if (bt_buf_append(out, piece, (size_t)got) < 0) {
            return bt_fail(err, -EMSGSIZE, "The spreadsheet became too long");
        }
    }
}

int bt_report_xlsx(const char *document, size_t len, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOREADER reader;
    char path[64];
    int r = bt_report_reader_init(&reader, document, len, err);
    if (r < 0 || (r = bt_shown_check(reader.head, err)) < 0) {
        return r;
    }
    BT_AUTOCLOSE int fd = memfd_create("report.xlsx", MFD_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "No room for a spreadsheet");
    }
    if ((r = bt_format(path, sizeof(path), "/proc/self/fd/%d", fd)) < 0 ||
        (r = draw(path, &reader, err)) < 0) {
        return r;
    }
    return read_back(fd, out, err);
}

#include "plays/export.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/record.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

// JSON lines: {"seq":41,"prev":"…","hash":"…","record":{…}}

#define SEQ_PART "{\"seq\":"
#define PREV_PART ",\"prev\":\""
#define HASH_PART "\",\"hash\":\""
#define RECORD_PART "\",\"record\":"

// A line break inside would be valid JSON and no line.
static bool fits_a_line(const struct bt_row *row)
{
    struct bt_record record;
    return memchr(row->body, '\n', row->len) == NULL && memchr(row->body, '\r', row->len) == NULL &&
           bt_record_parse(row->body, row->len, &record, NULL) == 0;
}

static int append_damaged(const struct bt_row *row, struct bt_buf *out)
{
    size_t len = BT_MIN(row->len, (size_t)BT_RECORD_MAX_BYTES);
    BT_AUTOFREE char *hex = bt_alloc(2 * len + 1);
    bt_hex((const uint8_t *)row->body, len, hex);
    return bt_buf_appendf(out, "null,\"damaged\":\"%s\"", hex);
}

int bt_export_jsonl(const struct bt_row *row, const struct bt_sha256 *previous, struct bt_buf *out)
{
    char prev[BT_SHA256_HEX_BYTES], hash[BT_SHA256_HEX_BYTES];
    bt_hex(previous->bytes, BT_SHA256_BYTES, prev);
    bt_hex(row->hash.bytes, BT_SHA256_BYTES, hash);
    int r = bt_buf_appendf(out, SEQ_PART "%lld" PREV_PART "%s" HASH_PART "%s" RECORD_PART,
                           (long long)row->seq, prev, hash);
    if (r == 0) {
        r = fits_a_line(row) ? bt_buf_append(out, row->body, row->len) : append_damaged(row, out);
    }
    return r < 0 ? r : bt_buf_append(out, "}\n", 2);
}

// What is left of the line.
struct cursor {
    const char *at;
    size_t left;
};

static bool skip(struct cursor *cursor, const char *part)
{
    size_t len = strlen(part);
    if (cursor->left < len || memcmp(cursor->at, part, len) != 0) {
        return false;
    }
    cursor->at += len;
    cursor->left -= len;
    return true;
}

static bool read_seq(struct cursor *cursor, int64_t *out)
{
    char digits[24] = "";
    size_t count = 0;
    while (count < cursor->left && count < sizeof(digits) - 1 && cursor->at[count] >= '0' &&
           cursor->at[count] <= '9') {
        digits[count] = cursor->at[count];
        count++;
    }
    cursor->at += count;
    cursor->left -= count;
    return bt_parse_int(digits, 1, INT64_MAX, out) == 0;
}

static bool read_hash(struct cursor *cursor, struct bt_sha256 *out)
{
    char hex[BT_SHA256_HEX_BYTES] = "";
    if (cursor->left < sizeof(hex) - 1) {
        return false;
    }
    memcpy(hex, cursor->at, sizeof(hex) - 1);
    cursor->at += sizeof(hex) - 1;
    cursor->left -= sizeof(hex) - 1;
    return bt_unhex(hex, out->bytes, BT_SHA256_BYTES) == 0;
}

int bt_export_parse_line(const char *line, size_t len, struct bt_row *out,
                         struct bt_sha256 *out_previous, struct bt_error *err)
{
    struct bt_row row = {0};
    struct bt_sha256 previous;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    struct cursor cursor = {line, len};
    bool good = skip(&cursor, SEQ_PART) && read_seq(&cursor, &row.seq) &&
                skip(&cursor, PREV_PART) && read_hash(&cursor, &previous) &&
                skip(&cursor, HASH_PART) && read_hash(&cursor, &row.hash) &&
                skip(&cursor, RECORD_PART) && cursor.left > 0 && cursor.at[cursor.left - 1] == '}';
    if (!good) {
        return bt_fail(err, -EINVAL, "not a line of an export");
    }
    row.body = cursor.at;
    row.len = cursor.left - 1;
    *out = row;
    *out_previous = previous;
    return 0;
}

// CSV. The order of the columns is part of the format; new ones come last.

// What a cell is made from.
struct line {
    const struct bt_row *row;
    const struct bt_record *record;
    const struct bt_tz *tz;
    char separator;
    struct bt_buf *out;
    int r;
    bool first;
};

static void put_raw(struct line *line, const char *text, size_t len)
{
    if (line->r == 0) {
        line->r = bt_buf_append(line->out, text, len);
    }
}

static void next_cell(struct line *line)
{
    if (!line->first) {
        put_raw(line, &line->separator, 1);
    }
    line->first = false;
}

/*
 * Always quoted. A spreadsheet takes a cell that begins with one of these for a formula; the
 * apostrophe in front makes it text.
 */
static void put_text(struct line *line, const char *text)
{
    next_cell(line);
    put_raw(line, "\"", 1);
    if (text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL) {
        put_raw(line, "'", 1);
    }
    for (const char *c = text; *c != '\0'; c++) {
        put_raw(line, c, 1);
        if (*c == '"') {
            put_raw(line, c, 1);
        }
    }
    put_raw(line, "\"", 1);
}

static void put_int(struct line *line, int64_t value)
{
    next_cell(line);
    if (line->r == 0) {
        line->r = bt_buf_appendf(line->out, "%lld", (long long)value);
    }
}

static void put_known_int(struct line *line, int64_t value)
{
    if (value != 0) {
        put_int(line, value);
    } else {
        next_cell(line);
    }
}

// 2026-11-21 09:30:00, which spreadsheets take for a time.
static void put_time(struct line *line, int64_t ms)
{
    int64_t utc_s = ms / 1000;
    struct bt_civil t =
        bt_civil_from_s(line->tz != NULL ? bt_tz_to_local_s(line->tz, utc_s) : utc_s);
    next_cell(line);
    if (line->r == 0) {
        line->r = bt_buf_appendf(line->out, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day,
                                 t.hour, t.minute, t.second);
    }
}

enum cell {
    CELL_TEXT,       // as it is: char[]
    CELL_WORD,       // char[], in Vietnamese where it is one of ours
    CELL_INT,        // int64_t
    CELL_KNOWN_INT,  // int64_t, empty when 0
    CELL_TIME,       // int64_t milliseconds UTC
    CELL_YES,        // bool
    CELL_CLOCK,      // enum bt_clock_trust
    CELL_EVIDENCE,   // enum bt_evidence
    CELL_SOUND,      // enum bt_sound
    CELL_HASH,       // of the row
};

#define PLAYS (1 << BT_RECORD_PLAY)
#define LOSSES (1 << BT_RECORD_LOSS)
#define ALL (PLAYS | LOSSES | 1 << BT_RECORD_OTHER)

#define COLUMN(heading, kind, member, in)                                                          \
    {                                                                                              \
        heading, kind, offsetof(struct bt_record, member), in                                      \
    }

static const struct {
    const char *heading;
    enum cell cell;
    size_t offset;
    int kinds;  // of records that have it; empty for the others
} columns[] = {
    COLUMN("Số bản ghi", CELL_INT, seq, ALL),
    COLUMN("Loại bản ghi", CELL_WORD, kind_word, ALL),
    COLUMN("Màn hình", CELL_TEXT, origin.screen, PLAYS | LOSSES),
    COLUMN("Nội dung", CELL_TEXT, start.item, PLAYS),
    COLUMN("Loại nội dung", CELL_WORD, start.kind, PLAYS),
    COLUMN("Thẻ số", CELL_KNOWN_INT, start.card, PLAYS),
    COLUMN("Tổng số thẻ", CELL_KNOWN_INT, start.cards, PLAYS),
    COLUMN("Lần chiếu", CELL_INT, start.run, PLAYS),
    COLUMN("Vùng", CELL_TEXT, start.zone, PLAYS),
    COLUMN("Chiến dịch", CELL_TEXT, start.campaign, PLAYS),
    COLUMN("Ấn phẩm", CELL_TEXT, start.publication, PLAYS),
    COLUMN("Phiên bản ấn phẩm", CELL_INT, start.publication_version, PLAYS),
    COLUMN("Cấp", CELL_WORD, start.layer, PLAYS),
    COLUMN("Mức ưu tiên", CELL_WORD, start.priority, PLAYS),
    COLUMN("Bắt đầu", CELL_TIME, start_ms, PLAYS | LOSSES),
    COLUMN("Kết thúc", CELL_TIME, end_ms, PLAYS | LOSSES),
    COLUMN("Đồng hồ", CELL_CLOCK, clock_trust, PLAYS | LOSSES),
    COLUMN("Dự kiến (ms)", CELL_KNOWN_INT, start.planned_ms, PLAYS),
    COLUMN("Đã chiếu (ms)", CELL_INT, total.shown_ms, PLAYS),
    COLUMN("Số khung dự kiến", CELL_KNOWN_INT, start.frames_expected, PLAYS),
    COLUMN("Số khung đã chiếu", CELL_INT, total.presented, PLAYS),
    COLUMN("Số khung lặp lại", CELL_INT, total.repeated, PLAYS),
    COLUMN("Số khung bị bỏ", CELL_INT, total.dropped, PLAYS),
    COLUMN("Trọn vẹn", CELL_YES, complete, PLAYS),
    COLUMN("Số đoạn", CELL_INT, segment_count, PLAYS),
    COLUMN("Lý do bắt đầu", CELL_WORD, start.why_started, PLAYS),
    COLUMN("Lý do kết thúc", CELL_WORD, why_ended, PLAYS),
    COLUMN("Bằng chứng", CELL_EVIDENCE, start.evidence, PLAYS),
    COLUMN("Trạng thái màn", CELL_WORD, start.display, PLAYS),
    COLUMN("Nguồn trạng thái màn", CELL_TEXT, start.display_evidence, PLAYS),
    COLUMN("Độ sáng (%)", CELL_KNOWN_INT, start.light_percent, PLAYS),
    COLUMN("Âm thanh", CELL_SOUND, start.sound, PLAYS),
    COLUMN("Mã phê duyệt", CELL_TEXT, start.approval, PLAYS),
    COLUMN("SHA-256 nội dung", CELL_TEXT, start.asset, PLAYS),
    COLUMN("Số lượt mất", CELL_INT, loss.plays, LOSSES),
    COLUMN("Nguyên nhân mất", CELL_WORD, loss.cause, LOSSES),
    COLUMN("Mã băm bản ghi", CELL_HASH, seq, ALL),
};

static const struct {
    const char *word, *vi;
} translations[] = {
    {"play", "lượt phát"},
    {"loss", "khai báo mất"},
    {"damaged", "bản ghi hỏng"},
    {"image", "ảnh"},
    {"video", "video"},
    {"set", "bộ thẻ"},
    {"text", "chữ"},
    {"crawl", "chữ chạy"},
    {"clock", "đồng hồ"},
    {"colour", "nền màu"},
    {"stream", "truyền trực tiếp"},
    {"local-stream", "truyền trực tiếp, nguồn tại chỗ"},
    {"screen", "màn hình"},
    {"province", "tỉnh"},
    {"unit", "đơn vị"},
    {"normal", "thông thường"},
    {"priority", "ưu tiên"},
    {"emergency", "khẩn cấp"},
    {"schedule", "theo lịch"},
    {"resume", "chiếu tiếp"},
    {"preempt", "chen ngang"},
    {"fallback", "dự phòng"},
    {"preempted", "bị chen ngang"},
    {"window", "hết khung giờ"},
    {"removed", "bị gỡ"},
    {"error", "lỗi"},
    {"display", "mất màn hình"},
    {"power lost", "mất điện"},
    {"stopped", "dừng chương trình"},
    {"unknown", "chưa chắc"},
    {"synced", "đã đồng bộ"},
    {"present", "đã đưa ra màn hình"},
    {"page-flip", "màn hình đã lật trang"},
    {"simulated", "mô phỏng"},
    {"on", "bật"},
    {"off", "tắt"},
    {"standby", "chờ"},
    {"none", "không có màn"},
    {"muted", "tắt tiếng"},
    {"journal unwritable", "không ghi được sổ"},
    {"journal damaged or gone", "sổ bị hỏng hoặc bị lấy đi"},
    {"open play damaged", "lượt đang phát bị hỏng"},
};

static const char *in_vietnamese(const char *word)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(translations); i++) {
        if (bt_str_equal(translations[i].word, word)) {
            return translations[i].vi;
        }
    }
    return word;
}

static void put_hash(struct line *line)
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(line->row->hash.bytes, BT_SHA256_BYTES, hex);
    put_text(line, hex);
}

static void put_cell(struct line *line, enum cell cell, const void *value)
{
    switch (cell) {
    case CELL_TEXT:
        put_text(line, value);
        break;
    case CELL_WORD:
        put_text(line, in_vietnamese(value));
        break;
    case CELL_INT:
        put_int(line, *(const int64_t *)value);
        break;
    case CELL_KNOWN_INT:
        put_known_int(line, *(const int64_t *)value);
        break;
    case CELL_TIME:
        put_time(line, *(const int64_t *)value);
        break;
    case CELL_YES:
        put_text(line, *(const bool *)value ? "có" : "không");
        break;
    case CELL_CLOCK:
        put_text(line, in_vietnamese(bt_clock_trust_word(*(const int *)value)));
        break;
    case CELL_EVIDENCE:
        put_text(line, in_vietnamese(bt_evidence_word(*(const int *)value)));
        break;
    case CELL_SOUND:
        put_text(line, in_vietnamese(bt_sound_word(*(const int *)value)));
        break;
    case CELL_HASH:
        put_hash(line);
        break;
    }
}

static int put_record(struct line *line)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(columns); i++) {
        if ((columns[i].kinds & 1 << line->record->kind) != 0) {
            put_cell(line, columns[i].cell, (const char *)line->record + columns[i].offset);
        } else {
            next_cell(line);
        }
    }
    put_raw(line, "\r\n", 2);
    return line->r;
}

static bool is_listed(const struct bt_record *record)
{
    return record->kind == BT_RECORD_PLAY || record->kind == BT_RECORD_LOSS;
}

int bt_export_csv(const struct bt_row *row, char separator, const struct bt_tz *tz,
                  struct bt_buf *out)
{
    struct bt_record record;
    if (bt_record_parse(row->body, row->len, &record, NULL) < 0) {
        record = (struct bt_record){.seq = row->seq, .kind = BT_RECORD_OTHER};
        bt_copy_cut(record.kind_word, sizeof(record.kind_word), "damaged");
    } else if (!is_listed(&record)) {
        return 0;
    }
    struct line line = {row, &record, tz, separator, out, 0, true};
    return put_record(&line);
}

static int put_headings(char separator, struct bt_buf *out)
{
    struct line line = {.separator = separator, .out = out, .first = true};
    put_raw(&line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK));
    for (size_t i = 0; i < BT_ARRAY_LEN(columns); i++) {
        put_text(&line, columns[i].heading);
    }
    put_raw(&line, "\r\n", 2);
    return line.r;
}

// The whole journal.

struct export
{
    const struct bt_export_options *options;
    char separator;
    bt_export_write_fn write;
    void *context;
    struct bt_buf line;
};

static int hand_over(struct export *export, int r, struct bt_error *err)
{
    if (r < 0) {
        return bt_fail(err, r, "Cannot build a line of the export");
    }
    if (export->line.len > 0) {
        r = export->write(export->line.data, export->line.len, export->context);
    }
    if (r < 0) {
        errno = -r;
        return bt_fail_errno(err, "Cannot write the export");
    }
    return 0;
}

// What cannot be read is never left out.
static bool is_wanted(const struct bt_export_options *options, const struct bt_row *row)
{
    struct bt_record record;
    if ((options->from_ms == 0 && options->to_ms == 0) ||
        bt_record_parse(row->body, row->len, &record, NULL) < 0) {
        return true;
    }
    return record.start_ms >= options->from_ms &&
           (options->to_ms == 0 || record.start_ms < options->to_ms);
}

static int export_row(struct export *export, const struct bt_row *row,
                      const struct bt_sha256 *previous, struct bt_error *err)
{
    const struct bt_export_options *options = export->options;
    if (!is_wanted(options, row)) {
        return 0;
    }
    bt_buf_clear(&export->line);
    int r = options->format == BT_EXPORT_JSONL
                ? bt_export_jsonl(row, previous, &export->line)
                : bt_export_csv(row, export->separator, options->tz, &export->line);
    return hand_over(export, r, err);
}

static int export_rows(struct export *export, struct bt_reader *reader, struct bt_error *err)
{
    struct bt_row row;
    struct bt_sha256 previous = bt_reader_facts(reader)->base_hash;
    int r = bt_reader_next(reader, &row, err);
    while (r == 1) {
        r = export_row(export, &row, &previous, err);
        previous = row.hash;
        r = r < 0 ? r : bt_reader_next(reader, &row, err);
    }
    return r;
}

int bt_plays_export(const char *path, const struct bt_export_options *options,
                    bt_export_write_fn write, void *context, struct bt_error *err)
{
    struct export export = {
        .options = options,
        .separator = options->separator != '\0' ? options->separator : ';',
        .write = write,
        .context = context,
    };
    if (export.separator != ';' && export.separator != ',') {
        return bt_fail(err, -EINVAL, "The separator must be ';' or ','");
    }
    BT_AUTO(bt_reader) reader = NULL;
    int r = bt_reader_open(path, &reader, err);
    if (r < 0) {
        return r;
    }
    bt_buf_init(&export.line, BT_EXPORT_LINE_MAX_BYTES);
    if (options->format == BT_EXPORT_CSV) {
        r = hand_over(&export, put_headings(export.separator, &export.line), err);
    }
    r = r < 0 ? r : export_rows(&export, reader, err);
    bt_buf_finish(&export.line);
    return r;
}

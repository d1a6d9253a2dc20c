#include "cli/verify/drawn.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "plays/number.h"

#define CELL_BYTES 1024
#define MAX_COUNT 9007199254740991LL

struct checking {
    const struct bt_drawn *drawn;
    struct bt_verdict *verdict;
    const char *path;
    int64_t line;   // of the file, or 0 for the total
    int64_t found;  // cells that differ
};

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

cJSON *bt_drawn_row(const struct bt_drawn *drawn, const char **at)
{
    struct bt_error err;
    cJSON *row = NULL;
    if (*at >= drawn->rows_end) {
        return NULL;
    }
    const char *end = memchr(*at, '\n', (size_t)(drawn->rows_end - *at));
    size_t len = (size_t)(end - *at);
    len -= len > 0 && (*at)[len - 1] == ',';
    if (bt_json_parse(*at, len, &row, &err) < 0) {
        return NULL;
    }
    *at = end + 1;
    return row;
}

/*
 * A cell of the file against the one of the document.
 */

static void differ(struct checking *checking, const cJSON *column, const char *said,
                   const char *right)
{
    checking->found++;
    BT_AUTOFREE char *where_vi = checking->line == 0
                                     ? bt_strdup("dòng cộng")
                                     : bt_strf("dòng %lld", (long long)checking->line);
    BT_AUTOFREE char *where_en =
        checking->line == 0 ? bt_strdup("total") : bt_strf("line %lld", (long long)checking->line);
    bt_verdict_add(
        checking->verdict, BT_FINDING_FAULT, "file-cell",
        bt_strf("%s, cột %s: báo cáo %s, đếm lại %s", where_vi, text_of(column, "vi"), said, right),
        bt_strf("%s, column %s: the report says %s, counted again %s", where_en,
                text_of(column, "vi"), said, right));
}

static void differ_numbers(struct checking *checking, const cJSON *column, const char *said,
                           int64_t right, int decimals)
{
    char text[BT_NUMBER_BYTES];
    bt_number_vi(text, right, decimals);
    differ(checking, column, said, text);
}

// Digits; a spreadsheet may have put points or blanks between them.
static bool read_count(const char *text, int64_t *out)
{
    char digits[32];
    size_t len = 0;
    for (; *text != '\0'; text++) {
        if (*text == '.' || *text == ',' || *text == ' ') {
            continue;
        }
        if (len + 1 == sizeof(digits)) {
            return false;
        }
        digits[len++] = *text;
    }
    digits[len] = '\0';
    return bt_parse_int(digits, 0, MAX_COUNT, out) == 0;
}

// Seconds with up to three decimals → milliseconds.
static bool read_seconds(const char *text, int64_t *out_ms)
{
    char whole[32], part[4] = "000";
    size_t len = strcspn(text, ",.");
    const char *decimals = text[len] == '\0' ? "" : text + len + 1;
    int64_t seconds, ms;
    if (strlen(decimals) > 3 || bt_format(whole, sizeof(whole), "%.*s", (int)len, text) < 0) {
        return false;
    }
    memcpy(part, decimals, strlen(decimals));
    if (bt_parse_int(whole, 0, MAX_COUNT / 1000, &seconds) < 0 ||
        bt_parse_int(part, 0, 999, &ms) < 0) {
        return false;
    }
    *out_ms = seconds * 1000 + ms;
    return true;
}

// Names and ids stand in the file as they are; days and words are written for people, and only
// their places are known here.
static bool is_literal(const char *name)
{
    static const char *const names[] = {"campaign", "campaign_id", "item",   "item_id",
                                        "unit",     "unit_code",   "screen", "screen_id"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_text(struct checking *checking, const cJSON *column, const char *said,
                       const char *right)
{
    const char *plain = said[0] == '\'' ? said + 1 : said;
    // The first cell of the sum says that it is one.
    if (checking->line > 0 && is_literal(text_of(column, "name")) && strcmp(said, right) != 0 &&
        strcmp(plain, right) != 0) {
        differ(checking, column, said, right);
    }
}

static void check_cell(struct checking *checking, const cJSON *column, const char *said,
                       const cJSON *right)
{
    int64_t number, wanted;
    bool seconds = strcmp(text_of(column, "kind"), "duration_ms") == 0;
    if (cJSON_IsString(right)) {
        check_text(checking, column, said, right->valuestring);
    } else if (bt_json_whole(right, 0, MAX_COUNT, &wanted) < 0) {
        if (said[0] != '\0') {
            differ(checking, column, said, "(trống)");
        }
    } else if (seconds ? !read_seconds(said, &number) : !read_count(said, &number)) {
        differ_numbers(checking, column, said[0] != '\0' ? said : "(trống)", wanted,
                       seconds ? 3 : 0);
    } else if (number != wanted) {
        char text[BT_NUMBER_BYTES];
        bt_number_vi(text, number, seconds ? 3 : 0);
        differ_numbers(checking, column, text, wanted, seconds ? 3 : 0);
    }
}

/*
 * CSV.
 */

// The next cell; *at is behind its separator. False when the line has ended before it.
static bool next_cell(const char **at, char separator, char out[CELL_BYTES])
{
    size_t len = 0;
    const char *c = *at;
    bool quoted = *c == '"';
    if (*c == '\0' || *c == '\n' || *c == '\r') {
        out[0] = '\0';
        return false;
    }
    for (c += quoted; *c != '\0'; c++) {
        if (quoted && c[0] == '"' && c[1] != '"') {
            c++;
            break;
        }
        if (!quoted && (*c == separator || *c == '\r' || *c == '\n')) {
            break;
        }
        c += quoted && *c == '"';  // two stand for one
        if (len + 1 < CELL_BYTES) {
            out[len++] = *c;
        }
    }
    out[len] = '\0';
    *at = c + (*c == separator);
    return true;
}

static void skip_line(const char **at)
{
    const char *end = strchr(*at, '\n');
    *at = end != NULL ? end + 1 : *at + strlen(*at);
}

static void check_line(struct checking *checking, const char **at, char separator,
                       const cJSON *right)
{
    const cJSON *column = cJSON_GetObjectItemCaseSensitive(checking->drawn->head, "columns");
    const cJSON *cell = cJSON_IsArray(right) ? right->child : NULL;
    column = cJSON_IsArray(column) ? column->child : NULL;
    for (; column != NULL && cell != NULL; column = column->next, cell = cell->next) {
        char said[CELL_BYTES];
        (void)!next_cell(at, separator, said);
        // An empty last cell has no separator behind it: the line is over, and so it says nothing.
        check_cell(checking, column, said, cell);
    }
    skip_line(at);
}

static void check_csv(struct checking *checking, const char *text)
{
    const struct bt_drawn *drawn = checking->drawn;
    const char *row_at = drawn->rows;
    if (bt_str_starts(text, "\xef\xbb\xbf")) {
        text += 3;
    }
    const char *line_end = strchr(text, '\n'), *semicolon = strchr(text, ';');
    bool by_semicolon = semicolon != NULL && (line_end == NULL || semicolon < line_end);
    char separator = by_semicolon ? ';' : ',';
    skip_line(&text);
    for (checking->line = 2;; checking->line++) {
        BT_AUTOJSON *row = bt_drawn_row(drawn, &row_at);
        if (row == NULL) {
            break;
        }
        check_line(checking, &text, separator, row);
    }
    checking->line = 0;
    check_line(checking, &text, separator, cJSON_GetObjectItemCaseSensitive(drawn->head, "total"));
}

/*
 * JSON.
 */

static void check_json_row(struct checking *checking, const cJSON *said, const cJSON *right)
{
    const cJSON *column = cJSON_GetObjectItemCaseSensitive(checking->drawn->head, "columns");
    const cJSON *cell = cJSON_IsArray(said) ? said->child : NULL;
    right = cJSON_IsArray(right) ? right->child : NULL;
    column = cJSON_IsArray(column) ? column->child : NULL;
    for (; column != NULL && right != NULL; column = column->next, right = right->next) {
        if (!cJSON_Compare(cell, right, true)) {
            char *said_text = cell != NULL ? cJSON_PrintUnformatted(cell) : NULL;
            char *right_text = cJSON_PrintUnformatted(right);
            differ(checking, column, said_text != NULL ? said_text : "(trống)", right_text);
            cJSON_free(said_text);
            cJSON_free(right_text);
        }
        cell = cell != NULL ? cell->next : NULL;
    }
}

static void check_json(struct checking *checking, const char *text, size_t len)
{
    struct bt_error err;
    BT_AUTOJSON *file = NULL;
    if (bt_json_parse(text, len, &file, &err) < 0) {
        return;  // its hash says that it is another
    }
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(file, "rows");
    const cJSON *said = cJSON_IsArray(rows) ? rows->child : NULL;
    const char *at = checking->drawn->rows;
    for (checking->line = 1;; checking->line++) {
        BT_AUTOJSON *row = bt_drawn_row(checking->drawn, &at);
        if (row == NULL) {
            break;
        }
        check_json_row(checking, said, row);
        said = said != NULL ? said->next : NULL;
    }
    checking->line = 0;
    check_json_row(checking, cJSON_GetObjectItemCaseSensitive(file, "total"),
                   cJSON_GetObjectItemCaseSensitive(checking->drawn->head, "total"));
}

/*
 * Any file.
 */

static bool is_known(const struct bt_drawn *drawn, const char *hex)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, drawn->files)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), hex)) {
            return true;
        }
    }
    return false;
}

static bool is_drawn(const struct bt_drawn *drawn, const struct bt_buf *bytes)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(bt_buf_text(bytes), bytes->len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    return is_known(drawn, hex) ||
           (bytes->len == drawn->len && memcmp(bytes->data, drawn->document, drawn->len) == 0);
}

static void look_closer(struct checking *checking, const struct bt_buf *bytes)
{
    if (bt_str_ends(checking->path, ".csv")) {
        check_csv(checking, bt_buf_text(bytes));
    } else if (bt_str_ends(checking->path, ".json")) {
        check_json(checking, bt_buf_text(bytes), bytes->len);
    }
    if (checking->found == 0) {
        bt_verdict_add(checking->verdict, BT_FINDING_FAULT, "file",
                       bt_strf("Tệp '%s' không đúng từng byte với tệp máy chủ đã xuất từ báo cáo; "
                               "không con số nào khác tìm thấy",
                               checking->path),
                       bt_strf("File '%s' is not byte for byte what the server drew from the "
                               "report; no number was found to differ",
                               checking->path));
    }
}

int bt_drawn_check(const struct bt_drawn *drawn, const char *path, struct bt_verdict *verdict,
                   struct bt_error *err)
{
    BT_AUTOBUF bytes;
    struct checking checking = {.drawn = drawn, .verdict = verdict, .path = path};
    bt_buf_init(&bytes, BT_DRAWN_MAX_BYTES);
    int r = bt_file_read(path, &bytes, err);
    if (r < 0) {
        return r;
    }
    if (!is_drawn(drawn, &bytes)) {
        look_closer(&checking, &bytes);
        return 0;
    }
    bt_verdict_add(verdict, BT_FINDING_HOLDS, "file",
                   bt_strf("Tệp '%s' đúng là tệp đã xuất từ báo cáo này", path),
                   bt_strf("File '%s' is what was drawn from this report", path));
    return 0;
}

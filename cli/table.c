#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define CELL_MAX_BYTES 1024
#define KEY_BYTES 64
#define HASH_SHOWN 12
#define VIETNAM_S (7 * 3600)

size_t bt_text_columns(const char *text)
{
    size_t columns = 0, len = strlen(text);
    for (size_t at = 0; at < len;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(len - at), &code);
        columns += step > 0 ? (size_t)utf8proc_charwidth(code) : 1;
        at += step > 0 ? (size_t)step : 1;
    }
    return columns;
}

// The API's words for states as people read them.
static const struct {
    const char *word, *text;
} states[] = {
    {"obeys", "nhận lệnh / obeys"},
    {"not-obeying", "KHÔNG NHẬN LỆNH / not obeying"},
    {"never-seen", "chưa báo về / never seen"},
    {"ok", "ổn / ok"},
    {"trouble", "có trục trặc / trouble"},
    {"dark", "TỐI / dark"},
    {"silent", "IM LẶNG / silent"},
    {"no-player", "chưa ghép / no player"},
    {"urgent", "KHẨN / urgent"},
    {"warning", "cảnh báo / warning"},
    {"notice", "lưu ý / notice"},
    {"hot", "nóng / hot"},
    {"throttled", "chạy chậm / throttled"},
    {"storage", "sắp hết chỗ / storage"},
    {"clock", "sai giờ / clock"},
    {"content", "sắp hết nội dung / content"},
    {"plays-late", "lượt phát chưa về / plays late"},
    {"journal-forked", "sổ rẽ nhánh / journal forked"},
    {"journal-damaged", "sổ hỏng / journal damaged"},
    {"order-unanswered", "lệnh không xong / order unanswered"},
    {"signature-refused", "từ chối chữ ký / signature refused"},
    {"emergency-not-shown", "tin khẩn không hiện / warning not shown"},
    {"decoder-failed", "bộ giải mã hỏng, dùng phần mềm / decoder failed, software used"},
    {"wrong-mode", "sai chế độ hình / wrong mode"},
    {"went-back", "quay về bản cũ / went back"},
    {"waiting", "chờ / waiting"},
    {"fetching", "đang tải / fetching"},
    {"offered", "chờ cài / offered"},
    {"trying", "đang thử / trying"},
    {"kept", "giữ / kept"},
    {"missing-frames", "QUAY VỀ: mất hình / back: frames were missing"},
    {"no-display", "QUAY VỀ: không thấy màn hình / back: found no display"},
    {"no-present", "QUAY VỀ: không chiếu / back: showed nothing"},
    {"restarts", "QUAY VỀ: tự tắt / back: ended by itself"},
    {"power-cuts", "QUAY VỀ: mất điện / back: power cuts"},
    {"not-started", "QUAY VỀ: không chạy / back: did not start"},
    {"not-bound", "chưa ký cho máy / not bound"},
    {"metadata-expired", "chữ ký quá hạn / signatures expired"},
    {"expiry-30", "chữ ký còn 30 ngày / signatures end"},
    {"expiry-7", "chữ ký còn 7 ngày / signatures end"},
    {"expiry-1", "chữ ký còn 1 ngày / signatures end"},
    {"backup", "chưa sao lưu / no backup"},
    {"on", "sáng / on"},
    {"off", "TẮT / off"},
    {"standby", "CHỜ / standby"},
    {"none", "KHÔNG CÓ MÀN HÌNH / none"},
    {"synced", "đúng / synced"},
    {"unknown", "chưa tin / unknown"},
    {"waiting", "đang chờ / waiting"},
    {"sent", "đã gửi / sent"},
    {"mail", "thư / e-mail"},
    {"done", "xong / done"},
    {"refused", "từ chối / refused"},
    {"failed", "lỗi / failed"},
    {"replaced", "đã thay / replaced"},
    {"draft", "nháp / draft"},
    {"proposed", "đang đề nghị / proposed"},
    {"approved", "đã duyệt / approved"},
    {"published", "đang phát / published"},
    {"superseded", "đã thay / superseded"},
    {"withdrawn", "đã rút / withdrawn"},
    {"open", "chờ ký / open"},
    {"queued", "xếp hàng / queued"},
    {"ready", "dùng được / ready"},
    {"active", "đang hiệu lực / active"},
    {"ended", "đã kết thúc / ended"},
    {"expired", "đã hết hạn / expired"},
    {"disabled", "đã khóa / disabled"},
};

static const char *state_text(const cJSON *value)
{
    const char *word = cJSON_GetStringValue(value);
    for (size_t i = 0; word != NULL && i < BT_ARRAY_LEN(states); i++) {
        if (strcmp(states[i].word, word) == 0) {
            return states[i].text;
        }
    }
    return NULL;
}

// The member that a dotted path leads to.
static const cJSON *follow(const cJSON *object, const char *path)
{
    while (object != NULL && *path != '\0') {
        char key[KEY_BYTES];
        size_t len = strcspn(path, ".");
        BT_AUTOFREE char *part = bt_strndup(path, len);
        bt_copy_cut(key, sizeof(key), part);
        object = cJSON_GetObjectItemCaseSensitive(object, key);
        path += len + (path[len] == '.');
    }
    return object;
}

static char *time_text(const cJSON *value)
{
    int64_t ms;
    char text[BT_RFC3339_BYTES];
    if (bt_json_whole(value, 1, INT64_C(253402300799000), &ms) < 0) {
        return bt_strdup("");
    }
    bt_rfc3339_format(ms / 1000 * 1000, VIETNAM_S, text);
    text[strlen("2026-11-21T09:30:00")] = '\0';
    text[strlen("2026-11-21")] = ' ';
    return bt_strdup(text);
}

static char *bytes_text(const cJSON *value)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
    size_t unit = 0;
    while (number >= 1024 && unit + 1 < BT_ARRAY_LEN(units)) {
        number /= 1024;
        unit++;
    }
    return bt_strf(unit == 0 ? "%.0f %s" : "%.1f %s", number, units[unit]);
}

static void append_plain(const cJSON *value, struct bt_buf *out)
{
    int r = 0;
    if (cJSON_IsString(value)) {
        r = bt_buf_appendf(out, "%s", value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        r = bt_buf_appendf(out, "%.15g", value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        r = bt_buf_appendf(out, "%s", cJSON_IsTrue(value) ? "có / yes" : "không / no");
    } else if (cJSON_IsArray(value)) {
        for (const cJSON *each = value->child; each != NULL && r == 0; each = each->next) {
            const char *text = cJSON_GetStringValue(each);
            r = bt_buf_appendf(out, "%s%s", each->prev == NULL || each == value->child ? "" : ", ",
                               text != NULL ? text : "…");
        }
    }
    if (r < 0) {
        return;  // a cell shows as much as there is room for
    }
}

static char *plain_text(const cJSON *value)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, CELL_MAX_BYTES);
    append_plain(value, &text);
    char *safe = bt_strdup(bt_buf_text(&text));
    for (char *c = safe; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7F ? ' ' : *c;
    }
    return safe;
}

// Of a list: each word, in both languages where we know it.
static char *states_text(const cJSON *list)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, CELL_MAX_BYTES);
    const cJSON *each;
    int r = 0;
    cJSON_ArrayForEach(each, list)
    {
        BT_AUTOFREE char *plain = plain_text(each);
        const char *known = state_text(each);
        if (r == 0) {
            r = bt_buf_appendf(&text, "%s%s", text.len > 0 ? "; " : "",
                               known != NULL ? known : plain);
        }
    }
    return bt_strdup(bt_buf_text(&text));
}

char *bt_table_cell(const cJSON *object, const struct bt_column *column)
{
    const cJSON *value = follow(object, column->key);
    switch (column->kind) {
    case BT_COLUMN_TIME:
        return time_text(value);
    case BT_COLUMN_BYTES:
        return cJSON_IsNumber(value) ? bytes_text(value) : bt_strdup("");
    case BT_COLUMN_HASH: {
        char *text = plain_text(value);
        text[strnlen(text, HASH_SHOWN)] = '\0';
        return text;
    }
    case BT_COLUMN_STATE:
        if (cJSON_IsArray(value)) {
            return states_text(value);
        }
        if (state_text(value) != NULL) {
            return bt_strdup(state_text(value));
        }
        break;
    case BT_COLUMN_TEXT:
        break;
    }
    return plain_text(value);
}

static void print_cell(const char *text, size_t width, bool last, FILE *to)
{
    fputs(text, to);
    for (size_t used = bt_text_columns(text); !last && used < width + 2; used++) {
        fputc(' ', to);
    }
}

void bt_table_print(const cJSON *items, const struct bt_column *columns, size_t count, FILE *to)
{
    size_t rows = (size_t)cJSON_GetArraySize(items), row = 0;
    BT_AUTOFREE char **cells = BT_NEW_ARRAY(char *, rows *count + 1);
    BT_AUTOFREE size_t *widths = BT_NEW_ARRAY(size_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        widths[i] = bt_text_columns(columns[i].title);
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        for (size_t i = 0; i < count; i++) {
            cells[row * count + i] = bt_table_cell(item, &columns[i]);
            widths[i] = BT_MAX(widths[i], bt_text_columns(cells[row * count + i]));
        }
        row++;
    }
    for (size_t i = 0; i < count; i++) {
        print_cell(columns[i].title, widths[i], i + 1 == count, to);
    }
    fputc('\n', to);
    for (size_t i = 0; i < row * count; i++) {
        bool last = (i + 1) % count == 0;
        print_cell(cells[i], widths[i % count], last, to);
        fputs(last ? "\n" : "", to);
        free(cells[i]);
    }
}

void bt_table_print_object(const cJSON *object, const struct bt_column *columns, size_t count,
                           FILE *to)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        width = BT_MAX(width, bt_text_columns(columns[i].title));
    }
    for (size_t i = 0; i < count; i++) {
        BT_AUTOFREE char *text = bt_table_cell(object, &columns[i]);
        if (text[0] != '\0') {
            print_cell(columns[i].title, width, false, to);
            fprintf(to, "%s\n", text);
        }
    }
}

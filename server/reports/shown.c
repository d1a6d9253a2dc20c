#include "server/reports/shown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "plays/number.h"
#include "server/reports/ascii.h"
#include "server/reports/columns.h"

const cJSON *bt_shown_member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *bt_shown_key(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(bt_shown_member(object, key));
    return text != NULL ? text : "";
}

bool bt_shown_whole(const cJSON *value, int64_t *out)
{
    return value != NULL && bt_json_whole(value, -(INT64_C(1) << 53), INT64_C(1) << 53, out) == 0;
}

int64_t bt_shown_number(const cJSON *object, const char *key)
{
    int64_t number = 0;
    bt_shown_whole(bt_shown_member(object, key), &number);
    return number;
}

int bt_shown_check(const cJSON *head, struct bt_error *err)
{
    static const char *const lists[] = {"columns", "total", "by"};
    static const char *const objects[] = {"completeness", "coverage", "timeliness", "supplement"};
    for (size_t i = 0; i < BT_ARRAY_LEN(lists); i++) {
        if (!cJSON_IsArray(bt_shown_member(head, lists[i]))) {
            return bt_fail(err, -EINVAL, "The document has no '%s'", lists[i]);
        }
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(objects); i++) {
        if (!cJSON_IsObject(bt_shown_member(head, objects[i]))) {
            return bt_fail(err, -EINVAL, "The document has no '%s'", objects[i]);
        }
    }
    return 0;
}

void bt_shown_day(const char *iso, char out[BT_SHOWN_BYTES])
{
    if (strlen(iso) != 10 ||
        bt_format(out, BT_SHOWN_BYTES, "%.2s/%.2s/%.4s", iso + 8, iso + 5, iso) < 0) {
        bt_copy_cut(out, BT_SHOWN_BYTES, iso);
    }
}

void bt_shown_text(const cJSON *column, const char *text, char out[BT_SHOWN_BYTES])
{
    const char *name = bt_shown_key(column, "name");
    if (strcmp(name, "day") == 0) {
        bt_shown_day(text, out);
    } else if (strcmp(name, "month") == 0 && strlen(text) == 7) {
        int r = bt_format(out, BT_SHOWN_BYTES, "%.2s/%.4s", text + 5, text);
        out[r < 0 ? 0 : strlen(out)] = '\0';
    } else if (strcmp(name, "hour") == 0) {
        int r = bt_format(out, BT_SHOWN_BYTES, "%.4s giờ", text);
        out[r < 0 ? 0 : strlen(out)] = '\0';
    } else if (strcmp(name, "priority") == 0 || strcmp(name, "reason") == 0 ||
               strcmp(name, "evidence") == 0) {
        bt_copy_cut(out, BT_SHOWN_BYTES, bt_report_word_vi(text));
    } else {
        bt_copy_cut(out, BT_SHOWN_BYTES, text);
    }
}

void bt_shown_moment(const cJSON *head, int64_t ms, char out[BT_SHOWN_BYTES])
{
    BT_AUTO(bt_tz) tz = NULL;
    int64_t local = ms / 1000;
    if (bt_tz_load(bt_shown_key(head, "time_zone"), &tz, NULL) == 0) {
        local = bt_tz_to_local_s(tz, local);
    }
    struct bt_civil civil = bt_civil_from_s(local);
    if (ms == 0 || bt_format(out, BT_SHOWN_BYTES, "%02d/%02d/%04d %02d:%02d", civil.day,
                             civil.month, civil.year, civil.hour, civil.minute) < 0) {
        out[0] = '\0';
    }
}

static BT_PRINTF(2, 3) void add_line(struct bt_shown_notes *notes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (notes->count < BT_SHOWN_MAX_NOTES) {
        vsnprintf(notes->lines[notes->count++], BT_SHOWN_BYTES, format, arguments);
    }
    va_end(arguments);
}

static const char *vi(char out[BT_NUMBER_BYTES], const cJSON *object, const char *key)
{
    bt_number_vi(out, bt_shown_number(object, key), 0);
    return out;
}

static void add_losses(struct bt_shown_notes *notes, const cJSON *completeness)
{
    char a[BT_NUMBER_BYTES], b[BT_NUMBER_BYTES];
    if (bt_shown_number(completeness, "lost_plays") > 0 ||
        bt_shown_number(completeness, "lost_unknown") > 0) {
        add_line(
            notes,
            "Khai báo mất: ít nhất %s lượt không ghi được; %s khoảng thời gian không rõ số lượt.",
            vi(a, completeness, "lost_plays"), vi(b, completeness, "lost_unknown"));
    } else {
        add_line(notes, "Không có khai báo mất lượt phát trong kỳ.");
    }
}

static void add_screens(struct bt_shown_notes *notes, const cJSON *completeness)
{
    char a[BT_NUMBER_BYTES], b[BT_NUMBER_BYTES], c[BT_NUMBER_BYTES], d[BT_NUMBER_BYTES];
    add_line(notes, "Độ đầy đủ: %s/%s màn hình đã báo về đủ; %s báo về một phần; %s chưa báo về.",
             vi(a, completeness, "full"), vi(b, completeness, "screens"),
             vi(c, completeness, "part"), vi(d, completeness, "none"));
    add_losses(notes, completeness);
    if (bt_shown_number(completeness, "forked") > 0) {
        add_line(notes, "%s màn hình có sổ bị sao chép (rẽ nhánh), số đếm của chúng bị đóng băng.",
                 vi(a, completeness, "forked"));
    }
    if (bt_shown_number(completeness, "repaired") > 0 ||
        bt_shown_number(completeness, "undated") > 0) {
        add_line(notes,
                 "%s lượt được định lại giờ theo đồng hồ máy; %s lượt chỉ biết thời điểm sớm nhất.",
                 vi(a, completeness, "repaired"), vi(b, completeness, "undated"));
    }
}

static void add_reach(struct bt_shown_notes *notes, const cJSON *head)
{
    char a[BT_NUMBER_BYTES], b[BT_NUMBER_BYTES], c[BT_NUMBER_BYTES], d[BT_NUMBER_BYTES];
    const cJSON *coverage = bt_shown_member(head, "coverage");
    const cJSON *timeliness = bt_shown_member(head, "timeliness");
    const cJSON *late = bt_shown_member(head, "supplement");
    add_line(notes, "Độ phủ: %s/%s đơn vị và %s/%s màn hình đã phát trọn vẹn ít nhất một lượt.",
             vi(a, coverage, "units_shown"), vi(b, coverage, "units"),
             vi(c, coverage, "screens_shown"), vi(d, coverage, "screens"));
    if (bt_shown_number(timeliness, "counted") > 0) {
        add_line(
            notes,
            "Kịp thời: từ lúc ban hành đến lượt phát đầu tiên, một nửa số màn hình trong %s phút, "
            "95 %% trong %s phút; %s chưa phát.",
            vi(a, timeliness, "median_min"), vi(b, timeliness, "p95_min"),
            vi(c, timeliness, "never"));
    }
    if (bt_shown_number(late, "complete") != 0 || bt_shown_number(late, "partial") != 0) {
        add_line(
            notes,
            "Bổ sung cho báo cáo %s: %s lượt trọn vẹn và %s lượt dở dang về sau khi đã báo cáo.",
            bt_shown_key(late, "of"), vi(a, late, "complete"), vi(b, late, "partial"));
    }
}

void bt_shown_notes(const cJSON *head, struct bt_shown_notes *out)
{
    char moment[BT_SHOWN_BYTES];
    out->count = 0;
    add_line(out, "%s", bt_shown_key(head, "sentence"));
    add_screens(out, bt_shown_member(head, "completeness"));
    add_reach(out, head);
    bt_shown_moment(head, bt_shown_number(head, "created_ms"), moment);
    add_line(out, "Báo cáo %s lập lúc %s; định nghĩa lượt phát: phiên bản %lld.",
             bt_shown_key(head, "id"), moment, (long long)bt_shown_number(head, "definitions"));
    add_line(out, "Vân tay gốc tin cậy (SHA-256): %s", bt_shown_key(head, "root_sha256"));
}

void bt_shown_foot(const cJSON *head, char out[BT_SHOWN_BYTES])
{
    const cJSON *completeness = bt_shown_member(head, "completeness");
    bool lost = bt_shown_number(completeness, "lost_plays") > 0 ||
                bt_shown_number(completeness, "lost_unknown") > 0;
    int r =
        bt_format(out, BT_SHOWN_BYTES,
                  "Báo về đủ %lld/%lld, một phần %lld, chưa báo về %lld%s · định nghĩa v%lld",
                  (long long)bt_shown_number(completeness, "full"),
                  (long long)bt_shown_number(completeness, "screens"),
                  (long long)bt_shown_number(completeness, "part"),
                  (long long)bt_shown_number(completeness, "none"), lost ? ", có khai báo mất" : "",
                  (long long)bt_shown_number(head, "definitions"));
    out[r < 0 ? 0 : strlen(out)] = '\0';
}

void bt_shown_file_name(const cJSON *head, const char *ending, char out[BT_SHOWN_BYTES])
{
    BT_AUTOFREE char *unit = bt_ascii_file_part(bt_shown_key(head, "unit_name"));
    const char *period = bt_shown_key(head, "period"), *preset = bt_shown_key(head, "preset");
    const char *part = strcmp(preset, "half-year-1") == 0   ? "-6thang-dau"
                       : strcmp(preset, "half-year-2") == 0 ? "-6thang-cuoi"
                                                            : "";
    int r = period[0] != '\0' ? bt_format(out, BT_SHOWN_BYTES, "BC_luot-phat_%s%s_%s.%s", period,
                                          part, unit, ending)
                              : bt_format(out, BT_SHOWN_BYTES, "BC_luot-phat_%s_%s_%s.%s",
                                          bt_shown_key(head, "from_day"),
                                          bt_shown_key(head, "until_day"), unit, ending);
    if (r < 0) {
        bt_copy_cut(out, BT_SHOWN_BYTES, "BC_luot-phat");
    }
}

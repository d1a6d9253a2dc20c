#include "server/reports/params.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/reports/period.h"

const char *const bt_report_presets[] = {"month",          "half-year-1",   "half-year-2", "year",
                                         "calendar-month", "calendar-year", NULL};
static const char *const units_words[] = {"then", "now", NULL};
static const char *const level_words[] = {"own", "below", NULL};

static int index_of(const char *const *words, const char *text)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

bool bt_report_has(const struct bt_report_params *params, enum bt_dimension by)
{
    for (size_t i = 0; i < params->by_count; i++) {
        if (params->by[i] == by) {
            return true;
        }
    }
    return false;
}

// The body as its table has it, before days and dimensions are understood.
struct body {
    struct bt_report_params params;
    const cJSON *by;  // borrowed
    char from[16], to[16];
};

static int keep_by(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    (void)err;
    memcpy(target, &value, sizeof(const cJSON *));
    return 0;
}

#define FIELD(member_, key_, kind_, ...)                                                           \
    BT_JSON_FIELD(struct body, member_, key_, kind_, .optional = true, __VA_ARGS__)
#define FILTER(name_)                                                                              \
    FIELD(params.name_, #name_, BT_JSON_STRING, .min = 1, .max = BT_REPORT_ID_BYTES - 1)

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct body, params.unit, "unit", BT_JSON_STRING, .min = 1, .max = 24),
    FIELD(params.preset, "preset", BT_JSON_STRING, .min = 1, .max = 23),
    FIELD(params.period, "period", BT_JSON_STRING, .min = 1, .max = 15),
    FIELD(from, "from", BT_JSON_STRING, .min = 10, .max = 10),
    FIELD(to, "to", BT_JSON_STRING, .min = 10, .max = 10),
    FIELD(by, "by", BT_JSON_CUSTOM, .read = keep_by),
    FILTER(campaign),
    FILTER(item),
    FILTER(screen),
    FILTER(group),
    FIELD(params.units, "units", BT_JSON_ENUM, .words = units_words),
    FIELD(params.level, "level", BT_JSON_ENUM, .words = level_words),
    FIELD(params.title, "title", BT_JSON_STRING, .min = 1, .max = BT_REPORT_TEXT_BYTES - 1),
    FIELD(params.keep, "keep", BT_JSON_BOOL, .min = 0),
};

static int read_by(const cJSON *by, struct bt_report_params *params, struct bt_error *err)
{
    if (!cJSON_IsArray(by)) {
        return bt_fail(err, -EINVAL, "'by' phải là một danh sách / is no list");
    }
    for (const cJSON *each = by->child; each != NULL; each = each->next) {
        int found = cJSON_IsString(each) ? index_of(bt_dimension_words, each->valuestring) : -1;
        if (found < 0) {
            return bt_fail(err, -EINVAL,
                           "'by': chỉ có / takes campaign, item, unit, screen, day, month, hour, "
                           "priority, reason, evidence");
        }
        if (bt_report_has(params, (enum bt_dimension)found)) {
            return bt_fail(err, -EINVAL, "'by': '%s' hai lần / is there twice",
                           bt_dimension_words[found]);
        }
        params->by[params->by_count++] = (enum bt_dimension)found;
    }
    return 0;
}

static int read_days(const struct body *body, struct bt_report_params *params, struct bt_error *err)
{
    int64_t from_s, until_s;
    if (bt_date_parse(body->from, &from_s) < 0 || bt_date_parse(body->to, &until_s) < 0) {
        return bt_fail(err, -EINVAL,
                       "'from' và 'to' cần dạng / want the form 2026-10-01; hoặc / or 'preset'");
    }
    params->from_day = bt_day_of_s(from_s);
    params->until_day = bt_day_of_s(until_s);
    if (params->until_day < params->from_day) {
        return bt_fail(err, -EINVAL, "'to' trước / is before 'from'");
    }
    return 0;
}

static int check(const struct bt_report_params *params, struct bt_error *err)
{
    if (bt_report_has(params, BT_BY_HOUR) &&
        (bt_report_has(params, BT_BY_REASON) || bt_report_has(params, BT_BY_EVIDENCE))) {
        return bt_fail(
            err, -EINVAL,
            "'by': theo giờ thì không có lý do và bằng chứng / counts by the hour do not "
            "say reason and evidence");
    }
    if (params->preset[0] == '\0' && params->period[0] != '\0') {
        return bt_fail(err, -EINVAL, "'period' chỉ dùng với / goes with 'preset'");
    }
    return 0;
}

int bt_report_params_read(const cJSON *json, struct bt_report_params *out, struct bt_error *err)
{
    struct body body = {.params = {.keep = true}};
    const char *unknown = bt_json_unknown_key(json, fields, BT_ARRAY_LEN(fields));
    if (unknown != NULL) {
        return bt_fail(err, -EINVAL, "'%.40s' không có trong yêu cầu / is not known here", unknown);
    }
    int r = bt_json_read(json, fields, BT_ARRAY_LEN(fields), &body, NULL, err);
    if (r < 0) {
        return r;
    }
    if (body.by != NULL && (r = read_by(body.by, &body.params, err)) < 0) {
        return r;
    }
    if (body.params.preset[0] != '\0' && index_of(bt_report_presets, body.params.preset) < 0) {
        return bt_fail(err, -EINVAL, "'preset': không có mẫu này / there is no such preset");
    }
    if (body.params.preset[0] != '\0' && (body.from[0] != '\0' || body.to[0] != '\0')) {
        return bt_fail(err, -EINVAL, "'preset' hoặc 'from' và 'to' / either a preset or days");
    }
    r = body.params.preset[0] != '\0' ? 0 : read_days(&body, &body.params, err);
    if (r < 0 || (r = check(&body.params, err)) < 0) {
        return r;
    }
    *out = body.params;
    return 0;
}

static int settle_preset(struct bt_report_params *params, const struct bt_report_closing *closing,
                         int64_t today, struct bt_error *err)
{
    struct bt_period period;
    enum bt_preset preset = (enum bt_preset)index_of(bt_report_presets, params->preset);
    int r = params->period[0] != '\0' ? bt_period_parse(preset, params->period, closing, &period)
                                      : bt_period_due(preset, today, closing, &period);
    if (r < 0) {
        return bt_fail(err, -EINVAL,
                       "'period': cần dạng 2026-10 cho tháng, 2026 cho nửa năm và năm / wants "
                       "2026-10 for months, 2026 for half-years and years");
    }
    params->from_day = period.from_day;
    params->until_day = period.until_day;
    bt_copy_cut(params->period, sizeof(params->period), period.name);
    bt_copy_cut(params->phrase, sizeof(params->phrase), period.phrase);
    return 0;
}

int bt_report_settle(struct bt_report_params *params, const struct bt_report_closing *closing,
                     int64_t today, struct bt_error *err)
{
    int r = 0;
    if (params->preset[0] != '\0') {
        r = settle_preset(params, closing, today, err);
    } else {
        bt_period_days_phrase(params->from_day, params->until_day, params->phrase,
                              sizeof(params->phrase));
    }
    if (r < 0) {
        return r;
    }
    if (params->until_day < params->from_day ||
        params->until_day - params->from_day >= BT_REPORT_MAX_DAYS) {
        return bt_fail(err, -EINVAL, "Dài quá %d ngày / more than %d days", BT_REPORT_MAX_DAYS,
                       BT_REPORT_MAX_DAYS);
    }
    if (params->title[0] == '\0') {
        r = bt_format(params->title, sizeof(params->title), "Báo cáo lượt phát %s", params->phrase);
    }
    return r;
}

void bt_report_kind(const struct bt_report_params *params, char out[65])
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 4096);
    int r =
        bt_buf_appendf(&text, "%s\n%s\n%s\n%s\n%s\n%d\n%d\n", params->preset, params->campaign,
                       params->item, params->screen, params->group, params->units, params->level);
    for (size_t i = 0; i < params->by_count && r == 0; i++) {
        r = bt_buf_appendf(&text, "%s\n", bt_dimension_words[params->by[i]]);
    }
    struct bt_sha256 hash = bt_sha256_of(bt_buf_text(&text), text.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), out);
}

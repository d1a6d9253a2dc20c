#include "server/care/message.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static size_t count_of(const struct bt_alert_news *news, size_t count, enum bt_news which)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += news[i].news == which;
    }
    return found;
}

static bool has_urgent(const struct bt_alert_news *news, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (news[i].news != BT_NEWS_ENDED && strcmp(news[i].severity, "urgent") == 0) {
            return true;
        }
    }
    return false;
}

int bt_message_subject(const struct bt_alert_news *news, size_t count, struct bt_buf *out)
{
    static const struct {
        enum bt_news news;
        const char *word;
    } parts[] = {
        {BT_NEWS_ON, "cảnh báo mới"}, {BT_NEWS_STILL, "vẫn còn"}, {BT_NEWS_ENDED, "đã hết"}};
    bool one_unit = true, said = false;
    for (size_t i = 1; i < count; i++) {
        one_unit = one_unit && strcmp(news[i].unit, news[0].unit) == 0;
    }
    int r = bt_buf_appendf(out, "%sBảng tin:", has_urgent(news, count) ? "[KHẨN] " : "");
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(parts); i++) {
        size_t found = count_of(news, count, parts[i].news);
        if (found > 0) {
            r = bt_buf_appendf(out, "%s %zu %s", said ? "," : "", found, parts[i].word);
            said = true;
        }
    }
    return r < 0 || !one_unit ? r : bt_buf_appendf(out, " (%.120s)", news[0].unit_name);
}

static void local_time(const struct bt_tz *tz, int64_t ms, char out[BT_RFC3339_BYTES])
{
    struct bt_civil at = bt_civil_from_s(bt_tz_to_local_s(tz, ms / 1000));
    BT_AUTOFREE char *text =
        bt_strf("%02d:%02d %d/%d/%d", at.hour, at.minute, at.day, at.month, at.year);
    bt_copy_cut(out, BT_RFC3339_BYTES, text);
}

static int append_call(const struct bt_alert_news *one, const char *word, struct bt_buf *out)
{
    if (one->news == BT_NEWS_ENDED || (one->duty_name[0] == '\0' && one->duty_phone[0] == '\0')) {
        return 0;
    }
    return bt_buf_appendf(out, "  %s: %s %s\n", word, one->duty_name, one->duty_phone);
}

static int append_vi(const struct bt_alert_news *one, const struct bt_tz *tz, struct bt_buf *out)
{
    static const char *const words[] = {"", "VẪN CÒN – ", "ĐÃ HẾT – "};
    const struct bt_rule *rule = bt_rule_find(one->kind);
    char since[BT_RFC3339_BYTES];
    local_time(tz, one->since_ms, since);
    int r = bt_buf_appendf(out, "* %s%s%s: %s%s%s, %s\n  %s, từ %s\n", words[one->news],
                           strcmp(one->severity, "urgent") == 0 ? "[KHẨN] " : "",
                           rule != NULL ? rule->vi : one->kind, one->screen_name,
                           one->screen_name[0] != '\0' ? " – " : "", one->object, one->unit_name,
                           one->vi, since);
    if (r == 0 && rule != NULL && one->news != BT_NEWS_ENDED) {
        r = bt_buf_appendf(out, "  Cần làm: %s\n", rule->todo);
    }
    return r < 0 ? r : append_call(one, "Người trực", out);
}

static int append_en(const struct bt_alert_news *one, const struct bt_tz *tz, struct bt_buf *out)
{
    static const char *const words[] = {"", "STILL – ", "OVER – "};
    const struct bt_rule *rule = bt_rule_find(one->kind);
    char since[BT_RFC3339_BYTES];
    local_time(tz, one->since_ms, since);
    return bt_buf_appendf(out, "* %s%s: %s%s%s: %s, since %s\n", words[one->news],
                          rule != NULL ? rule->en : one->kind, one->screen_name,
                          one->screen_name[0] != '\0' ? " – " : "", one->object, one->en, since);
}

int bt_message_text(const struct bt_alert_news *news, size_t count, const struct bt_tz *tz,
                    struct bt_buf *out)
{
    size_t said = BT_MIN(count, (size_t)BT_MESSAGE_MAX_ALERTS);
    int r = 0;
    for (size_t i = 0; r == 0 && i < said; i++) {
        r = append_vi(&news[i], tz, out);
    }
    if (r == 0 && said < count) {
        r = bt_buf_appendf(out, "… và %zu cảnh báo nữa\n", count - said);
    }
    r = r < 0 ? r
              : bt_buf_appendf(out, "\nXem tất cả: bangtin alert list. Đã biết, đang xử lý: "
                                    "bangtin alert ack MÃ \"ghi chú\" (không nhắc lại nữa).\n"
                                    "\n--- English ---\n");
    for (size_t i = 0; r == 0 && i < said; i++) {
        r = append_en(&news[i], tz, out);
    }
    if (r == 0 && said < count) {
        r = bt_buf_appendf(out, "… and %zu more\n", count - said);
    }
    return r;
}

cJSON *bt_message_json(const struct bt_alert_news *news, size_t count, int64_t now_ms)
{
    static const char *const words[] = {"on", "still", "ended"};
    size_t said = BT_MIN(count, (size_t)BT_MESSAGE_MAX_ALERTS);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "format", 1);
    cJSON_AddNumberToObject(json, "made_ms", (double)now_ms);
    cJSON *list = cJSON_AddArrayToObject(json, "alerts");
    for (size_t i = 0; i < said; i++) {
        const struct bt_alert_news *one = &news[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "id", one->id);
        cJSON_AddStringToObject(entry, "news", words[one->news]);
        cJSON_AddStringToObject(entry, "kind", one->kind);
        cJSON_AddStringToObject(entry, "severity", one->severity);
        cJSON_AddStringToObject(entry, "object", one->object);
        cJSON_AddStringToObject(entry, "name", one->screen_name);
        cJSON_AddStringToObject(entry, "unit", one->unit);
        cJSON_AddNumberToObject(entry, "since_ms", (double)one->since_ms);
        cJSON_AddItemToObject(entry, "until_ms",
                              one->news == BT_NEWS_ENDED ? cJSON_CreateNumber((double)one->until_ms)
                                                         : cJSON_CreateNull());
        cJSON_AddStringToObject(entry, "vi", one->vi);
        cJSON_AddStringToObject(entry, "en", one->en);
        cJSON_AddItemToArray(list, entry);
    }
    cJSON_AddNumberToObject(json, "more", (double)(count - said));
    return json;
}

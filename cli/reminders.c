#include "cli/reminders.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/config.h"

static const char file_name[] = "expiries.json";

enum bt_reminder bt_reminder_of(int64_t expires_ms, int64_t now_ms)
{
    int64_t left_ms = expires_ms - now_ms;
    if (left_ms <= 0) {
        return BT_EXPIRED;
    }
    if (left_ms <= BT_MS_PER_DAY) {
        return BT_REMINDER_1;
    }
    if (left_ms <= 7 * BT_MS_PER_DAY) {
        return BT_REMINDER_7;
    }
    return left_ms <= 30 * BT_MS_PER_DAY ? BT_REMINDER_30 : BT_REMINDER_NONE;
}

void bt_reminder_text(int64_t expires_ms, int64_t now_ms, char out[BT_REMINDER_TEXT_BYTES])
{
    long long days = (long long)((expires_ms - now_ms) / BT_MS_PER_DAY);
    BT_AUTOFREE char *text = NULL;
    switch (bt_reminder_of(expires_ms, now_ms)) {
    case BT_EXPIRED:
        text = bt_strf("đã hết hạn / expired");
        break;
    case BT_REMINDER_1:
        text = bt_strf("hết hạn trong 24 giờ / expires within 24 hours");
        break;
    case BT_REMINDER_7:
    case BT_REMINDER_30:
    case BT_REMINDER_NONE:
        text = bt_strf("còn %lld ngày / %lld days left", days, days);
        break;
    }
    bt_copy_cut(out, BT_REMINDER_TEXT_BYTES, text);
}

void bt_reminders_note(const char *role, int64_t expires_ms)
{
    BT_AUTOJSON *known = NULL;
    if (bt_config_read(file_name, &known, NULL) < 0) {
        known = cJSON_CreateObject();
    }
    cJSON_DeleteItemFromObjectCaseSensitive(known, role);
    if (expires_ms > 0) {
        cJSON_AddNumberToObject(known, role, (double)expires_ms);
    }
    if (bt_config_write(file_name, known, NULL) < 0) {
        return;  // a reminder less; the command itself went well
    }
}

static void print_one(const cJSON *entry, int64_t now_ms, FILE *to)
{
    int64_t expires_ms;
    char left[BT_REMINDER_TEXT_BYTES], date[BT_RFC3339_BYTES];
    if (bt_json_whole(entry, 1, INT64_C(1) << 52, &expires_ms) < 0 ||
        bt_reminder_of(expires_ms, now_ms) == BT_REMINDER_NONE) {
        return;
    }
    bt_reminder_text(expires_ms, now_ms, left);
    bt_rfc3339_format(expires_ms, 0, date);
    fprintf(to,
            "Nhắc / reminder: '%s' %s (%.10s). Gia hạn một bước / renew in one step: "
            "bangtin repository renew %s --key FILE\n",
            entry->string, left, date, entry->string);
}

void bt_reminders_print(FILE *to)
{
    BT_AUTOJSON *known = NULL;
    if (bt_config_read(file_name, &known, NULL) < 0) {
        return;
    }
    int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
    for (const cJSON *entry = known->child; entry != NULL; entry = entry->next) {
        print_one(entry, now_ms, to);
    }
}

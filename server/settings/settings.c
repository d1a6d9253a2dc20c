#include "server/settings/settings.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/str.h"
#include "server/accounts/access.h"

static const char *const kind_words[] = {
    [BT_SETTING_NUMBER] = "number",       [BT_SETTING_TEXT] = "text",
    [BT_SETTING_WORD] = "word",           [BT_SETTING_DATE] = "date-of-year",
    [BT_SETTING_TIME_ZONE] = "time-zone",
};

const char *bt_setting_kind_word(enum bt_setting_kind kind)
{
    return kind_words[kind];
}

const struct bt_setting *bt_setting_find(const char *name)
{
    for (size_t i = 0; i < bt_settings_count; i++) {
        if (strcmp(bt_settings[i].name, name) == 0) {
            return &bt_settings[i];
        }
    }
    return NULL;
}

bool bt_setting_date(const char *value, int *out_day, int *out_month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *slash = strchr(value, '/');
    char first[4];
    int64_t day, month;
    if (slash == NULL || bt_format(first, sizeof(first), "%.*s", (int)(slash - value), value) < 0 ||
        bt_parse_int(slash + 1, 1, 12, &month) < 0 ||
        bt_parse_int(first, 1, days[month - 1], &day) < 0) {
        return false;
    }
    *out_day = (int)day;
    *out_month = (int)month;
    return true;
}

static int refuse(struct bt_error *err, const struct bt_setting *setting, const char *what)
{
    return bt_fail(err, -EINVAL, "'%s': %s", setting->name, what);
}

static int check_number(const struct bt_setting *setting, const char *value, struct bt_error *err)
{
    int64_t number;
    if (bt_parse_int(value, setting->min, setting->max, &number) < 0) {
        return bt_fail(err, -EINVAL,
                       "'%s': cần một số từ %lld đến %lld / wants a number from %lld to %lld",
                       setting->name, (long long)setting->min, (long long)setting->max,
                       (long long)setting->min, (long long)setting->max);
    }
    return 0;
}

static int check_text(const struct bt_setting *setting, const char *value, struct bt_error *err)
{
    size_t len = strlen(value);
    if ((int64_t)len < setting->min || (int64_t)len > setting->max ||
        len >= BT_SETTING_VALUE_BYTES) {
        return bt_fail(err, -EINVAL, "'%s': dài từ %lld đến %lld byte / takes %lld to %lld bytes",
                       setting->name, (long long)setting->min, (long long)setting->max,
                       (long long)setting->min, (long long)setting->max);
    }
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return refuse(err, setting, "chỉ một dòng / takes one line");
        }
    }
    return 0;
}

static int check_word(const struct bt_setting *setting, const char *value, struct bt_error *err)
{
    for (const char *const *word = setting->words; *word != NULL; word++) {
        if (strcmp(*word, value) == 0) {
            return 0;
        }
    }
    return refuse(err, setting, "không có lựa chọn này / is not one of the choices");
}

static int check_time_zone(const struct bt_setting *setting, const char *value,
                           struct bt_error *err)
{
    BT_AUTO(bt_tz) tz = NULL;
    return bt_tz_load(value, &tz, NULL) < 0
               ? refuse(err, setting, "không có múi giờ này / there is no such time zone")
               : 0;
}

int bt_setting_check(const struct bt_setting *setting, const char *value, struct bt_error *err)
{
    int day, month;
    switch (setting->kind) {
    case BT_SETTING_NUMBER:
        return check_number(setting, value, err);
    case BT_SETTING_TEXT:
        return check_text(setting, value, err);
    case BT_SETTING_WORD:
        return check_word(setting, value, err);
    case BT_SETTING_DATE:
        return bt_setting_date(value, &day, &month)
                   ? 0
                   : refuse(err, setting,
                            "cần dạng ngày/tháng, như 15/6 / wants a day and month, "
                            "such as 15/6");
    case BT_SETTING_TIME_ZONE:
        return check_time_zone(setting, value, err);
    }
    return -EINVAL;
}

// The nearest first.
static int ask_above(struct bt_db *db, const char *name, const char *unit, struct bt_db_rows **out,
                     struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT s.value FROM unit x JOIN unit u"
                     " ON substr(x.path, 1, length(u.path)) = u.path"
                     " JOIN setting s ON s.unit = u.code AND s.name = $2 AND s.value IS NOT NULL"
                     " WHERE x.code = $1 ORDER BY length(u.path) DESC LIMIT 100",
                     BT_TEXT(unit), BT_TEXT(name));
}

int bt_setting_text(struct bt_db *db, const char *name, const char *unit,
                    char out[BT_SETTING_VALUE_BYTES], struct bt_error *err)
{
    const struct bt_setting *setting = bt_setting_find(name);
    assert(setting != NULL);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_above(db, name, unit != NULL && !setting->top ? unit : BT_ROOT_UNIT, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        if (bt_setting_check(setting, bt_db_get_text(rows, 0), NULL) == 0) {
            bt_copy_cut(out, BT_SETTING_VALUE_BYTES, bt_db_get_text(rows, 0));
            return 0;
        }
    }
    if (r == 0) {
        bt_copy_cut(out, BT_SETTING_VALUE_BYTES, setting->standard);
    }
    return r;
}

int bt_setting_number(struct bt_db *db, const char *name, const char *unit, int64_t *out,
                      struct bt_error *err)
{
    char text[BT_SETTING_VALUE_BYTES];
    int r = bt_setting_text(db, name, unit, text, err);
    if (r < 0) {
        return r;
    }
    r = bt_parse_int(text, INT64_MIN, INT64_MAX, out);
    assert(r == 0);
    return r;
}

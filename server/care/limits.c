#include "server/care/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"

struct said {
    char *path, *name, *value;
};

struct bt_all_limits {
    struct said *said;  // the nearer the root the earlier
    size_t count, capacity;
    struct bt_tz *tz;
};

static int load_tz(struct bt_db *db, struct bt_all_limits *all, struct bt_error *err)
{
    char name[BT_SETTING_VALUE_BYTES];
    int r = bt_setting_text(db, "time_zone", NULL, name, err);
    return r < 0 ? r : bt_tz_load(name, &all->tz, err);
}

int bt_all_limits_load(struct bt_db *db, struct bt_all_limits **out, struct bt_error *err)
{
    BT_AUTO(bt_all_limits) all = BT_NEW(struct bt_all_limits);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT u.path, s.name, s.value FROM setting s JOIN unit u ON u.code = s.unit"
                      " WHERE s.value IS NOT NULL AND s.name LIKE 'alert%'"
                      " ORDER BY length(u.path), u.path LIMIT 50000");
    while (r == 0 && bt_db_next(rows)) {
        const struct bt_setting *setting = bt_setting_find(bt_db_get_text(rows, 1));
        if (setting == NULL || bt_setting_check(setting, bt_db_get_text(rows, 2), NULL) < 0) {
            continue;
        }
        BT_GROW(all->said, all->capacity, all->count + 1);
        all->said[all->count++] =
            (struct said){bt_strdup(bt_db_get_text(rows, 0)), bt_strdup(bt_db_get_text(rows, 1)),
                          bt_strdup(bt_db_get_text(rows, 2))};
    }
    r = r < 0 ? r : load_tz(db, all, err);
    if (r == 0) {
        *out = BT_TAKE(all);
    }
    return r;
}

void bt_all_limits_destroy(struct bt_all_limits *all)
{
    if (all == NULL) {
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        free(all->said[i].path);
        free(all->said[i].name);
        free(all->said[i].value);
    }
    free(all->said);
    bt_tz_destroy(all->tz);
    free(all);
}

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"alert_silent_min", offsetof(struct bt_care_limits, silent_min)},
    {"alert_celsius", offsetof(struct bt_care_limits, celsius)},
    {"alert_free_mib", offsetof(struct bt_care_limits, free_mib)},
    {"alert_content_days", offsetof(struct bt_care_limits, content_days)},
    {"alert_plays_hours", offsetof(struct bt_care_limits, plays_hours)},
    {"alert_quiet_from", offsetof(struct bt_care_limits, quiet_from)},
    {"alert_quiet_until", offsetof(struct bt_care_limits, quiet_until)},
};

static void set(struct bt_care_limits *limits, const char *name, const char *value)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(numbers); i++) {
        int64_t number;
        if (strcmp(numbers[i].name, name) == 0 &&
            bt_parse_int(value, INT64_MIN, INT64_MAX, &number) == 0) {
            memcpy((char *)limits + numbers[i].offset, &number, sizeof(number));
        }
    }
}

void bt_all_limits_find(const struct bt_all_limits *all, const char *path,
                        struct bt_care_limits *out)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(numbers); i++) {
        set(out, numbers[i].name, bt_setting_find(numbers[i].name)->standard);
    }
    for (size_t i = 0; i < all->count; i++) {
        if (bt_str_starts(path, all->said[i].path)) {
            set(out, all->said[i].name, all->said[i].value);
        }
    }
}

const char *bt_all_limits_mail_to(const struct bt_all_limits *all, const char *path,
                                  const char **out_unit_path)
{
    const char *to = "";
    *out_unit_path = "/";
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->said[i].name, "alert_mail_to") == 0 &&
            bt_str_starts(path, all->said[i].path)) {
            to = all->said[i].value;
            *out_unit_path = all->said[i].path;
        }
    }
    return to;
}

const struct bt_tz *bt_all_limits_tz(const struct bt_all_limits *all)
{
    return all->tz;
}

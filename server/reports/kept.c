#include "server/reports/kept.h"

#include <errno.h>

#include "base/civil.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/reports/period.h"
#include "server/settings/settings.h"

static int load_date(struct bt_db *db, const char *name, const char *unit, int *out_day,
                     int *out_month, struct bt_error *err)
{
    char text[BT_SETTING_VALUE_BYTES];
    int r = bt_setting_text(db, name, unit, text, err);
    if (r == 0 && !bt_setting_date(text, out_day, out_month)) {
        return bt_fail(err, -EINVAL, "'%s' is no day of the year", name);
    }
    return r;
}

static int load_today(struct bt_db *db, const char *unit, int64_t now_ms, int64_t *out,
                      struct bt_error *err)
{
    char name[BT_SETTING_VALUE_BYTES];
    BT_AUTO(bt_tz) tz = NULL;
    int r = bt_setting_text(db, "time_zone", unit, name, err);
    r = r < 0 ? r : bt_tz_load(name, &tz, err);
    if (r == 0) {
        *out = bt_day_of_s(bt_tz_to_local_s(tz, now_ms / 1000));
    }
    return r;
}

int bt_report_settle_in(struct bt_db *db, struct bt_report_params *params, int64_t now_ms,
                        struct bt_error *err)
{
    struct bt_report_closing closing;
    int64_t month_day, today;
    int r = bt_setting_number(db, "report_month_day", params->unit, &month_day, err);
    r = r < 0 ? r
              : load_date(db, "report_half_1", params->unit, &closing.half_1_day,
                          &closing.half_1_month, err);
    r = r < 0 ? r
              : load_date(db, "report_half_2", params->unit, &closing.half_2_day,
                          &closing.half_2_month, err);
    r = r < 0 ? r : load_today(db, params->unit, now_ms, &today, err);
    if (r < 0) {
        return r;
    }
    closing.month_day = (int)month_day;
    return bt_report_settle(params, &closing, today, err);
}

int bt_report_store(struct bt_db *db, const struct bt_report_order *order,
                    const struct bt_report_made *made, struct bt_error *err)
{
    const struct bt_report_params *params = order->params;
    char kind[65], hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(bt_buf_text(&made->text), made->text.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    bt_report_kind(params, kind);
    int64_t r =
        bt_db_run(db, err,
                  "INSERT INTO report(id, unit, kind, preset, title, from_day, until_day,"
                  " rows_count, complete, sha256, document, created_by, created_ms)"
                  " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                  BT_TEXT(order->id), BT_TEXT(params->unit), BT_TEXT(kind), BT_TEXT(params->preset),
                  BT_TEXT(params->title), BT_INT(params->from_day), BT_INT(params->until_day),
                  BT_INT(made->rows), BT_INT(made->complete), BT_TEXT(hex),
                  BT_TEXT(bt_buf_text(&made->text)), BT_TEXT(order->user), BT_INT(order->now_ms));
    return r < 0 ? (int)r : bt_supplement_store(db, order->id, &made->days, err);
}

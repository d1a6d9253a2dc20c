#include "server/reports/supplement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/db/many.h"
#include "server/reports/facts.h"
#include "server/reports/period.h"

#define REMEMBER_DAYS 400
#define MAX_REMEMBERED 90000

void bt_remembered_finish(struct bt_remembered *days)
{
    free(days->list);
}

static void remember(struct bt_remembered *days, const struct bt_scope_day *day)
{
    if (days->count < MAX_REMEMBERED) {
        BT_GROW(days->list, days->capacity, days->count + 1);
        days->list[days->count++] = *day;
    }
}

static int compare(const struct bt_scope_day *a, const struct bt_scope_day *b)
{
    return a->day != b->day ? (a->day > b->day) - (a->day < b->day) : strcmp(a->screen, b->screen);
}

static int compare_days(const void *a, const void *b)
{
    return compare(a, b);
}

static struct bt_scope_day read_day(const struct bt_db_rows *rows, int shown_column)
{
    struct bt_scope_day day = {.day = bt_db_get_int(rows, 0),
                               .complete = bt_db_get_int(rows, 2),
                               .partial = bt_db_get_int(rows, 3),
                               .shown_ms = bt_db_get_int(rows, shown_column)};
    bt_copy_cut(day.screen, sizeof(day.screen), bt_db_get_text(rows, 1));
    return day;
}

// The days of the report itself.
static void remember_own(const struct bt_report_params *params, const struct bt_scope *scope,
                         struct bt_remembered *days)
{
    for (int64_t day = params->from_day; day <= params->until_day; day++) {
        remember(days, &(struct bt_scope_day){.day = day});
    }
    for (size_t i = 0; i < scope->day_count; i++) {
        remember(days, &scope->days[i]);
    }
}

static int find_before(struct bt_db *db, const struct bt_report_params *params, char *out,
                       size_t size, struct bt_error *err)
{
    char kind[65];
    BT_AUTO(bt_db_rows) rows = NULL;
    bt_report_kind(params, kind);
    out[0] = '\0';
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id FROM report WHERE kind = $1 AND unit = $2"
                      " ORDER BY created_ms DESC, id DESC LIMIT 1",
                      BT_TEXT(kind), BT_TEXT(params->unit));
    return r < 0 || !bt_db_next(rows) ? r : bt_format(out, size, "%s", bt_db_get_text(rows, 0));
}

static int load_before(struct bt_db *db, const char *report, int64_t newest,
                       struct bt_remembered *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT day, screen, complete, partial, shown_ms FROM report_day"
                      " WHERE report = $1 AND day > $2 ORDER BY day, screen LIMIT $3",
                      BT_TEXT(report), BT_INT(newest - REMEMBER_DAYS), BT_INT(MAX_REMEMBERED));
    while (r == 0 && bt_db_next(rows)) {
        struct bt_scope_day day = read_day(rows, 4);
        remember(out, &day);
    }
    return r;
}

static int load_now(struct bt_db *db, const struct bt_report_params *params, const char *path,
                    const struct bt_remembered *before, struct bt_remembered *out,
                    struct bt_error *err)
{
    struct bt_report_params then = *params;
    BT_AUTO(bt_db_rows) rows = NULL;
    then.from_day = before->list[0].day;
    then.until_day = before->list[before->count - 1].day;
    int r = bt_scope_ask_days(db, &then, path, true, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        struct bt_scope_day day = read_day(rows, 6);
        remember(out, &day);
    }
    return r;
}

struct difference {
    cJSON *list;
    int64_t complete, partial, count;
};

static void differ(struct difference *difference, const struct bt_scope *scope,
                   const struct bt_scope_day *before, const struct bt_scope_day *now)
{
    char iso[BT_DAY_BYTES];
    int64_t complete = now->complete - before->complete, partial = now->partial - before->partial;
    int64_t shown = now->shown_ms - before->shown_ms;
    if (complete == 0 && partial == 0 && shown == 0) {
        return;
    }
    difference->complete += complete;
    difference->partial += partial;
    if (++difference->count > BT_REPORT_MAX_LISTED) {
        return;
    }
    int64_t at = bt_scope_find(scope, now->screen);
    cJSON *item = cJSON_CreateObject();
    bt_day_iso(now->day, iso);
    cJSON_AddStringToObject(item, "day", iso);
    cJSON_AddStringToObject(item, "screen", now->screen);
    cJSON_AddStringToObject(item, "name", at < 0 ? now->screen : scope->screens[at].name);
    cJSON_AddNumberToObject(item, "complete", (double)complete);
    cJSON_AddNumberToObject(item, "partial", (double)partial);
    cJSON_AddNumberToObject(item, "shown_ms", (double)shown);
    cJSON_AddItemToArray(difference->list, item);
}

// Both lists are in order. Days that were in no report are passed over; the markers say which were.
static void compare_lists(const struct bt_report_params *params, const struct bt_scope *scope,
                          const struct bt_remembered *before, const struct bt_remembered *now,
                          struct difference *difference, struct bt_remembered *keep)
{
    int64_t reported = INT64_MIN;  // the day whose marker was seen last
    for (size_t i = 0, k = 0; i < before->count || k < now->count;) {
        const struct bt_scope_day *was = i < before->count ? &before->list[i] : NULL;
        const struct bt_scope_day *is = k < now->count ? &now->list[k] : NULL;
        int order = was == NULL ? 1 : is == NULL ? -1 : compare(was, is);
        i += order <= 0;
        k += order >= 0;
        const struct bt_scope_day *either = order > 0 ? is : was;
        if (either == NULL) {
            return;
        }
        struct bt_scope_day none = *either;
        none.complete = none.partial = none.shown_ms = 0;
        reported = order <= 0 && was->screen[0] == '\0' ? was->day : reported;
        if (none.day != reported) {
            continue;
        }
        differ(difference, scope, order > 0 ? &none : was, order < 0 ? &none : is);
        bool own = none.day >= params->from_day && none.day <= params->until_day;
        if (!own && (none.screen[0] == '\0' || order >= 0)) {
            remember(keep, order < 0 ? &none : is);
        }
    }
}

static cJSON *say(const char *before, const struct difference *difference)
{
    cJSON *object = cJSON_CreateObject();
    if (before[0] == '\0') {
        cJSON_AddNullToObject(object, "of");
    } else {
        cJSON_AddStringToObject(object, "of", before);
    }
    cJSON_AddItemToObject(object, "rows", difference->list);
    cJSON_AddNumberToObject(object, "more",
                            (double)BT_MAX(difference->count - BT_REPORT_MAX_LISTED, (int64_t)0));
    cJSON_AddNumberToObject(object, "complete", (double)difference->complete);
    cJSON_AddNumberToObject(object, "partial", (double)difference->partial);
    return object;
}

int bt_supplement_make(struct bt_db *db, const struct bt_report_params *params, const char *path,
                       const struct bt_scope *scope, cJSON **out, struct bt_remembered *days,
                       struct bt_error *err)
{
    char before[32] = "";
    BT_AUTOREMEMBERED then = {.list = NULL};
    BT_AUTOREMEMBERED now = {.list = NULL};
    struct difference difference = {.list = cJSON_CreateArray()};
    bool kept = scope->by_day && params->keep;
    int r = kept ? find_before(db, params, before, sizeof(before), err) : 0;
    if (r == 0 && kept) {
        remember_own(params, scope, days);
    }
    if (r == 0 && before[0] != '\0' &&
        (r = load_before(db, before, params->until_day, &then, err)) == 0 && then.count > 0 &&
        (r = load_now(db, params, path, &then, &now, err)) == 0) {
        compare_lists(params, scope, &then, &now, &difference, days);
    }
    if (r < 0) {
        cJSON_Delete(difference.list);
        return r;
    }
    if (days->count > 1) {
        qsort(days->list, days->count, sizeof(days->list[0]), compare_days);
    }
    *out = say(before, &difference);
    return 0;
}

int bt_supplement_store(struct bt_db *db, const char *report, const struct bt_remembered *days,
                        struct bt_error *err)
{
    enum { COLUMNS = 6 };
    BT_AUTOFREE struct bt_db_value *values =
        BT_NEW_ARRAY(struct bt_db_value, days->count * COLUMNS + 1);
    BT_AUTO(bt_many)
    insert = bt_many_create(
        "INSERT INTO report_day(report, day, screen, complete, partial, shown_ms)", COLUMNS, "");
    for (size_t i = 0; i < days->count; i++) {
        const struct bt_scope_day *day = &days->list[i];
        const struct bt_db_value row[COLUMNS] = {BT_TEXT(report),      BT_INT(day->day),
                                                 BT_TEXT(day->screen), BT_INT(day->complete),
                                                 BT_INT(day->partial), BT_INT(day->shown_ms)};
        memcpy(&values[i * COLUMNS], row, sizeof(row));
    }
    int64_t r = bt_many_run(insert, db, values, days->count, err);
    return r < 0 ? (int)r : 0;
}

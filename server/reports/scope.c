#include "server/reports/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/reports/query.h"
#include "server/settings/settings.h"

// Players send every minute; whoever was heard of an hour before the report has reported.
#define SETTLING_MS (3600 * INT64_C(1000))
// As many rows as one answer of the database may have, and some to spare.
#define MAX_DAYS 90000
#define MAX_ANSWER 100000

void bt_scope_finish(struct bt_scope *scope)
{
    for (size_t i = 0; i < scope->count; i++) {
        free(scope->screens[i].name);
        free(scope->screens[i].unit_name);
        free(scope->screens[i].unit_path);
    }
    free(scope->screens);
    free(scope->days);
}

enum bt_scope_state bt_scope_state(const struct bt_scope *scope,
                                   const struct bt_scope_screen *screen)
{
    if (screen->known_ms <= scope->start_ms) {
        return BT_SCOPE_NONE;
    }
    return screen->known_ms >= scope->cutoff_ms && !screen->forked ? BT_SCOPE_FULL : BT_SCOPE_PART;
}

static int find_days(struct bt_db *db, const struct bt_report_params *params, int64_t now_ms,
                     struct bt_scope *scope, struct bt_error *err)
{
    char name[BT_SETTING_VALUE_BYTES];
    BT_AUTO(bt_tz) tz = NULL;
    int r = bt_setting_text(db, "time_zone", params->unit, name, err);
    if (r < 0 || (r = bt_tz_load(name, &tz, err)) < 0) {
        return r;
    }
    scope->start_ms = bt_tz_to_utc_s(tz, params->from_day * 86400) * 1000;
    scope->end_ms = bt_tz_to_utc_s(tz, (params->until_day + 1) * 86400) * 1000;
    scope->cutoff_ms = BT_MIN(scope->end_ms, now_ms - SETTLING_MS);
    return 0;
}

static void add_screen(struct bt_scope *scope, const struct bt_db_rows *rows)
{
    BT_GROW(scope->screens, scope->capacity, scope->count + 1);
    struct bt_scope_screen *screen = &scope->screens[scope->count++];
    bt_copy_cut(screen->id, sizeof(screen->id), bt_db_get_text(rows, 0));
    screen->name = bt_strdup(bt_db_get_text(rows, 1));
    bt_copy_cut(screen->unit, sizeof(screen->unit), bt_db_get_text(rows, 2));
    screen->unit_name = bt_strdup(bt_db_get_text(rows, 3));
    screen->known_ms = bt_db_get_int(rows, 4);
    screen->forked = bt_db_get_int(rows, 5) > 0;
    screen->unit_path = bt_strdup(bt_db_get_text(rows, 6));
}

#define SCREEN_COLUMNS                                                                             \
    "SELECT d.id, d.name, d.unit, u.name, COALESCE((SELECT max(j.known_ms) FROM play_journal j"    \
    " WHERE j.screen = d.id), 0), (SELECT count(*) FROM play_journal j WHERE j.screen = d.id"      \
    " AND j.state = 'forked' AND j.resolved_ms IS NULL), u.path FROM screen d"                     \
    " JOIN unit u ON u.code = d.unit"

static int load_own(struct bt_db *db, const struct bt_report_params *params, const char *path,
                    struct bt_scope *scope, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      SCREEN_COLUMNS
                      " WHERE substr(u.path, 1, length($1)) = $1 AND d.created_ms < $3"
                      " AND (d.retired_ms IS NULL OR d.retired_ms > $2) AND ($4 = '' OR d.id = $4)"
                      " AND ($5 = '' OR d.id IN (SELECT screen FROM screen_group_member"
                      " WHERE group_id = $5)) ORDER BY d.id LIMIT 50000",
                      BT_TEXT(path), BT_INT(scope->start_ms), BT_INT(scope->end_ms),
                      BT_TEXT(params->screen), BT_TEXT(params->group));
    while (r == 0 && bt_db_next(rows)) {
        add_screen(scope, rows);
    }
    return r;
}

static int compare_screens(const void *a, const void *b)
{
    const struct bt_scope_screen *first = a, *second = b;
    return strcmp(first->id, second->id);
}

int64_t bt_scope_find(const struct bt_scope *scope, const char *id)
{
    struct bt_scope_screen key;
    bt_copy_cut(key.id, sizeof(key.id), id);
    const struct bt_scope_screen *found =
        scope->count == 0
            ? NULL
            : bsearch(&key, scope->screens, scope->count, sizeof(key), compare_screens);
    return found == NULL ? -ENOENT : found - scope->screens;
}

const char *const bt_cut_words[BT_CUT_COUNT] = {
    [BT_CUT_REMOVED] = "removed", [BT_CUT_PREEMPTED] = "preempted", [BT_CUT_POWER] = "power lost",
    [BT_CUT_DISPLAY] = "display", [BT_CUT_ERROR] = "error",         [BT_CUT_STOPPED] = "stopped",
    [BT_CUT_WINDOW] = "window",   [BT_CUT_SCHEDULE] = "schedule",
};

static const char sums_sql[] =
    " CAST(sum(d.complete) AS BIGINT) AS complete, CAST(sum(d.partial) AS BIGINT) AS partial,"
    " CAST(sum(d.verified) AS BIGINT) AS verified, CAST(sum(d.cards) AS BIGINT) AS cards,"
    " CAST(sum(d.shown_ms) AS BIGINT) AS shown_ms, CAST(sum(d.repaired) AS BIGINT) AS repaired,"
    " CAST(sum(d.undated) AS BIGINT) AS undated";

// "cut0", "cut1"… in the order of the words; or the sums of these. Most showings were not cut
// short.
static void add_cuts(struct bt_report_query *query, bool of_sums)
{
    for (int i = 0; i < BT_CUT_COUNT && query->r == 0; i++) {
        query->r = of_sums
                       ? bt_buf_appendf(&query->sql, ", CAST(sum(d.cut%d) AS BIGINT)", i)
                       : bt_buf_appendf(&query->sql,
                                        ", CAST(COALESCE(sum(d.partial) FILTER (WHERE d.partial > 0"
                                        " AND d.reason = '%s'), 0) AS BIGINT) AS cut%d",
                                        bt_cut_words[i], i);
    }
}

// Days and screens are how counts are ordered: nothing is sorted, however many there are.
int bt_scope_ask_days(struct bt_db *db, const struct bt_report_params *params, const char *path,
                      bool by_day, struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTOQUERY query;
    bt_report_query_begin(&query, params, path);
    if (!by_day) {
        bt_report_query_add(&query, "SELECT 0, d.screen,");
        bt_report_query_add(&query, sums_sql);
        add_cuts(&query, true);
        bt_report_query_add(&query, " FROM (");
    }
    bt_report_query_add(&query, "SELECT d.day, d.screen,");
    bt_report_query_add(&query, sums_sql);
    add_cuts(&query, false);
    bt_report_query_add(&query, " FROM play_daily d CROSS JOIN place p");
    if (params->campaign[0] != '\0' || params->item[0] != '\0') {
        bt_report_query_add(&query, " JOIN play_subject s ON s.id = d.subject");
    }
    bt_report_query_where(&query, params);
    bt_report_query_add(&query, " GROUP BY d.day, d.screen");
    bt_report_query_add(&query, by_day ? " ORDER BY d.day, d.screen" : ") d GROUP BY d.screen");
    bt_report_query_add(&query, " LIMIT 100000");
    return bt_report_query_ask(&query, db, out, err);
}

static void take_day(const struct bt_db_rows *rows, struct bt_scope *scope)
{
    BT_GROW(scope->days, scope->day_capacity, scope->day_count + 1);
    struct bt_scope_day *day = &scope->days[scope->day_count++];
    day->day = bt_db_get_int(rows, 0);
    bt_copy_cut(day->screen, sizeof(day->screen), bt_db_get_text(rows, 1));
    day->complete = bt_db_get_int(rows, 2);
    day->partial = bt_db_get_int(rows, 3);
    day->shown_ms = bt_db_get_int(rows, 6);
    for (int i = 0; i < BT_CUT_COUNT; i++) {
        day->cut[i] = bt_db_get_int(rows, 9 + i);
        scope->cut[i] += day->cut[i];
    }
    scope->complete += day->complete;
    scope->partial += day->partial;
    scope->verified += bt_db_get_int(rows, 4);
    scope->cards += bt_db_get_int(rows, 5);
    scope->shown_ms += day->shown_ms;
    scope->repaired += bt_db_get_int(rows, 7);
    scope->undated += bt_db_get_int(rows, 8);
}

// Whoever showed something for the report and is not its unit's now.
static int add_moved(struct bt_db *db, const char *id, struct bt_scope *scope, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, SCREEN_COLUMNS " WHERE d.id = $1", BT_TEXT(id));
    if (r == 0 && bt_db_next(rows)) {
        add_screen(scope, rows);
        qsort(scope->screens, scope->count, sizeof(scope->screens[0]), compare_screens);
    }
    return r;
}

static int sum_screens(struct bt_db *db, struct bt_scope *scope, struct bt_error *err)
{
    for (size_t i = 0; i < scope->day_count; i++) {
        int64_t at = bt_scope_find(scope, scope->days[i].screen);
        if (at < 0) {
            int r = add_moved(db, scope->days[i].screen, scope, err);
            at = r < 0 ? r : bt_scope_find(scope, scope->days[i].screen);
            if (r < 0) {
                return r;
            }
        }
        if (at >= 0) {
            scope->screens[at].complete += scope->days[i].complete;
        }
    }
    return 0;
}

int bt_scope_load(struct bt_db *db, const struct bt_report_params *params, const char *path,
                  int64_t now_ms, struct bt_scope *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    *out = (struct bt_scope){.count = 0};
    int r = find_days(db, params, now_ms, out, err);
    if (r < 0 || (r = load_own(db, params, path, out, err)) < 0) {
        return r;
    }
    int64_t days = params->until_day - params->from_day + 1;
    out->by_day = days * (int64_t)(out->count + 10) < MAX_DAYS;
    r = bt_scope_ask_days(db, params, path, out->by_day, &rows, err);
    if (r == 0 && bt_db_count(rows) >= MAX_ANSWER) {
        out->by_day = false;  // many more screens than the unit has now
        bt_db_rows_destroy(BT_TAKE(rows));
        r = bt_scope_ask_days(db, params, path, false, &rows, err);
    }
    if (r < 0) {
        return r;
    }
    while (bt_db_next(rows)) {
        take_day(rows, out);
    }
    return sum_screens(db, out, err);
}

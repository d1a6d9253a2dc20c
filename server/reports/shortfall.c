// What was asked for and did not come complete, screen by screen and day by day, and why.
#include <string.h>

#include "base/clock.h"
#include "server/reports/facts.h"
#include "server/reports/query.h"

// As many as one answer of the database has.
#define MAX_SCREEN_DAYS 90000

// Behind what ended showings early (bt_cut_words); in the order in which they explain what is
// missing of a screen's day.
enum why {
    CUT_SHORT = BT_CUT_WINDOW,
    NOT_REPORTED,
    TAKEN_DOWN,
    EMERGENCY,
    LOST,
    NOT_SHOWN,
    WHYS,
};
static const char *const why_words[WHYS] = {
    [CUT_SHORT] = "cut short",
    [NOT_REPORTED] = "not reported",
    [TAKEN_DOWN] = "taken down",
    [EMERGENCY] = "emergency in force",
    [LOST] = "lost",
    [NOT_SHOWN] = "not shown",
};

struct sums {
    const struct bt_scope *scope;
    int64_t offset_ms;  // of a day's beginning, from its number
    size_t at;          // the next of the scope's days
    int64_t scheduled, complete, missing;
    int64_t by[WHYS];
};

static int ask_planned(struct bt_db *db, const struct bt_report_params *params, const char *path,
                       int64_t offset_ms, struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTOQUERY query;
    bt_report_query_begin(&query, params, path);
    bt_report_query_add(&query, "SELECT q.day, q.screen, q.planned, q.taken_down, q.emergency,"
                                " (SELECT count(*) FROM play_loss"
                                " l WHERE l.screen = q.screen AND l.start_ms - ");
    size_t offset = bt_report_query_value(&query, BT_INT(offset_ms));
    query.r = query.r < 0 ? query.r
                          : bt_buf_appendf(&query.sql,
                                           "$%zu < (q.day + 1) * 86400000"
                                           " AND l.end_ms - $%zu >= q.day * 86400000)",
                                           offset, offset);
    bt_report_query_add(&query, " FROM (SELECT d.day AS day, d.screen AS screen,"
                                " CAST(sum(d.planned) AS BIGINT) AS planned,"
                                " CAST(sum(d.taken_down) AS BIGINT) AS taken_down,"
                                " CAST(sum(d.emergency) AS BIGINT) AS emergency");
    bt_report_query_planned(&query, params);
    bt_report_query_add(&query,
                        " GROUP BY d.day, d.screen) q ORDER BY q.day, q.screen LIMIT 90000");
    return bt_report_query_ask(&query, db, out, err);
}

// What the screen showed on that day; both are sorted alike.
static const struct bt_scope_day *find_day(struct sums *sums, int64_t day, const char *screen)
{
    const struct bt_scope *scope = sums->scope;
    for (; sums->at < scope->day_count; sums->at++) {
        const struct bt_scope_day *d = &scope->days[sums->at];
        int order = d->day != day ? (d->day < day ? -1 : 1) : strcmp(d->screen, screen);
        if (order >= 0) {
            return order == 0 ? d : NULL;
        }
    }
    return NULL;
}

static bool has_reported(const struct sums *sums, const char *screen, int64_t day)
{
    int64_t at = bt_scope_find(sums->scope, screen);
    int64_t end_ms = (day + 1) * BT_MS_PER_DAY + sums->offset_ms;
    return at >= 0 && !sums->scope->screens[at].forked &&
           sums->scope->screens[at].known_ms >= BT_MIN(end_ms, sums->scope->cutoff_ms);
}

// As much of what is missing as this explains.
static void explain(struct sums *sums, int why, int64_t plays, int64_t *missing)
{
    int64_t explained = BT_MIN(*missing, plays);
    sums->by[why] += explained;
    *missing -= explained;
}

static void explain_cuts(struct sums *sums, const struct bt_scope_day *shown, int64_t *missing)
{
    int64_t others = shown->partial;
    for (int i = 0; i < (int)CUT_SHORT; i++) {
        explain(sums, i, shown->cut[i], missing);
        others -= shown->cut[i];
    }
    explain(sums, CUT_SHORT, others, missing);
}

static void take(struct sums *sums, const struct bt_db_rows *row)
{
    int64_t day = bt_db_get_int(row, 0), planned = bt_db_get_int(row, 2);
    const char *screen = bt_db_get_text(row, 1);
    const struct bt_scope_day *shown = find_day(sums, day, screen);
    int64_t complete = shown != NULL ? shown->complete : 0;
    int64_t missing = BT_MAX(planned - complete, (int64_t)0);
    sums->scheduled += planned;
    sums->complete += complete;
    sums->missing += missing;
    if (shown != NULL) {
        explain_cuts(sums, shown, &missing);
    }
    // Of whoever has not reported, nobody knows what they showed.
    if (!has_reported(sums, screen, day)) {
        explain(sums, NOT_REPORTED, missing, &missing);
    }
    explain(sums, TAKEN_DOWN, bt_db_get_int(row, 3), &missing);
    explain(sums, EMERGENCY, bt_db_get_int(row, 4), &missing);
    explain(sums, bt_db_get_int(row, 5) > 0 ? LOST : NOT_SHOWN, missing, &missing);
}

static void add_number(cJSON *object, const char *key, int64_t number)
{
    cJSON_AddNumberToObject(object, key, (double)number);
}

static cJSON *draw(const struct sums *sums)
{
    cJSON *object = cJSON_CreateObject();
    add_number(object, "scheduled", sums->scheduled);
    add_number(object, "complete", sums->complete);
    add_number(object, "missing", sums->missing);
    cJSON *list = cJSON_AddArrayToObject(object, "reasons");
    for (int i = 0; i < WHYS; i++) {
        if (sums->by[i] > 0) {
            cJSON *item = cJSON_CreateObject();
            cJSON_AddStringToObject(item, "reason",
                                    i < (int)CUT_SHORT ? bt_cut_words[i] : why_words[i]);
            add_number(item, "plays", sums->by[i]);
            cJSON_AddItemToArray(list, item);
        }
    }
    return object;
}

int bt_report_shortfall(struct bt_db *db, const struct bt_report_params *params, const char *path,
                        const struct bt_scope *scope, cJSON **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct sums sums = {.scope = scope,
                        .offset_ms = scope->start_ms - params->from_day * BT_MS_PER_DAY};
    if (!scope->by_day) {
        *out = cJSON_CreateNull();
        return 0;
    }
    int r = ask_planned(db, params, path, sums.offset_ms, &rows, err);
    if (r < 0) {
        return r;
    }
    if (bt_db_count(rows) >= MAX_SCREEN_DAYS) {
        *out = cJSON_CreateNull();
        return 0;
    }
    while (bt_db_next(rows)) {
        take(&sums, rows);
    }
    *out = draw(&sums);
    return 0;
}

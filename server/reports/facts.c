#include "server/reports/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/reports/query.h"

static void add_number(cJSON *object, const char *key, int64_t number)
{
    cJSON_AddNumberToObject(object, key, (double)number);
}

static void add_silent(cJSON *list, const struct bt_scope_screen *screen)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "screen", screen->id);
    cJSON_AddStringToObject(item, "name", screen->name);
    cJSON_AddStringToObject(item, "unit", screen->unit);
    cJSON_AddStringToObject(item, "unit_name", screen->unit_name);
    add_number(item, "known_ms", screen->known_ms);
    cJSON_AddItemToArray(list, item);
}

static void add_screens(cJSON *object, const struct bt_scope *scope)
{
    int64_t states[3] = {0}, forked = 0, listed = 0;
    cJSON *silent = cJSON_CreateArray();
    for (size_t i = 0; i < scope->count; i++) {
        enum bt_scope_state state = bt_scope_state(scope, &scope->screens[i]);
        states[state]++;
        forked += scope->screens[i].forked ? 1 : 0;
        if (state != BT_SCOPE_FULL && ++listed <= BT_REPORT_MAX_LISTED) {
            add_silent(silent, &scope->screens[i]);
        }
    }
    add_number(object, "screens", (int64_t)scope->count);
    add_number(object, "full", states[BT_SCOPE_FULL]);
    add_number(object, "part", states[BT_SCOPE_PART]);
    add_number(object, "none", states[BT_SCOPE_NONE]);
    add_number(object, "forked", forked);
    cJSON_AddItemToObject(object, "silent", silent);
    add_number(object, "silent_more", BT_MAX(listed - BT_REPORT_MAX_LISTED, (int64_t)0));
}

static int ask_losses(struct bt_db *db, const struct bt_report_params *params, const char *path,
                      const struct bt_scope *scope, struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTOQUERY query;
    bt_report_query_begin(&query, params, path);
    bt_report_query_add(&query,
                        "SELECT d.screen, d.plays, d.cause, d.start_ms, d.end_ms, d.clock FROM"
                        " play_loss d WHERE d.unit IN (SELECT code FROM place) AND d.start_ms < ");
    size_t end = bt_report_query_value(&query, BT_INT(scope->end_ms));
    size_t start = bt_report_query_value(&query, BT_INT(scope->start_ms));
    size_t screen = bt_report_query_value(&query, BT_TEXT(params->screen));
    size_t group = bt_report_query_value(&query, BT_TEXT(params->group));
    query.r = bt_buf_appendf(&query.sql,
                             "$%zu AND d.end_ms >= $%zu AND ($%zu = '' OR d.screen = $%zu) AND"
                             " ($%zu = '' OR d.screen IN (SELECT screen FROM screen_group_member"
                             " WHERE group_id = $%zu)) ORDER BY d.start_ms, d.screen, d.player,"
                             " d.journal, d.seq, d.cause LIMIT 50000",
                             end, start, screen, screen, group, group);
    return bt_report_query_ask(&query, db, out, err);
}

static void add_loss(cJSON *list, const struct bt_scope *scope, const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    int64_t at = bt_scope_find(scope, bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "screen", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "name", at >= 0 ? scope->screens[at].name : "");
    add_number(item, "plays", bt_db_get_int(rows, 1));
    cJSON_AddStringToObject(item, "cause", bt_db_get_text(rows, 2));
    add_number(item, "start_ms", bt_db_get_int(rows, 3));
    add_number(item, "end_ms", bt_db_get_int(rows, 4));
    cJSON_AddStringToObject(item, "clock", bt_db_get_text(rows, 5));
    cJSON_AddItemToArray(list, item);
}

static void add_losses(cJSON *object, const struct bt_scope *scope, struct bt_db_rows *rows)
{
    cJSON *list = cJSON_AddArrayToObject(object, "losses");
    int64_t plays = 0, unknown = 0, count = 0;
    while (bt_db_next(rows)) {
        plays += bt_db_get_int(rows, 1);
        unknown += bt_db_get_int(rows, 1) == 0 ? 1 : 0;
        if (++count <= BT_REPORT_MAX_LISTED) {
            add_loss(list, scope, rows);
        }
    }
    add_number(object, "losses_more", BT_MAX(count - BT_REPORT_MAX_LISTED, (int64_t)0));
    add_number(object, "lost_plays", plays);
    add_number(object, "lost_unknown", unknown);
}

int bt_report_completeness(struct bt_db *db, const struct bt_report_params *params,
                           const char *path, const struct bt_scope *scope, cJSON **out,
                           struct bt_error *err)
{
    BT_AUTOJSON *object = cJSON_CreateObject();
    BT_AUTO(bt_db_rows) rows = NULL;
    add_screens(object, scope);
    int r = ask_losses(db, params, path, scope, &rows, err);
    if (r < 0) {
        return r;
    }
    add_losses(object, scope, rows);
    add_number(object, "repaired", scope->repaired);
    add_number(object, "undated", scope->undated);
    *out = BT_TAKE(object);
    return 0;
}

static int compare_by_unit(const void *a, const void *b)
{
    const struct bt_scope_screen *const *first = a, *const *second = b;
    int order = strcmp((*first)->unit, (*second)->unit);
    return order != 0 ? order : strcmp((*first)->id, (*second)->id);
}

static void add_missing(cJSON *list, const struct bt_scope_screen *screen)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "unit", screen->unit);
    cJSON_AddStringToObject(item, "unit_name", screen->unit_name);
    cJSON_AddStringToObject(item, "screen", screen->id);
    cJSON_AddStringToObject(item, "name", screen->name);
    cJSON_AddItemToArray(list, item);
}

cJSON *bt_report_coverage(const struct bt_scope *scope)
{
    BT_AUTOFREE const struct bt_scope_screen **sorted =
        BT_NEW_ARRAY(const struct bt_scope_screen *, scope->count + 1);
    for (size_t i = 0; i < scope->count; i++) {
        sorted[i] = &scope->screens[i];
    }
    qsort(sorted, scope->count, sizeof(sorted[0]), compare_by_unit);
    int64_t units = 0, units_shown = 0, screens_shown = 0, missing = 0;
    bool counted = false;  // the unit has shown it
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < scope->count; i++) {
        bool shown = sorted[i]->complete > 0;
        if (i == 0 || strcmp(sorted[i]->unit, sorted[i - 1]->unit) != 0) {
            units++;
            counted = false;
        }
        units_shown += shown && !counted ? 1 : 0;
        counted |= shown;
        screens_shown += shown ? 1 : 0;
        if (!shown && ++missing <= BT_REPORT_MAX_LISTED) {
            add_missing(list, sorted[i]);
        }
    }
    cJSON *object = cJSON_CreateObject();
    add_number(object, "units", units);
    add_number(object, "units_shown", units_shown);
    add_number(object, "screens", (int64_t)scope->count);
    add_number(object, "screens_shown", screens_shown);
    cJSON_AddItemToObject(object, "missing", list);
    add_number(object, "missing_more", BT_MAX(missing - BT_REPORT_MAX_LISTED, (int64_t)0));
    return object;
}

struct reason {
    const char *word;
    int64_t partial;
};

static int compare_reasons(const void *a, const void *b)
{
    const struct reason *first = a, *second = b;
    return first->partial != second->partial ? (first->partial < second->partial ? 1 : -1)
                                             : strcmp(first->word, second->word);
}

static void add_reason(cJSON *list, const char *word, int64_t partial)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "reason", word);
    add_number(item, "partial", partial);
    cJSON_AddItemToArray(list, item);
}

// The words are known, and what there is was added up with the scope.
static void add_known_reasons(cJSON *list, const struct bt_scope *scope)
{
    struct reason reasons[BT_CUT_COUNT];
    for (int i = 0; i < BT_CUT_COUNT; i++) {
        reasons[i] = (struct reason){bt_cut_words[i], scope->cut[i]};
    }
    qsort(reasons, BT_CUT_COUNT, sizeof(reasons[0]), compare_reasons);
    for (int i = 0; i < BT_CUT_COUNT && reasons[i].partial > 0; i++) {
        add_reason(list, reasons[i].word, reasons[i].partial);
    }
}

// Some newer player has words of its own.
static int ask_reasons(struct bt_db *db, const struct bt_report_params *params, const char *path,
                       cJSON *list, struct bt_error *err)
{
    BT_AUTOQUERY query;
    BT_AUTO(bt_db_rows) rows = NULL;
    bt_report_query_begin(&query, params, path);
    bt_report_query_add(&query, "SELECT d.reason, CAST(sum(d.partial) AS BIGINT) FROM play_daily d"
                                " CROSS JOIN place p");
    if (params->campaign[0] != '\0' || params->item[0] != '\0') {
        bt_report_query_add(&query, " JOIN play_subject s ON s.id = d.subject");
    }
    bt_report_query_where(&query, params);
    bt_report_query_add(&query, " AND d.partial > 0 GROUP BY d.reason ORDER BY 2 DESC, 1 LIMIT 50");
    int r = bt_report_query_ask(&query, db, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        add_reason(list, bt_db_get_text(rows, 0), bt_db_get_int(rows, 1));
    }
    return r;
}

int bt_report_reasons(struct bt_db *db, const struct bt_report_params *params, const char *path,
                      const struct bt_scope *scope, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *list = cJSON_CreateArray();
    int64_t known = 0;
    int r = 0;
    for (int i = 0; i < BT_CUT_COUNT; i++) {
        known += scope->cut[i];
    }
    if (known == scope->partial) {
        add_known_reasons(list, scope);
    } else {
        r = ask_reasons(db, params, path, list, err);
    }
    if (r == 0) {
        *out = BT_TAKE(list);
    }
    return r;
}

int bt_report_watermarks(struct bt_db *db, const struct bt_scope *scope, cJSON **out,
                         struct bt_error *err)
{
    BT_AUTOJSON *object = cJSON_CreateObject();
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT player, journal, last_seq, screen FROM play_journal"
                      " ORDER BY player, journal LIMIT 100000");
    while (r == 0 && bt_db_next(rows)) {
        BT_AUTOFREE char *key = bt_strf("%s/%s", bt_db_get_text(rows, 0), bt_db_get_text(rows, 1));
        if (bt_scope_find(scope, bt_db_get_text(rows, 3)) >= 0) {
            add_number(object, key, bt_db_get_int(rows, 2));
        }
    }
    if (r == 0) {
        *out = BT_TAKE(object);
    }
    return r;
}

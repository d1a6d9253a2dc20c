#include "server/reports/query.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/str.h"
#include "server/reports/period.h"

#define SQL_MAX_BYTES 65536
#define KEY_BYTES 400
// One answer's rows with all their cells stay below what the database hands over at once.
#define MAX_ANSWER 60000
#define DAYS_AT_ONCE 8

/*
 * gone: codes of units that are no more, and the units that go by them, through any number of
 * mergers. here: the codes that belong to the report's unit. place: what each counts as.
 */
static const char begin_sql[] =
    "WITH RECURSIVE gone(code, unit) AS (SELECT a.code, a.unit FROM unit_alias a"
    " LEFT JOIN unit u ON u.code = a.code"
    " WHERE (u.code IS NULL OR u.until_ms IS NOT NULL) AND a.code <> a.unit"
    " UNION SELECT g.code, a.unit FROM gone g JOIN unit_alias a ON a.code = g.unit"
    " JOIN unit u ON u.code = a.code WHERE u.until_ms IS NOT NULL AND a.unit <> g.code),"
    " here(code) AS (SELECT x.code FROM unit x WHERE substr(x.path, 1, length($1)) = $1"
    " UNION SELECT g.code FROM gone g JOIN unit x ON x.code = g.unit"
    " WHERE substr(x.path, 1, length($1)) = $1), ";

static const char *const named_sql[] = {
    [BT_UNITS_THEN] = "named(code, unit) AS (SELECT code, code FROM here), ",
    // One that became part of several stays what it was.
    [BT_UNITS_NOW] = "last(code, unit) AS (SELECT g.code, min(g.unit) FROM gone g"
                     " WHERE g.unit NOT IN (SELECT code FROM gone) GROUP BY g.code"
                     " HAVING count(*) = 1), named(code, unit) AS (SELECT h.code,"
                     " COALESCE(l.unit, h.code) FROM here h LEFT JOIN last l ON l.code = h.code), ",
};

static const char *const place_sql[] = {
    [BT_LEVEL_OWN] = "place(code, unit) AS MATERIALIZED (SELECT code, unit FROM named) ",
    // A code that lies elsewhere, or nowhere any more, goes with the unit it is part of now.
    [BT_LEVEL_BELOW] = "place(code, unit) AS MATERIALIZED (SELECT n.code,"
                       " COALESCE(min(c.code), min(e.code), n.unit) FROM named n"
                       " LEFT JOIN unit y ON y.code = n.unit LEFT JOIN unit c"
                       " ON c.parent = $2 AND substr(y.path, 1, length(c.path)) = c.path"
                       " LEFT JOIN gone g ON g.code = n.unit LEFT JOIN unit z ON z.code = g.unit"
                       " LEFT JOIN unit e"
                       " ON e.parent = $2 AND substr(z.path, 1, length(e.path)) = e.path"
                       " GROUP BY n.code, n.unit) ",
};

void bt_report_query_finish(struct bt_report_query *query)
{
    bt_buf_finish(&query->sql);
}

void bt_report_query_add(struct bt_report_query *query, const char *text)
{
    query->r = query->r < 0 ? query->r : bt_buf_append(&query->sql, text, strlen(text));
}

static void add_number(struct bt_report_query *query, int64_t number)
{
    query->r = query->r < 0 ? query->r : bt_buf_appendf(&query->sql, "%lld", (long long)number);
}

size_t bt_report_query_value(struct bt_report_query *query, struct bt_db_value value)
{
    assert(query->count < BT_REPORT_MAX_VALUES);
    query->values[query->count++] = value;
    return query->count;
}

// "text $N"
static void add_value(struct bt_report_query *query, const char *text, struct bt_db_value value)
{
    size_t number = bt_report_query_value(query, value);
    bt_report_query_add(query, text);
    query->r = query->r < 0 ? query->r : bt_buf_appendf(&query->sql, "$%zu", number);
}

void bt_report_query_begin(struct bt_report_query *query, const struct bt_report_params *params,
                           const char *path)
{
    *query = (struct bt_report_query){.count = 0};
    bt_buf_init(&query->sql, SQL_MAX_BYTES);
    bt_report_query_value(query, BT_TEXT(path));
    if (params->level == BT_LEVEL_BELOW) {
        bt_report_query_value(query, BT_TEXT(params->unit));
    }
    bt_report_query_add(query, begin_sql);
    bt_report_query_add(query, named_sql[params->units]);
    bt_report_query_add(query, place_sql[params->level]);
}

static void add_filters(struct bt_report_query *query, const struct bt_report_params *params,
                        const char *campaign)
{
    if (params->campaign[0] != '\0') {
        add_value(query, campaign, BT_TEXT(params->campaign));
    }
    if (params->screen[0] != '\0') {
        add_value(query, " AND d.screen = ", BT_TEXT(params->screen));
    }
    if (params->group[0] != '\0') {
        add_value(query,
                  " AND d.screen IN (SELECT screen FROM screen_group_member WHERE group_id = ",
                  BT_TEXT(params->group));
        bt_report_query_add(query, ")");
    }
}

/*
 * The counts are read once, by their days. An engine that may look for single units among them,
 * too, does so for each unit there is, thirty-nine times over: the empty text keeps PostgreSQL from
 * it.
 */
static void add_days(struct bt_report_query *query, const struct bt_report_params *params)
{
    add_value(query, " WHERE p.code = d.unit || '' AND d.day >= ", BT_INT(params->from_day));
    add_value(query, " AND d.day <= ", BT_INT(params->until_day));
}

void bt_report_query_where(struct bt_report_query *query, const struct bt_report_params *params)
{
    add_days(query, params);
    add_filters(query, params, " AND s.campaign = ");
    if (params->item[0] != '\0') {
        add_value(query, " AND (s.item = ", BT_TEXT(params->item));
        add_value(query, " OR s.asset = ", BT_TEXT(params->item));
        add_value(query,
                  " OR s.asset IN (SELECT asset FROM media WHERE id = ", BT_TEXT(params->item));
        bt_report_query_add(query, "))");
    }
}

int bt_report_query_ask(struct bt_report_query *query, struct bt_db *db, struct bt_db_rows **out,
                        struct bt_error *err)
{
    if (query->r < 0) {
        return bt_fail(err, query->r, "The question became too long");
    }
    return bt_db_ask_values(db, bt_buf_text(&query->sql), query->values, query->count, out, err);
}

// The same content under one key, whoever shows it; what has no file is known by where it stands.
#define ITEM_KEY "CASE WHEN s.asset <> '' THEN s.asset ELSE s.publication || '/' || s.item END"
#define PLANNED_ITEM_KEY "COALESCE(k.asset, d.publication || '/' || d.item)"

struct source {
    const char *expressions[BT_DIMENSIONS];  // NULL: not to be had
};

static const struct source played = {{[BT_BY_CAMPAIGN] = "s.campaign",
                                      [BT_BY_ITEM] = ITEM_KEY,
                                      [BT_BY_UNIT] = "p.unit",
                                      [BT_BY_SCREEN] = "d.screen",
                                      [BT_BY_DAY] = "d.day",
                                      [BT_BY_MONTH] = "",
                                      [BT_BY_HOUR] = "d.hour",
                                      [BT_BY_PRIORITY] = "s.priority",
                                      [BT_BY_REASON] = "d.reason",
                                      [BT_BY_EVIDENCE] = "d.evidence"}};

static const struct source planned = {{[BT_BY_CAMPAIGN] = "d.campaign",
                                       [BT_BY_ITEM] = PLANNED_ITEM_KEY,
                                       [BT_BY_UNIT] = "p.unit",
                                       [BT_BY_SCREEN] = "d.screen",
                                       [BT_BY_DAY] = "d.day",
                                       [BT_BY_MONTH] = "",
                                       [BT_BY_PRIORITY] = "d.priority"}};

static int64_t next_month(int64_t day)
{
    struct bt_civil civil = bt_civil_from_s(day * 86400);
    civil = (struct bt_civil){.year = civil.month == 12 ? civil.year + 1 : civil.year,
                              .month = civil.month % 12 + 1,
                              .day = 1};
    return bt_day_of_s(bt_civil_to_s(&civil));
}

// The first of the month a day lies in, by comparing: neither engine's calendar is asked.
static void add_month(struct bt_report_query *query, const struct bt_report_params *params)
{
    struct bt_civil civil = bt_civil_from_s(params->from_day * 86400);
    int64_t first = params->from_day - (civil.day - 1);
    bt_report_query_add(query, "CASE");
    for (; next_month(first) <= params->until_day; first = next_month(first)) {
        bt_report_query_add(query, " WHEN d.day < ");
        add_number(query, next_month(first));
        bt_report_query_add(query, " THEN ");
        add_number(query, first);
    }
    // A CASE without WHEN is none.
    bt_report_query_add(query, " WHEN d.day IS NULL THEN 0 ELSE ");
    add_number(query, first);
    bt_report_query_add(query, " END");
}

static void add_keys(struct bt_report_query *query, const struct bt_report_params *params,
                     const struct source *source)
{
    for (size_t i = 0; i < params->by_count; i++) {
        if (params->by[i] == BT_BY_MONTH) {
            add_month(query, params);
        } else {
            bt_report_query_add(query, source->expressions[params->by[i]]);
        }
        bt_report_query_add(query, ", ");
    }
}

static void add_group(struct bt_report_query *query, size_t count, int64_t limit)
{
    for (size_t i = 0; i < count; i++) {
        bt_report_query_add(query, i == 0 ? " GROUP BY " : ", ");
        add_number(query, (int64_t)i + 1);
    }
    bt_report_query_add(query, " LIMIT ");
    add_number(query, limit);
}

// A cell as the key it stands under.
static int key_of(const struct bt_db_rows *rows, int column, enum bt_dimension by,
                  char out[KEY_BYTES])
{
    char day[BT_DAY_BYTES];
    switch (by) {
    case BT_BY_DAY:
        bt_day_iso(bt_db_get_int(rows, column), day);
        return bt_format(out, KEY_BYTES, "%s", day);
    case BT_BY_MONTH:
        bt_day_iso(bt_db_get_int(rows, column), day);
        return bt_format(out, KEY_BYTES, "%.7s", day);
    case BT_BY_HOUR:
        return bt_format(out, KEY_BYTES, "%02lld", (long long)bt_db_get_int(rows, column));
    case BT_BY_CAMPAIGN:
    case BT_BY_ITEM:
    case BT_BY_UNIT:
    case BT_BY_SCREEN:
    case BT_BY_PRIORITY:
    case BT_BY_REASON:
    case BT_BY_EVIDENCE:
    case BT_DIMENSIONS:
        break;
    }
    return bt_format(out, KEY_BYTES, "%s", bt_db_get_text(rows, column));
}

static int row_of(struct bt_report_table *table, const struct bt_report_params *params,
                  const struct bt_db_rows *rows, struct bt_report_row **out, struct bt_error *err)
{
    char keys[BT_DIMENSIONS][KEY_BYTES];
    const char *pointers[BT_DIMENSIONS];
    for (size_t i = 0; i < params->by_count; i++) {
        int r = key_of(rows, (int)i, params->by[i], keys[i]);
        if (r < 0) {
            return bt_fail(err, r, "A key is too long");
        }
        pointers[i] = keys[i];
    }
    return bt_report_table_row(table, pointers, out, err);
}

static void set(struct bt_report_row *row, enum bt_measure measure, int64_t value)
{
    row->measures[measure] = value;
    row->known[measure] = true;
}

// Does anything that is asked for stand with the subjects?
static bool needs_subject(const struct bt_report_params *params)
{
    return bt_report_has(params, BT_BY_CAMPAIGN) || bt_report_has(params, BT_BY_ITEM) ||
           bt_report_has(params, BT_BY_PRIORITY) || params->campaign[0] != '\0' ||
           params->item[0] != '\0';
}

/*
 * Counts by the hour are many: where subjects do not matter, they are added up first, in the order
 * of their key, which takes no memory.
 */
static const char hours_sql[] =
    "(SELECT day, hour, screen, unit, sum(complete) AS complete, sum(partial) AS partial,"
    " sum(verified) AS verified, sum(cards) AS cards, sum(shown_ms) AS shown_ms FROM play_hourly"
    " WHERE day >= ";
// With these said, too, one screen's are found by the key; where all are read it only takes time.
static const char all_hours_sql[] = " AND hour IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, "
                                    "14, 15, 16, 17, 18, 19, 20, 21, 22,"
                                    " 23) AND screen = ";

static void add_source(struct bt_report_query *query, const struct bt_report_params *params)
{
    bool subject = needs_subject(params);
    bt_report_query_add(query, " FROM ");
    if (!bt_report_has(params, BT_BY_HOUR) || subject) {
        bt_report_query_add(query,
                            bt_report_has(params, BT_BY_HOUR) ? "play_hourly d" : "play_daily d");
    } else {
        add_value(query, hours_sql, BT_INT(params->from_day));
        add_value(query, " AND day <= ", BT_INT(params->until_day));
        if (params->screen[0] != '\0') {
            add_value(query, all_hours_sql, BT_TEXT(params->screen));
        }
        bt_report_query_add(query, " GROUP BY day, hour, screen, unit) d");
    }
    // CROSS JOIN: the counts are read once, from the front, and the rest is looked up.
    bt_report_query_add(query, " CROSS JOIN place p");
    if (subject) {
        bt_report_query_add(query, " JOIN play_subject s ON s.id = d.subject");
    }
}

static int ask_played(struct bt_db *db, const struct bt_report_params *params, const char *path,
                      struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTOQUERY query;
    bt_report_query_begin(&query, params, path);
    bt_report_query_add(&query, "SELECT ");
    add_keys(&query, params, &played);
    bt_report_query_add(&query, "d.screen, CAST(sum(d.complete) AS BIGINT),"
                                " CAST(sum(d.partial) AS BIGINT), CAST(sum(d.verified) AS BIGINT),"
                                " CAST(sum(d.cards) AS BIGINT), CAST(sum(d.shown_ms) AS BIGINT)");
    add_source(&query, params);
    bt_report_query_where(&query, params);
    add_group(&query, params->by_count + 1, MAX_ANSWER);
    return bt_report_query_ask(&query, db, out, err);
}

static int take_played(struct bt_db_rows *rows, const struct bt_report_params *params,
                       struct bt_report_table *table, struct bt_error *err)
{
    static const enum bt_measure measures[] = {BT_MEASURE_COMPLETE, BT_MEASURE_PARTIAL,
                                               BT_MEASURE_VERIFIED, BT_MEASURE_CARDS,
                                               BT_MEASURE_SHOWN_MS};
    int r = 0;
    while (r == 0 && bt_db_next(rows)) {
        struct bt_report_row *row;
        r = row_of(table, params, rows, &row, err);
        if (r < 0) {
            break;
        }
        bt_report_row_saw(table, row, bt_db_get_text(rows, (int)params->by_count));
        for (size_t i = 0; i < BT_ARRAY_LEN(measures); i++) {
            row->measures[measures[i]] += bt_db_get_int(rows, (int)(params->by_count + 1 + i));
        }
    }
    return r;
}

/*
 * A piece of the days at a time: neither the engine's sorting nor the answer grows with the range.
 * An answer that was cut off is asked for again in smaller pieces.
 */
static int fill_played(struct bt_db *db, const struct bt_report_params *params, const char *path,
                       struct bt_report_table *table, struct bt_error *err)
{
    bool hours = bt_report_has(params, BT_BY_HOUR) && needs_subject(params);
    int64_t piece = hours ? 1 : DAYS_AT_ONCE;
    struct bt_report_params part = *params;
    int r = 0;
    while (r == 0 && part.from_day <= params->until_day) {
        BT_AUTO(bt_db_rows) rows = NULL;
        part.until_day = BT_MIN(part.from_day + piece - 1, params->until_day);
        r = ask_played(db, &part, path, &rows, err);
        if (r == 0 && bt_db_count(rows) == MAX_ANSWER) {
            r = piece == 1
                    ? bt_fail(err, -E2BIG, "Một ngày đã quá %d dòng / more than %d rows a day",
                              MAX_ANSWER, MAX_ANSWER)
                    : 0;
            piece = BT_MAX(piece / 4, (int64_t)1);
            continue;
        }
        r = r < 0 ? r : take_played(rows, params, table, err);
        part.from_day = part.until_day + 1;
    }
    return r;
}

// Without dimensions there is one row, also when nothing was shown.
static int add_only_row(const struct bt_report_params *params, struct bt_report_table *table,
                        struct bt_error *err)
{
    struct bt_report_row *row;
    return params->by_count > 0 ? 0 : bt_report_table_row(table, NULL, &row, err);
}

static bool plan_says(const struct bt_report_params *params)
{
    for (size_t i = 0; i < params->by_count; i++) {
        if (planned.expressions[params->by[i]] == NULL) {
            return false;
        }
    }
    return true;
}

static int is_planned(struct bt_db *db, const struct bt_report_params *params, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT 1 FROM plan_daily WHERE day >= $1 AND day <= $2 LIMIT 1",
                  BT_INT(params->from_day), BT_INT(params->until_day));
    return r < 0 ? r : bt_db_next(rows);
}

// Where there is a plan, what it does not mention was not planned; and what was planned and never
// shown has a row, too.
static void complete_row(struct bt_report_row *row, bool plan)
{
    for (int i = 0; i < BT_MEASURE_GOAL; i++) {
        row->known[i] = row->known[i] || i != BT_MEASURE_SCHEDULED || plan;
    }
}

void bt_report_query_planned(struct bt_report_query *query, const struct bt_report_params *params)
{
    bt_report_query_add(query, " FROM plan_daily d CROSS JOIN place p LEFT JOIN"
                               " (SELECT publication, item, min(asset) AS asset FROM play_subject"
                               " WHERE asset <> '' AND type <> 'set' GROUP BY publication, item"
                               " HAVING count(DISTINCT asset) = 1) k"
                               " ON k.publication = d.publication AND k.item = d.item");
    add_days(query, params);
    add_filters(query, params, " AND d.campaign = ");
    if (params->item[0] != '\0') {
        add_value(query, " AND (d.item = ", BT_TEXT(params->item));
        add_value(query, " OR k.asset = ", BT_TEXT(params->item));
        add_value(query,
                  " OR k.asset IN (SELECT asset FROM media WHERE id = ", BT_TEXT(params->item));
        bt_report_query_add(query, "))");
    }
}

static int fill_planned(struct bt_db *db, const struct bt_report_params *params, const char *path,
                        struct bt_report_table *table, struct bt_error *err)
{
    BT_AUTOQUERY query;
    BT_AUTO(bt_db_rows) rows = NULL;
    bt_report_query_begin(&query, params, path);
    bt_report_query_add(&query, "SELECT ");
    add_keys(&query, params, &planned);
    bt_report_query_add(&query, "CAST(COALESCE(sum(d.planned), 0) AS BIGINT)");
    bt_report_query_planned(&query, params);
    add_group(&query, params->by_count, BT_REPORT_MAX_ROWS + 1);
    int r = bt_report_query_ask(&query, db, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        struct bt_report_row *row;
        r = row_of(table, params, rows, &row, err);
        if (r == 0) {
            set(row, BT_MEASURE_SCHEDULED, bt_db_get_int(rows, (int)params->by_count));
        }
    }
    return r;
}

int bt_report_fill(struct bt_db *db, const struct bt_report_params *params, const char *path,
                   struct bt_report_table *table, struct bt_error *err)
{
    int r = add_only_row(params, table, err);
    r = r < 0 ? r : fill_played(db, params, path, table, err);
    int plan = r < 0 || !plan_says(params) ? BT_MIN(r, 0) : is_planned(db, params, err);
    r = plan > 0 ? fill_planned(db, params, path, table, err) : plan;
    for (size_t i = 0; i < bt_report_table_count(table) && r == 0; i++) {
        complete_row(bt_report_table_at(table, i), plan > 0);
    }
    return r;
}

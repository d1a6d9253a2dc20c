#include "cli/verify/claim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/verify/drawn.h"
#include "cli/verify/witness.h"
#include "plays/number.h"

struct bt_claim {
    cJSON *line;       // of the evidence
    const char *text;  // borrowed from it: the document
    size_t len;
    cJSON *head;                  // the document without its rows
    const char *rows, *rows_end;  // where they lie in the text
    int64_t from_day, until_day;
    char vi[BT_CLAIM_MAX_COLUMNS][64];  // the columns' headings
    const char *names[BT_CLAIM_MAX_COLUMNS], *kinds[BT_CLAIM_MAX_COLUMNS];
    size_t columns;
    enum bt_dimension by[BT_RECOUNT_MAX_BY];
    size_t by_count;
};

void bt_claim_destroy(struct bt_claim *claim)
{
    if (claim != NULL) {
        cJSON_Delete(claim->head);
        cJSON_Delete(claim->line);
        free(claim);
    }
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

// The document but for the rows between its first and its last line end.
static int split(struct bt_claim *claim, struct bt_error *err)
{
    BT_AUTOBUF head;
    bt_buf_init(&head, BT_CLAIM_MAX_BYTES);
    claim->text = text_of(claim->line, "text");
    claim->len = strlen(claim->text);
    const char *first = strchr(claim->text, '\n'), *last = strrchr(claim->text, '\n');
    if (first == NULL) {
        return bt_fail(err, -EINVAL, "The report is no report document");
    }
    claim->rows = first + 1;
    claim->rows_end = last + 1;
    int r = bt_buf_append(&head, claim->text, (size_t)(first - claim->text));
    r = r < 0 ? r : bt_buf_append(&head, last + 1, claim->len - (size_t)(last + 1 - claim->text));
    return r < 0 ? bt_fail(err, r, "The report is too long")
                 : bt_json_parse(bt_buf_text(&head), head.len, &claim->head, err);
}

static int read_columns(struct bt_claim *claim, struct bt_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(claim->head, "columns"), *each;
    cJSON_ArrayForEach(each, list)
    {
        if (claim->columns == BT_CLAIM_MAX_COLUMNS) {
            return bt_fail(err, -EMSGSIZE, "The report has too many columns");
        }
        size_t i = claim->columns++;
        claim->names[i] = text_of(each, "name");
        claim->kinds[i] = text_of(each, "kind");
        bt_copy_cut(claim->vi[i], sizeof(claim->vi[i]), text_of(each, "vi"));
    }
    return claim->columns > 0 ? 0 : bt_fail(err, -EINVAL, "The report has no columns");
}

static int read_by(struct bt_claim *claim, struct bt_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(claim->head, "by"), *each;
    cJSON_ArrayForEach(each, list)
    {
        int found = BT_DIMENSIONS;
        for (int i = 0; i < BT_DIMENSIONS; i++) {
            found = bt_str_equal(bt_dimension_words[i], cJSON_GetStringValue(each)) ? i : found;
        }
        if (found == BT_DIMENSIONS || claim->by_count == BT_RECOUNT_MAX_BY) {
            return bt_fail(err, -EINVAL, "The report is grouped by what is not known");
        }
        claim->by[claim->by_count++] = (enum bt_dimension)found;
    }
    return 0;
}

static int read_day(const cJSON *head, const char *key, int64_t *out, struct bt_error *err)
{
    int64_t seconds;
    if (bt_date_parse(text_of(head, key), &seconds) < 0) {
        return bt_fail(err, -EINVAL, "The report's '%s' is no day", key);
    }
    *out = seconds / 86400;
    return 0;
}

static int read_definitions(const cJSON *head, struct bt_error *err)
{
    int64_t definitions;
    return bt_json_whole(cJSON_GetObjectItemCaseSensitive(head, "definitions"),
                         BT_TALLY_DEFINITIONS, BT_TALLY_DEFINITIONS, &definitions) < 0
               ? bt_fail(err, -ENOTSUP, "The report counts by other definitions than version %d",
                         BT_TALLY_DEFINITIONS)
               : 0;
}

int bt_claim_create(cJSON *line, struct bt_claim **out, struct bt_error *err)
{
    BT_AUTO(bt_claim) claim = BT_NEW(struct bt_claim);
    claim->line = line;
    int r = split(claim, err);
    r = r < 0 ? r : read_definitions(claim->head, err);
    r = r < 0 ? r : read_columns(claim, err);
    r = r < 0 ? r : read_by(claim, err);
    r = r < 0 ? r : read_day(claim->head, "from_day", &claim->from_day, err);
    r = r < 0 ? r : read_day(claim->head, "until_day", &claim->until_day, err);
    if (r == 0) {
        *out = BT_TAKE(claim);
    }
    return r;
}

const char *bt_claim_id(const struct bt_claim *claim)
{
    return text_of(claim->head, "id");
}

const char *bt_claim_title(const struct bt_claim *claim)
{
    return text_of(claim->head, "title");
}

const char *bt_claim_root(const struct bt_claim *claim)
{
    return text_of(claim->head, "root_sha256");
}

int64_t bt_claim_made_ms(const struct bt_claim *claim)
{
    int64_t made_ms;
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(claim->head, "created_ms");
    return bt_json_whole(said, 0, 1LL << 53, &made_ms) < 0 ? 0 : made_ms;
}

bool bt_claim_plan(const struct bt_claim *claim, struct bt_recount_plan *out)
{
    const cJSON *filter = cJSON_GetObjectItemCaseSensitive(claim->head, "filter"), *each;
    *out = (struct bt_recount_plan){.from_day = claim->from_day, .until_day = claim->until_day};
    cJSON_ArrayForEach(each, filter)
    {
        int dimension = strcmp(each->string, "campaign") == 0 ? BT_BY_CAMPAIGN
                        : strcmp(each->string, "screen") == 0 ? BT_BY_SCREEN
                                                              : BT_DIMENSIONS;
        // Those two say how units are put together, which "places" tells.
        bool of_units = strcmp(each->string, "units") == 0 || strcmp(each->string, "level") == 0;
        if (of_units) {
            continue;
        }
        if (dimension == BT_DIMENSIONS || !cJSON_IsString(each) ||
            bt_format(out->filter[dimension], sizeof(out->filter[dimension]), "%s",
                      each->valuestring) < 0) {
            return false;
        }
    }
    memcpy(out->by, claim->by, sizeof(out->by));
    out->by_count = claim->by_count;
    return true;
}

int64_t bt_claim_until_seq(const struct bt_claim *claim, const char *player, const char *journal)
{
    char name[128];
    int64_t seq = 0;
    const cJSON *marks = cJSON_GetObjectItemCaseSensitive(claim->head, "watermarks");
    if (bt_format(name, sizeof(name), "%s/%s", player, journal) < 0 ||
        bt_json_whole(cJSON_GetObjectItemCaseSensitive(marks, name), 0, 1LL << 53, &seq) < 0) {
        return 0;
    }
    return seq;
}

const char *bt_claim_place(const struct bt_claim *claim, const char *unit)
{
    const cJSON *places = cJSON_GetObjectItemCaseSensitive(claim->line, "places");
    const char *place = text_of(places, unit);
    return place[0] != '\0' ? place : unit;
}

/*
 * Rows.
 */

static struct bt_drawn drawn_of(const struct bt_claim *claim)
{
    return (struct bt_drawn){
        .document = claim->text,
        .len = claim->len,
        .head = claim->head,
        .rows = claim->rows,
        .rows_end = claim->rows_end,
        .files = cJSON_GetObjectItemCaseSensitive(claim->line, "files"),
    };
}

static size_t column_of(const struct bt_claim *claim, const char *name)
{
    size_t i = 0;
    while (i < claim->columns && strcmp(claim->names[i], name) != 0) {
        i++;
    }
    return i;
}

// Beside the name of a dimension stands what the recount calls it.
static const char *const key_columns[BT_DIMENSIONS] = {
    [BT_BY_CAMPAIGN] = "campaign_id",
    [BT_BY_ITEM] = "item_id",
    [BT_BY_UNIT] = "unit_code",
    [BT_BY_SCREEN] = "screen_id",
    [BT_BY_DAY] = "day",
    [BT_BY_MONTH] = "month",
    [BT_BY_HOUR] = "hour",
    [BT_BY_PRIORITY] = "priority",
    [BT_BY_REASON] = "reason",
    [BT_BY_EVIDENCE] = "evidence",
};

static int key_of(const struct bt_claim *claim, const cJSON *row, char out[BT_RECOUNT_KEY_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < claim->by_count; i++) {
        size_t column = column_of(claim, key_columns[claim->by[i]]);
        const char *value = cJSON_GetStringValue(cJSON_GetArrayItem(row, (int)column));
        if (value == NULL ||
            bt_format(out + len, BT_RECOUNT_KEY_BYTES - len, "%s%c", value, BT_RECOUNT_END) < 0) {
            return -EINVAL;
        }
        len += strlen(out + len);
    }
    return 0;
}

// The measures that are counted again, and where they stand in the counts.
static const struct {
    const char *name;
    size_t offset;
} measures[] = {
    {"complete", offsetof(struct bt_tally_counts, complete)},
    {"partial", offsetof(struct bt_tally_counts, partial)},
    {"verified", offsetof(struct bt_tally_counts, verified)},
    {"cards", offsetof(struct bt_tally_counts, cards)},
    {"shown_ms", offsetof(struct bt_tally_counts, shown_ms)},
};

struct comparing {
    const struct bt_claim *claim;
    struct bt_verdict *verdict;
    int64_t cells;
    struct bt_planned *planned;   // or NULL
    bool speaks;                  // it says something about these rows
    int64_t scheduled, short_of;  // of all rows; NONE: none of them says it
};

// A cell without a number.
#define NONE (-1)

static void say_number(char out[BT_NUMBER_BYTES], int64_t number)
{
    if (number == NONE) {
        bt_copy_cut(out, BT_NUMBER_BYTES, "—");
    } else {
        bt_number_vi(out, number, 0);
    }
}

static int64_t number_in(const struct comparing *comparing, const cJSON *row, const char *name)
{
    int64_t number;
    const cJSON *cell = cJSON_GetArrayItem(row, (int)column_of(comparing->claim, name));
    return bt_json_whole(cell, 0, 1LL << 53, &number) < 0 ? NONE : number;
}

// "dòng 12, cột Trọn vẹn: báo cáo 1.235, đếm lại 1.234"; line 0 is the total.
static void compare_cell(struct comparing *comparing, const cJSON *row, int64_t line,
                         const char *name, int64_t counted)
{
    char said_vi[BT_NUMBER_BYTES], counted_vi[BT_NUMBER_BYTES];
    size_t column = column_of(comparing->claim, name);
    if (column == comparing->claim->columns) {
        return;
    }
    comparing->cells++;
    int64_t said = number_in(comparing, row, name);
    if (said == counted) {
        return;
    }
    say_number(said_vi, said);
    say_number(counted_vi, counted);
    BT_AUTOFREE char *where_vi =
        line == 0 ? bt_strdup("dòng cộng") : bt_strf("dòng %lld", (long long)line);
    BT_AUTOFREE char *where_en =
        line == 0 ? bt_strdup("total") : bt_strf("row %lld", (long long)line);
    const char *heading = comparing->claim->vi[column];
    bt_verdict_add(
        comparing->verdict, BT_FINDING_FAULT, "report-cell",
        bt_strf("%s, cột %s: báo cáo %s, đếm lại %s", where_vi, heading, said_vi, counted_vi),
        bt_strf("%s, column %s: the report says %lld, counted again %lld", where_en, heading,
                (long long)said, (long long)counted));
}

static void compare_counts(struct comparing *comparing, const cJSON *row, int64_t line,
                           const struct bt_tally_counts *counts, int64_t screens)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(measures); i++) {
        int64_t counted;
        memcpy(&counted, (const char *)counts + measures[i].offset, sizeof(counted));
        compare_cell(comparing, row, line, measures[i].name, counted);
    }
    compare_cell(comparing, row, line, "screens", screens);
}

static int64_t sum_of(int64_t sum, int64_t more)
{
    return more == NONE ? sum : sum == NONE ? more : sum + more;
}

/*
 * What was scheduled, and what is short of the goal or else of the plan. A goal is the campaign's
 * own, and is believed; without any plan in the days a report says nothing, or that it was none.
 */
static void compare_planned(struct comparing *comparing, const cJSON *row, int64_t line,
                            const char *key, int64_t complete)
{
    if (comparing->planned == NULL) {
        return;
    }
    int64_t scheduled = NONE, short_of = NONE;
    if (comparing->speaks && bt_planned_any(comparing->planned)) {
        scheduled = bt_planned_of(comparing->planned, key);
    } else if (number_in(comparing, row, "scheduled") != NONE) {
        scheduled = comparing->speaks ? 0 : NONE;
    }
    int64_t goal = number_in(comparing, row, "goal"), wanted = goal != NONE ? goal : scheduled;
    if (wanted != NONE) {
        short_of = BT_MAX(wanted - complete, (int64_t)0);
    }
    compare_cell(comparing, row, line, "scheduled", scheduled);
    compare_cell(comparing, row, line, "shortfall", short_of);
    comparing->scheduled = sum_of(comparing->scheduled, scheduled);
    comparing->short_of = sum_of(comparing->short_of, short_of);
    struct bt_recount_row *met = bt_recount_find(bt_planned_rows(comparing->planned), key);
    if (met != NULL) {
        met->met = true;
    }
}

// How many screens each row has: `screens` has "KEY" BT_RECOUNT_SCREEN "SCREEN".
static int count_screens(struct bt_recount *screens, struct bt_recount *out, struct bt_recount *all,
                         struct bt_error *err)
{
    static const struct bt_tally_counts one = {.complete = 1};
    int r = 0;
    for (size_t i = 0; i < bt_recount_count(screens) && r == 0; i++) {
        char key[BT_RECOUNT_KEY_BYTES];
        const char *name = bt_recount_at(screens, i)->key;
        const char *end = strrchr(name, BT_RECOUNT_SCREEN);
        r = bt_format(key, sizeof(key), "%.*s", (int)(end - name), name);
        r = r < 0 ? r : bt_recount_add(out, key, &one, err);
        r = r < 0 ? r : bt_recount_add(all, end + 1, &bt_recount_at(screens, i)->counts, err);
    }
    return r;
}

static int compare_row(struct comparing *comparing, const cJSON *row, int64_t line,
                       struct bt_recount *rows, struct bt_recount *screens)
{
    static const struct bt_tally_counts nothing;
    char key[BT_RECOUNT_KEY_BYTES];
    if (key_of(comparing->claim, row, key) < 0) {
        return -EINVAL;
    }
    struct bt_recount_row *counted = bt_recount_find(rows, key);
    const struct bt_recount_row *shown = bt_recount_find(screens, key);
    if (counted != NULL && counted->met) {
        return -EINVAL;  // the same row twice
    }
    if (counted != NULL) {
        counted->met = true;
    }
    const struct bt_tally_counts *counts = counted != NULL ? &counted->counts : &nothing;
    compare_counts(comparing, row, line, counts, shown != NULL ? shown->counts.complete : 0);
    compare_planned(comparing, row, line, key, counts->complete);
    return 0;
}

static int compare_rows(struct comparing *comparing, struct bt_recount *rows,
                        struct bt_recount *screens)
{
    const struct bt_drawn drawn = drawn_of(comparing->claim);
    const char *at = drawn.rows;
    for (int64_t line = 1;; line++) {
        BT_AUTOJSON *row = bt_drawn_row(&drawn, &at);
        if (row == NULL) {
            return at >= drawn.rows_end ? 0 : -EINVAL;
        }
        if (compare_row(comparing, row, line, rows, screens) < 0) {
            return -EINVAL;
        }
    }
}

// A key for people: its parts with " / " between them.
static char *name_of(const char *key)
{
    BT_AUTOBUF name;
    bt_buf_init(&name, (size_t)4 * BT_RECOUNT_KEY_BYTES);
    for (const char *c = key; *c != '\0'; c++) {
        bool end = *c == BT_RECOUNT_END;
        int r = bt_buf_append(&name, end ? " / " : c, end ? 3 : 1);
        (void)r;  // there is room
    }
    return bt_strdup(bt_buf_text(&name));
}

static bool is_nothing(const struct bt_tally_counts *counts)
{
    static const struct bt_tally_counts nothing;
    return bt_tally_counts_equal(counts, &nothing);
}

static void find_missing_rows(struct comparing *comparing, struct bt_recount *rows)
{
    for (size_t i = 0; i < bt_recount_count(rows); i++) {
        const struct bt_recount_row *row = bt_recount_at(rows, i);
        if (row->met || is_nothing(&row->counts)) {
            continue;
        }
        char counted[BT_NUMBER_BYTES];
        BT_AUTOFREE char *name = name_of(row->key);
        bt_number_vi(counted, row->counts.complete, 0);
        bt_verdict_add(comparing->verdict, BT_FINDING_FAULT, "report-row",
                       bt_strf("Báo cáo thiếu dòng '%s': đếm lại %s lượt trọn vẹn", name, counted),
                       bt_strf("The report lacks the row '%s': %lld complete plays counted again",
                               name, (long long)row->counts.complete));
    }
}

static void find_unplanned_rows(struct comparing *comparing)
{
    struct bt_recount *rows = comparing->planned != NULL && comparing->speaks
                                  ? bt_planned_rows(comparing->planned)
                                  : NULL;
    for (size_t i = 0; rows != NULL && i < bt_recount_count(rows); i++) {
        const struct bt_recount_row *row = bt_recount_at(rows, i);
        if (row->met || row->counts.complete == 0) {
            continue;
        }
        char planned[BT_NUMBER_BYTES];
        BT_AUTOFREE char *name = name_of(row->key);
        bt_number_vi(planned, row->counts.complete, 0);
        bt_verdict_add(comparing->verdict, BT_FINDING_FAULT, "report-row",
                       bt_strf("Báo cáo thiếu dòng '%s': theo lịch %s lượt", name, planned),
                       bt_strf("The report lacks the row '%s': %lld were scheduled", name,
                               (long long)row->counts.complete));
    }
}

/*
 * Coverage: which screens are in use is the server's word; that those it names showed nothing, and
 * how many others did, is counted.
 */

static bool has_completed(struct bt_recount *all, const char *screen)
{
    char key[BT_RECOUNT_KEY_BYTES];
    const struct bt_recount_row *row =
        bt_format(key, sizeof(key), "%s", screen) < 0 ? NULL : bt_recount_find(all, key);
    return row != NULL && row->counts.complete > 0;
}

static void accuse_coverage(struct comparing *comparing, char *vi, char *en)
{
    bt_verdict_add(comparing->verdict, BT_FINDING_FAULT, "report-coverage", vi, en);
}

static void compare_missing(struct comparing *comparing, const cJSON *coverage,
                            struct bt_recount *all)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(coverage, "missing"))
    {
        const char *screen = text_of(each, "screen");
        if (has_completed(all, screen)) {
            accuse_coverage(
                comparing, bt_strf("Báo cáo ghi màn hình '%s' không phát, đếm lại thì có", screen),
                bt_strf("The report says that screen '%s' showed nothing, and it did", screen));
        }
    }
}

static void compare_coverage(struct comparing *comparing, struct bt_recount *all)
{
    const cJSON *coverage = cJSON_GetObjectItemCaseSensitive(comparing->claim->head, "coverage");
    int64_t said, shown = 0;
    if (coverage == NULL) {
        return;
    }
    for (size_t i = 0; i < bt_recount_count(all); i++) {
        const struct bt_recount_row *row = bt_recount_at(all, i);
        shown += row->counts.complete > 0 ? 1 : 0;
    }
    if (bt_json_whole(cJSON_GetObjectItemCaseSensitive(coverage, "screens_shown"), 0, 1LL << 53,
                      &said) < 0 ||
        said != shown) {
        accuse_coverage(
            comparing, bt_strf("Độ phủ: đếm lại %lld màn hình đã phát", (long long)shown),
            bt_strf("Coverage: %lld screens that showed it were counted", (long long)shown));
    }
    compare_missing(comparing, coverage, all);
}

static void conclude(const struct comparing *comparing)
{
    if (bt_verdict_count_code(comparing->verdict, "report-cell") +
            bt_verdict_count_code(comparing->verdict, "report-row") +
            bt_verdict_count_code(comparing->verdict, "report-coverage") ==
        0) {
        bt_verdict_add(comparing->verdict, BT_FINDING_HOLDS, "report",
                       bt_strf("Báo cáo '%s': %lld con số đếm lại đều đúng",
                               bt_claim_title(comparing->claim), (long long)comparing->cells),
                       bt_strf("Report '%s': %lld numbers were counted again and are right",
                               bt_claim_title(comparing->claim), (long long)comparing->cells));
    }
}

static int compare(struct comparing *comparing, struct bt_recount *rows, struct bt_recount *screens,
                   struct bt_recount *of_rows, struct bt_recount *all)
{
    struct bt_error err = {0};
    struct bt_tally_counts total = {0};
    int r = count_screens(screens, of_rows, all, &err);
    r = r < 0 ? r : compare_rows(comparing, rows, of_rows);
    if (r < 0) {
        return r;
    }
    find_missing_rows(comparing, rows);
    find_unplanned_rows(comparing);
    compare_coverage(comparing, all);
    for (size_t i = 0; i < bt_recount_count(rows); i++) {
        bt_tally_counts_add(&total, &bt_recount_at(rows, i)->counts);
    }
    const cJSON *last = cJSON_GetObjectItemCaseSensitive(comparing->claim->head, "total");
    compare_counts(comparing, last, 0, &total, (int64_t)bt_recount_count(all));
    if (comparing->planned != NULL) {
        compare_cell(comparing, last, 0, "scheduled", comparing->scheduled);
        compare_cell(comparing, last, 0, "shortfall", comparing->short_of);
    }
    return 0;
}

void bt_claim_compare(const struct bt_claim *claim, struct bt_recount *rows,
                      struct bt_recount *screens, struct bt_planned *planned,
                      struct bt_verdict *verdict)
{
    BT_AUTO(bt_recount) of_rows = bt_recount_create();
    BT_AUTO(bt_recount) all = bt_recount_create();
    struct bt_recount_plan plan;
    struct comparing comparing = {.claim = claim,
                                  .verdict = verdict,
                                  .planned = planned,
                                  .scheduled = NONE,
                                  .short_of = NONE};
    if (!bt_claim_plan(claim, &plan)) {
        return;  // said when it was met
    }
    comparing.speaks = bt_planned_speaks(&plan);
    if (compare(&comparing, rows, screens, of_rows, all) < 0) {
        bt_verdict_add(verdict, BT_FINDING_FAULT, "report-shape",
                       bt_strdup("Các dòng của báo cáo không đọc được hoặc lặp lại"),
                       bt_strdup("Rows of the report cannot be read, or stand there twice"));
        return;
    }
    conclude(&comparing);
}

int bt_claim_file(const struct bt_claim *claim, const char *path, struct bt_verdict *verdict,
                  struct bt_error *err)
{
    const struct bt_drawn drawn = drawn_of(claim);
    return bt_drawn_check(&drawn, path, verdict, err);
}

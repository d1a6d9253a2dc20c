// Minutes from the moment a document was published to its first play, screen by screen.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/publications/target.h"
#include "server/reports/facts.h"

#define MAX_PUBLISHED 20000

// One version that was published in the days of the report.
struct issue {
    char document[BT_DOCUMENT_ID_BYTES];
    int64_t version, published_ms;
};

struct issues {
    struct issue *list;
    size_t count, capacity;
};

struct minutes {
    int64_t *list;
    size_t count, capacity;
    int64_t never;
};

static void finish_issues(struct issues *issues)
{
    free(issues->list);
}

static void finish_minutes(struct minutes *minutes)
{
    free(minutes->list);
}

static int compare_issues(const void *a, const void *b)
{
    const struct issue *first = a, *second = b;
    int order = strcmp(first->document, second->document);
    return order != 0 ? order
                      : (first->version > second->version) - (first->version < second->version);
}

static int load_issues(struct bt_db *db, const struct bt_scope *scope, struct issues *out,
                       struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT target, version, published_ms FROM publication"
                      " WHERE published_ms >= $1 AND published_ms < $2 AND layer <> 'template'"
                      " ORDER BY published_ms, id LIMIT $3",
                      BT_INT(scope->start_ms), BT_INT(scope->end_ms), BT_INT(MAX_PUBLISHED));
    while (r == 0 && bt_db_next(rows)) {
        struct bt_target target;
        if (bt_target_read(bt_db_get_text(rows, 0), &target, NULL) < 0) {
            continue;
        }
        BT_GROW(out->list, out->capacity, out->count + 1);
        struct issue *issue = &out->list[out->count++];
        bt_copy_cut(issue->document, sizeof(issue->document), target.id);
        issue->version = bt_db_get_int(rows, 1);
        issue->published_ms = bt_db_get_int(rows, 2);
    }
    if (out->count > 1) {
        qsort(out->list, out->count, sizeof(out->list[0]), compare_issues);
    }
    return r;
}

// One screen's first plays of a document, by version.
struct first {
    int64_t version, first_ms;
};

static void add_minutes(struct minutes *minutes, int64_t ms)
{
    BT_GROW(minutes->list, minutes->capacity, minutes->count + 1);
    minutes->list[minutes->count++] = BT_MAX(ms, (int64_t)0) / 60000;
}

// Whatever came after a version shows that it, too, was obeyed.
static void judge(const struct issue *issues, size_t issue_count, const struct first *firsts,
                  size_t first_count, struct minutes *minutes)
{
    for (size_t i = 0; i < issue_count; i++) {
        int64_t earliest = INT64_MAX;
        for (size_t k = 0; k < first_count; k++) {
            if (firsts[k].version >= issues[i].version) {
                earliest = BT_MIN(earliest, firsts[k].first_ms);
            }
        }
        if (earliest == INT64_MAX) {
            minutes->never++;
        } else {
            add_minutes(minutes, earliest - issues[i].published_ms);
        }
    }
}

static int ask_firsts(struct bt_db *db, const struct bt_report_params *params, const char *document,
                      struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(
        db, out, err,
        "SELECT f.screen, f.version, f.first_ms FROM play_first f"
        " WHERE f.publication = $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM play_subject s"
        " WHERE s.publication = f.publication AND s.campaign = $2))"
        " ORDER BY f.screen, f.version LIMIT 100000",
        BT_TEXT(document), BT_TEXT(params->campaign));
}

// All versions of one document, on all screens that have shown any of them.
static int judge_document(struct bt_db *db, const struct bt_report_params *params,
                          const struct bt_scope *scope, const struct issue *issues, size_t count,
                          struct minutes *minutes, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOFREE struct first *firsts = NULL;
    size_t first_count = 0, capacity = 0;
    char screen[32] = "";
    int r = ask_firsts(db, params, issues[0].document, &rows, err);
    if (r < 0) {
        return r;
    }
    while (bt_db_next(rows)) {
        if (strcmp(screen, bt_db_get_text(rows, 0)) != 0) {
            if (first_count > 0) {
                judge(issues, count, firsts, first_count, minutes);
            }
            first_count = 0;
            bt_copy_cut(screen, sizeof(screen), bt_db_get_text(rows, 0));
        }
        if (bt_scope_find(scope, screen) >= 0) {
            BT_GROW(firsts, capacity, first_count + 1);
            firsts[first_count++] = (struct first){bt_db_get_int(rows, 1), bt_db_get_int(rows, 2)};
        }
    }
    if (first_count > 0) {
        judge(issues, count, firsts, first_count, minutes);
    }
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

static void add_rank(cJSON *object, const char *key, const struct minutes *minutes, size_t percent)
{
    if (minutes->count == 0) {
        cJSON_AddNullToObject(object, key);
        return;
    }
    size_t rank = (minutes->count * percent + 99) / 100;
    cJSON_AddNumberToObject(object, key, (double)minutes->list[BT_MAX(rank, (size_t)1) - 1]);
}

static cJSON *say(struct minutes *minutes)
{
    cJSON *object = cJSON_CreateObject();
    if (minutes->count > 1) {
        qsort(minutes->list, minutes->count, sizeof(minutes->list[0]), compare_numbers);
    }
    cJSON_AddNumberToObject(object, "counted", (double)minutes->count);
    add_rank(object, "median_min", minutes, 50);
    add_rank(object, "p95_min", minutes, 95);
    add_rank(object, "longest_min", minutes, 100);
    cJSON_AddNumberToObject(object, "never", (double)minutes->never);
    return object;
}

int bt_report_timeliness(struct bt_db *db, const struct bt_report_params *params,
                         const struct bt_scope *scope, cJSON **out, struct bt_error *err)
{
    BT_AUTOFINISH(finish_issues) struct issues issues = {.list = NULL};
    BT_AUTOFINISH(finish_minutes) struct minutes minutes = {.list = NULL};
    int r = load_issues(db, scope, &issues, err);
    for (size_t i = 0, next; i < issues.count && r == 0; i = next) {
        for (next = i + 1; next < issues.count &&
                           strcmp(issues.list[next].document, issues.list[i].document) == 0;) {
            next++;
        }
        r = judge_document(db, params, scope, &issues.list[i], next - i, &minutes, err);
    }
    if (r == 0) {
        *out = say(&minutes);
    }
    return r;
}

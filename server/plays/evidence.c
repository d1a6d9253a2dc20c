#include "server/plays/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/batch.h"
#include "plays/evidence_file.h"
#include "plays/tally.h"
#include "server/plays/batch_body.h"
#include "server/plays/evidence_report.h"
#include "server/plays/heads.h"
#include "server/publications/issuer.h"
#include "server/reports/query.h"
#include "trust/metadata.h"

// Technicians who left, and players that were exchanged, within the span of a report.
#define MAX_VERSIONS 50

// So many records before and after the heads are looked through for plays that belong to the days
// all the same: a month without a network has 180,000. All of two years would take too long.
#define LOOK_AROUND 500000

#define PAGE_JOURNALS 500
#define PAGE_BATCHES 8

// What is written, and the line in the making.
struct work {
    struct bt_server *server;  // borrowed, like db and wish
    struct bt_db *db;
    const struct bt_evidence_wish *wish;
    struct bt_evidence_writer *writer;
    struct bt_buf line;
    int64_t lines;
    int64_t from_ms, until_ms;  // of the days, the end excluded
    char path[256];             // of the unit
    cJSON *lower, *upper;       // heads before and after, or NULL
};

static void work_finish(struct work *work)
{
    bt_evidence_writer_destroy(work->writer);
    bt_buf_finish(&work->line);
    cJSON_Delete(work->lower);
    cJSON_Delete(work->upper);
}

static int put_line(struct work *work, const char *line, size_t len, struct bt_error *err)
{
    if (bt_evidence_writer_bytes(work->writer) > BT_EVIDENCE_MAX_BYTES) {
        return bt_fail(err, -EFBIG, "The evidence would be larger than %lld bytes",
                       (long long)BT_EVIDENCE_MAX_BYTES);
    }
    work->lines++;
    return bt_evidence_writer_add(work->writer, line, len, err);
}

// A small line; `object` is taken.
static int put_json(struct work *work, cJSON *object, struct bt_error *err)
{
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    int r = put_line(work, text, strlen(text), err);
    cJSON_free(text);
    return r;
}

static cJSON *begin(const char *kind)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", kind);
    return object;
}

// {"kind":KIND, … what `facts` has …, "text":TEXT}; `facts` is taken.
static int put_text(struct work *work, cJSON *facts, const char *text, struct bt_error *err)
{
    char *head = cJSON_PrintUnformatted(facts);
    cJSON_Delete(facts);
    bt_buf_clear(&work->line);
    int r = bt_buf_append(&work->line, head, strlen(head) - 1);
    cJSON_free(head);
    r = r < 0 ? r : bt_buf_appendf(&work->line, ",\"text\":");
    r = r < 0 ? r : bt_json_append_string(&work->line, text);
    r = r < 0 ? r : bt_buf_append(&work->line, "}", 1);
    return r < 0 ? bt_fail(err, r, "A document is too long for the evidence")
                 : put_line(work, work->line.data, work->line.len, err);
}

static void format_day(int64_t day, char out[BT_RFC3339_BYTES])
{
    bt_rfc3339_format(day * BT_MS_PER_DAY, 0, out);
    out[strlen("2026-11-21")] = '\0';
}

static int find_unit(struct work *work, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(work->db, &rows, err, "SELECT path FROM unit WHERE code = $1",
                      BT_TEXT(work->wish->unit));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "There is no unit '%s'", work->wish->unit);
    }
    return bt_format(work->path, sizeof(work->path), "%s", bt_db_get_text(rows, 0)) < 0
               ? bt_fail(err, -EMSGSIZE, "The unit's path is too long")
               : 0;
}

// "… FROM X x JOIN place p ON p.code = x.unit …": the codes that the unit's reports are about,
// those of units that were merged into it with them. Values of `text` begin with $2.
static int ask_in_units(struct work *work, const char *text, const struct bt_db_value *values,
                        size_t count, struct bt_db_rows **out, struct bt_error *err)
{
    struct bt_report_params params = {.units = BT_UNITS_THEN, .level = BT_LEVEL_OWN};
    BT_AUTOQUERY query;
    bt_report_query_begin(&query, &params, work->path);
    bt_report_query_add(&query, text);
    for (size_t i = 0; i < count; i++) {
        (void)bt_report_query_value(&query, values[i]);
    }
    return bt_report_query_ask(&query, work->db, out, err);
}

static int list_units(struct work *work, cJSON *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_in_units(work, "SELECT DISTINCT code FROM place ORDER BY code LIMIT 50000", NULL, 0,
                         &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        cJSON_AddItemToArray(out, cJSON_CreateString(bt_db_get_text(rows, 0)));
    }
    return r;
}

static int put_opening(struct work *work, struct bt_error *err)
{
    char from[BT_RFC3339_BYTES], until[BT_RFC3339_BYTES];
    format_day(work->wish->from_day, from);
    format_day(work->wish->until_day, until);
    cJSON *opening = begin("evidence");
    cJSON_AddNumberToObject(opening, "format", BT_EVIDENCE_FORMAT);
    cJSON_AddNumberToObject(opening, "definitions", BT_TALLY_DEFINITIONS);
    cJSON_AddNumberToObject(opening, "created_ms", (double)bt_clock_wall_ms(work->server->clock));
    cJSON_AddStringToObject(opening, "from_day", from);
    cJSON_AddStringToObject(opening, "until_day", until);
    cJSON_AddStringToObject(opening, "unit", work->wish->unit);
    int r = list_units(work, cJSON_AddArrayToObject(opening, "units"), err);
    if (r < 0) {
        cJSON_Delete(opening);
        return r;
    }
    return put_json(work, opening, err);
}

// The newest versions of a role, oldest first.
static int put_role(struct work *work, const char *role, int64_t most, struct bt_error *err)
{
    int64_t after = 0;
    BT_AUTO(bt_db_rows) newest = NULL;
    int r = bt_db_ask(work->db, &newest, err,
                      "SELECT version FROM tuf_metadata WHERE role = $1"
                      " ORDER BY version DESC LIMIT $2",
                      BT_TEXT(role), BT_INT(most));
    while (r == 0 && bt_db_next(newest)) {
        after = bt_db_get_int(newest, 0) - 1;
    }
    for (bool more = r == 0; more && r == 0;) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(work->db, &rows, err,
                      "SELECT version, body FROM tuf_metadata WHERE role = $1 AND version > $2"
                      " ORDER BY version LIMIT 4",
                      BT_TEXT(role), BT_INT(after));
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            after = bt_db_get_int(rows, 0);
            cJSON *facts = begin("metadata");
            cJSON_AddStringToObject(facts, "role", role);
            cJSON_AddNumberToObject(facts, "version", (double)after);
            r = put_text(work, facts, bt_db_get_text(rows, 1), err);
        }
    }
    return r;
}

// Who may sign for the screens of a unit, as far as there is somebody.
static int put_unit_role(struct work *work, const char *unit, struct bt_error *err)
{
    char role[BT_ROLE_BYTES];
    int r = bt_format(role, sizeof(role), "s-%s", unit);
    return r < 0 ? bt_fail(err, r, "The unit's code is too long")
                 : put_role(work, role, MAX_VERSIONS, err);
}

static int put_screen(struct work *work, const char *unit, const char *screen, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("s/%s/%s.json", unit, screen);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(work->db, &rows, err,
                      "SELECT body FROM tuf_target WHERE path = $1 ORDER BY sha256 LIMIT $2",
                      BT_TEXT(path), BT_INT(MAX_VERSIONS));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *facts = begin("document");
        cJSON_AddStringToObject(facts, "path", path);
        r = put_text(work, facts, bt_db_get_text(rows, 0), err);
    }
    return r;
}

// The technicians' signed word on which player is whose.
static int put_screens(struct work *work, struct bt_error *err)
{
    char unit[64] = "";
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_in_units(work,
                         "SELECT DISTINCT j.unit, j.screen FROM play_journal j"
                         " JOIN place p ON p.code = j.unit ORDER BY j.unit, j.screen LIMIT 90000",
                         NULL, 0, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        if (strcmp(unit, bt_db_get_text(rows, 0)) != 0) {
            bt_copy_cut(unit, sizeof(unit), bt_db_get_text(rows, 0));
            r = put_unit_role(work, unit, err);
        }
        r = r < 0 ? r : put_screen(work, unit, bt_db_get_text(rows, 1), err);
    }
    return r;
}

/*
 * Heads: from the document before the first day, so that what was there then is known, to the one
 * after the last, so that what must be there is.
 */

static int bound(struct work *work, bool lower, int64_t *out_day, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    // A day early: a set that begins before midnight is counted with its first card.
    int r = lower ? bt_db_ask(work->db, &rows, err,
                              "SELECT day, body FROM play_heads WHERE day < $1"
                              " ORDER BY day DESC LIMIT 1",
                              BT_INT(work->wish->from_day - 1))
                  : bt_db_ask(work->db, &rows, err,
                              "SELECT day, body FROM play_heads WHERE day > $1"
                              " ORDER BY day LIMIT 1",
                              BT_INT(work->wish->until_day));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    *out_day = bt_db_get_int(rows, 0);
    const char *text = bt_db_get_text(rows, 1);
    r = bt_json_parse(text, strlen(text), lower ? &work->lower : &work->upper, err);
    return r < 0 ? bt_fail_in(err, -EIO, "The heads of day %lld", (long long)*out_day) : 0;
}

static int put_heads(struct work *work, struct bt_error *err)
{
    int64_t from = 0, until = INT64_MAX;
    int r = bound(work, true, &from, err);
    r = r < 0 ? r : bound(work, false, &until, err);
    for (bool more = r == 0; more && r == 0;) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(work->db, &rows, err,
                      "SELECT day, body FROM play_heads WHERE day >= $1 AND day <= $2"
                      " ORDER BY day LIMIT 4",
                      BT_INT(from), BT_INT(until));
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            from = bt_db_get_int(rows, 0) + 1;
            r = put_text(work, begin("heads"), bt_db_get_text(rows, 1), err);
        }
    }
    return r;
}

static const cJSON *find_head(const cJSON *heads, const char *player, const char *journal)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(heads, "signed");
    const cJSON *each = cJSON_GetObjectItemCaseSensitive(body, "journals");
    for (each = each != NULL ? each->child : NULL; each != NULL; each = each->next) {
        if (bt_str_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "journal")),
                         journal) &&
            bt_str_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "player")),
                         player)) {
            return cJSON_GetObjectItemCaseSensitive(each, "last_seq");
        }
    }
    return NULL;
}

// The record a journal stood at in heads; `otherwise` where they do not name it.
static int64_t head_of(const cJSON *heads, const char *player, const char *journal,
                       int64_t otherwise)
{
    int64_t seq = otherwise;
    (void)!bt_json_whole(find_head(heads, player, journal), 0, INT64_C(1) << 53, &seq);
    return seq;
}

/*
 * Journals and their batches.
 */

struct span {
    int64_t first, last;  // of the batches' first records
};

/*
 * Everything that came after the heads before, or was shown since the first day; up to the heads
 * after, or what was shown before the days were over.
 */
static int find_span(struct work *work, const char *player, const char *journal, struct span *out,
                     struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t lower = head_of(work->lower, player, journal, 0);
    int64_t upper = head_of(work->upper, player, journal, INT64_MAX);
    int r = bt_db_ask(work->db, &rows, err,
                      "SELECT MIN(first_seq), MAX(first_seq) FROM play_batch"
                      " WHERE player = $1 AND journal = $2 AND (last_seq > $3 OR until_ms >= $4)"
                      " AND (first_seq <= $5 OR from_ms < $6) AND first_seq > $7"
                      " AND first_seq <= $8",
                      BT_TEXT(player), BT_TEXT(journal), BT_INT(lower), BT_INT(work->from_ms),
                      BT_INT(upper), BT_INT(work->until_ms), BT_INT(lower - LOOK_AROUND),
                      BT_INT(upper == INT64_MAX ? upper : upper + LOOK_AROUND));
    if (r == 0 && bt_db_next(rows)) {
        *out = (struct span){bt_db_get_int(rows, 0), bt_db_get_int(rows, 1)};
    }
    return r;
}

static int put_batch(struct work *work, const struct bt_db_rows *rows, struct bt_error *err)
{
    BT_AUTOBUF body;
    bt_buf_init(&body, BT_BATCH_MAX_PACKED);
    int r = bt_batch_body(work->server, rows, &body, err);
    if (r < 0) {
        return r;
    }
    bt_buf_clear(&work->line);
    r = bt_buf_appendf(&work->line, "{\"kind\":\"batch\",\"received_ms\":%lld,\"body\":\"",
                       (long long)bt_db_get_int(rows, BT_BATCH_RECEIVED_MS));
    r = r < 0 ? r : bt_base64_append(body.data, body.len, &work->line);
    r = r < 0 ? r : bt_buf_append(&work->line, "\"}", 2);
    return r < 0 ? bt_fail(err, r, "A batch is too long for the evidence")
                 : put_line(work, work->line.data, work->line.len, err);
}

static int put_batches(struct work *work, const char *player, const char *journal,
                       const struct span *span, struct bt_error *err)
{
    int r = 0;
    int64_t from = span->first;
    for (bool more = true; more && r == 0;) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(work->db, &rows, err,
                      "SELECT " BT_BATCH_COLUMNS " FROM play_batch"
                      " WHERE player = $1 AND journal = $2 AND first_seq >= $3 AND first_seq <= $4"
                      " ORDER BY first_seq LIMIT $5",
                      BT_TEXT(player), BT_TEXT(journal), BT_INT(from), BT_INT(span->last),
                      BT_INT(PAGE_BATCHES));
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            from = bt_db_get_int(rows, BT_BATCH_FIRST_SEQ) + 1;
            r = put_batch(work, rows, err);
        }
    }
    return r;
}

static const char *const journal_keys[] = {"player",    "journal",    "screen",
                                           "unit",      "state",      "screen_name",
                                           "time_zone", "public_key", "last_hash"};

static int put_journal(struct work *work, const struct bt_db_rows *rows, struct bt_error *err)
{
    struct span span = {0, 0};
    const char *player = bt_db_get_text(rows, 0), *journal = bt_db_get_text(rows, 1);
    int r = find_span(work, player, journal, &span, err);
    if (r < 0 || span.first == 0) {
        return r;  // nothing of it lies in these days
    }
    cJSON *line = begin("journal");
    for (int i = 0; i < (int)BT_ARRAY_LEN(journal_keys); i++) {
        cJSON_AddStringToObject(line, journal_keys[i], bt_db_get_text(rows, i));
    }
    cJSON_AddNumberToObject(line, "last_seq",
                            (double)bt_db_get_int(rows, (int)BT_ARRAY_LEN(journal_keys)));
    cJSON_AddNumberToObject(line, "replaced_ms",
                            (double)bt_db_get_int(rows, (int)BT_ARRAY_LEN(journal_keys) + 1));
    r = put_json(work, line, err);
    return r < 0 ? r : put_batches(work, player, journal, &span, err);
}

static int put_journals(struct work *work, struct bt_error *err)
{
    int r = 0;
    char player[64] = "", journal[64] = "";
    for (bool more = true; more && r == 0;) {
        BT_AUTO(bt_db_rows) rows = NULL;
        const struct bt_db_value values[] = {BT_TEXT(player), BT_TEXT(journal),
                                             BT_INT(PAGE_JOURNALS)};
        r = ask_in_units(work,
                         "SELECT j.player, j.journal, j.screen, j.unit, j.state, s.name,"
                         " s.time_zone, y.public_key, j.last_hash, j.last_seq,"
                         " CASE WHEN y.state = 'replaced' THEN y.ended_ms ELSE 0 END"
                         " FROM play_journal j JOIN (SELECT DISTINCT code FROM place) p"
                         " ON p.code = j.unit JOIN player y ON y.id = j.player"
                         " JOIN screen s ON s.id = j.screen"
                         " WHERE j.player > $2 OR (j.player = $2 AND j.journal > $3)"
                         " ORDER BY j.player, j.journal LIMIT $4",
                         values, BT_ARRAY_LEN(values), &rows, err);
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            bt_copy_cut(player, sizeof(player), bt_db_get_text(rows, 0));
            bt_copy_cut(journal, sizeof(journal), bt_db_get_text(rows, 1));
            r = put_journal(work, rows, err);
        }
    }
    return r;
}

static int put_report(struct work *work, struct bt_error *err)
{
    if (work->wish->report == NULL) {
        return 0;
    }
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_EVIDENCE_MAX_REPORT);
    cJSON *facts = begin("report");
    int r = bt_evidence_report(work->db, work->wish->report, work->path, &text, facts, err);
    if (r < 0) {
        cJSON_Delete(facts);
        return r;
    }
    return put_text(work, facts, bt_buf_text(&text), err);
}

/*
 * The plan that the report's "scheduled" was added up from: a line for each day of a screen.
 */

#define MAX_PLAN_ROWS 100000  // of a screen: 250 items on each of 400 days

enum { DAY, UNIT, PUBLICATION, PLANNED = 7, MADE_MS };

static int ask_plan(struct work *work, const char *screen, struct bt_db_rows **out,
                    struct bt_error *err)
{
    const struct bt_db_value values[] = {BT_TEXT(screen), BT_INT(work->wish->from_day),
                                         BT_INT(work->wish->until_day), BT_INT(MAX_PLAN_ROWS)};
    // An item's content as reports know it: bt_report_query_planned.
    int r = ask_in_units(work,
                         "SELECT d.day, d.unit, d.publication, d.item, COALESCE(k.asset, ''),"
                         " d.campaign, d.priority, d.planned, COALESCE(q.made_ms, 0)"
                         " FROM plan_daily d"
                         " JOIN (SELECT DISTINCT code FROM place) p ON p.code = d.unit"
                         " LEFT JOIN plan_done q ON q.screen = d.screen AND q.day = d.day"
                         " LEFT JOIN (SELECT publication, item, min(asset) AS asset FROM"
                         " play_subject WHERE asset <> '' AND type <> 'set' GROUP BY publication,"
                         " item HAVING count(DISTINCT asset) = 1) k"
                         " ON k.publication = d.publication AND k.item = d.item"
                         " WHERE d.screen = $2 AND d.day >= $3 AND d.day <= $4"
                         " ORDER BY d.day, d.unit, d.publication, d.item, d.campaign, d.priority"
                         " LIMIT $5",
                         values, BT_ARRAY_LEN(values), out, err);
    return r == 0 && bt_db_count(*out) == MAX_PLAN_ROWS
               ? bt_fail(err, -EFBIG, "The plan of screen '%s' has more than %d rows", screen,
                         MAX_PLAN_ROWS)
               : r;
}

static cJSON *begin_plan(const char *screen, const char *day, const struct bt_db_rows *rows)
{
    cJSON *line = begin("plan");
    cJSON_AddStringToObject(line, "day", day);
    cJSON_AddStringToObject(line, "screen", screen);
    cJSON_AddStringToObject(line, "unit", bt_db_get_text(rows, UNIT));
    cJSON_AddNumberToObject(line, "made_ms", (double)bt_db_get_int(rows, MADE_MS));
    cJSON_AddArrayToObject(line, "rows");
    return line;
}

static void add_plan_row(cJSON *line, const struct bt_db_rows *rows)
{
    cJSON *row = cJSON_CreateArray();
    for (int i = PUBLICATION; i < PLANNED; i++) {
        cJSON_AddItemToArray(row, cJSON_CreateString(bt_db_get_text(rows, i)));
    }
    cJSON_AddItemToArray(row, cJSON_CreateNumber((double)bt_db_get_int(rows, PLANNED)));
    cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(line, "rows"), row);
}

static bool says(const cJSON *line, const char *key, const char *text)
{
    return bt_str_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, key)), text);
}

static int put_plan(struct work *work, const char *screen, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOJSON *line = NULL;
    int r = ask_plan(work, screen, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        char day[BT_RFC3339_BYTES];
        format_day(bt_db_get_int(rows, DAY), day);
        if (line != NULL &&
            !(says(line, "day", day) && says(line, "unit", bt_db_get_text(rows, UNIT)))) {
            r = put_json(work, BT_TAKE(line), err);
        }
        if (line == NULL) {
            line = begin_plan(screen, day, rows);
        }
        add_plan_row(line, rows);
    }
    return r < 0 || line == NULL ? r : put_json(work, BT_TAKE(line), err);
}

static int put_plans(struct work *work, struct bt_error *err)
{
    if (work->wish->report == NULL) {
        return 0;
    }
    const struct bt_db_value values[] = {BT_INT(work->wish->from_day),
                                         BT_INT(work->wish->until_day)};
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_in_units(work,
                         "SELECT DISTINCT d.screen FROM plan_daily d JOIN place p ON p.code ="
                         " d.unit WHERE d.day >= $2 AND d.day <= $3 ORDER BY d.screen LIMIT 90000",
                         values, BT_ARRAY_LEN(values), &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        r = put_plan(work, bt_db_get_text(rows, 0), err);
    }
    return r;
}

// The last line says how many there are; the seal is by the key of the heads.
static int seal(struct work *work, struct bt_error *err)
{
    BT_AUTOBUF text;
    struct bt_sha256 sha256;
    char hex[BT_SHA256_HEX_BYTES];
    cJSON *end = begin("end");
    cJSON_AddNumberToObject(end, "lines", (double)(work->lines + 1));
    int r = put_json(work, end, err);
    r = r < 0 ? r : bt_evidence_writer_end(work->writer, &sha256, err);
    if (r < 0) {
        return r;
    }
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    bt_buf_init(&text, BT_EVIDENCE_MAX_SEAL);
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "_type", "plays-evidence");
    cJSON_AddStringToObject(body, "sha256", hex);
    r = bt_issuer_countersign(work->server->issuer, body, &text, err);
    return r < 0 ? r : bt_evidence_writer_seal(work->writer, text.data, text.len, err);
}

static int write_lines(struct work *work, struct bt_error *err)
{
    int r = put_opening(work, err);
    r = r < 0 ? r : put_role(work, "root", INT64_MAX, err);
    r = r < 0 ? r : put_role(work, "targets", MAX_VERSIONS, err);
    r = r < 0 ? r : put_screens(work, err);
    r = r < 0 ? r : put_heads(work, err);
    r = r < 0 ? r : put_report(work, err);
    r = r < 0 ? r : put_plans(work, err);
    r = r < 0 ? r : put_journals(work, err);
    return r < 0 ? r : seal(work, err);
}

int bt_evidence_write(struct bt_server *server, struct bt_db *db,
                      const struct bt_evidence_wish *wish, const char *path, struct bt_error *err)
{
    BT_AUTOFINISH(work_finish)
    struct work work = {
        .server = server,
        .db = db,
        .wish = wish,
        .from_ms = wish->from_day * BT_MS_PER_DAY - BT_HEADS_OFFSET_MS,
        .until_ms = (wish->until_day + 1) * BT_MS_PER_DAY - BT_HEADS_OFFSET_MS,
    };
    bt_buf_init(&work.line, BT_EVIDENCE_MAX_LINE);
    int r = find_unit(&work, err);
    r = r < 0 ? r : bt_evidence_writer_create(path, &work.writer, err);
    return r < 0 ? r : write_lines(&work, err);
}

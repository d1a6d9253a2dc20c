#include "cli/verify/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/verify/claim.h"
#include "cli/verify/counters.h"
#include "cli/verify/marks.h"
#include "cli/verify/planned.h"
#include "cli/verify/vouch.h"
#include "plays/evidence_file.h"
#include "trust/countersign.h"
#include "trust/metadata.h"

#define MAX_MS 253402300799999LL
#define MAX_JOURNALS 200000

// Heads are made within minutes of midnight.
#define HEADS_GRACE_MS (3600 * 1000LL)
#define VIET_NAM_MS (7 * 3600 * 1000LL)

// A line at most every so many bytes of progress.
#define PROGRESS_BYTES (1 << 20)

static const char batch_start[] = "{\"kind\":\"batch\",";

// A journal that lies in the evidence, for those that should and do not.
struct seen {
    char player[BT_BATCH_PLAYER_BYTES], journal[BT_JOURNAL_ID_BYTES];
};

struct verify {
    const struct bt_verify_options *options;
    struct bt_verdict *verdict;
    struct bt_verify_sum *sum;
    struct bt_vouch *vouch;
    struct bt_marks *marks;
    struct bt_claim *claim;
    struct bt_recount_plan plan;
    struct bt_recount *rows, *screens;
    struct bt_planned *planned;
    struct bt_counters *counters;
    int stage;  // of the last line
    int64_t lines;
    bool ended;

    int64_t created_ms, from_day, until_day;
    cJSON *units;
    struct seen *seen;
    size_t seen_count, seen_capacity;
    int64_t vouched, silent, unmarked, forked;
};

static void finish(struct verify *verify)
{
    bt_counters_destroy(verify->counters);
    bt_recount_destroy(verify->rows);
    bt_recount_destroy(verify->screens);
    bt_planned_destroy(verify->planned);
    bt_claim_destroy(verify->claim);
    bt_marks_destroy(verify->marks);
    bt_vouch_destroy(verify->vouch);
    cJSON_Delete(verify->units);
    free(verify->seen);
}

static void accuse(struct verify *verify, const char *code, char *vi, char *en)
{
    bt_verdict_add(verify->verdict, BT_FINDING_FAULT, code, vi, en);
}

static const char *text_of(const cJSON *line, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, key));
    return text != NULL ? text : "";
}

/*
 * Lines, one function for each kind. -EINVAL: it has not the shape that it must have.
 */

struct opening {
    int64_t format, definitions, created_ms;
    char from_day[11], until_day[11], unit[32];
};

#define FIELD(type, member, json_kind, ...)                                                        \
    BT_JSON_FIELD(struct type, member, #member, json_kind, __VA_ARGS__)

static const struct bt_json_field opening_fields[] = {
    FIELD(opening, format, BT_JSON_INT, .min = 1, .max = 1000),
    FIELD(opening, definitions, BT_JSON_INT, .min = 1, .max = 1000),
    FIELD(opening, created_ms, BT_JSON_INT, .max = MAX_MS),
    FIELD(opening, from_day, BT_JSON_STRING, .min = 10, .max = 10),
    FIELD(opening, until_day, BT_JSON_STRING, .min = 10, .max = 10),
    FIELD(opening, unit, BT_JSON_STRING, .min = 1, .max = 31),
};

static int take_opening(struct verify *verify, cJSON *line, struct bt_error *err)
{
    struct opening opening;
    int64_t from_s, until_s;
    int r = bt_json_read(line, opening_fields, BT_ARRAY_LEN(opening_fields), &opening, NULL, err);
    if (r < 0) {
        return r;
    }
    if (opening.format != BT_EVIDENCE_FORMAT || opening.definitions != BT_TALLY_DEFINITIONS) {
        return bt_fail(err, -ENOTSUP, "format %lld, definitions %lld: this program knows %d and %d",
                       (long long)opening.format, (long long)opening.definitions,
                       BT_EVIDENCE_FORMAT, BT_TALLY_DEFINITIONS);
    }
    if (bt_date_parse(opening.from_day, &from_s) < 0 ||
        bt_date_parse(opening.until_day, &until_s) < 0 || from_s > until_s) {
        return bt_fail(err, -EINVAL, "its days are none");
    }
    verify->created_ms = verify->sum->created_ms = opening.created_ms;
    verify->from_day = from_s / 86400;
    verify->until_day = until_s / 86400;
    bt_copy_cut(verify->sum->from_day, sizeof(verify->sum->from_day), opening.from_day);
    bt_copy_cut(verify->sum->until_day, sizeof(verify->sum->until_day), opening.until_day);
    bt_copy_cut(verify->sum->unit, sizeof(verify->sum->unit), opening.unit);
    verify->units = cJSON_DetachItemFromObjectCaseSensitive(line, "units");
    return cJSON_IsArray(verify->units) ? 0 : bt_fail(err, -EINVAL, "'units' is no list");
}

static int take_metadata(struct verify *verify, cJSON *line, struct bt_error *err)
{
    (void)err;
    bt_vouch_metadata(verify->vouch, text_of(line, "role"), text_of(line, "text"), verify->verdict);
    return 0;
}

static int take_document(struct verify *verify, cJSON *line, struct bt_error *err)
{
    (void)err;
    bt_vouch_document(verify->vouch, text_of(line, "path"), text_of(line, "text"), verify->verdict);
    return 0;
}

static int take_heads(struct verify *verify, cJSON *line, struct bt_error *err)
{
    (void)err;
    bt_marks_add(verify->marks, text_of(line, "text"), verify->vouch, verify->units,
                 verify->verdict);
    return 0;
}

static int take_report(struct verify *verify, cJSON *line, struct bt_error *err)
{
    struct bt_recount_plan plan = {0};
    if (verify->claim != NULL) {
        return bt_fail(err, -EINVAL, "a second report");
    }
    int r = bt_claim_create(cJSON_Duplicate(line, true), &verify->claim, err);
    if (r < 0) {
        return r;
    }
    const char *root = bt_claim_root(verify->claim);
    if (!bt_vouch_knows_root(verify->vouch, root)) {
        accuse(verify, "report-root",
               bt_strf("Báo cáo ghi vân tay gốc tin cậy %.16s…, không phải gốc của bạn", root),
               bt_strf("The report bears the root's fingerprint %.16s…, which is not yours", root));
    }
    if (!bt_claim_plan(verify->claim, &plan)) {
        bt_verdict_add(verify->verdict, BT_FINDING_NOTE, "report-filter",
                       bt_strdup("Báo cáo lọc theo điều chỉ máy chủ biết; không đếm lại từng dòng"),
                       bt_strdup("The report is filtered by what only the server knows; its rows "
                                 "are not counted again"));
        return 0;
    }
    if (plan.from_day < verify->from_day || plan.until_day > verify->until_day) {
        accuse(verify, "report-days", bt_strdup("Bằng chứng không có đủ các ngày của báo cáo"),
               bt_strdup("The evidence lacks days of the report"));
    }
    verify->plan = plan;
    return 0;
}

static bool is_unit_covered(const struct verify *verify, const char *unit)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, verify->units)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), unit)) {
            return true;
        }
    }
    return false;
}

// What was asked for on a day of a screen, for the report that stands before it.
static int take_plan(struct verify *verify, cJSON *line, struct bt_error *err)
{
    struct bt_planned_head head = {.made_ms = 0};
    if (verify->claim == NULL) {
        return bt_fail(err, -EINVAL, "a plan without a report");
    }
    int r = bt_planned_head(line, &head, err);
    if (r == 0 && !is_unit_covered(verify, head.unit)) {
        r = bt_fail(err, -EINVAL, "a plan of unit '%s', which is not asked for", head.unit);
    }
    return r < 0 || verify->plan.until_day == 0
               ? r
               : bt_planned_take(verify->planned, &verify->plan, &head,
                                 bt_claim_place(verify->claim, head.unit),
                                 bt_claim_made_ms(verify->claim), line, err);
}

/*
 * Journals.
 */

#define FACT(member)                                                                               \
    FIELD(bt_witness_facts, member, BT_JSON_STRING, .min = 1,                                      \
          .max = sizeof(((struct bt_witness_facts *)NULL)->member) - 1)

static const struct bt_json_field journal_fields[] = {
    FACT(player),
    FACT(journal),
    FACT(screen),
    FACT(unit),
    FACT(public_key),
    FACT(time_zone),
    FACT(state),
    FIELD(bt_witness_facts, replaced_ms, BT_JSON_INT, .max = MAX_MS, .optional = true),
    FIELD(bt_witness_facts, last_seq, BT_JSON_INT, .max = 1LL << 53),
    FIELD(bt_witness_facts, last_hash, BT_JSON_CUSTOM, .read = bt_json_read_sha256),
};

static int by_name(const void *a, const void *b)
{
    const struct seen *one = a, *other = b;
    int order = strcmp(one->player, other->player);
    return order != 0 ? order : strcmp(one->journal, other->journal);
}

static int note_seen(struct verify *verify, const struct bt_witness_facts *facts,
                     struct bt_error *err)
{
    if (verify->seen_count == MAX_JOURNALS) {
        return bt_fail(err, -EMSGSIZE, "more than %d journals", MAX_JOURNALS);
    }
    BT_GROW(verify->seen, verify->seen_capacity, verify->seen_count + 1);
    struct seen *seen = &verify->seen[verify->seen_count];
    bt_copy_cut(seen->player, sizeof(seen->player), facts->player);
    bt_copy_cut(seen->journal, sizeof(seen->journal), facts->journal);
    // As the server writes them; so none can come twice.
    if (verify->seen_count > 0 && by_name(seen - 1, seen) >= 0) {
        return bt_fail(err, -EINVAL, "journals are not in order");
    }
    verify->seen_count++;
    return 0;
}

static void judge_key(struct verify *verify, const struct bt_witness_facts *facts)
{
    size_t marks;
    (void)bt_marks_of(verify->marks, facts->player, facts->journal, &marks);
    verify->unmarked += marks == 0;
    verify->forked += strcmp(facts->state, "forked") == 0;
    switch (bt_vouch_player(verify->vouch, facts->unit, facts->screen, facts->public_key)) {
    case BT_VOUCHED:
        verify->vouched++;
        return;
    case BT_VOUCH_SILENT:
        verify->silent++;
        return;
    case BT_UNVOUCHED:
        accuse(verify, "player-unknown",
               bt_strf("Máy %s không có trong danh sách máy mà kỹ thuật viên đã ký cho màn hình %s",
                       facts->player, facts->screen),
               bt_strf("Player %s is not among those that technicians signed for screen %s",
                       facts->player, facts->screen));
        return;
    case BT_VOUCH_WITHHELD:
        accuse(verify, "document-missing",
               bt_strf("Thiếu văn bản đã ký của màn hình %s", facts->screen),
               bt_strf("The signed document of screen %s is missing", facts->screen));
    }
}

static int begin_counting(struct verify *verify, struct bt_error *err)
{
    if (verify->counters != NULL) {
        return 0;
    }
    bt_marks_settle(verify->marks, verify->from_day, verify->verdict);
    const struct bt_witness_counts counts = {&verify->plan, verify->rows, verify->screens};
    if (verify->plan.until_day == 0) {
        verify->plan.from_day = verify->from_day;
        verify->plan.until_day = verify->until_day;
    }
    return bt_counters_start(&counts, verify->options->threads, &verify->counters, err);
}

static int take_journal(struct verify *verify, cJSON *line, struct bt_error *err)
{
    struct bt_witness_facts facts = {.replaced_ms = 0};
    BT_AUTO(bt_witness) witness = NULL;
    int r = begin_counting(verify, err);
    r = r < 0 ? r
              : bt_json_read(line, journal_fields, BT_ARRAY_LEN(journal_fields), &facts, NULL, err);
    r = r < 0 ? r : note_seen(verify, &facts, err);
    if (r < 0) {
        return r;
    }
    if (!is_unit_covered(verify, facts.unit)) {
        return bt_fail(err, -EINVAL, "a journal of unit '%s', which is not asked for", facts.unit);
    }
    judge_key(verify, &facts);
    const char *place =
        verify->claim == NULL ? facts.unit : bt_claim_place(verify->claim, facts.unit);
    int64_t until = verify->claim == NULL
                        ? INT64_MAX
                        : bt_claim_until_seq(verify->claim, facts.player, facts.journal);
    r = bt_witness_create(&facts, place, verify->marks, until, verify->verdict, &witness, err);
    return r < 0 ? r : bt_counters_begin(verify->counters, BT_TAKE(witness), err);
}

static int take_batch(struct verify *verify, const char *line, size_t len, struct bt_error *err)
{
    return verify->seen_count == 0 ? bt_fail(err, -EINVAL, "a batch without a journal")
                                   : bt_counters_give(verify->counters, line, len, err);
}

static int take_end(struct verify *verify, cJSON *line, struct bt_error *err)
{
    int64_t lines;
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(line, "lines");
    verify->ended = true;
    return bt_json_whole(said, verify->lines, verify->lines, &lines) < 0
               ? bt_fail(err, -EINVAL, "it does not have %lld lines", (long long)verify->lines)
               : 0;
}

// In this order; those of one stage may stand among each other.
static const struct {
    const char *kind;
    int stage;
    bool once;
    int (*take)(struct verify *verify, cJSON *line, struct bt_error *err);
} kinds[] = {
    {"evidence", 1, true, take_opening},   {"metadata", 2, false, take_metadata},
    {"document", 2, false, take_document}, {"heads", 3, false, take_heads},
    {"report", 4, true, take_report},      {"plan", 5, false, take_plan},
    {"journal", 6, false, take_journal},   {"end", 7, true, take_end},
};

static int take_line(struct verify *verify, const char *line, size_t len, struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    verify->lines++;
    if (len >= sizeof(batch_start) && memcmp(line, batch_start, sizeof(batch_start) - 1) == 0) {
        return verify->stage == 6 ? take_batch(verify, line, len, err)
                                  : bt_fail(err, -EINVAL, "a batch in the wrong place");
    }
    int r = bt_json_parse(line, len, &json, err);
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].kind, text_of(json, "kind")) != 0) {
            continue;
        }
        if (kinds[i].stage < verify->stage || (verify->stage == 0 && kinds[i].stage > 1) ||
            (kinds[i].once && kinds[i].stage == verify->stage)) {
            return bt_fail(err, -EINVAL, "'%s' in the wrong place", kinds[i].kind);
        }
        verify->stage = kinds[i].stage;
        return kinds[i].take(verify, json, err);
    }
    return r < 0 ? r : bt_fail(err, -EINVAL, "a line of no known kind");
}

/*
 * What must be there and is not.
 */

static bool was_seen(const struct verify *verify, const struct bt_mark *mark)
{
    struct seen wanted;
    bt_copy_cut(wanted.player, sizeof(wanted.player), mark->player);
    bt_copy_cut(wanted.journal, sizeof(wanted.journal), mark->journal);
    return verify->seen_count > 0 && bsearch(&wanted, verify->seen, verify->seen_count,
                                             sizeof(*verify->seen), by_name) != NULL;
}

// A journal that came further while the heads were made must lie here.
static void find_missing_journals(struct verify *verify)
{
    size_t count;
    const struct bt_mark *marks = bt_marks_all(verify->marks, &count);
    for (size_t i = 0; i < count;) {
        size_t group;
        const struct bt_mark *of =
            bt_marks_of(verify->marks, marks[i].player, marks[i].journal, &group);
        int64_t before = bt_marks_known(verify->marks, of), after = of[group - 1].seq;
        if (after > before && !was_seen(verify, of)) {
            accuse(verify, "journal-missing",
                   bt_strf("Thiếu cả sổ %.8s… của máy %s, màn hình %s: bản ghi %lld đến %lld",
                           of->journal, of->player, of->screen, (long long)before + 1,
                           (long long)after),
                   bt_strf("All of journal %.8s… of player %s, screen %s is missing: records %lld "
                           "to %lld",
                           of->journal, of->player, of->screen, (long long)before + 1,
                           (long long)after));
        }
        i += group;
    }
}

// Midnight after a day, in Viet Nam.
static int64_t end_of(int64_t day)
{
    return (day + 1) * BT_MS_PER_DAY - VIET_NAM_MS;
}

static void judge_heads(struct verify *verify)
{
    const struct bt_marks *marks = verify->marks;
    size_t documents = bt_marks_documents(marks);
    verify->sum->heads = (int64_t)documents;
    bool past = verify->created_ms > end_of(verify->until_day) + HEADS_GRACE_MS;
    if (documents == 0 && verify->seen_count > 0 &&
        verify->created_ms > end_of(verify->from_day) + HEADS_GRACE_MS) {
        accuse(verify, "heads-none", bt_strdup("Không có mốc hằng ngày nào"),
               bt_strdup("There are no daily heads"));
    } else if (documents > 0 && past && bt_marks_last_day(marks) < verify->until_day) {
        accuse(verify, "heads-short", bt_strdup("Thiếu mốc sau ngày cuối"),
               bt_strdup("The heads after the last day are missing"));
    }
    if (documents > 0 && !bt_marks_begin(marks) &&
        bt_marks_first_day(marks) >= verify->from_day - 1) {
        accuse(verify, "heads-start", bt_strdup("Thiếu mốc trước ngày đầu"),
               bt_strdup("The heads before the first day are missing"));
    }
}

static void note_sum(struct verify *verify, const struct bt_witness_sum *sum)
{
    verify->sum->journals = (int64_t)verify->seen_count;
    verify->sum->batches = sum->batches;
    verify->sum->records = sum->records;
    verify->sum->plays = sum->plays;
    for (size_t i = 0; i < bt_recount_count(verify->rows); i++) {
        bt_tally_counts_add(&verify->sum->counts, &bt_recount_at(verify->rows, i)->counts);
    }
}

static void note(struct verify *verify, int64_t count, const char *code, const char *vi,
                 const char *en)
{
    if (count > 0) {
        bt_verdict_add(verify->verdict, BT_FINDING_NOTE, code,
                       bt_strf("%lld %s", (long long)count, vi),
                       bt_strf("%lld %s", (long long)count, en));
    }
}

static void note_all(struct verify *verify, const struct bt_witness_sum *sum)
{
    note(verify, verify->silent, "keys-by-server",
         "sổ có khóa máy chỉ do máy chủ nói (mốc hằng ngày), chưa có chữ ký của kỹ thuật viên",
         "journals whose player's key is the server's word alone (daily heads); no technician "
         "signed it");
    note(verify, verify->unmarked, "no-heads-yet", "sổ chưa có trong mốc hằng ngày nào",
         "journals that no daily heads name yet");
    note(verify, verify->forked, "journals-forked",
         "sổ bị sao chép (rẽ nhánh); chỉ đếm phần trước khi rẽ",
         "journals are forked; only what came before is counted");
    note(verify, sum->unreadable, "records-unreadable", "bản ghi không đọc được, không được đếm",
         "records cannot be read, and are not counted");
    note(verify, sum->late, "plays-late", "lượt phát của máy đã bị thay, không được đếm",
         "plays of players that had been replaced, not counted");
}

static void hold(struct verify *verify, const struct bt_witness_sum *sum)
{
    struct bt_verdict *verdict = verify->verdict;
    if (bt_verdict_count(verdict, BT_FINDING_FAULT) > 0) {
        return;  // whatever else holds helps nobody
    }
    bt_verdict_add(verdict, BT_FINDING_HOLDS, "seal",
                   bt_strdup("Tệp nguyên vẹn như máy chủ đã xuất, chữ ký của máy chủ đúng"),
                   bt_strdup("The file is as the server wrote it, and signed by its key"));
    bt_verdict_add(
        verdict, BT_FINDING_HOLDS, "batches",
        bt_strf("%lld gói, %lld bản ghi của %zu sổ: chữ ký của máy phát và chuỗi băm đúng",
                (long long)sum->batches, (long long)sum->records, verify->seen_count),
        bt_strf("%lld batches, %lld records of %zu journals: signed by the players, and "
                "the chains hold",
                (long long)sum->batches, (long long)sum->records, verify->seen_count));
    bt_verdict_add(
        verdict, BT_FINDING_HOLDS, "heads",
        bt_strf("%lld mốc hằng ngày nối nhau, có chữ ký; không bản ghi nào thiếu so với mốc",
                (long long)verify->sum->heads),
        bt_strf("%lld daily heads follow each other and are signed; no record that they "
                "name is missing",
                (long long)verify->sum->heads));
    if (verify->vouched > 0) {
        bt_verdict_add(
            verdict, BT_FINDING_HOLDS, "keys",
            bt_strf("Khóa máy của %lld sổ do kỹ thuật viên ký", (long long)verify->vouched),
            bt_strf("The players' keys of %lld journals are signed by technicians",
                    (long long)verify->vouched));
    }
}

/*
 * The whole.
 */

static int check_seal(struct verify *verify, struct bt_evidence_reader *reader,
                      struct bt_error *err)
{
    BT_AUTOBUF seal;
    BT_AUTOJSON *document = NULL;
    struct bt_sha256 sha256;
    char hex[BT_SHA256_HEX_BYTES];
    bt_buf_init(&seal, BT_EVIDENCE_MAX_SEAL);
    int r = bt_evidence_reader_seal(reader, &seal, &sha256, err);
    r = r < 0
            ? r
            : bt_countersigned_read(bt_buf_text(&seal), seal.len, "plays-evidence", &document, err);
    if (r < 0) {
        return r;
    }
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    if (strcmp(text_of(bt_countersigned_body(document), "sha256"), hex) != 0) {
        return bt_fail(err, -EBADMSG, "the seal is of another file");
    }
    return bt_vouch_server(verify->vouch, document)
               ? 0
               : bt_fail(err, -EACCES, "the seal is not signed by the server's key");
}

static void show_progress(const struct verify *verify, const struct bt_evidence_reader *reader,
                          int64_t *shown)
{
    int64_t at = bt_evidence_reader_at(reader);
    if (verify->options->progress != NULL && at - *shown >= PROGRESS_BYTES) {
        *shown = at;
        verify->options->progress(verify->options->progress_context, at,
                                  bt_evidence_reader_size(reader));
    }
}

static int take_lines(struct verify *verify, struct bt_evidence_reader *reader,
                      struct bt_error *err)
{
    const char *line;
    size_t len;
    int r;
    int64_t shown = 0;
    while ((r = bt_evidence_reader_next(reader, &line, &len, err)) == 1) {
        if ((r = take_line(verify, line, len, err)) < 0) {
            return bt_fail_in(err, r, "line %lld", (long long)verify->lines);
        }
        show_progress(verify, reader, &shown);
    }
    if (r == 0 && !verify->ended) {
        return bt_fail(err, -EINVAL, "the last line is missing");
    }
    return r < 0 ? r : check_seal(verify, reader, err);
}

static void compare_claim(struct verify *verify)
{
    int64_t later = bt_planned_later(verify->planned);
    bt_claim_compare(verify->claim, verify->rows, verify->screens,
                     later == 0 ? verify->planned : NULL, verify->verdict);
    note(verify, later, "plan-later",
         "ngày của màn hình có kế hoạch do máy chủ tính lại sau khi lập báo cáo; cột Theo lịch và "
         "Còn thiếu không đối chiếu được",
         "days of screens were planned again after the report was made; Scheduled and Shortfall "
         "cannot be held against anything");
    if (later == 0 && bt_planned_any(verify->planned)) {
        bt_verdict_add(
            verify->verdict, BT_FINDING_NOTE, "plan-by-server",
            bt_strdup("Cột Theo lịch và Còn thiếu được cộng lại từ kế hoạch từng ngày trong tệp; "
                      "kế hoạch và chỉ tiêu là lời của máy chủ, không phải bằng chứng"),
            bt_strdup("Scheduled and Shortfall were added up again from the plan of each day in "
                      "the file; the plan and the goals are the server's word and no proof"));
    }
}

static void judge(struct verify *verify, const struct bt_witness_sum *sum)
{
    judge_heads(verify);
    find_missing_journals(verify);
    if (verify->claim != NULL) {
        compare_claim(verify);
    }
    note_sum(verify, sum);
    note_all(verify, sum);
}

static int judge_file(struct verify *verify, struct bt_error *err)
{
    if (verify->options->report == NULL) {
        return 0;
    }
    if (verify->claim == NULL) {
        return bt_fail(err, -EINVAL,
                       "Bằng chứng này không kèm báo cáo; hãy lấy lại với --for-report / this "
                       "evidence has no report; fetch it with --for-report");
    }
    return bt_claim_file(verify->claim, verify->options->report, verify->verdict, err);
}

static int run(struct verify *verify, struct bt_evidence_reader *reader, struct bt_error *err)
{
    struct bt_witness_sum sum = {0};
    struct bt_error bad = {0};
    int r = take_lines(verify, reader, &bad);
    // Not being able to look is no verdict; a file of no good shape is one.
    if (r == -ENOMEM || r == -EIO) {
        return bt_fail(err, r, "%s", bad.msg);
    }
    if (r < 0) {
        accuse(verify, "evidence", bt_strf("Tệp bằng chứng bị sửa, bị cắt hoặc hỏng: %s", bad.msg),
               bt_strf("The evidence was changed, cut off or is damaged: %s", bad.msg));
        return 0;
    }
    r = begin_counting(verify, err);
    r = r < 0 ? r : bt_counters_end(verify->counters, &sum, &bad);
    if (r < 0) {
        accuse(verify, "evidence", bt_strf("Không đếm lại được: %s", bad.msg),
               bt_strf("It cannot be counted again: %s", bad.msg));
        return 0;
    }
    judge(verify, &sum);
    r = judge_file(verify, err);
    hold(verify, &sum);
    return r;
}

static int open_root(struct verify *verify, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    int r = bt_file_read(verify->options->root, &text, err);
    r = r < 0 ? r : bt_vouch_create(bt_buf_text(&text), text.len, &verify->vouch, err);
    return r < 0 ? bt_fail_in(err, r, "--root '%s'", verify->options->root) : 0;
}

int bt_verify(const struct bt_verify_options *options, struct bt_verdict *verdict,
              struct bt_verify_sum *out, struct bt_error *err)
{
    BT_AUTOFINISH(finish)
    struct verify verify = {.options = options,
                            .verdict = verdict,
                            .sum = out,
                            .marks = bt_marks_create(),
                            .rows = bt_recount_create(),
                            .screens = bt_recount_create(),
                            .planned = bt_planned_create()};
    BT_AUTO(bt_evidence_reader) reader = NULL;
    *out = (struct bt_verify_sum){.created_ms = 0};
    int r = open_root(&verify, err);
    r = r < 0 ? r : bt_evidence_reader_open(options->evidence, &reader, err);
    r = r < 0 ? r : run(&verify, reader, err);
    if (verify.vouch != NULL) {
        bt_copy_cut(out->root_sha256, sizeof(out->root_sha256), bt_vouch_root(verify.vouch));
        bt_copy_cut(out->newest_root_sha256, sizeof(out->newest_root_sha256),
                    bt_vouch_newest_root(verify.vouch));
    }
    return r;
}

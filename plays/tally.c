#include "plays/tally.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_COUNT 9007199254740991LL
#define MAX_MS 253402300799999LL
#define MAX_DAYS (MAX_MS / 86400000 + 2)

// Cards of a set that are told apart; no publication has more.
#define MAX_CARDS 64

// One showing of a set that is still going on.
struct run {
    struct bt_tally_subject subject;  // of the set: `asset` is ""
    char zone[BT_PLAY_ID_BYTES];
    int64_t version, run, cards;

    uint64_t complete;  // card n: bit n - 1
    bool lit;           // all complete cards were verified

    // Of the first card.
    int64_t day, hour;
    bool repaired, undated;

    // Of the last card that was not complete; until there is one, of the last card.
    bool failed;
    char reason[BT_PLAY_WORD_BYTES];
    char evidence[BT_TALLY_EVIDENCE_BYTES];
};

struct bt_tally {
    const struct bt_tz *tz;              // borrowed
    struct run runs[BT_TALLY_MAX_RUNS];  // the one heard of longest ago first
    size_t run_count;
};

// Where the counts of the record being counted go.
struct count {
    bt_tally_sink sink;
    void *context;
    struct bt_error *err;
};

void bt_tally_counts_add(struct bt_tally_counts *sum, const struct bt_tally_counts *more)
{
    sum->complete += more->complete;
    sum->partial += more->partial;
    sum->verified += more->verified;
    sum->cards += more->cards;
    sum->shown_ms += more->shown_ms;
    sum->presented += more->presented;
    sum->dropped += more->dropped;
    sum->repaired += more->repaired;
    sum->undated += more->undated;
}

bool bt_tally_counts_equal(const struct bt_tally_counts *a, const struct bt_tally_counts *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;  // int64_t alone: no padding
}

struct bt_tally *bt_tally_create(const struct bt_tz *tz)
{
    struct bt_tally *tally = BT_NEW(struct bt_tally);
    tally->tz = tz;
    return tally;
}

void bt_tally_destroy(struct bt_tally *tally)
{
    free(tally);
}

static bool is_repaired(const struct bt_record *record, const struct bt_tally_time *time)
{
    return record->clock_trust != BT_CLOCK_SYNCED && time->known;
}

int64_t bt_tally_start_ms(const struct bt_record *record, const struct bt_tally_time *time)
{
    return is_repaired(record, time) ? record->mono_ms + time->offset_ms : record->start_ms;
}

// Somebody other than the player says what the display does.
static bool display_known(const struct bt_record *record)
{
    return record->start.display[0] != '\0' && record->start.display_evidence[0] != '\0';
}

static bool is_verified(const struct bt_record *record)
{
    return record->complete && display_known(record) && bt_str_equal(record->start.display, "on");
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

// Texts of one size, with whatever stands behind their ends: this is done for every play.
#define COPY_TEXT(to, from)                                                                        \
    do {                                                                                           \
        static_assert(sizeof(to) == sizeof(from), "the same size");                                \
        memcpy((to), (from), sizeof(to));                                                          \
    } while (0)

static void fill_subject(struct bt_tally_subject *subject, const struct bt_play_start *start)
{
    COPY_TEXT(subject->publication, start->publication);
    COPY_TEXT(subject->item, start->item);
    COPY_TEXT(subject->asset, start->asset);
    COPY_TEXT(subject->type, start->kind);
    COPY_TEXT(subject->campaign, start->campaign);
    COPY_TEXT(subject->layer, start->layer);
    COPY_TEXT(subject->priority, start->priority);
}

static void fill_evidence(char out[BT_TALLY_EVIDENCE_BYTES], const struct bt_play_start *start,
                          bool display)
{
    if (!display) {
        bt_copy_cut(out, BT_TALLY_EVIDENCE_BYTES, bt_evidence_word(start->evidence));
        return;
    }
    char text[sizeof(start->display_evidence) + sizeof(start->display)];
    int r = bt_format(text, sizeof(text), "%s:%s", start->display_evidence, start->display);
    bt_copy_cut(out, BT_TALLY_EVIDENCE_BYTES, r < 0 ? "" : text);
}

static void fill_key(const struct bt_tally *tally, const struct bt_record *record,
                     const struct bt_tally_time *time, struct bt_tally_key *key)
{
    int64_t utc_s = floor_div(bt_tally_start_ms(record, time), 1000);
    int64_t local_s = bt_tz_to_local_s(tally->tz, utc_s);
    key->day = floor_div(local_s, 86400);
    key->hour = (int)((local_s - key->day * 86400) / 3600);
    fill_subject(&key->subject, &record->start);
    COPY_TEXT(key->reason, record->why_ended);
    fill_evidence(key->evidence, &record->start, display_known(record));
}

static int give(const struct count *count, const struct bt_tally_key *key,
                const struct bt_tally_counts *delta)
{
    return count->sink(key, delta, count->context, count->err);
}

static bool all_complete(const struct run *run)
{
    return (int64_t)__builtin_popcountll(run->complete) == run->cards;
}

// A run is over, complete or not: it is counted and forgotten.
static int count_run(struct bt_tally *tally, size_t index, const struct count *count)
{
    struct run run = tally->runs[index];
    tally->run_count--;
    memmove(&tally->runs[index], &tally->runs[index + 1],
            (tally->run_count - index) * sizeof(tally->runs[0]));
    bool complete = all_complete(&run);
    struct bt_tally_key key = {.subject = run.subject, .day = run.day, .hour = (int)run.hour};
    bt_copy_cut(key.reason, sizeof(key.reason), run.reason);
    bt_copy_cut(key.evidence, sizeof(key.evidence), run.evidence);
    struct bt_tally_counts delta = {
        .complete = complete,
        .partial = !complete,
        .verified = complete && run.lit,
        .repaired = run.repaired,
        .undated = run.undated,
    };
    return give(count, &key, &delta);
}

static int close_runs(struct bt_tally *tally, const struct count *count)
{
    int r = 0;
    while (tally->run_count > 0 && r == 0) {
        r = count_run(tally, 0, count);
    }
    return r;
}

int bt_tally_close(struct bt_tally *tally, bt_tally_sink sink, void *context, struct bt_error *err)
{
    struct count count = {sink, context, err};
    return close_runs(tally, &count);
}

static bool same_set(const struct run *run, const struct bt_play_start *start)
{
    return bt_str_equal(run->subject.item, start->item) && bt_str_equal(run->zone, start->zone) &&
           bt_str_equal(run->subject.publication, start->publication);
}

static void begin_run(struct run *run, const struct bt_record *record,
                      const struct bt_tally_time *time, const struct bt_tally_key *key)
{
    *run = (struct run){
        .subject = key->subject,
        .version = record->start.publication_version,
        .run = record->start.run,
        .cards = record->start.cards,
        .lit = true,
        .day = key->day,
        .hour = key->hour,
        .repaired = is_repaired(record, time),
        .undated = record->clock_trust != BT_CLOCK_SYNCED && !time->known,
    };
    run->subject.asset[0] = '\0';
    bt_copy_cut(run->zone, sizeof(run->zone), record->start.zone);
}

// *out is the run's place, the last one. Another run of the same set in the same zone is over.
static int find_run(struct bt_tally *tally, const struct bt_record *record,
                    const struct bt_tally_time *time, const struct bt_tally_key *key,
                    const struct count *count, size_t *out)
{
    const struct bt_play_start *start = &record->start;
    struct run found;
    size_t i = 0;
    while (i < tally->run_count && !same_set(&tally->runs[i], start)) {
        i++;
    }
    bool known = i < tally->run_count && tally->runs[i].run == start->run &&
                 tally->runs[i].version == start->publication_version;
    if (known) {
        found = tally->runs[i];
        tally->run_count--;
        memmove(&tally->runs[i], &tally->runs[i + 1],
                (tally->run_count - i) * sizeof(tally->runs[0]));
    } else {
        bool over = i < tally->run_count || tally->run_count == BT_TALLY_MAX_RUNS;
        int r = over ? count_run(tally, i < tally->run_count ? i : 0, count) : 0;
        if (r < 0) {
            return r;
        }
        begin_run(&found, record, time, key);
    }
    *out = tally->run_count;
    tally->runs[tally->run_count++] = found;
    return 0;
}

static void note_card(struct run *run, const struct bt_record *record,
                      const struct bt_tally_key *key)
{
    int64_t card = record->start.card;
    if (record->complete && card >= 1 && card <= BT_MIN(run->cards, (int64_t)MAX_CARDS)) {
        run->complete |= 1ULL << (card - 1);
        run->lit = run->lit && is_verified(record);
    }
    if (all_complete(run) || !record->complete || !run->failed) {
        run->failed = !record->complete;
        bt_copy_cut(run->reason, sizeof(run->reason), key->reason);
        bt_copy_cut(run->evidence, sizeof(run->evidence), key->evidence);
    }
}

static int count_card(struct bt_tally *tally, const struct bt_record *record,
                      const struct bt_tally_time *time, const struct bt_tally_key *key,
                      const struct count *count)
{
    struct bt_tally_counts delta = {
        .cards = record->complete,
        .shown_ms = record->total.shown_ms,
        .presented = record->total.presented,
        .dropped = record->total.dropped,
    };
    size_t at;
    int r = give(count, key, &delta);
    r = r < 0 ? r : find_run(tally, record, time, key, count, &at);
    if (r < 0) {
        return r;
    }
    struct run *run = &tally->runs[at];
    note_card(run, record, key);
    return all_complete(run) ? count_run(tally, at, count) : 0;
}

static int count_single(const struct bt_record *record, const struct bt_tally_time *time,
                        const struct bt_tally_key *key, const struct count *count)
{
    struct bt_tally_counts delta = {
        .complete = record->complete,
        .partial = !record->complete,
        .verified = is_verified(record),
        .shown_ms = record->total.shown_ms,
        .presented = record->total.presented,
        .dropped = record->total.dropped,
        .repaired = is_repaired(record, time),
        .undated = record->clock_trust != BT_CLOCK_SYNCED && !time->known,
    };
    return give(count, key, &delta);
}

int bt_tally_add(struct bt_tally *tally, const struct bt_record *record,
                 const struct bt_tally_time *time, bt_tally_sink sink, void *context,
                 struct bt_error *err)
{
    struct count count = {sink, context, err};
    struct bt_tally_key key;
    if (record->kind == BT_RECORD_START) {
        return close_runs(tally, &count);  // runs are counted anew
    }
    if (record->kind != BT_RECORD_PLAY || record->start.evidence == BT_EVIDENCE_SIMULATED) {
        return 0;
    }
    fill_key(tally, record, time, &key);
    return record->start.cards > 0 ? count_card(tally, record, time, &key, &count)
                                   : count_single(record, time, &key, &count);
}

/*
 * The state: {"format":1,"runs":[…]}.
 */

#define STATE_FORMAT 1

#define TEXT(member, key)                                                                          \
    BT_JSON_FIELD(struct run, member, key, BT_JSON_STRING,                                         \
                  .max = sizeof(((struct run *)NULL)->member) - 1)
#define NUMBER(member, key, ...) BT_JSON_FIELD(struct run, member, key, BT_JSON_INT, __VA_ARGS__)
#define FLAG(member, key) BT_JSON_FIELD(struct run, member, key, BT_JSON_BOOL)

// Bit set in hex: a double of JSON does not hold 64 bits.
static int read_bits(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    uint8_t bytes[8];
    const char *text = cJSON_GetStringValue(value);
    if (text == NULL || strlen(text) != 2 * sizeof(bytes) ||
        bt_unhex(text, bytes, sizeof(bytes)) < 0) {
        return bt_fail(err, -EINVAL, "'%s' is not 16 digits in hex", value->string);
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bits = bits << 8 | bytes[i];
    }
    memcpy(target, &bits, sizeof(bits));
    return 0;
}

static const struct bt_json_field run_fields[] = {
    TEXT(subject.publication, "publication"),
    TEXT(subject.item, "item"),
    TEXT(subject.type, "type"),
    TEXT(subject.campaign, "campaign"),
    TEXT(subject.layer, "layer"),
    TEXT(subject.priority, "priority"),
    TEXT(zone, "zone"),
    NUMBER(version, "version", .max = MAX_COUNT),
    NUMBER(run, "run", .max = MAX_COUNT),
    NUMBER(cards, "cards", .min = 1, .max = MAX_COUNT),
    BT_JSON_FIELD(struct run, complete, "complete", BT_JSON_CUSTOM, .read = read_bits),
    FLAG(lit, "lit"),
    NUMBER(day, "day", .min = -2 * MAX_DAYS, .max = 2 * MAX_DAYS),
    NUMBER(hour, "hour", .max = 23),
    FLAG(repaired, "repaired"),
    FLAG(undated, "undated"),
    FLAG(failed, "failed"),
    TEXT(reason, "reason"),
    TEXT(evidence, "evidence"),
};

static int append_value(const struct run *run, const struct bt_json_field *field,
                        struct bt_buf *out)
{
    const char *member = (const char *)run + field->offset;
    int64_t number;
    switch (field->kind) {
    case BT_JSON_STRING:
        return bt_json_append_string(out, member);
    case BT_JSON_INT:
        memcpy(&number, member, sizeof(number));
        return bt_buf_appendf(out, "%lld", (long long)number);
    case BT_JSON_BOOL:
        return bt_buf_appendf(out, "%s", *(const bool *)member ? "true" : "false");
    case BT_JSON_CUSTOM:
        return bt_buf_appendf(out, "\"%016llx\"", (unsigned long long)run->complete);
    case BT_JSON_TEXT:
    case BT_JSON_ENUM:
        break;
    }
    return -EINVAL;
}

static int append_run(const struct run *run, struct bt_buf *out)
{
    int r = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(run_fields) && r == 0; i++) {
        r = bt_buf_appendf(out, "%s\"%s\":", i == 0 ? "{" : ",", run_fields[i].key);
        r = r < 0 ? r : append_value(run, &run_fields[i], out);
    }
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

int bt_tally_save(const struct bt_tally *tally, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "{\"format\":%d,\"runs\":[", STATE_FORMAT);
    for (size_t i = 0; i < tally->run_count && r == 0; i++) {
        r = i == 0 ? 0 : bt_buf_append(out, ",", 1);
        r = r < 0 ? r : append_run(&tally->runs[i], out);
    }
    return r < 0 ? r : bt_buf_append(out, "]}", 2);
}

static int read_run(const cJSON *value, struct run *run, struct bt_error *err)
{
    int r = bt_json_read(value, run_fields, BT_ARRAY_LEN(run_fields), run, NULL, err);
    if (r < 0) {
        return r;
    }
    bool beyond = run->cards < MAX_CARDS && run->complete >> run->cards != 0;
    if (beyond || (int64_t)__builtin_popcountll(run->complete) >= run->cards) {
        return bt_fail(err, -EINVAL, "'complete' has cards that the set has not, or all");
    }
    return 0;
}

static int read_runs(const cJSON *list, struct bt_tally *tally, struct bt_error *err)
{
    const cJSON *value;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > BT_TALLY_MAX_RUNS) {
        return bt_fail(err, -EINVAL, "'runs' is not a list of at most %d", BT_TALLY_MAX_RUNS);
    }
    cJSON_ArrayForEach(value, list)
    {
        int r = read_run(value, &tally->runs[tally->run_count], err);
        if (r < 0) {
            return bt_fail_in(err, r, "runs[%zu]", tally->run_count);
        }
        tally->run_count++;
    }
    return 0;
}

static int read_state(const char *state, size_t len, struct bt_tally *tally, struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    int64_t format;
    int r = bt_json_parse(state, len, &json, err);
    if (r < 0) {
        return r;
    }
    if (bt_json_whole(cJSON_GetObjectItemCaseSensitive(json, "format"), STATE_FORMAT, STATE_FORMAT,
                      &format) < 0) {
        return bt_fail(err, -EINVAL, "'format' is not %d", STATE_FORMAT);
    }
    return read_runs(cJSON_GetObjectItemCaseSensitive(json, "runs"), tally, err);
}

int bt_tally_load(struct bt_tally *tally, const char *state, size_t len, struct bt_error *err)
{
    BT_AUTO(bt_tally) loaded = bt_tally_create(tally->tz);
    int r = 0;
    if (len > BT_TALLY_MAX_STATE) {
        r = bt_fail(err, -EINVAL, "longer than %d bytes", BT_TALLY_MAX_STATE);
    } else if (len > 0) {
        r = read_state(state, len, loaded, err);
    }
    if (r < 0) {
        return bt_fail_in(err, -EINVAL, "The tally's state");
    }
    *tally = *loaded;
    return 0;
}

#include "plays/record.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "plays/scan.h"

// Milliseconds up to the year 9999, and any count a player can reach.
#define MAX_MS 253402300799999LL
#define MAX_COUNT 9007199254740991LL

#define MAX_TEXT_BYTES 128  // longer than any text of a record

static const char *const kind_words[] = {"play", "start", "stop", "loss"};
static const char *const clock_words[] = {"unknown", "synced", NULL};
static const char *const evidence_words[] = {"present", "page-flip", "simulated", NULL};
static const char *const sound_words[] = {"", "on", "muted", NULL};

static const char *word_of(const char *const *words, size_t count, int index)
{
    return index >= 0 && (size_t)index < count ? words[index] : words[0];
}

const char *bt_evidence_word(int evidence)
{
    return word_of(evidence_words, BT_ARRAY_LEN(evidence_words) - 1, evidence);
}

const char *bt_clock_trust_word(int trust)
{
    return word_of(clock_words, BT_ARRAY_LEN(clock_words) - 1, trust);
}

const char *bt_sound_word(int sound)
{
    return word_of(sound_words, BT_ARRAY_LEN(sound_words) - 1, sound);
}

// Writes members one after the other and remembers the first failure.
struct writer {
    struct bt_buf *out;
    int r;
    bool first;
};

static void put(struct writer *w, const char *text)
{
    if (w->r == 0) {
        w->r = bt_buf_append(w->out, text, strlen(text));
    }
}

static void put_key(struct writer *w, const char *key)
{
    if (w->r == 0) {
        w->r = bt_buf_appendf(w->out, "%s\"%s\":", w->first ? "" : ",", key);
    }
    w->first = false;
}

static void put_int(struct writer *w, const char *key, int64_t value)
{
    put_key(w, key);
    if (w->r == 0) {
        w->r = bt_buf_appendf(w->out, "%lld", (long long)BT_CLAMP(value, 0, MAX_COUNT));
    }
}

static void put_ms(struct writer *w, const char *key, int64_t ms)
{
    put_int(w, key, BT_MIN(ms, MAX_MS));
}

static void put_bool(struct writer *w, const char *key, bool value)
{
    put_key(w, key);
    put(w, value ? "true" : "false");
}

// A record must be written whatever a caller hands over, and be read again: bad UTF-8 becomes a
// question mark, a control character a space.
static void put_text(struct writer *w, const char *key, const char *text)
{
    char clean[MAX_TEXT_BYTES];
    bt_copy_cut(clean, sizeof(clean), bt_utf8_valid(text, strlen(text)) ? text : "?");
    for (char *c = clean; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = ' ';
        }
    }
    put_key(w, key);
    if (w->r == 0) {
        w->r = bt_json_append_string(w->out, clean);
    }
}

static void put_known_text(struct writer *w, const char *key, const char *text)
{
    if (text[0] != '\0') {
        put_text(w, key, text);
    }
}

static void put_known_int(struct writer *w, const char *key, int64_t value)
{
    if (value > 0) {
        put_int(w, key, value);
    }
}

static struct writer begin_tail(struct bt_buf *out, int kind, const struct bt_record_origin *origin)
{
    struct writer w = {.out = out, .first = true};
    put_text(&w, "kind", kind_words[kind]);
    put_text(&w, "boot", origin->boot);
    put_known_text(&w, "screen", origin->screen);
    return w;
}

static int end_tail(struct writer *w)
{
    put(w, "}");
    return w->r;
}

static void put_counts(struct writer *w, const struct bt_play_counts *counts)
{
    put_int(w, "shown_ms", counts->shown_ms);
    put_int(w, "presented", counts->presented);
    put_int(w, "repeated", counts->repeated);
    put_int(w, "dropped", counts->dropped);
}

static void put_segments(struct writer *w, const struct bt_play *play)
{
    put_key(w, "segments");
    for (size_t i = 0; i < play->segment_count; i++) {
        const struct bt_play_segment *segment = &play->segments[i];
        put(w, i == 0 ? "[{" : ",{");
        w->first = true;
        put_ms(w, "start_ms", segment->wall_ms);
        put_ms(w, "mono_ms", segment->mono_ns / BT_NS_PER_MS);
        put_counts(w, &segment->counts);
        put(w, "}");
    }
    put(w, "]");
    w->first = false;
}

static void put_what(struct writer *w, const struct bt_play_start *start)
{
    put_text(w, "item", start->item);
    put_known_text(w, "asset", start->asset);
    put_text(w, "type", start->kind);
    put_text(w, "zone", start->zone);
    put_text(w, "publication", start->publication);
    put_int(w, "version", start->publication_version);
    put_text(w, "layer", start->layer);
    put_text(w, "priority", start->priority);
    put_known_text(w, "campaign", start->campaign);
    put_known_int(w, "card", start->card);
    put_known_int(w, "cards", start->cards);
    put_int(w, "run", start->run);
}

static void put_display(struct writer *w, const struct bt_play_start *start)
{
    put_text(w, "evidence", bt_evidence_word(start->evidence));
    put_known_text(w, "display", start->display);
    put_known_text(w, "display_evidence", start->display_evidence);
    put_known_int(w, "light_percent", BT_CLAMP(start->light_percent, 0, 100));
    put_known_text(w, "sound", bt_sound_word(start->sound));
    put_known_text(w, "approval", start->approval);
}

int bt_record_play(const struct bt_play *play, const struct bt_record_origin *origin,
                   struct bt_buf *out)
{
    const char *why = bt_play_closed(play) ? play->why_ended : BT_PLAY_END_POWER_LOST;
    struct bt_play_counts total = bt_play_total(play);
    struct writer w = begin_tail(out, BT_RECORD_PLAY, origin);
    put_what(&w, &play->start);
    put_text(&w, "why_started", play->start.why_started);
    put_text(&w, "why_ended", why);
    put_ms(&w, "start_ms", play->start.wall_ms);
    put_ms(&w, "end_ms", bt_play_end_wall_ms(play));
    put_ms(&w, "mono_ms", play->start.mono_ns / BT_NS_PER_MS);
    put_text(&w, "clock", bt_clock_trust_word(play->start.clock_trust));
    put_known_int(&w, "planned_ms", play->start.planned_ms);
    put_known_int(&w, "frames_expected", play->start.frames_expected);
    put_counts(&w, &total);
    put_bool(&w, "complete", bt_play_complete(play, why));
    if (play->segment_count > 1) {
        put_segments(&w, play);
    }
    put_display(&w, &play->start);
    return end_tail(&w);
}

static void put_moment(struct writer *w, const struct bt_record_moment *now)
{
    put_ms(w, "start_ms", now->wall_ms);
    put_ms(w, "mono_ms", now->mono_ns / BT_NS_PER_MS);
    put_text(w, "clock", bt_clock_trust_word(now->clock_trust));
}

int bt_record_start(const struct bt_record_moment *now, const struct bt_record_origin *origin,
                    int64_t recovered, struct bt_buf *out)
{
    struct writer w = begin_tail(out, BT_RECORD_START, origin);
    put_text(&w, "journal", origin->journal);
    put_text(&w, "player", origin->player);
    put_moment(&w, now);
    put_int(&w, "recovered", recovered);
    return end_tail(&w);
}

int bt_record_stop(const struct bt_record_moment *now, const struct bt_record_origin *origin,
                   struct bt_buf *out)
{
    struct writer w = begin_tail(out, BT_RECORD_STOP, origin);
    put_moment(&w, now);
    return end_tail(&w);
}

int bt_record_loss(const struct bt_loss *loss, const struct bt_record_origin *origin,
                   struct bt_buf *out)
{
    struct writer w = begin_tail(out, BT_RECORD_LOSS, origin);
    put_int(&w, "plays", loss->plays);
    put_text(&w, "cause", loss->cause);
    put_ms(&w, "start_ms", loss->start_ms);
    put_ms(&w, "end_ms", loss->end_ms);
    put_text(&w, "clock", bt_clock_trust_word(loss->clock_trust));
    return end_tail(&w);
}

int bt_record_seal(int64_t seq, const char *tail, struct bt_buf *out)
{
    return bt_buf_appendf(out, "{\"format\":%d,\"seq\":%lld,%s", BT_PLAY_FORMAT, (long long)seq,
                          tail);
}

#define TEXT(member, key, ...)                                                                     \
    BT_JSON_FIELD(struct bt_record, member, key, BT_JSON_STRING,                                   \
                  .max = sizeof(((struct bt_record *)NULL)->member) - 1, __VA_ARGS__)
#define TIME(member, key) BT_JSON_FIELD(struct bt_record, member, key, BT_JSON_INT, .max = MAX_MS)
#define COUNT(member, key, ...)                                                                    \
    BT_JSON_FIELD(struct bt_record, member, key, BT_JSON_INT, .max = MAX_COUNT, __VA_ARGS__)
#define WORD(member, key, list, ...)                                                               \
    BT_JSON_FIELD(struct bt_record, member, key, BT_JSON_ENUM, .words = (list), __VA_ARGS__)

static const struct bt_json_field common_fields[] = {
    COUNT(seq, "seq"),
    TEXT(kind_word, "kind"),
    TEXT(origin.boot, "boot", .optional = true),
    TEXT(origin.screen, "screen", .optional = true),
};

static int read_segments(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    int count = cJSON_GetArraySize(value);
    if (!cJSON_IsArray(value) || count < 1) {
        return bt_fail(err, -EINVAL, "'segments' is not a list of at least one");
    }
    *(int64_t *)target = count;
    return 0;
}

static const struct bt_json_field play_fields[] = {
    TEXT(start.item, "item"),
    TEXT(start.asset, "asset", .optional = true),
    TEXT(start.kind, "type"),
    TEXT(start.zone, "zone"),
    TEXT(start.publication, "publication"),
    COUNT(start.publication_version, "version"),
    TEXT(start.layer, "layer"),
    TEXT(start.priority, "priority"),
    TEXT(start.campaign, "campaign", .optional = true),
    COUNT(start.card, "card", .optional = true),
    COUNT(start.cards, "cards", .optional = true),
    COUNT(start.run, "run"),
    TEXT(start.why_started, "why_started"),
    TEXT(why_ended, "why_ended"),
    TIME(start_ms, "start_ms"),
    TIME(end_ms, "end_ms"),
    TIME(mono_ms, "mono_ms"),
    WORD(clock_trust, "clock", clock_words),
    COUNT(start.planned_ms, "planned_ms", .optional = true),
    COUNT(start.frames_expected, "frames_expected", .optional = true),
    COUNT(total.shown_ms, "shown_ms"),
    COUNT(total.presented, "presented"),
    COUNT(total.repeated, "repeated"),
    COUNT(total.dropped, "dropped"),
    BT_JSON_FIELD(struct bt_record, complete, "complete", BT_JSON_BOOL),
    BT_JSON_FIELD(struct bt_record, segment_count, "segments", BT_JSON_CUSTOM,
                  .read = read_segments, .optional = true),
    WORD(start.evidence, "evidence", evidence_words),
    TEXT(start.display, "display", .optional = true),
    TEXT(start.display_evidence, "display_evidence", .optional = true),
    BT_JSON_FIELD(struct bt_record, start.light_percent, "light_percent", BT_JSON_INT, .min = 1,
                  .max = 100, .optional = true),
    WORD(start.sound, "sound", sound_words, .optional = true),
    TEXT(start.approval, "approval", .optional = true),
};

static const struct bt_json_field start_fields[] = {
    TEXT(origin.journal, "journal"),
    TEXT(origin.player, "player"),
    TIME(start_ms, "start_ms"),
    TIME(mono_ms, "mono_ms"),
    WORD(clock_trust, "clock", clock_words),
    COUNT(recovered, "recovered"),
};

static const struct bt_json_field stop_fields[] = {
    TIME(start_ms, "start_ms"),
    TIME(mono_ms, "mono_ms"),
    WORD(clock_trust, "clock", clock_words),
};

static const struct bt_json_field loss_fields[] = {
    COUNT(loss.plays, "plays"),
    TEXT(loss.cause, "cause"),
    TIME(start_ms, "start_ms"),
    TIME(end_ms, "end_ms"),
    WORD(clock_trust, "clock", clock_words),
};

static const struct {
    const struct bt_json_field *fields;
    size_t count;
} tables[] = {
    [BT_RECORD_PLAY] = {play_fields, BT_ARRAY_LEN(play_fields)},
    [BT_RECORD_START] = {start_fields, BT_ARRAY_LEN(start_fields)},
    [BT_RECORD_STOP] = {stop_fields, BT_ARRAY_LEN(stop_fields)},
    [BT_RECORD_LOSS] = {loss_fields, BT_ARRAY_LEN(loss_fields)},
};

static int kind_of(const char *word)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(kind_words); i++) {
        if (bt_str_equal(kind_words[i], word)) {
            return (int)i;
        }
    }
    return BT_RECORD_OTHER;
}

static void copy_shared(struct bt_record *record)
{
    record->start.wall_ms = record->start_ms;
    record->start.mono_ns = record->mono_ms * BT_NS_PER_MS;
    record->start.clock_trust = record->clock_trust;
    record->loss.start_ms = record->start_ms;
    record->loss.end_ms = record->end_ms;
    record->loss.clock_trust = record->clock_trust;
}

// A play written as we write it, which nearly all records are; the careful way judges the others.
static bool scan_play(const char *text, size_t len, struct bt_record *out)
{
    struct scanned {
        struct bt_record record;
        int64_t format;
    } scanned = {.record.segment_count = 1};
    static const struct bt_json_field format_field[] = {
        BT_JSON_FIELD(struct scanned, format, "format", BT_JSON_INT, .min = BT_PLAY_FORMAT,
                      .max = BT_PLAY_FORMAT),
    };
    static const struct bt_scan_part parts[] = {
        {format_field, BT_ARRAY_LEN(format_field)},
        {common_fields, BT_ARRAY_LEN(common_fields)},
        {play_fields, BT_ARRAY_LEN(play_fields)},
    };
    bool read = bt_scan_object(text, len, parts, BT_ARRAY_LEN(parts), &scanned) &&
                bt_str_equal(scanned.record.kind_word, kind_words[BT_RECORD_PLAY]);
    if (read) {
        copy_shared(&scanned.record);
        *out = scanned.record;
    }
    return read;
}

static int read_record(const cJSON *json, struct bt_record *record, struct bt_error *err)
{
    int64_t format;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "format");
    if (bt_json_whole(value, 1, MAX_COUNT, &format) < 0) {
        return bt_fail(err, -EINVAL, "'format' is missing or not a number");
    }
    if (format != BT_PLAY_FORMAT) {
        return bt_fail(err, -ENOTSUP, "format %lld is not known to this version",
                       (long long)format);
    }
    int r = bt_json_read(json, common_fields, BT_ARRAY_LEN(common_fields), record, record, err);
    if (r < 0) {
        return r;
    }
    record->kind = kind_of(record->kind_word);
    if (record->kind == BT_RECORD_OTHER) {
        return 0;
    }
    r = bt_json_read(json, tables[record->kind].fields, tables[record->kind].count, record, record,
                     err);
    if (r == 0) {
        copy_shared(record);
    }
    return r;
}

int bt_record_parse(const char *text, size_t len, struct bt_record *out, struct bt_error *err)
{
    if (len > BT_RECORD_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "longer than %d bytes", BT_RECORD_MAX_BYTES);
    }
    if (scan_play(text, len, out)) {
        return 0;
    }
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(text, len, &json, err);
    if (r < 0) {
        return r;
    }
    struct bt_record record = {.segment_count = 1};
    r = read_record(json, &record, err);
    if (r == 0) {
        *out = record;
    }
    return r;
}

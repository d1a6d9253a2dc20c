#include "cli/verify/marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/countersign.h"

struct bt_marks {
    struct bt_mark *marks;
    size_t count, capacity;
    size_t documents;
    int64_t first_day, last_day;
    int64_t lower_day;  // of the document before the days; -1: there is none
    bool begin;
    char last_sha256[BT_SHA256_HEX_BYTES];
};

struct bt_marks *bt_marks_create(void)
{
    struct bt_marks *marks = BT_NEW(struct bt_marks);
    marks->first_day = marks->last_day = marks->lower_day = -1;
    return marks;
}

void bt_marks_destroy(struct bt_marks *marks)
{
    if (marks != NULL) {
        free(marks->marks);
        free(marks);
    }
}

#define TEXT(member, ...)                                                                          \
    BT_JSON_FIELD(struct bt_mark, member, #member, BT_JSON_STRING, .min = 1,                       \
                  .max = sizeof(((struct bt_mark *)NULL)->member) - 1)

static const struct bt_json_field mark_fields[] = {
    TEXT(player),
    TEXT(journal),
    TEXT(unit),
    TEXT(screen),
    TEXT(public_key),
    BT_JSON_FIELD(struct bt_mark, seq, "last_seq", BT_JSON_INT, .max = 1LL << 53),
    BT_JSON_FIELD(struct bt_mark, hash, "last_hash", BT_JSON_CUSTOM, .read = bt_json_read_sha256),
};

static bool is_covered(const cJSON *units, const char *unit)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, units)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), unit)) {
            return true;
        }
    }
    return false;
}

static int add_journals(struct bt_marks *marks, const cJSON *body, int64_t day, const cJSON *units,
                        struct bt_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "journals"), *each;
    if (!cJSON_IsArray(list)) {
        return bt_fail(err, -EINVAL, "'journals' is no list");
    }
    cJSON_ArrayForEach(each, list)
    {
        struct bt_mark mark = {.day = day};
        int r = bt_json_read(each, mark_fields, BT_ARRAY_LEN(mark_fields), &mark, NULL, err);
        if (r < 0) {
            return r;
        }
        if (!is_covered(units, mark.unit)) {
            continue;
        }
        if (marks->count == BT_MARKS_MAX) {
            return bt_fail(err, -EMSGSIZE, "more than %d marks", BT_MARKS_MAX);
        }
        BT_GROW(marks->marks, marks->capacity, marks->count + 1);
        marks->marks[marks->count++] = mark;
    }
    return 0;
}

static int read_day(const cJSON *body, int64_t *out, struct bt_error *err)
{
    int64_t seconds;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "day"));
    if (text == NULL || bt_date_parse(text, &seconds) < 0) {
        return bt_fail(err, -EINVAL, "'day' is no day");
    }
    *out = seconds / 86400;
    return 0;
}

// Signed by the server, younger than the one before, and following it.
static int meet(struct bt_marks *marks, const char *text, size_t len, const struct bt_vouch *vouch,
                const cJSON *units, struct bt_error *err)
{
    int64_t day = 0;
    BT_AUTOJSON *document = NULL;
    int r = bt_countersigned_read(text, len, "plays-heads", &document, err);
    if (r == 0 && !bt_vouch_server(vouch, document)) {
        r = bt_fail(err, -EACCES, "not signed by the server's key");
    }
    const cJSON *body = bt_countersigned_body(document);
    r = r < 0 ? r : read_day(body, &day, err);
    if (r < 0) {
        return r;
    }
    const char *previous = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "previous"));
    if (marks->documents > 0 &&
        (day <= marks->last_day || !bt_str_equal(previous, marks->last_sha256))) {
        return bt_fail(err, -EBADMSG, "does not follow the document before");
    }
    marks->last_day = day;
    if (marks->documents == 0) {
        marks->first_day = day;
        marks->begin = previous != NULL && strspn(previous, "0") == BT_SHA256_HEX_BYTES - 1;
    }
    marks->documents++;
    return add_journals(marks, body, day, units, err);
}

void bt_marks_add(struct bt_marks *marks, const char *text, const struct bt_vouch *vouch,
                  const cJSON *units, struct bt_verdict *verdict)
{
    struct bt_error err = {0};
    size_t len = strlen(text);
    if (meet(marks, text, len, vouch, units, &err) < 0) {
        bt_verdict_add(
            verdict, BT_FINDING_FAULT, "heads",
            bt_strf("Mốc hằng ngày thứ %zu không đúng: %s", marks->documents + 1, err.msg),
            bt_strf("Daily heads number %zu do not hold: %s", marks->documents + 1, err.msg));
    }
    struct bt_sha256 hash = bt_sha256_of(text, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), marks->last_sha256);
}

static int by_journal(const struct bt_mark *a, const struct bt_mark *b)
{
    int order = strcmp(a->player, b->player);
    return order != 0 ? order : strcmp(a->journal, b->journal);
}

static int in_order(const void *a, const void *b)
{
    const struct bt_mark *one = a, *other = b;
    int order = by_journal(one, other);
    return order != 0 ? order : (one->day > other->day) - (one->day < other->day);
}

// A journal never goes back, and a player keeps its key.
static bool follows(const struct bt_mark *before, const struct bt_mark *after)
{
    bool same = memcmp(&before->hash, &after->hash, sizeof(after->hash)) == 0;
    return strcmp(before->public_key, after->public_key) == 0 && after->seq >= before->seq &&
           (after->seq > before->seq || same);
}

void bt_marks_settle(struct bt_marks *marks, int64_t from_day, struct bt_verdict *verdict)
{
    if (marks->documents > 0 && marks->first_day < from_day - 1) {
        marks->lower_day = marks->first_day;
    }
    if (marks->count > 0) {
        qsort(marks->marks, marks->count, sizeof(*marks->marks), in_order);
    }
    for (size_t i = 1; i < marks->count; i++) {
        const struct bt_mark *before = &marks->marks[i - 1], *after = &marks->marks[i];
        if (by_journal(before, after) == 0 && !follows(before, after)) {
            bt_verdict_add(verdict, BT_FINDING_FAULT, "heads-go-back",
                           bt_strf("Các mốc hằng ngày mâu thuẫn nhau về sổ %s của máy %s",
                                   after->journal, after->player),
                           bt_strf("Daily heads contradict each other about journal %s of player "
                                   "%s",
                                   after->journal, after->player));
        }
    }
}

size_t bt_marks_documents(const struct bt_marks *marks)
{
    return marks->documents;
}

int64_t bt_marks_first_day(const struct bt_marks *marks)
{
    return marks->first_day;
}

int64_t bt_marks_last_day(const struct bt_marks *marks)
{
    return marks->last_day;
}

int64_t bt_marks_known(const struct bt_marks *marks, const struct bt_mark *first)
{
    return first != NULL && first->day == marks->lower_day ? first->seq : 0;
}

bool bt_marks_begin(const struct bt_marks *marks)
{
    return marks->begin;
}

const struct bt_mark *bt_marks_all(const struct bt_marks *marks, size_t *out_count)
{
    *out_count = marks->count;
    return marks->marks;
}

bool bt_marks_elsewhere(const struct bt_marks *marks, const char *player, const char *journal,
                        int64_t seq, const struct bt_sha256 *hash)
{
    for (size_t i = 0; i < marks->count; i++) {
        const struct bt_mark *mark = &marks->marks[i];
        if (mark->seq == seq && memcmp(&mark->hash, hash, sizeof(*hash)) == 0 &&
            strcmp(mark->journal, journal) == 0 && strcmp(mark->player, player) != 0) {
            return true;
        }
    }
    return false;
}

const struct bt_mark *bt_marks_of(const struct bt_marks *marks, const char *player,
                                  const char *journal, size_t *out_count)
{
    struct bt_mark wanted = {.day = 0};
    *out_count = 0;
    if (bt_format(wanted.player, sizeof(wanted.player), "%s", player) < 0 ||
        bt_format(wanted.journal, sizeof(wanted.journal), "%s", journal) < 0) {
        return NULL;
    }
    size_t low = 0, high = marks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_journal(&marks->marks[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    size_t end = low;
    while (end < marks->count && by_journal(&marks->marks[end], &wanted) == 0) {
        end++;
    }
    *out_count = end - low;
    return *out_count > 0 ? &marks->marks[low] : NULL;
}

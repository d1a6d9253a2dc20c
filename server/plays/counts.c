#include "server/plays/counts.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/db/many.h"

// Subjects that are known to be in the database; beyond that all are forgotten and said again.
#define MAX_SUBJECTS 32768

#define HOURLY_COLUMNS 10
#define DAILY_COLUMNS 15
#define SUBJECT_COLUMNS 8

struct subject {
    struct bt_tally_subject what;
    int64_t id;
    bool stored;  // in the database, or in this group's transaction
    bool fresh;   // in this group's
};

// Where something is counted; zeroed first, so that bytes can be compared. A whole number of words.
struct place {
    int64_t day, hour;  // hour -1: of the whole day
    int64_t subject;
    char screen[32], unit[32];
    char reason[BT_PLAY_WORD_BYTES], evidence[BT_TALLY_EVIDENCE_BYTES];  // "" of an hour
};
static_assert(sizeof(struct place) % sizeof(uint64_t) == 0, "words");

struct row {
    struct place place;
    struct bt_tally_counts counts;
};

// Open addressing; slots hold the number of an entry plus one.
struct table {
    uint32_t *slots;
    size_t size;  // a power of two
};

// Where something was counted last: a screen shows the same few things over and over.
struct recent {
    bool used;
    size_t subject, daily, hourly;  // numbers of entries
};

// A few times the things that one screen shows within a batch.
#define RECENT 64

struct bt_counts {
    uint64_t seed;
    struct row *rows;
    size_t row_count, row_capacity;
    struct table by_place;
    struct recent recent[RECENT];

    struct subject *subjects;
    size_t subject_count, subject_capacity;
    struct table by_subject;

    struct bt_many *write_subjects, *write_daily, *write_hourly;
    struct bt_db_value *values;
    size_t value_capacity;
};

static void empty_table(struct table *table)
{
    memset(table->slots, 0, table->size * sizeof(*table->slots));
}

static void init_table(struct table *table, size_t size)
{
    table->size = size;
    table->slots = BT_NEW_ARRAY(uint32_t, size);
}

static const char insert_subjects[] =
    "INSERT INTO play_subject(id, publication, item, asset, type, campaign, layer, priority)";
static const char known_already[] = " ON CONFLICT (id) DO NOTHING";

static const char insert_daily[] =
    "INSERT INTO play_daily(day, screen, unit, subject, reason, evidence, complete, partial,"
    " verified, cards, shown_ms, presented, dropped, repaired, undated)";
static const char add_daily[] =
    " ON CONFLICT (day, screen, unit, subject, reason, evidence) DO UPDATE SET"
    " complete = play_daily.complete + excluded.complete,"
    " partial = play_daily.partial + excluded.partial,"
    " verified = play_daily.verified + excluded.verified,"
    " cards = play_daily.cards + excluded.cards,"
    " shown_ms = play_daily.shown_ms + excluded.shown_ms,"
    " presented = play_daily.presented + excluded.presented,"
    " dropped = play_daily.dropped + excluded.dropped,"
    " repaired = play_daily.repaired + excluded.repaired,"
    " undated = play_daily.undated + excluded.undated";

static const char insert_hourly[] =
    "INSERT INTO play_hourly(day, hour, screen, unit, subject, complete, partial, verified, cards,"
    " shown_ms)";
static const char add_hourly[] = " ON CONFLICT (day, hour, screen, unit, subject) DO UPDATE SET"
                                 " complete = play_hourly.complete + excluded.complete,"
                                 " partial = play_hourly.partial + excluded.partial,"
                                 " verified = play_hourly.verified + excluded.verified,"
                                 " cards = play_hourly.cards + excluded.cards,"
                                 " shown_ms = play_hourly.shown_ms + excluded.shown_ms";

struct bt_counts *bt_counts_create(void)
{
    struct bt_counts *counts = BT_NEW(struct bt_counts);
    randombytes_buf(&counts->seed, sizeof(counts->seed));
    init_table(&counts->by_place, 1024);
    init_table(&counts->by_subject, 1024);
    counts->write_subjects = bt_many_create(insert_subjects, SUBJECT_COLUMNS, known_already);
    counts->write_daily = bt_many_create(insert_daily, DAILY_COLUMNS, add_daily);
    counts->write_hourly = bt_many_create(insert_hourly, HOURLY_COLUMNS, add_hourly);
    return counts;
}

void bt_counts_destroy(struct bt_counts *counts)
{
    if (counts == NULL) {
        return;
    }
    bt_many_destroy(counts->write_subjects);
    bt_many_destroy(counts->write_daily);
    bt_many_destroy(counts->write_hourly);
    free(counts->by_place.slots);
    free(counts->by_subject.slots);
    free(counts->rows);
    free(counts->subjects);
    free(counts->values);
    free(counts);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    size_t len = strlen(text);
    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), text += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text, sizeof(word));
        hash = mix(hash, word);
    }
    uint64_t rest = 0;
    memcpy(&rest, text, len);
    return mix(hash, rest + (uint64_t)len);
}

static uint64_t hash_place(uint64_t seed, const struct place *place)
{
    uint64_t words[sizeof(*place) / sizeof(uint64_t)];
    memcpy(words, place, sizeof(words));
    uint64_t hash = seed;
    for (size_t i = 0; i < BT_ARRAY_LEN(words); i++) {
        hash = mix(hash, words[i]);
    }
    return hash;
}

#define SUBJECT_TEXTS 7
static void subject_texts(const struct bt_tally_subject *what, const char *out[SUBJECT_TEXTS])
{
    out[0] = what->publication;
    out[1] = what->item;
    out[2] = what->asset;
    out[3] = what->type;
    out[4] = what->campaign;
    out[5] = what->layer;
    out[6] = what->priority;
}

static uint64_t hash_subject(uint64_t seed, const struct bt_tally_subject *what)
{
    const char *texts[SUBJECT_TEXTS];
    subject_texts(what, texts);
    uint64_t hash = seed;
    for (size_t i = 0; i < SUBJECT_TEXTS; i++) {
        hash = hash_text(hash, texts[i]);
    }
    return hash;
}

static bool same_subject(const struct bt_tally_subject *a, const struct bt_tally_subject *b)
{
    const char *left[SUBJECT_TEXTS], *right[SUBJECT_TEXTS];
    subject_texts(a, left);
    subject_texts(b, right);
    for (size_t i = 0; i < SUBJECT_TEXTS; i++) {
        if (strcmp(left[i], right[i]) != 0) {
            return false;
        }
    }
    return true;
}

int64_t bt_subject_id(const struct bt_tally_subject *subject)
{
    const char *texts[SUBJECT_TEXTS];
    subject_texts(subject, texts);
    char all[sizeof(*subject)];
    size_t len = 0;
    for (size_t i = 0; i < SUBJECT_TEXTS; i++) {
        size_t size = strlen(texts[i]) + 1;
        memcpy(all + len, texts[i], size);
        len += size;
    }
    struct bt_sha256 hash = bt_sha256_of(all, len);
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof(number); i++) {
        number = number << 8 | hash.bytes[i];
    }
    return (int64_t)(number >> 2);
}

static void put(struct table *table, uint64_t hash, size_t entry)
{
    size_t at = hash & (table->size - 1);
    while (table->slots[at] != 0) {
        at = (at + 1) & (table->size - 1);
    }
    table->slots[at] = (uint32_t)entry + 1;
}

static void grow_places(struct bt_counts *counts)
{
    if (counts->row_count * 2 < counts->by_place.size) {
        return;
    }
    size_t size = counts->by_place.size * 2;
    free(counts->by_place.slots);
    init_table(&counts->by_place, size);
    for (size_t i = 0; i < counts->row_count; i++) {
        put(&counts->by_place, hash_place(counts->seed, &counts->rows[i].place), i);
    }
}

static void grow_subjects(struct bt_counts *counts)
{
    if (counts->subject_count * 2 < counts->by_subject.size) {
        return;
    }
    size_t size = counts->by_subject.size * 2;
    free(counts->by_subject.slots);
    init_table(&counts->by_subject, size);
    for (size_t i = 0; i < counts->subject_count; i++) {
        put(&counts->by_subject, hash_subject(counts->seed, &counts->subjects[i].what), i);
    }
}

static size_t find_subject(struct bt_counts *counts, const struct bt_tally_subject *what)
{
    const struct table *table = &counts->by_subject;
    uint64_t hash = hash_subject(counts->seed, what);
    for (size_t at = hash & (table->size - 1); table->slots[at] != 0;
         at = (at + 1) & (table->size - 1)) {
        size_t entry = table->slots[at] - 1;
        if (same_subject(&counts->subjects[entry].what, what)) {
            return entry;
        }
    }
    grow_subjects(counts);
    BT_GROW(counts->subjects, counts->subject_capacity, counts->subject_count + 1);
    counts->subjects[counts->subject_count] =
        (struct subject){.what = *what, .id = bt_subject_id(what)};
    put(&counts->by_subject, hash, counts->subject_count);
    return counts->subject_count++;
}

static size_t find_row(struct bt_counts *counts, const struct place *place)
{
    const struct table *table = &counts->by_place;
    uint64_t hash = hash_place(counts->seed, place);
    for (size_t at = hash & (table->size - 1); table->slots[at] != 0;
         at = (at + 1) & (table->size - 1)) {
        size_t entry = table->slots[at] - 1;
        if (memcmp(&counts->rows[entry].place, place, sizeof(*place)) == 0) {
            return entry;
        }
    }
    grow_places(counts);
    BT_GROW(counts->rows, counts->row_capacity, counts->row_count + 1);
    counts->rows[counts->row_count] = (struct row){.place = *place};
    put(&counts->by_place, hash, counts->row_count);
    return counts->row_count++;
}

static struct recent find_place(struct bt_counts *counts, const char *screen, const char *unit,
                                const struct bt_tally_key *key)
{
    struct recent found = {.used = true, .subject = find_subject(counts, &key->subject)};
    struct place place;
    memset(&place, 0, sizeof(place));
    place.day = key->day;
    place.hour = key->hour;
    bt_copy_cut(place.screen, sizeof(place.screen), screen);
    bt_copy_cut(place.unit, sizeof(place.unit), unit);
    place.subject = counts->subjects[found.subject].id;
    found.hourly = find_row(counts, &place);
    place.hour = -1;
    bt_copy_cut(place.reason, sizeof(place.reason), key->reason);
    bt_copy_cut(place.evidence, sizeof(place.evidence), key->evidence);
    found.daily = find_row(counts, &place);
    return found;
}

// What find_place would find.
static bool is_there(const struct bt_counts *counts, const struct recent *recent,
                     const char *screen, const char *unit, const struct bt_tally_key *key)
{
    if (!recent->used) {
        return false;
    }
    const struct place *daily = &counts->rows[recent->daily].place;
    return daily->day == key->day && counts->rows[recent->hourly].place.hour == key->hour &&
           strcmp(daily->screen, screen) == 0 && strcmp(daily->unit, unit) == 0 &&
           strcmp(daily->reason, key->reason) == 0 && strcmp(daily->evidence, key->evidence) == 0 &&
           same_subject(&counts->subjects[recent->subject].what, &key->subject);
}

void bt_counts_add(struct bt_counts *counts, const char *screen, const char *unit,
                   const struct bt_tally_key *key, const struct bt_tally_counts *delta)
{
    uint64_t hash = hash_text(counts->seed, key->subject.item);
    struct recent *recent = &counts->recent[hash % RECENT];
    if (!is_there(counts, recent, screen, unit, key)) {
        *recent = find_place(counts, screen, unit, key);
    }
    bt_tally_counts_add(&counts->rows[recent->hourly].counts, delta);
    bt_tally_counts_add(&counts->rows[recent->daily].counts, delta);
}

// By table and primary key: writers that touch the same rows do so in one order.
static int compare_rows(const void *a, const void *b)
{
    const struct place *left = &((const struct row *)a)->place,
                       *right = &((const struct row *)b)->place;
    const int64_t pairs[][2] = {
        {left->hour >= 0, right->hour >= 0}, {left->day, right->day}, {left->hour, right->hour}};
    for (size_t i = 0; i < BT_ARRAY_LEN(pairs); i++) {
        if (pairs[i][0] != pairs[i][1]) {
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
        }
    }
    int order = memcmp(left->screen, right->screen, sizeof(left->screen));
    order = order != 0 ? order : memcmp(left->unit, right->unit, sizeof(left->unit));
    if (order == 0 && left->subject != right->subject) {
        return left->subject < right->subject ? -1 : 1;
    }
    order = order != 0 ? order : memcmp(left->reason, right->reason, sizeof(left->reason));
    return order != 0 ? order : memcmp(left->evidence, right->evidence, sizeof(left->evidence));
}

static struct bt_db_value *room_for(struct bt_counts *counts, size_t values)
{
    BT_GROW(counts->values, counts->value_capacity, values);
    return counts->values;
}

static int write_subjects(struct bt_counts *counts, struct bt_db *db, struct bt_error *err)
{
    size_t fresh = 0;
    for (size_t i = 0; i < counts->subject_count; i++) {
        struct subject *subject = &counts->subjects[i];
        if (subject->stored) {
            continue;
        }
        const char *texts[SUBJECT_TEXTS];
        subject_texts(&subject->what, texts);
        struct bt_db_value *values =
            &room_for(counts, (fresh + 1) * SUBJECT_COLUMNS)[fresh * SUBJECT_COLUMNS];
        values[0] = BT_INT(subject->id);
        for (size_t j = 0; j < SUBJECT_TEXTS; j++) {
            values[j + 1] = BT_TEXT(texts[j]);
        }
        subject->fresh = subject->stored = true;
        fresh++;
    }
    int64_t r = bt_many_run(counts->write_subjects, db, counts->values, fresh, err);
    return r < 0 ? (int)r : 0;
}

static void daily_values(const struct row *row, struct bt_db_value out[DAILY_COLUMNS])
{
    const struct place *place = &row->place;
    const struct bt_tally_counts *sum = &row->counts;
    const struct bt_db_value values[DAILY_COLUMNS] = {
        BT_INT(place->day),     BT_TEXT(place->screen), BT_TEXT(place->unit),
        BT_INT(place->subject), BT_TEXT(place->reason), BT_TEXT(place->evidence),
        BT_INT(sum->complete),  BT_INT(sum->partial),   BT_INT(sum->verified),
        BT_INT(sum->cards),     BT_INT(sum->shown_ms),  BT_INT(sum->presented),
        BT_INT(sum->dropped),   BT_INT(sum->repaired),  BT_INT(sum->undated)};
    memcpy(out, values, sizeof(values));
}

static void hourly_values(const struct row *row, struct bt_db_value out[HOURLY_COLUMNS])
{
    const struct place *place = &row->place;
    const struct bt_tally_counts *sum = &row->counts;
    const struct bt_db_value values[HOURLY_COLUMNS] = {
        BT_INT(place->day),   BT_INT(place->hour),    BT_TEXT(place->screen),
        BT_TEXT(place->unit), BT_INT(place->subject), BT_INT(sum->complete),
        BT_INT(sum->partial), BT_INT(sum->verified),  BT_INT(sum->cards),
        BT_INT(sum->shown_ms)};
    memcpy(out, values, sizeof(values));
}

static int write_rows(struct bt_counts *counts, struct bt_many *many, size_t columns, size_t first,
                      size_t end, void (*values_of)(const struct row *, struct bt_db_value *),
                      struct bt_db *db, struct bt_error *err)
{
    struct bt_db_value *values = room_for(counts, (end - first) * columns + 1);
    for (size_t i = first; i < end; i++) {
        values_of(&counts->rows[i], &values[(i - first) * columns]);
    }
    int64_t r = bt_many_run(many, db, values, end - first, err);
    return r < 0 ? (int)r : 0;
}

int bt_counts_write(struct bt_counts *counts, struct bt_db *db, struct bt_error *err)
{
    int r = write_subjects(counts, db, err);
    if (r < 0 || counts->row_count == 0) {
        return r;
    }
    qsort(counts->rows, counts->row_count, sizeof(*counts->rows), compare_rows);
    size_t days = 0;
    while (days < counts->row_count && counts->rows[days].place.hour < 0) {
        days++;
    }
    r = write_rows(counts, counts->write_daily, DAILY_COLUMNS, 0, days, daily_values, db, err);
    return r < 0 ? r
                 : write_rows(counts, counts->write_hourly, HOURLY_COLUMNS, days, counts->row_count,
                              hourly_values, db, err);
}

void bt_counts_clear(struct bt_counts *counts, bool committed)
{
    counts->row_count = 0;
    memset(counts->recent, 0, sizeof(counts->recent));
    empty_table(&counts->by_place);
    bool forget = counts->subject_count > MAX_SUBJECTS;
    for (size_t i = 0; i < counts->subject_count && !forget; i++) {
        struct subject *subject = &counts->subjects[i];
        subject->stored = subject->stored && (committed || !subject->fresh);
        subject->fresh = false;
    }
    if (forget) {
        counts->subject_count = 0;
        empty_table(&counts->by_subject);
    }
}

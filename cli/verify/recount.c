#include "cli/verify/recount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

struct bt_recount {
    struct bt_recount_row *rows;
    size_t count, capacity;
    uint32_t *slots;  // index of the row + 1; 0: free. Twice the rows at least
    size_t slot_count;
};

struct bt_recount *bt_recount_create(void)
{
    return BT_NEW(struct bt_recount);
}

void bt_recount_destroy(struct bt_recount *recount)
{
    if (recount == NULL) {
        return;
    }
    for (size_t i = 0; i < recount->count; i++) {
        free(recount->rows[i].key);
    }
    free(recount->rows);
    free(recount->slots);
    free(recount);
}

// FNV-1a: short keys, not chosen by those who want collisions to matter (the rows are bounded).
static uint64_t hash_of(const char *key)
{
    uint64_t hash = 14695981039346656037ULL;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (uint8_t)*key) * 1099511628211ULL;
    }
    return hash;
}

static size_t find_slot(const struct bt_recount *recount, const char *key)
{
    size_t at = hash_of(key) & (recount->slot_count - 1);
    while (recount->slots[at] != 0 && strcmp(recount->rows[recount->slots[at] - 1].key, key) != 0) {
        at = (at + 1) & (recount->slot_count - 1);
    }
    return at;
}

static void grow(struct bt_recount *recount)
{
    free(recount->slots);
    recount->slot_count = recount->slot_count == 0 ? 1024 : 2 * recount->slot_count;
    recount->slots = BT_NEW_ARRAY(uint32_t, recount->slot_count);
    for (size_t i = 0; i < recount->count; i++) {
        recount->slots[find_slot(recount, recount->rows[i].key)] = (uint32_t)i + 1;
    }
}

static int get_row(struct bt_recount *recount, const char *key, struct bt_recount_row **out,
                   struct bt_error *err)
{
    if (2 * (recount->count + 1) > recount->slot_count) {
        grow(recount);
    }
    size_t slot = find_slot(recount, key);
    if (recount->slots[slot] == 0) {
        if (recount->count == BT_RECOUNT_MAX_ROWS) {
            return bt_fail(err, -EMSGSIZE, "More than %d rows", BT_RECOUNT_MAX_ROWS);
        }
        BT_GROW(recount->rows, recount->capacity, recount->count + 1);
        recount->rows[recount->count] = (struct bt_recount_row){.key = bt_strdup(key)};
        recount->slots[slot] = (uint32_t)++recount->count;
    }
    *out = &recount->rows[recount->slots[slot] - 1];
    return 0;
}

int bt_recount_add(struct bt_recount *recount, const char *key,
                   const struct bt_tally_counts *counts, struct bt_error *err)
{
    struct bt_recount_row *row = NULL;
    int r = get_row(recount, key, &row, err);
    if (r == 0) {
        bt_tally_counts_add(&row->counts, counts);
    }
    return r;
}

int bt_recount_merge(struct bt_recount *recount, const struct bt_recount *from,
                     struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; i < from->count && r == 0; i++) {
        r = bt_recount_add(recount, from->rows[i].key, &from->rows[i].counts, err);
    }
    return r;
}

struct bt_recount_row *bt_recount_find(struct bt_recount *recount, const char *key)
{
    if (recount->slot_count == 0) {
        return NULL;
    }
    uint32_t index = recount->slots[find_slot(recount, key)];
    return index == 0 ? NULL : &recount->rows[index - 1];
}

size_t bt_recount_count(const struct bt_recount *recount)
{
    return recount->count;
}

struct bt_recount_row *bt_recount_at(struct bt_recount *recount, size_t index)
{
    return &recount->rows[index];
}

static void write_item(const struct bt_tally_subject *subject, char out[BT_RECOUNT_VALUE_BYTES])
{
    int r = subject->asset[0] != '\0' ? bt_format(out, BT_RECOUNT_VALUE_BYTES, "%s", subject->asset)
                                      : bt_format(out, BT_RECOUNT_VALUE_BYTES, "%s/%s",
                                                  subject->publication, subject->item);
    (void)r;  // there is room for both
}

static void write_time(enum bt_dimension dimension, const struct bt_tally_key *key,
                       char out[BT_RECOUNT_VALUE_BYTES])
{
    char text[BT_RFC3339_BYTES];
    bt_rfc3339_format(key->day * BT_MS_PER_DAY, 0, text);
    int r = dimension == BT_BY_HOUR ? bt_format(out, BT_RECOUNT_VALUE_BYTES, "%02d", key->hour)
                                    : bt_format(out, BT_RECOUNT_VALUE_BYTES, "%.*s",
                                                dimension == BT_BY_MONTH ? 7 : 10, text);
    (void)r;
}

// What a dimension's value is, as reports have it.
static void value_of(enum bt_dimension dimension, const struct bt_recount_place *place,
                     const struct bt_tally_key *key, char out[BT_RECOUNT_VALUE_BYTES])
{
    const char *texts[BT_DIMENSIONS] = {
        [BT_BY_CAMPAIGN] = key->subject.campaign,
        [BT_BY_UNIT] = place->unit,
        [BT_BY_SCREEN] = place->screen,
        [BT_BY_PRIORITY] = key->subject.priority,
        [BT_BY_REASON] = key->reason,
        [BT_BY_EVIDENCE] = key->evidence,
    };
    if (texts[dimension] != NULL) {
        bt_copy_cut(out, BT_RECOUNT_VALUE_BYTES, texts[dimension]);
    } else if (dimension == BT_BY_ITEM) {
        write_item(&key->subject, out);
    } else {
        write_time(dimension, key, out);
    }
}

static bool passes(const struct bt_recount_plan *plan, const struct bt_recount_place *place,
                   const struct bt_tally_key *key)
{
    char value[BT_RECOUNT_VALUE_BYTES];
    if (key->day < plan->from_day || key->day > plan->until_day) {
        return false;
    }
    for (int i = 0; i < BT_DIMENSIONS; i++) {
        if (plan->filter[i][0] == '\0') {
            continue;
        }
        value_of((enum bt_dimension)i, place, key, value);
        if (strcmp(value, plan->filter[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool bt_recount_key(const struct bt_recount_plan *plan, const struct bt_recount_place *place,
                    const struct bt_tally_key *key, char out[BT_RECOUNT_KEY_BYTES])
{
    if (!passes(plan, place, key)) {
        return false;
    }
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < plan->by_count; i++) {
        char value[BT_RECOUNT_VALUE_BYTES];
        value_of(plan->by[i], place, key, value);
        size_t n = strlen(value);
        memcpy(out + len, value, n);
        len += n;
        out[len++] = BT_RECOUNT_END;
        out[len] = '\0';
    }
    return true;
}

#include "server/reports/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/reports/ascii.h"

// Open addressing: slots hold an index plus one, 0 is free.
struct index {
    uint32_t *slots;
    size_t room;  // a power of two
    size_t used;
};

struct labels {
    struct bt_report_label **list;
    size_t count, capacity;
    struct index index;
};

struct bt_report_table {
    size_t by_count;
    struct labels labels[BT_DIMENSIONS];
    struct labels screens;  // that were seen in any row
    struct bt_report_row *rows;
    size_t count, capacity;
    struct index index;
};

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ byte[i]) * FNV_PRIME;
    }
    return hash ^ hash >> 29;
}

static uint64_t hash_of_label(const void *owner, size_t i)
{
    const struct labels *labels = owner;
    return hash_bytes(FNV_START, labels->list[i]->key, strlen(labels->list[i]->key));
}

static uint64_t hash_of_labels(struct bt_report_label *const *labels, size_t count)
{
    return hash_bytes(FNV_START, labels, count * sizeof(labels[0]));
}

static uint64_t hash_of_row(const void *owner, size_t i)
{
    const struct bt_report_table *table = owner;
    return hash_of_labels(table->rows[i].labels, table->by_count);
}

static void put(struct index *index, uint64_t hash, size_t value)
{
    size_t at = hash & (index->room - 1);
    while (index->slots[at] != 0) {
        at = (at + 1) & (index->room - 1);
    }
    index->slots[at] = (uint32_t)value + 1;
}

// Room for one more entry; those that are there move to larger room.
static void make_room(struct index *index, uint64_t (*hash_of)(const void *owner, size_t i),
                      const void *owner)
{
    if (index->used * 2 >= index->room) {
        free(index->slots);
        index->room = BT_MAX(index->room * 2, (size_t)64);
        index->slots = BT_NEW_ARRAY(uint32_t, index->room);
        for (size_t i = 0; i < index->used; i++) {
            put(index, hash_of(owner, i), i);
        }
    }
    index->used++;
}

struct bt_report_table *bt_report_table_create(const struct bt_report_params *params)
{
    struct bt_report_table *table = BT_NEW(struct bt_report_table);
    table->by_count = params->by_count;
    return table;
}

static void finish_labels(struct labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        free(labels->list[i]->key);
        free(labels->list[i]->name);
        free(labels->list[i]->sort);
        free(labels->list[i]);
    }
    free(labels->list);
    free(labels->index.slots);
}

void bt_report_table_destroy(struct bt_report_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->by_count; i++) {
        finish_labels(&table->labels[i]);
    }
    finish_labels(&table->screens);
    for (size_t i = 0; i < table->count; i++) {
        free(table->rows[i].seen);
    }
    free(table->rows);
    free(table->index.slots);
    free(table);
}

static struct bt_report_label *find_label(const struct labels *labels, const char *key)
{
    uint64_t hash = hash_bytes(FNV_START, key, strlen(key));
    for (size_t at = hash; labels->index.room > 0; at++) {
        uint32_t slot = labels->index.slots[at & (labels->index.room - 1)];
        if (slot == 0) {
            return NULL;
        }
        if (strcmp(labels->list[slot - 1]->key, key) == 0) {
            return labels->list[slot - 1];
        }
    }
    return NULL;
}

static struct bt_report_label *label_of(struct labels *labels, const char *key)
{
    struct bt_report_label *label = find_label(labels, key);
    if (label != NULL) {
        return label;
    }
    label = BT_NEW(struct bt_report_label);
    label->key = bt_strdup(key);
    label->number = labels->count;
    make_room(&labels->index, hash_of_label, labels);
    BT_GROW(labels->list, labels->capacity, labels->count + 1);
    labels->list[labels->count] = label;
    put(&labels->index, hash_of_label(labels, labels->count), labels->count);
    labels->count++;
    return label;
}

static struct bt_report_row *find_row(struct bt_report_table *table,
                                      struct bt_report_label *const *labels)
{
    uint64_t hash = hash_of_labels(labels, table->by_count);
    for (size_t at = hash; table->index.room > 0; at++) {
        uint32_t slot = table->index.slots[at & (table->index.room - 1)];
        if (slot == 0) {
            return NULL;
        }
        struct bt_report_row *row = &table->rows[slot - 1];
        if (memcmp(row->labels, labels, table->by_count * sizeof(labels[0])) == 0) {
            return row;
        }
    }
    return NULL;
}

int bt_report_table_row(struct bt_report_table *table, const char *const *keys,
                        struct bt_report_row **out, struct bt_error *err)
{
    struct bt_report_label *labels[BT_DIMENSIONS] = {NULL};
    for (size_t i = 0; i < table->by_count; i++) {
        labels[i] = label_of(&table->labels[i], keys[i]);
    }
    *out = find_row(table, labels);
    if (*out != NULL) {
        return 0;
    }
    if (table->count == BT_REPORT_MAX_ROWS) {
        return bt_fail(err, -E2BIG,
                       "Quá %d dòng: hãy chọn khoảng ngắn hơn hoặc bớt tiêu chí / more than %d "
                       "rows: choose fewer days or dimensions",
                       BT_REPORT_MAX_ROWS, BT_REPORT_MAX_ROWS);
    }
    make_room(&table->index, hash_of_row, table);
    BT_GROW(table->rows, table->capacity, table->count + 1);
    struct bt_report_row *row = &table->rows[table->count];
    memcpy(row->labels, labels, sizeof(labels));
    put(&table->index, hash_of_row(table, table->count), table->count);
    table->count++;
    *out = row;
    return 0;
}

void bt_report_row_saw(struct bt_report_table *table, struct bt_report_row *row, const char *screen)
{
    size_t number = label_of(&table->screens, screen)->number;
    unsigned char bit = (unsigned char)(1U << number % 8);
    BT_GROW(row->seen, row->seen_room, number / 8 + 1);
    if ((row->seen[number / 8] & bit) == 0) {
        row->seen[number / 8] |= bit;
        row->measures[BT_MEASURE_SCREENS]++;
    }
}

size_t bt_report_table_count(const struct bt_report_table *table)
{
    return table->count;
}

struct bt_report_row *bt_report_table_at(struct bt_report_table *table, size_t index)
{
    return &table->rows[index];
}

size_t bt_report_label_count(const struct bt_report_table *table, size_t dimension)
{
    return table->labels[dimension].count;
}

struct bt_report_label *bt_report_label_at(const struct bt_report_table *table, size_t dimension,
                                           size_t index)
{
    return table->labels[dimension].list[index];
}

struct bt_report_label *bt_report_label_find(const struct bt_report_table *table, size_t dimension,
                                             const char *key)
{
    return find_label(&table->labels[dimension], key);
}

void bt_report_label_name(struct bt_report_label *label, const char *name)
{
    if (label->name == NULL && name[0] != '\0') {
        label->name = bt_strdup(name);
        label->sort = bt_ascii(name);
    }
}

static int compare_labels(const struct bt_report_label *a, const struct bt_report_label *b)
{
    int order = strcmp(a->sort != NULL ? a->sort : a->key, b->sort != NULL ? b->sort : b->key);
    return order != 0 ? order : strcmp(a->key, b->key);
}

static int compare_rows(const void *a, const void *b)
{
    const struct bt_report_row *first = a, *second = b;
    for (size_t i = 0; i < BT_DIMENSIONS && first->labels[i] != NULL; i++) {
        if (first->labels[i] != second->labels[i]) {
            return compare_labels(first->labels[i], second->labels[i]);
        }
    }
    return 0;
}

// Nothing is looked up by key afterwards.
void bt_report_table_sort(struct bt_report_table *table)
{
    if (table->count > 1) {
        qsort(table->rows, table->count, sizeof(table->rows[0]), compare_rows);
    }
    free(table->index.slots);
    table->index = (struct index){.slots = NULL};
}

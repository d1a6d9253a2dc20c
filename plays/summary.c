#include "plays/summary.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/number.h"
#include "plays/reader.h"
#include "plays/tally.h"

#define OTHERS "(nội dung khác)"

// A power of two at least twice BT_SUMMARY_MAX_ITEMS, so that a free slot is always near.
#define SLOTS 16384

struct bt_summary {
    struct bt_summary_item *items;
    size_t count, capacity;
    size_t *slots;      // SLOTS of index + 1; 0: free
    struct bt_tz *utc;  // the tally wants days, the summary has none
    struct bt_tally *tally;
};

struct bt_summary *bt_summary_create(void)
{
    struct bt_summary *summary = BT_NEW(struct bt_summary);
    summary->slots = BT_NEW_ARRAY(size_t, SLOTS);
    summary->utc = bt_tz_create_fixed(0);
    summary->tally = bt_tally_create(summary->utc);
    return summary;
}

void bt_summary_destroy(struct bt_summary *summary)
{
    if (summary != NULL) {
        free(summary->items);
        free(summary->slots);
        bt_tally_destroy(summary->tally);
        bt_tz_destroy(summary->utc);
        free(summary);
    }
}

static size_t hash_of(const char *text)
{
    uint32_t hash = 2166136261U;
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    }
    return hash % SLOTS;
}

// The slot of the item, or the free one where it belongs.
static size_t *find_slot(struct bt_summary *summary, const char *item)
{
    size_t at = hash_of(item);
    while (summary->slots[at] != 0 &&
           !bt_str_equal(summary->items[summary->slots[at] - 1].item, item)) {
        at = (at + 1) % SLOTS;
    }
    return &summary->slots[at];
}

// Index of the item, new or known.
static size_t find_item(struct bt_summary *summary, const char *item)
{
    size_t *slot = find_slot(summary, item);
    if (*slot == 0 && summary->count >= BT_SUMMARY_MAX_ITEMS) {
        item = OTHERS;
        slot = find_slot(summary, item);
    }
    if (*slot == 0) {
        BT_GROW(summary->items, summary->capacity, summary->count + 1);
        bt_copy_cut(summary->items[summary->count].item, BT_PLAY_ID_BYTES, item);
        *slot = ++summary->count;
    }
    return *slot - 1;
}

static int sum_up(const struct bt_tally_key *key, const struct bt_tally_counts *delta,
                  void *context, struct bt_error *err)
{
    (void)err;
    struct bt_summary *summary = context;
    size_t index = find_item(summary, key->subject.item);
    struct bt_summary_item *item = &summary->items[index];
    item->complete += delta->complete;
    item->partial += delta->partial;
    item->cards += delta->cards;
    item->frames += delta->presented;
    item->shown_ms += delta->shown_ms;
    return 0;
}

void bt_summary_close(struct bt_summary *summary)
{
    int r = bt_tally_close(summary->tally, sum_up, summary, NULL);
    assert(r == 0);  // sum_up never fails
}

void bt_summary_add(struct bt_summary *summary, const struct bt_record *record)
{
    static const struct bt_tally_time unknown = {0};
    struct bt_record shown = *record;
    // This is for whoever stood there, not a report: a demonstration without a display counts.
    shown.start.evidence = BT_EVIDENCE_PRESENT;
    if (record->kind == BT_RECORD_PLAY && record->start.cards > 0) {
        size_t index = find_item(summary, record->start.item);
        summary->items[index].is_set = true;
    }
    int r = bt_tally_add(summary->tally, &shown, &unknown, sum_up, summary, NULL);
    assert(r == 0);
}

size_t bt_summary_count(const struct bt_summary *summary)
{
    return summary->count;
}

const struct bt_summary_item *bt_summary_item(const struct bt_summary *summary, size_t index)
{
    return &summary->items[index];
}

// The table. Widths are counted in characters, not bytes.

#define COLUMNS 6

struct table_row {
    char cells[COLUMNS][BT_PLAY_ID_BYTES];
};

static const struct table_row headings = {
    {"Nội dung", "Trọn vẹn", "Dở dang", "Thẻ", "Khung hình", "Giây"}};

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const char *c = text; *c != '\0'; c++) {
        width += ((unsigned char)*c & 0xC0) != 0x80;
    }
    return width;
}

static struct table_row make_row(const struct bt_summary_item *item)
{
    struct table_row row = {0};
    bt_copy_cut(row.cells[0], sizeof(row.cells[0]), item->item);
    bt_number_vi(row.cells[1], item->complete, 0);
    bt_number_vi(row.cells[2], item->partial, 0);
    if (item->is_set) {
        bt_number_vi(row.cells[3], item->cards, 0);
    }
    bt_number_vi(row.cells[4], item->frames, 0);
    bt_number_vi(row.cells[5], item->shown_ms / 100, 1);
    return row;
}

static void widen(size_t *widths, const struct table_row *row)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        widths[i] = BT_MAX(widths[i], width_of(row->cells[i]));
    }
}

// The first column to the left, numbers to the right.
static int print_row(const struct table_row *row, const size_t *widths, struct bt_buf *out)
{
    int r = 0;
    for (size_t i = 0; i < COLUMNS && r == 0; i++) {
        int space = (int)(widths[i] - width_of(row->cells[i]));
        r = i == 0 ? bt_buf_appendf(out, "%s%*s", row->cells[i], space, "")
                   : bt_buf_appendf(out, "  %*s%s", space, "", row->cells[i]);
    }
    return r < 0 ? r : bt_buf_append(out, "\n", 1);
}

static struct bt_summary_item sum_of(const struct bt_summary *summary)
{
    struct bt_summary_item sum = {.item = "Tổng cộng"};
    for (size_t i = 0; i < summary->count; i++) {
        const struct bt_summary_item *item = &summary->items[i];
        sum.complete += item->complete;
        sum.partial += item->partial;
        sum.frames += item->frames;
        sum.shown_ms += item->shown_ms;
        sum.cards += item->cards;
        sum.is_set = sum.is_set || item->is_set;
    }
    return sum;
}

int bt_summary_print(const struct bt_summary *summary, struct bt_buf *out)
{
    size_t widths[COLUMNS] = {0};
    struct bt_summary_item sum = sum_of(summary);
    struct table_row last = make_row(&sum);
    widen(widths, &headings);
    widen(widths, &last);
    for (size_t i = 0; i < summary->count; i++) {
        struct table_row row = make_row(&summary->items[i]);
        widen(widths, &row);
    }
    int r = print_row(&headings, widths, out);
    for (size_t i = 0; i < summary->count && r == 0; i++) {
        struct table_row row = make_row(&summary->items[i]);
        r = print_row(&row, widths, out);
    }
    return r < 0 ? r : print_row(&last, widths, out);
}

static int add_rows(struct bt_summary *summary, struct bt_reader *reader, struct bt_error *err)
{
    struct bt_row row;
    struct bt_record record;
    int r;
    while ((r = bt_reader_next(reader, &row, err)) == 1) {
        r = bt_record_parse(row.body, row.len, &record, err);
        if (r < 0) {
            return bt_fail_in(err, r, "Record %lld", (long long)row.seq);
        }
        bt_summary_add(summary, &record);
    }
    return r;
}

int bt_plays_summary(const char *path, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTO(bt_summary) summary = bt_summary_create();
    BT_AUTO(bt_reader) reader = NULL;
    int r = bt_reader_open(path, &reader, err);
    r = r < 0 ? r : add_rows(summary, reader, err);
    if (r < 0) {
        return r;
    }
    bt_summary_close(summary);
    r = bt_summary_print(summary, out);
    return r < 0 ? bt_fail(err, r, "The summary is too long") : 0;
}

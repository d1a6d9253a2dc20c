/**
 * What was shown, for people: one line for each item, in Vietnamese, as the demonstration prints
 * it at its end. A set counts once for each time all its cards were complete.
 */
#ifndef BT_PLAYS_SUMMARY_H
#define BT_PLAYS_SUMMARY_H

#include "base/buf.h"
#include "base/error.h"
#include "plays/record.h"

// Items beyond this many share one line, "(nội dung khác)".
#define BT_SUMMARY_MAX_ITEMS 4096

struct bt_summary;

struct bt_summary_item {
    char item[BT_PLAY_ID_BYTES];
    bool is_set;
    int64_t complete, partial;  // showings; of a set: of the whole set
    int64_t cards;              // of a set: complete showings of single cards
    int64_t frames, shown_ms;   // presented frames and time, complete or not
};

struct bt_summary *bt_summary_create(void) BT_NODISCARD;
void bt_summary_destroy(struct bt_summary *summary);
BT_DEFINE_AUTO(bt_summary)

// In the order of the journal. Records that are no plays matter too: a start ends all runs.
void bt_summary_add(struct bt_summary *summary, const struct bt_record *record);

// After the last record: sets that are not whole are now partial.
void bt_summary_close(struct bt_summary *summary);

size_t bt_summary_count(const struct bt_summary *summary);
const struct bt_summary_item *bt_summary_item(const struct bt_summary *summary, size_t index);

// Appends the table.
int bt_summary_print(const struct bt_summary *summary, struct bt_buf *out) BT_NODISCARD;

// All of a journal: reads it and appends the table to `out`. Errors: those of bt_reader_open.
int bt_plays_summary(const char *path, struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

#endif

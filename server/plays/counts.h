/**
 * What a group of batches adds to the counts, put together in memory before it is written: each
 * row of the database is touched once. Belongs to the ingest thread.
 */
#ifndef BT_SERVER_PLAYS_COUNTS_H
#define BT_SERVER_PLAYS_COUNTS_H

#include "plays/tally.h"
#include "server/db/db.h"

struct bt_counts;
struct bt_counts *bt_counts_create(void) BT_NODISCARD;
void bt_counts_destroy(struct bt_counts *counts);
BT_DEFINE_AUTO(bt_counts)

void bt_counts_add(struct bt_counts *counts, const char *screen, const char *unit,
                   const struct bt_tally_key *key, const struct bt_tally_counts *delta);

// Adds all of it to play_subject, play_daily and play_hourly.
int bt_counts_write(struct bt_counts *counts, struct bt_db *db, struct bt_error *err) BT_NODISCARD;

// The group is over: what was written is on the disk, or none of it.
void bt_counts_clear(struct bt_counts *counts, bool committed);

// The first 62 bits of the SHA-256 over the columns of play_subject, each followed by a NUL.
int64_t bt_subject_id(const struct bt_tally_subject *subject);

#endif

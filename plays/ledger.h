/**
 * The truth to hold a journal against: which plays were begun and ended, and how much of that a
 * commit has acknowledged. Play n is the item "play-n" and shows n + 1 frames.
 */
#ifndef BT_PLAYS_LEDGER_H
#define BT_PLAYS_LEDGER_H

#include <stdint.h>

#include "plays/journal.h"

#define BT_LEDGER_MAX_PLAYS 65536

enum bt_ledger_state {
    BT_LEDGER_UNKNOWN,
    BT_LEDGER_BEGUN,
    BT_LEDGER_ENDED,
};

struct bt_ledger_play {
    uint8_t reported;      // enum bt_ledger_state: what the journal was told
    uint8_t acknowledged;  // what a commit has said to be on the disk
};

struct bt_ledger {
    struct bt_ledger_play *plays;  // BT_LEDGER_MAX_PLAYS
    size_t count;
    size_t run_first;  // the first play of this run of the writer
};

void bt_ledger_init(struct bt_ledger *ledger);
void bt_ledger_finish(struct bt_ledger *ledger);

void bt_ledger_new_run(struct bt_ledger *ledger);  // what was not acknowledged never will be
void bt_ledger_commit(struct bt_ledger *ledger);   // everything reported in this run is

// The play as the journal is to be told of it.
struct bt_play bt_ledger_play(size_t number, enum bt_ledger_state state);

/**
 * Verifies the journal and compares it: every acknowledged end is there once and as reported,
 * every acknowledged beginning is there once, nothing is there twice. Fails the test otherwise.
 */
void bt_ledger_compare(const struct bt_ledger *ledger, const char *path);

#endif

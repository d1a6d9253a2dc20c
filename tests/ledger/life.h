/**
 * One life of a player: it opens its journal, records plays as they begin and end under a clock
 * that jumps, sends what it has through its courier, and dies or stops. What it was told and what
 * a commit acknowledged lies in memory that outlives it.
 */
#ifndef BT_TESTS_LEDGER_LIFE_H
#define BT_TESTS_LEDGER_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LIFE_MAX_PLAYS 131072

enum life_word { LIFE_UNKNOWN, LIFE_BEGUN, LIFE_ENDED };

struct life_truth {
    uint8_t reported;      // enum life_word: what the journal was told
    uint8_t acknowledged;  // what a commit has said to be on the disk
};

// Shared memory.
struct life_memory {
    int64_t plays, first_of_life, runs, boots;
    int64_t wall_ms, mono_ms;
    struct life_truth truth[LIFE_MAX_PLAYS];
};

struct life {
    int number;
    bool power;             // its journal lies on the disk from which the power can be cut
    const char *directory;  // of its courier
    const char *journal;
    const char *url;
    uint64_t chance;  // of this life
    struct life_memory *memory;
};

int life_begin(struct life *life, struct bt_error *err);   // plays, and carries them home
int life_settle(struct life *life, struct bt_error *err);  // nothing more; until all is counted

// Opens the journal, which closes what a kill left open; `prune`: everything older than this moment
// leaves it, as after 400 days.
int life_open(struct life *life, bool prune, struct bt_error *err);

// Appends what the journal has and the file has not: a line that names the journal, then its
// records.
struct life_copied {
    char journal[33];
    int64_t seq;
};
int life_copy(const char *journal, const char *file, struct life_copied *copied,
              struct bt_error *err);

#endif

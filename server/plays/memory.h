/**
 * Where journals stand, kept in memory between transactions: what it says is checked by the
 * compare-and-set of whoever writes. Belongs to the ingest thread.
 */
#ifndef BT_SERVER_PLAYS_MEMORY_H
#define BT_SERVER_PLAYS_MEMORY_H

#include "server/plays/standing.h"

// Beyond that all are forgotten and read again: some 40 MiB.
#define BT_MEMORY_MAX_JOURNALS 16384

struct bt_remembered {
    struct bt_standing standing;
    char *state;             // of the tally, kept
    struct bt_tally *tally;  // while a transaction moves it: it is large; NULL otherwise
    int64_t stored_seq;      // where the database stands
    bool moved;              // in the transaction that is being made
    struct bt_remembered *next;
};

struct bt_memory;
struct bt_memory *bt_memory_create(void) BT_NODISCARD;
void bt_memory_destroy(struct bt_memory *memory);
BT_DEFINE_AUTO(bt_memory)

// NULL: not remembered.
struct bt_remembered *bt_memory_find(struct bt_memory *memory, const char *player,
                                     const char *journal);

// Reads it from the database (server/plays/standing.h); what was remembered of it is forgotten.
int bt_memory_read(struct bt_memory *memory, struct bt_db *db, const struct bt_sender *sender,
                   const char *journal, struct bt_remembered **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_memory_forget(struct bt_memory *memory, const char *player, const char *journal);

// Between transactions: forgets everything when there is too much of it.
void bt_memory_trim(struct bt_memory *memory);

#endif

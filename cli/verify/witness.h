/**
 * One journal as the evidence has it: its batches are read in their order, their signatures and
 * chain are checked, what the server said of it in its daily heads is held against it, and its
 * plays are counted again as the server should have.
 *
 * A witness belongs to one thread at a time; batches are read beforehand on any (bt_testimony).
 */
#ifndef BT_CLI_VERIFY_WITNESS_H
#define BT_CLI_VERIFY_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/error.h"
#include "cli/verify/marks.h"
#include "cli/verify/recount.h"
#include "cli/verify/verdict.h"
#include "plays/batch.h"
#include "trust/key.h"

// What the server says of the journal.
struct bt_witness_facts {
    char player[BT_BATCH_PLAYER_BYTES], journal[BT_JOURNAL_ID_BYTES];
    char screen[32], unit[32], public_key[65];
    char time_zone[64], state[16];
    int64_t replaced_ms;  // since then another player shows the screen; 0: none
    int64_t last_seq;
    struct bt_sha256 last_hash;
};

// Where its plays are counted. `screens` has a row for each row and screen, for counting those.
struct bt_witness_counts {
    const struct bt_recount_plan *plan;
    struct bt_recount *rows, *screens;
};
#define BT_RECOUNT_SCREEN 0x1E  // between a row's key and a screen

struct bt_witness;

/**
 * `verdict` and `marks` are borrowed. `place` is the unit its plays are reported under.
 * `until_seq`: records after it are checked and not counted, as for a report that was made before
 * they came.
 * Errors: -EINVAL no key, -ENOENT unknown time zone.
 */
int bt_witness_create(const struct bt_witness_facts *facts, const char *place,
                      const struct bt_marks *marks, int64_t until_seq, struct bt_verdict *verdict,
                      struct bt_witness **out, struct bt_error *err) BT_NODISCARD;
void bt_witness_destroy(struct bt_witness *witness);
BT_DEFINE_AUTO(bt_witness)

/**
 * A batch, read and its signature looked at: what costs the most, and can be done on any thread
 * while the witness lives.
 */
struct bt_testimony;
struct bt_testimony *bt_testimony_read(const struct bt_witness *witness, int64_t received_ms,
                                       const void *packed, size_t len) BT_NODISCARD;
void bt_testimony_destroy(struct bt_testimony *testimony);
BT_DEFINE_AUTO(bt_testimony)

// The next batch. Errors are those of counting; what is wrong with the batch is a finding.
int bt_witness_take(struct bt_witness *witness, const struct bt_testimony *testimony,
                    const struct bt_witness_counts *counts, struct bt_error *err) BT_NODISCARD;

// No more batches.
int bt_witness_end(struct bt_witness *witness, const struct bt_witness_counts *counts,
                   struct bt_error *err) BT_NODISCARD;

struct bt_witness_sum {
    int64_t batches, records, plays;
    int64_t unreadable, late;  // records nobody could read; plays of a player that was replaced
};
const struct bt_witness_sum *bt_witness_sum(const struct bt_witness *witness);
const struct bt_witness_facts *bt_witness_facts(const struct bt_witness *witness);

#endif

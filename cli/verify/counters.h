/**
 * The threads that read batches for whoever counts: reading and checking one costs the most and
 * depends on no other; counting goes in order, on the caller's thread.
 */
#ifndef BT_CLI_VERIFY_COUNTERS_H
#define BT_CLI_VERIFY_COUNTERS_H

#include <stddef.h>

#include "base/error.h"
#include "cli/verify/witness.h"

#define BT_COUNTERS_MAX 16

struct bt_counters;

// `counts` and what is in it are borrowed. threads 0: one for each processor,
// below: none, the caller reads.
int bt_counters_start(const struct bt_witness_counts *counts, int threads, struct bt_counters **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_counters_destroy(struct bt_counters *counters);
BT_DEFINE_AUTO(bt_counters)

// From here on the lines are this journal's; taken. The one before ends. Errors of all three:
// -EINVAL a line that is no batch, or those of counting.
int bt_counters_begin(struct bt_counters *counters, struct bt_witness *witness,
                      struct bt_error *err) BT_NODISCARD;

// A line of a batch, copied. Counts what has become ready while there is much to do.
int bt_counters_give(struct bt_counters *counters, const char *line, size_t len,
                     struct bt_error *err) BT_NODISCARD;

// No more. *out gets what all journals together had.
int bt_counters_end(struct bt_counters *counters, struct bt_witness_sum *out,
                    struct bt_error *err) BT_NODISCARD;

#endif

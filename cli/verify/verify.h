/**
 * Counting again from evidence (docs/evidence.md), without the server that made it: what holds and
 * what does not. The file is read once; journals are counted on several threads. Memory is bounded
 * by lines on their way, marks and rows, not by the number of plays.
 */
#ifndef BT_CLI_VERIFY_VERIFY_H
#define BT_CLI_VERIFY_VERIFY_H

#include <stdint.h>

#include "base/error.h"
#include "cli/verify/verdict.h"
#include "plays/tally.h"

struct bt_verify_options {
    const char *evidence, *root;  // paths
    const char *report;           // a file that was drawn from the report; NULL: none
    int threads;                  // 0: one for each processor; below: no other than this
    void (*progress)(void *context, int64_t done, int64_t total);  // or NULL
    void *progress_context;
};

struct bt_verify_sum {
    char from_day[16], until_day[16], unit[32];
    char root_sha256[65], newest_root_sha256[65];
    int64_t created_ms;
    int64_t journals, batches, records, plays, heads;
    struct bt_tally_counts counts;  // of the days, whatever the report asks for
};

/**
 * 0 when all of it was looked at: whether it holds stands in the verdict. Errors: it could not be
 * looked at (no such file, no root, no memory). What is no evidence, or was cut off, is a fault.
 */
int bt_verify(const struct bt_verify_options *options, struct bt_verdict *verdict,
              struct bt_verify_sum *out, struct bt_error *err) BT_NODISCARD;

#endif

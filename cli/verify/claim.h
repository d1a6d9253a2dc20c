/**
 * A claim: the kept report that lies in the evidence (docs/reports.md), held against the recount,
 * and the file that somebody was given, held against the report. What differs is named by its cell.
 *
 * The document is read a row at a time: its first line ends with "rows":[, each row is a line, the
 * last line has the rest.
 */
#ifndef BT_CLI_VERIFY_CLAIM_H
#define BT_CLI_VERIFY_CLAIM_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/verify/planned.h"
#include "cli/verify/recount.h"
#include "cli/verify/verdict.h"

#define BT_CLAIM_MAX_BYTES (24 << 20)
#define BT_CLAIM_MAX_COLUMNS 32

struct bt_claim;

/**
 * `line` is the evidence's line about it: "text", "files", "places"; taken. -EINVAL: not a report,
 * or one of other definitions than ours.
 */
int bt_claim_create(cJSON *line, struct bt_claim **out, struct bt_error *err) BT_NODISCARD;
void bt_claim_destroy(struct bt_claim *claim);
BT_DEFINE_AUTO(bt_claim)

const char *bt_claim_id(const struct bt_claim *claim);
const char *bt_claim_title(const struct bt_claim *claim);
const char *bt_claim_root(const struct bt_claim *claim);  // its "root_sha256", or ""

// How the recount is to be made. False: a filter that nobody can apply without the server.
bool bt_claim_plan(const struct bt_claim *claim, struct bt_recount_plan *out);

// Up to which record of a journal was counted when the report was made; 0: it was not known.
int64_t bt_claim_until_seq(const struct bt_claim *claim, const char *player, const char *journal);

// The unit under which a code's plays were reported; the code itself when nothing is said.
const char *bt_claim_place(const struct bt_claim *claim, const char *unit);

int64_t bt_claim_made_ms(const struct bt_claim *claim);

/**
 * Every cell that can be counted again, and which screens showed anything; `screens` as
 * cli/verify/witness.h has it. What was scheduled, and what is short of it, is held against
 * `planned`; NULL: against nothing.
 */
void bt_claim_compare(const struct bt_claim *claim, struct bt_recount *rows,
                      struct bt_recount *screens, struct bt_planned *planned,
                      struct bt_verdict *verdict);

// A file that was drawn from it: CSV and JSON cell by cell, anything by its hash.
int bt_claim_file(const struct bt_claim *claim, const char *path, struct bt_verdict *verdict,
                  struct bt_error *err) BT_NODISCARD;

#endif

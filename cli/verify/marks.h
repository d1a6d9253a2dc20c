/**
 * Marks: where journals stood on the days of the countersigned heads (docs/evidence.md). The server
 * said so then and signed it, so what it hands out now must agree.
 */
#ifndef BT_CLI_VERIFY_MARKS_H
#define BT_CLI_VERIFY_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "cli/verify/verdict.h"
#include "cli/verify/vouch.h"
#include "plays/batch.h"

// Days times journals; a province for half a year.
#define BT_MARKS_MAX 4000000

struct bt_mark {
    char player[BT_BATCH_PLAYER_BYTES], journal[BT_JOURNAL_ID_BYTES];
    char unit[32], screen[32], public_key[65];
    int64_t day;  // since 1970-01-01
    int64_t seq;
    struct bt_sha256 hash;
};

struct bt_marks;
struct bt_marks *bt_marks_create(void) BT_NODISCARD;
void bt_marks_destroy(struct bt_marks *marks);
BT_DEFINE_AUTO(bt_marks)

/**
 * One document, in the order of days. `units` are the codes that are looked at, a JSON list. What
 * is not signed, or does not follow the one before, is a fault; a document that is not signed is
 * not used.
 */
void bt_marks_add(struct bt_marks *marks, const char *text, const struct bt_vouch *vouch,
                  const cJSON *units, struct bt_verdict *verdict);

/**
 * No more documents: marks are looked up from here on, by any thread. A first document that is
 * older than the day before `from_day` says what had come home by then, and need not be here.
 */
void bt_marks_settle(struct bt_marks *marks, int64_t from_day, struct bt_verdict *verdict);

// Of a journal's first mark: the record up to which the evidence need not have it.
int64_t bt_marks_known(const struct bt_marks *marks, const struct bt_mark *first);

size_t bt_marks_documents(const struct bt_marks *marks);
int64_t bt_marks_first_day(const struct bt_marks *marks);  // -1: there is no document
int64_t bt_marks_last_day(const struct bt_marks *marks);
// The first document is the first that this server ever made: nothing came home before.
bool bt_marks_begin(const struct bt_marks *marks);

// The marks of a journal in the order of days, borrowed; *out_count 0: none.
const struct bt_mark *bt_marks_of(const struct bt_marks *marks, const char *player,
                                  const char *journal, size_t *out_count);

// Does a mark of the same journal under another player stand right there? A machine that was paired
// again goes on with its file.
bool bt_marks_elsewhere(const struct bt_marks *marks, const char *player, const char *journal,
                        int64_t seq, const struct bt_sha256 *hash);

// All marks in the order of players, journals, days.
const struct bt_mark *bt_marks_all(const struct bt_marks *marks, size_t *out_count);

#endif

/**
 * Checks records one after the other; what verify does for a journal and for an export.
 */
#ifndef BT_PLAYS_CHECK_H
#define BT_PLAYS_CHECK_H

#include "plays/reader.h"
#include "plays/verify.h"

struct bt_check {
    struct bt_plays_verdict verdict;  // filled as records come
    int64_t last_seq;
    struct bt_sha256 last_hash;
    bool stopped;  // an orderly stop was the last thing that happened
};

// `after` is the link in front of the first record.
void bt_check_init(struct bt_check *check, int64_t after_seq, const struct bt_sha256 *after_hash);
void bt_check_add(struct bt_check *check, const struct bt_row *row);

// A row of an export, which does not carry the column for pruning.
void bt_check_add_exported(struct bt_check *check, const struct bt_row *row);
void bt_check_fault(struct bt_check *check, enum bt_fault fault, int64_t seq, const char *detail);

// Writes the verdict in words.
void bt_check_conclude(struct bt_check *check);

#endif

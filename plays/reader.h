/**
 * Reads a journal record by record, oldest first, also while a player writes it: a reader sees
 * one moment of it. Changes nothing. Belongs to one thread; while it is open the writer cannot
 * shorten its log, so it should not be kept for long.
 */
#ifndef BT_PLAYS_READER_H
#define BT_PLAYS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/sha256.h"

struct bt_reader;

struct bt_journal_facts {
    char journal[33];
    int64_t base_seq;            // the last record that was pruned, 0: none
    struct bt_sha256 base_hash;  // and its hash; all zero when nothing was pruned
    int64_t last_seq;            // the newest record, or base_seq when there is none
    int64_t open_plays;
    int64_t last_wall_ms;
};

// Text and hash as they are in the database, checked for nothing but length.
struct bt_row {
    int64_t seq;
    struct bt_sha256 hash;
    bool has_sure_ms;
    int64_t sure_ms;
    const char *body;  // borrowed until the next call; not terminated when damaged
    size_t len;
};

// Errors: -ENOENT, -EUCLEAN damaged, -ENOTSUP written by a newer version, -EIO.
int bt_reader_open(const char *path, struct bt_reader **out, struct bt_error *err) BT_NODISCARD;
void bt_reader_destroy(struct bt_reader *reader);
BT_DEFINE_AUTO(bt_reader)

const struct bt_journal_facts *bt_reader_facts(const struct bt_reader *reader);

// 1 and the next record, 0 at the end, -EUCLEAN when the database is damaged there.
int bt_reader_next(struct bt_reader *reader, struct bt_row *out, struct bt_error *err) BT_NODISCARD;

// The next record is the first one whose number is at least `seq`.
void bt_reader_seek(struct bt_reader *reader, int64_t seq);

// The chain's hash after record `seq`: 1, or 0 when that record is not there. The base counts.
int bt_reader_link(struct bt_reader *reader, int64_t seq, struct bt_sha256 *out,
                   struct bt_error *err) BT_NODISCARD;

/**
 * The first record on the way from number `from` to `to`, both included, backwards when `to` is
 * smaller, that was made under a synced clock: 1, or 0. All on the way are looked at.
 */
int bt_reader_find_synced(struct bt_reader *reader, int64_t from, int64_t to, struct bt_row *out,
                          struct bt_error *err) BT_NODISCARD;

// The same as bt_reader_next for the tails of the open plays.
int bt_reader_next_open(struct bt_reader *reader, const char **out_tail,
                        struct bt_error *err) BT_NODISCARD;

#endif

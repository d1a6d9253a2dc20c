/**
 * A batch: records on their way home. A text of lines, compressed with zstd (docs/plays.md,
 * "Coming home"):
 *
 *     {"format":1,"player":"…","journal":"…","first":41,"count":2,"prev":"…","head":"…", …} header
 *     9b0c…                                      Ed25519 signature over the header line, in hex
 *     {"format":1,"seq":41, …}                   the records' exact stored bytes, one on a line
 *     {"format":1,"seq":42, …}
 *
 * The header names the chain's hash before the first record and after the last one, so its
 * signature stands for every byte of them. It is made and read here; keys are the business of
 * whoever calls: this room knows none. A batch without records says that nothing is missing up to
 * `now`.
 *
 * Pure; does not log.
 */
#ifndef BT_PLAYS_BATCH_H
#define BT_PLAYS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/sha256.h"
#include "plays/reader.h"
#include "plays/record.h"

#define BT_BATCH_FORMAT 1
#define BT_BATCH_MAX_RECORDS 1000
#define BT_BATCH_MAX_BYTES (4 << 20)   // of the text
#define BT_BATCH_MAX_PACKED (1 << 20)  // compressed
#define BT_BATCH_MAX_HEADER 8192
#define BT_BATCH_MAX_BOOTS 32
#define BT_BATCH_PLAYER_BYTES 32
#define BT_BATCH_SIGNATURE_BYTES 64

// What is signed is this, then the header line without its line end.
#define BT_BATCH_SIGNED_PREFIX "bangtin-plays\n"

/**
 * How far the monotonic clock of a boot lies behind the wall: wall_ms = mono_ms + offset_ms. Known
 * by the player when any record of that boot was made under a synced clock, wherever in its
 * journal.
 */
struct bt_boot_offset {
    char boot[BT_BOOT_ID_BYTES];
    int64_t offset_ms;
};

struct bt_batch_header {
    char player[BT_BATCH_PLAYER_BYTES];
    char journal[BT_JOURNAL_ID_BYTES];
    int64_t first;                // number of the first record; of the next one when there is none
    int64_t count;                // 0..BT_BATCH_MAX_RECORDS
    struct bt_sha256 prev;        // the chain before the first record
    struct bt_sha256 head;        // and after the last one; `prev` when there is none
    int64_t base_seq;             // records up to this one were pruned on the player
    int64_t since_ms;             // there were journals before this one since then; 0: none known
    bool more;                    // there are newer records than these
    struct bt_record_moment now;  // of the player, when the batch was made; mono_ns whole ms
    char boot[BT_BOOT_ID_BYTES];  // of `now`
    struct bt_boot_offset boots[BT_BATCH_MAX_BOOTS];  // of boots that occur in the batch
    size_t boot_count;
};

/*
 * Making one. Records are added with their hashes until it is full; then it is sealed.
 */

struct bt_batch_maker;

struct bt_batch_maker *bt_batch_maker_create(const struct bt_sha256 *prev,
                                             int64_t first) BT_NODISCARD;
void bt_batch_maker_destroy(struct bt_batch_maker *maker);
BT_DEFINE_AUTO(bt_batch_maker)

// 1: it is in; 0: the batch is full, nothing was added. -EINVAL: not the next number or hash, or no
// record that could stand on a line.
int bt_batch_maker_add(struct bt_batch_maker *maker, const struct bt_row *row,
                       struct bt_error *err) BT_NODISCARD;
size_t bt_batch_maker_count(const struct bt_batch_maker *maker);
int64_t bt_batch_maker_next(const struct bt_batch_maker *maker);  // the number it waits for

// The header line without its line end. first, count, prev and head of `header` are filled in.
int bt_batch_maker_header(const struct bt_batch_maker *maker, struct bt_batch_header *header,
                          struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

// Header, signature, records: compressed.
int bt_batch_maker_seal(const struct bt_batch_maker *maker, const struct bt_buf *header,
                        const uint8_t signature[BT_BATCH_SIGNATURE_BYTES], struct bt_buf *out,
                        struct bt_error *err) BT_NODISCARD;

/*
 * Reading one, from anybody.
 */

// A record in the batch's text, and the chain's hash after it.
struct bt_batch_line {
    size_t at, len;
    struct bt_sha256 hash;
};

struct bt_batch {
    struct bt_batch_header header;
    const char *header_line;  // borrowed from `text`, with header_len: what the signature is over
    size_t header_len;
    uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    struct bt_buf text;           // owned
    struct bt_batch_line *lines;  // owned: where the records are, header.count of them
};

/**
 * Unpacks (one zstd frame that says its size) and reads the header; the chain is computed and must
 * lead from `prev` to `head` over exactly `count` records that begin with the numbers that follow
 * `first`, as bt_record_seal writes them. The rest of a record is bt_record_parse's to judge. The
 * signature is not looked at. On error *out is untouched.
 * Errors: -EMSGSIZE beyond the limits, -EINVAL not a batch, -EBADMSG the chain does not hold,
 * -ENOTSUP another format.
 */
int bt_batch_read(const void *packed, size_t len, struct bt_batch *out,
                  struct bt_error *err) BT_NODISCARD;
void bt_batch_finish(struct bt_batch *batch);

// The records, in order: 1 and the next one with the chain's hash after it, 0 at the end. `cursor`
// begins as {0}. The row is borrowed from the batch.
struct bt_batch_cursor {
    size_t index;
};
int bt_batch_next(const struct bt_batch *batch, struct bt_batch_cursor *cursor, struct bt_row *out);

// The chain's hash after record `seq`, which lies in the batch or is first - 1.
int bt_batch_hash_at(const struct bt_batch *batch, int64_t seq, struct bt_sha256 *out) BT_NODISCARD;

#endif

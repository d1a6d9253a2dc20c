/**
 * The tally: records in, counts out. The one place that knows what is counted where and under which
 * name (docs/plays.md, "Counting"); the server counts with it while batches come in, `bangtin
 * verify` counts with it again, and both must say the same.
 *
 * Records of one journal are given in their order. A card of a set counts as a card; the set counts
 * once, as complete when the last of its cards has come complete, as partial when it is known that
 * it never will. What is known of showings that are still going on is the tally's state; it can be
 * kept between batches.
 *
 * Pure: the same records, offsets and state give the same counts. Not thread-safe.
 */
#ifndef BT_PLAYS_TALLY_H
#define BT_PLAYS_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/compiler.h"
#include "base/error.h"
#include "plays/record.h"

// Printed on every report; grows when a definition changes.
#define BT_TALLY_DEFINITIONS 2

#define BT_TALLY_MAX_STATE 65536  // bytes of a kept state

// Showings of sets that are still going on. When there are more, the one that was heard of longest
// ago is taken to be over. So many fit into a kept state whatever their names.
#define BT_TALLY_MAX_RUNS 32
#define BT_TALLY_EVIDENCE_BYTES 64

// What was shown. Of a set, `asset` is "" where the set is counted and the card's own where a card
// is.
struct bt_tally_subject {
    char publication[BT_PLAY_ID_BYTES], item[BT_PLAY_ID_BYTES];
    char asset[65];
    char type[16];
    char campaign[BT_PLAY_ID_BYTES];
    char layer[16], priority[16];
};

// When, in the screen's time zone, and how it went.
struct bt_tally_key {
    struct bt_tally_subject subject;
    int64_t day;  // days since 1970-01-01
    int hour;     // 0..23
    char reason[BT_PLAY_WORD_BYTES];
    char evidence[BT_TALLY_EVIDENCE_BYTES];  // "present", "page-flip"; "hpd:on" when the display's
                                             // state is known
};

struct bt_tally_counts {
    int64_t complete;  // the official number: showings that were complete
    int64_t partial;   // that were not
    int64_t verified;  // of the complete ones: somebody other than we says the display was on
    int64_t cards;     // complete showings of single cards
    int64_t shown_ms;  // of all, complete or not
    int64_t presented, dropped;
    int64_t repaired;  // of complete + partial: dated by the monotonic clock of the boot
    int64_t undated;   // of complete + partial: dated by a lower bound only
};
void bt_tally_counts_add(struct bt_tally_counts *sum, const struct bt_tally_counts *more);
bool bt_tally_counts_equal(const struct bt_tally_counts *a, const struct bt_tally_counts *b);

/**
 * What is known of the time of a boot, for records that were not made under a synced clock: from a
 * synced record of the same boot, or from whoever received the batch.
 */
struct bt_tally_time {
    bool known;
    int64_t offset_ms;  // wall_ms = mono_ms + offset_ms
};

// A delta, to be added to what stands there under that key.
typedef int (*bt_tally_sink)(const struct bt_tally_key *key, const struct bt_tally_counts *delta,
                             void *context, struct bt_error *err);

struct bt_tally;

// `tz` is borrowed.
struct bt_tally *bt_tally_create(const struct bt_tz *tz) BT_NODISCARD;
void bt_tally_destroy(struct bt_tally *tally);
BT_DEFINE_AUTO(bt_tally)

// A state kept before: JSON text. "" is the state of the beginning. -EINVAL: it is none.
int bt_tally_load(struct bt_tally *tally, const char *state, size_t len,
                  struct bt_error *err) BT_NODISCARD;
int bt_tally_save(const struct bt_tally *tally, struct bt_buf *out) BT_NODISCARD;

/**
 * Counts one record. Plays with the evidence `simulated` count nowhere. An error is the sink's; the
 * tally is then to be thrown away, since a part of the record may have been counted.
 */
int bt_tally_add(struct bt_tally *tally, const struct bt_record *record,
                 const struct bt_tally_time *time, bt_tally_sink sink, void *context,
                 struct bt_error *err) BT_NODISCARD;

// The journal has ended (another has taken its place, or it is read to its end): showings that are
// still going on are partial.
int bt_tally_close(struct bt_tally *tally, bt_tally_sink sink, void *context,
                   struct bt_error *err) BT_NODISCARD;

// When the record's play began, as the tally dates it.
int64_t bt_tally_start_ms(const struct bt_record *record, const struct bt_tally_time *time);

#endif

/**
 * The stored record: one JSON object on one line, format 1 (docs/plays.md). A record is written
 * in two parts: the tail, everything that is known before the record has its place, and the seal,
 * which puts format and sequence number in front. An open play keeps its tail in the journal, so
 * that a later start, even of another version, can seal it without understanding it.
 *
 * Pure; does not log.
 */
#ifndef BT_PLAYS_RECORD_H
#define BT_PLAYS_RECORD_H

#include "base/buf.h"
#include "plays/play.h"

// The longest text a record can have: every field full of characters that need escaping, and all
// segments, stays below half of it.
#define BT_RECORD_MAX_BYTES 16384

#define BT_BOOT_ID_BYTES 40
#define BT_JOURNAL_ID_BYTES 33  // 128 random bits in hex

enum bt_record_kind {
    BT_RECORD_PLAY,
    BT_RECORD_START,  // a player opened the journal
    BT_RECORD_STOP,   // and left it in order
    BT_RECORD_LOSS,   // plays that could not be recorded, declared
    BT_RECORD_OTHER,  // a kind of a later format; part of the chain like the others
};

// Where and when records are written; what is the same for one run of the player.
struct bt_record_origin {
    char journal[BT_JOURNAL_ID_BYTES];
    char boot[BT_BOOT_ID_BYTES];    // /proc/sys/kernel/random/boot_id
    char screen[BT_PLAY_ID_BYTES];  // "" when unknown
    char player[BT_PLAY_ID_BYTES];  // version text
};

struct bt_loss {
    int64_t plays;             // how many
    int64_t start_ms, end_ms;  // first start and last end among them, 0 when not known
    int clock_trust;           // enum bt_clock_trust
    char cause[32];            // "journal unwritable", "journal damaged"
};

// A moment as a record tells it.
struct bt_record_moment {
    int64_t wall_ms, mono_ns;
    int clock_trust;  // enum bt_clock_trust
};

// Tails. A play that is still open is written as it would stand if power went now.
int bt_record_play(const struct bt_play *play, const struct bt_record_origin *origin,
                   struct bt_buf *out) BT_NODISCARD;
int bt_record_start(const struct bt_record_moment *now, const struct bt_record_origin *origin,
                    int64_t recovered, struct bt_buf *out) BT_NODISCARD;
int bt_record_stop(const struct bt_record_moment *now, const struct bt_record_origin *origin,
                   struct bt_buf *out) BT_NODISCARD;
int bt_record_loss(const struct bt_loss *loss, const struct bt_record_origin *origin,
                   struct bt_buf *out) BT_NODISCARD;

int bt_record_seal(int64_t seq, const char *tail, struct bt_buf *out) BT_NODISCARD;

// A record read back. Which members have a meaning depends on the kind; the others are zero.
struct bt_record {
    int64_t seq;
    int kind;  // enum bt_record_kind
    char kind_word[BT_PLAY_WORD_BYTES];
    struct bt_record_origin origin;
    struct bt_play_start start;   // PLAY; mono_ns is cut to whole milliseconds
    struct bt_play_counts total;  // PLAY
    int64_t segment_count;        // PLAY
    char why_ended[BT_PLAY_WORD_BYTES];
    bool complete;
    int64_t start_ms, end_ms;  // wall; START and STOP have start_ms only
    int64_t mono_ms;           // PLAY, START, STOP
    int clock_trust;
    struct bt_loss loss;  // LOSS
    int64_t recovered;    // START: open plays closed as power lost
};

/**
 * Reads a sealed record of format 1. Unknown keys are left alone.
 * Errors: -EMSGSIZE too long, -ENOTSUP another format, -EINVAL not a record.
 */
int bt_record_parse(const char *text, size_t len, struct bt_record *out,
                    struct bt_error *err) BT_NODISCARD;

const char *bt_evidence_word(int evidence);
const char *bt_clock_trust_word(int trust);
const char *bt_sound_word(int sound);  // "" when unknown

#endif

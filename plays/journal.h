/**
 * The journal: the player's append-only record of plays, an SQLite database.
 *
 *     open_play                       record
 *     id  tail                        seq  body                          hash
 *      7  {... so far ...}  ──ends──►  41  {"format":1,"seq":41, ...}    SHA-256(hash 40 ‖ body)
 *      9  {... so far ...}             42  ...
 *
 * A play is in exactly one of the two tables, and moves between them in one transaction, so it can
 * be neither lost nor doubled once it has been committed. Its number and its link in the chain are
 * given when it ends: a ten-minute clip in one zone does not hold up the others. What a power cut
 * leaves in open_play the next open closes as `power lost`, with the last committed counts.
 *
 * Losses are records too, and so is every start and every orderly stop: what is missing is said.
 *
 * The journal does not decide when to commit (recorder.h does), and knows no clock: whoever uses
 * it says what time it is. Single-threaded: an object belongs to one thread at a time. After an
 * error, call bt_journal_rollback; everything since the last commit is then to be reported again.
 */
#ifndef BT_PLAYS_JOURNAL_H
#define BT_PLAYS_JOURNAL_H

#include "base/sha256.h"
#include "plays/play.h"
#include "plays/record.h"

// Records are kept this long after a trusted clock said they were made.
#define BT_JOURNAL_KEEP_MS (400LL * 24 * 3600 * 1000)

// At most this many leave in one call of bt_journal_prune. Little and often: pages that become free
// are used again before the log is moved into the database, and are written once less.
#define BT_JOURNAL_PRUNE_RECORDS 500
#define BT_JOURNAL_PRUNE_EVERY_MS (5 * 60 * 1000)

struct bt_journal;

struct bt_journal_options {
    const char *path;
    const char *screen, *player;  // NULL: ""
    const char *boot;             // NULL: this machine's boot id
    struct bt_record_moment now;
};

/**
 * Opens or creates the journal, closes what a power cut left open and commits a `start` record.
 * The journal is locked against other players (PATH.lock) until destroy.
 * Errors: -EBUSY another player writes it, -ENOTSUP written by a newer version, -EUCLEAN damaged
 * (see bt_journal_set_aside), -ENOSPC, -EROFS, -EIO.
 */
int bt_journal_open(const struct bt_journal_options *options, struct bt_journal **out,
                    struct bt_error *err) BT_NODISCARD;

// Records from here on name the screen.
void bt_journal_set_screen(struct bt_journal *journal, const char *screen);

// What was not committed is rolled back.
void bt_journal_destroy(struct bt_journal *journal);
BT_DEFINE_AUTO(bt_journal)

// Puts the play as it stands now: among the open ones, or as a record when it is closed.
int bt_journal_put(struct bt_journal *journal, const struct bt_play *play,
                   struct bt_error *err) BT_NODISCARD;

int bt_journal_put_loss(struct bt_journal *journal, const struct bt_loss *loss,
                        struct bt_error *err) BT_NODISCARD;

// The player leaves in order; all plays have ended.
int bt_journal_put_stop(struct bt_journal *journal, const struct bt_record_moment *now,
                        struct bt_error *err) BT_NODISCARD;

// Keeps the time for the next start (bt_journal_last_wall_ms); not needed where records made under
// a trusted clock keep coming. An untrusted time only moves forward.
int bt_journal_note_time(struct bt_journal *journal, const struct bt_record_moment *now,
                         struct bt_error *err) BT_NODISCARD;

/**
 * Removes the oldest records when a trusted clock said, more than BT_JOURNAL_KEEP_MS before `now`,
 * that they were made. `now` must be trusted. The chain stays verifiable: the hash of the last
 * record removed becomes its base. Bounded per call, so that a clock that is trusted wrongly does
 * not empty the journal at once. Returns how many were removed, or an error.
 */
int bt_journal_prune(struct bt_journal *journal, int64_t now_ms, struct bt_error *err) BT_NODISCARD;

/**
 * When it returns 0, everything put before is on the disk. -ESTALE: somebody took the file away.
 */
int bt_journal_commit(struct bt_journal *journal, struct bt_error *err) BT_NODISCARD;
void bt_journal_rollback(struct bt_journal *journal);

const char *bt_journal_id(const struct bt_journal *journal);
int64_t bt_journal_last_seq(const struct bt_journal *journal);  // 0: no record yet

// This machine's, as records name it.
int bt_journal_boot_id(char out[BT_BOOT_ID_BYTES], struct bt_error *err) BT_NODISCARD;

/**
 * The last wall time the journal knows, noted or of the last record: a lower bound for a clock that
 * is not trusted; 0 when there is none. Opens the journal for reading, for a moment.
 */
int bt_journal_last_wall_ms(const char *path, int64_t *out, struct bt_error *err) BT_NODISCARD;

/**
 * Moves a damaged journal away, as PATH.damaged-1 .. PATH.damaged-9 (the last is replaced when all
 * are there), so that a new one can begin. Nobody may have it open.
 */
#define BT_JOURNAL_MAX_DAMAGED 9
int bt_journal_set_aside(const char *path, struct bt_error *err) BT_NODISCARD;

#endif

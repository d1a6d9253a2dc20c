/**
 * How far a journal has come home: its row in play_journal, and what a delivery means to it (the
 * table in docs/plays.md, "Coming home").
 */
#ifndef BT_SERVER_PLAYS_STANDING_H
#define BT_SERVER_PLAYS_STANDING_H

#include "plays/tally.h"
#include "server/db/db.h"
#include "server/plays/delivery.h"

// Offsets of the boots heard of last; a machine starts a few times in a month.
#define BT_STANDING_MAX_BOOTS 16

enum bt_standing_state { BT_STANDING_OPEN, BT_STANDING_CLOSED, BT_STANDING_FORKED };
const char *bt_standing_word(enum bt_standing_state state);

struct bt_standing {
    char player[32], journal[BT_JOURNAL_ID_BYTES];
    char screen[32], unit[32];
    bool stored;  // there is a row
    enum bt_standing_state state;
    bool resolved;  // FORKED: people have said that it is settled
    int64_t last_seq;
    struct bt_sha256 last_hash;
    struct bt_boot_offset boots[BT_STANDING_MAX_BOOTS];  // newest last
    size_t boot_count;
    int64_t first_ms, received_ms, known_ms;
    bool stopped;  // the last record is a stop, and the player said that nothing follows
};

/**
 * Reads the row; *state is the tally's kept state, for free (NULL: nobody wants it). Without a row
 * the standing is that of a new journal: nothing counted, or as far as the same journal was counted
 * under another player (a player that was paired again goes on with its file).
 */
int bt_standing_read(struct bt_db *db, const char *player, const char *journal,
                     struct bt_standing *out, char **state, struct bt_error *err) BT_NODISCARD;

enum bt_verdict {
    BT_VERDICT_COUNT,    // count from `from` on
    BT_VERDICT_KNOWN,    // everything in it is counted
    BT_VERDICT_GAP,      // `from` is wanted first
    BT_VERDICT_FORKED,   // does not fit the chain, or the journal was forked before
    BT_VERDICT_BLOCKED,  // another journal of this player is forked, and nobody has settled it
};

struct bt_judgement {
    enum bt_verdict verdict;
    int64_t from;       // COUNT: the first record to count; GAP: the one that is wanted
    int64_t hole_from;  // COUNT: records from here to `from` were pruned on the player; 0: none
};

struct bt_judgement bt_standing_judge(const struct bt_standing *standing,
                                      const struct bt_delivery *delivery);

// The offsets as JSON text: [{"boot":…,"offset_ms":…}].
int bt_standing_write_boots(const struct bt_standing *standing, struct bt_buf *out) BT_NODISCARD;
void bt_standing_keep_boot(struct bt_standing *standing, const char *boot, int64_t offset_ms);

#endif

// For tests and measurements of the ingest: players in a database, journals as players write them,
// batches of them.
#ifndef BT_SERVER_PLAYS_MADE_H
#define BT_SERVER_PLAYS_MADE_H

#include <sodium.h>

#include "plays/batch.h"
#include "plays/tally.h"
#include "server/plays/delivery.h"

#define BT_MADE_BEGIN_MS 1795240000000LL  // in November 2026
#define BT_MADE_MONO_MS 1000000LL         // of the monotonic clock at that moment

struct bt_made_player {
    char id[32], screen[32];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    char public_key[65];
};

// A screen in the root unit and its player, "d-N" on "s-N".
void bt_made_player(struct bt_db *db, int n, struct bt_made_player *out);

struct bt_made_record {
    char *body;
    size_t len;
    struct bt_sha256 hash;
    struct bt_record record;
};

struct bt_made_journal {
    const struct bt_made_player *player;  // borrowed
    char id[BT_JOURNAL_ID_BYTES], boot[BT_BOOT_ID_BYTES];
    struct bt_made_record *records;
    size_t count, capacity;
    int64_t wall_ms, mono_ms;  // of the next record
    int clock_trust;
};

void bt_made_journal_init(struct bt_made_journal *journal, const struct bt_made_player *player,
                          const char *id);
void bt_made_journal_finish(struct bt_made_journal *journal);
void bt_made_boot(struct bt_made_journal *journal, const char *boot);
void bt_made_start(struct bt_made_journal *journal);
void bt_made_stop(struct bt_made_journal *journal);
void bt_made_loss(struct bt_made_journal *journal, int64_t plays, const char *cause);

// A play of ten seconds that ends in order.
struct bt_made_play {
    const char *item, *campaign, *why;  // NULL: none, "schedule"
    int64_t card, cards, run;
    bool incomplete, lit, simulated;
};
void bt_made_play(struct bt_made_journal *journal, const struct bt_made_play *made);

// Records first..first + count - 1 as a batch. `changes` may change the header before it is signed.
void bt_made_batch(const struct bt_made_journal *journal, int64_t first, int64_t count,
                   void (*changes)(struct bt_batch_header *header), struct bt_buf *out);

#endif

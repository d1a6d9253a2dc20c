/**
 * The journal of a simulated player: its records follow from its number and from theirs, so that
 * nothing of it is kept but how far the server has it. Real records, chain, batches, signatures.
 */
#ifndef BT_BENCH_FLEET_DIARY_H
#define BT_BENCH_FLEET_DIARY_H

#include <sodium.h>

#include "plays/batch.h"

struct diary {
    const char *player;  // borrowed
    const uint8_t *secret;
    char journal[BT_JOURNAL_ID_BYTES], boot[BT_BOOT_ID_BYTES];
    int64_t begin_ms, every_ms;  // of the first play; from one to the next
    int64_t counted;             // records that the server has
    struct bt_sha256 hash;       // the chain there
    int64_t sent;                // as far as the batch on its way goes
};

void diary_init(struct diary *diary, const char *player, const uint8_t *secret, int number,
                int64_t begin_ms, int64_t every_ms);

int64_t diary_last(const struct diary *diary, int64_t now_ms);  // records by then

// A batch of what follows the counted, at most 1,000. `clock_off_ms`: its clock is wrong.
void diary_batch(struct diary *diary, int64_t now_ms, int64_t clock_off_ms, struct bt_buf *out);

#endif

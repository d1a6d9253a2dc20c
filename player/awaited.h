/**
 * The live streams of a loader: which are kept connected, which slot waits for one to be ready, and
 * which lost its turn since it was not. A loader's own; one thread.
 */
#ifndef BT_PLAYER_AWAITED_H
#define BT_PLAYER_AWAITED_H

#include "player/prepared.h"

// A track's streams that take turns: more than a few would be a waste of receivers.
#define BT_MAX_KEPT 4

struct bt_awaited {
    bool has_streams;  // the show has any
    bool relieves;     // what is being prepared takes over from a stand-in
    struct {
        struct bt_live *live;  // held
        int64_t until_ns;
    } kept[BT_MAX_KEPT];
    struct bt_live *asked;  // of the newest slot; borrowed from `kept`, like those below
    // The slot that waits.
    bool waits;
    struct bt_slot slot;
    int64_t offset_ns;
    // Lost its turn while what is delivered next was looked for.
    struct bt_live *missing;
    int missing_priority;
    int64_t missing_ns;
    // Lost it to what was delivered last, which has a lower priority.
    struct bt_live *missed;
    int64_t missed_ns;
};

void bt_awaited_init(struct bt_awaited *awaited, const struct bt_show *show);
void bt_awaited_finish(struct bt_awaited *awaited);

// A slot of a stream: connects it, and keeps it until some time after the slot's end.
void bt_awaited_keep(struct bt_awaited *awaited, struct bt_live_house *house,
                     const struct bt_slot *slot, int64_t now_ns);
void bt_awaited_sweep(struct bt_awaited *awaited, int64_t now_ns);  // what nobody asks for any more

void bt_awaited_wait(struct bt_awaited *awaited, const struct bt_slot *slot, int64_t offset_ns);
bool bt_awaited_waits(const struct bt_awaited *awaited);
bool bt_awaited_resume(struct bt_awaited *awaited, struct bt_slot *out, int64_t *out_offset_ns);
bool bt_awaited_drop(struct bt_awaited *awaited);  // true when one was waiting

// The slot's stream loses its turn.
void bt_awaited_miss(struct bt_awaited *awaited, const struct bt_slot *slot, int64_t offset_ns);

// What is shown instead; NULL: the safe card.
void bt_awaited_delivered(struct bt_awaited *awaited, const struct bt_prepared *prepared);
void bt_awaited_forget(struct bt_awaited *awaited);

bool bt_awaited_misses(const struct bt_awaited *awaited);
bool bt_awaited_relieves(const struct bt_awaited *awaited);      // what was missed is ready
int64_t bt_awaited_missed_ns(const struct bt_awaited *awaited);  // since when

#endif

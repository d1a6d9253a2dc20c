/**
 * What the recorder knows of plays and the journal has not taken yet: the open plays, and the
 * ended ones in the order in which they ended. Plain lists without a lock of their own; whoever
 * shares them protects them.
 */
#ifndef BT_PLAYS_PENDING_H
#define BT_PLAYS_PENDING_H

#include <sys/queue.h>

#include "plays/play.h"
#include "plays/record.h"

// Ended plays kept while the disk takes none, 14 MB: nine hours of three zones of 10-second cards.
#define BT_PENDING_MAX_ENDED 10000

// Open plays: one a zone and those pre-empted. Beyond it the oldest is ended.
#define BT_PENDING_MAX_OPEN 256

struct bt_pending_play {
    TAILQ_ENTRY(bt_pending_play) link;
    struct bt_play play;
    uint64_t version, saved;  // changes so far, and how many of them the journal has
    bool taken;               // a copy is being written; must not be dropped
};
TAILQ_HEAD(bt_pending_list, bt_pending_play);

struct bt_pending {
    struct bt_pending_list open, ended;
    size_t open_count, ended_count;
    struct bt_loss loss;  // dropped and not yet declared
    int64_t dropped;      // declared or not
};

// A copy that is on its way to the journal.
struct bt_pending_copy {
    struct bt_pending_play *from;
    uint64_t version;
    struct bt_play play;
};

void bt_pending_init(struct bt_pending *pending);
void bt_pending_finish(struct bt_pending *pending);

void bt_pending_begin(struct bt_pending *pending, uint64_t id, const struct bt_play_start *start);

// The open play with that id, borrowed; NULL when there is none.
struct bt_pending_play *bt_pending_find(struct bt_pending *pending, uint64_t id);

// To be called after each change of the play. A closed one joins the ended ones; when these are
// too many, the oldest that the journal has never seen is dropped and counted.
void bt_pending_changed(struct bt_pending *pending, struct bt_pending_play *play);

void bt_pending_stop_all(struct bt_pending *pending);  // ends what is open

// Copies of what the journal does not have, ended plays first. Returns how many.
size_t bt_pending_take(struct bt_pending *pending, struct bt_pending_copy *out, size_t max);

// The copies are committed, or were not.
void bt_pending_saved(struct bt_pending *pending, const struct bt_pending_copy *copies,
                      size_t count);
void bt_pending_returned(struct bt_pending *pending, const struct bt_pending_copy *copies,
                         size_t count);

// A new journal has begun that knows no open play.
void bt_pending_forget_saved(struct bt_pending *pending);

size_t bt_pending_waiting(const struct bt_pending *pending);  // plays with unsaved news

#endif

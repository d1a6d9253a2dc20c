/**
 * Evidence: turns presents of one zone into plays for the recorder. A play begins with its first
 * present, is counted with every further one, and ends with the present that replaced it.
 * A play that a higher priority interrupted is kept open until it is resumed, or until something
 * else of its own priority shows that it will not be. Endless items are not resumed.
 *
 * What is known of the display is the darkest that it was while the play was on: lit all the time,
 * or not verified.
 */
#ifndef BT_PLAYER_EVIDENCE_H
#define BT_PLAYER_EVIDENCE_H

#include "player/running_order.h"
#include "playlists/timeline.h"
#include "plays/recorder.h"
#include "sync/panel.h"

// Interruptions may nest, one per priority below the highest.
#define BT_MAX_SUSPENDED 4

struct bt_suspended {
    uint64_t play;
    char item[BT_PLAY_ID_BYTES];
    char priority[BT_PLAY_WORD_BYTES];
    int64_t card, run;
    enum bt_panel darkest;
};

struct bt_evidence_log {
    struct bt_recorder *recorder;    // borrowed; NULL: nothing is recorded
    struct bt_running_order *order;  // borrowed
    enum bt_evidence kind;
    enum bt_panel panel;           // the display, now
    enum bt_panel darkest;         // while the open play was on
    uint64_t play;                 // open now; 0: none
    struct bt_play_start start;    // of the open play
    struct bt_play_counts counts;  // of its present segment
    int64_t segment_ns;            // first present of the segment
    int64_t reported_ns;           // last progress
    struct bt_suspended suspended[BT_MAX_SUSPENDED];
    size_t suspended_count;
};

void bt_evidence_init(struct bt_evidence_log *evidence, struct bt_recorder *recorder,
                      struct bt_running_order *order, enum bt_evidence kind);

// What was interrupted will not be resumed.
void bt_evidence_forget(struct bt_evidence_log *evidence);

// First present of an item. `start` is copied; its times are filled in here.
void bt_evidence_begin(struct bt_evidence_log *evidence, const struct bt_play_start *start,
                       enum bt_start_reason why, int64_t presented_ns);

// A present that shows the open play: a new frame or the same again.
void bt_evidence_count(struct bt_evidence_log *evidence, bool is_new, int64_t presented_ns);

// The present that replaced it, or its last sign of life. `dropped` is of the whole segment.
void bt_evidence_end(struct bt_evidence_log *evidence, enum bt_end_reason why, int64_t dropped,
                     int64_t presented_ns);

#endif

/**
 * A play: one showing of one item (of a set: of one card), as evidence. Format of the stored
 * record: docs/plays.md.
 */
#ifndef BT_PLAYS_PLAY_H
#define BT_PLAYS_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define BT_PLAY_FORMAT 1
#define BT_PLAY_ID_BYTES 64

enum bt_clock_trust {
    BT_CLOCK_UNKNOWN,  // wall time is a lower bound: last persisted time + uptime
    BT_CLOCK_SYNCED,   // the kernel says the clock is synchronised, or a signed time was seen
};

enum bt_evidence {
    BT_EVIDENCE_PRESENT,    // handed to the window system
    BT_EVIDENCE_PAGE_FLIP,  // the display's own flip, or vsync that was measured
    BT_EVIDENCE_SIMULATED,  // headless
};

// What is known when a play starts. All texts are UTF-8 and copied by whoever keeps them.
struct bt_play_start {
    char item[BT_PLAY_ID_BYTES];
    char asset[65];  // SHA-256 of the content, hex; "" for drawn items
    char kind[16];   // item type word: "image", "video", ...
    char zone[BT_PLAY_ID_BYTES];
    char publication[BT_PLAY_ID_BYTES];
    int64_t publication_version;
    char layer[16], priority[16];     // words
    char campaign[BT_PLAY_ID_BYTES];  // "" for none
    int64_t card, cards;              // card number from 1 and how many; 0, 0 if not a set
    int64_t run;                      // this showing of the item; cards of a set share it
    char why_started[16];             // bt_start_reason_word
    int64_t planned_ms;               // the whole item or card; 0 when endless
    int64_t frames_expected;          // of the whole clip; 0 for what is not a clip
    int64_t mono_ns, wall_ms;         // first present
    int clock_trust;                  // enum bt_clock_trust
    int evidence;                     // enum bt_evidence
};

// What the display loop has presented so far in the present segment.
struct bt_play_counts {
    int64_t shown_ms;   // monotonic, first present of the segment to its last evidence
    int64_t presented;  // distinct frames presented
    int64_t repeated;   // presents of a frame that was already there (evidence of a still)
    int64_t dropped;    // frames that were due and never presented
};

#endif

/**
 * A play: one showing of one item (of a set: of one card), as evidence. Format of the stored
 * record: docs/plays.md.
 */
#ifndef BT_PLAYS_PLAY_H
#define BT_PLAYS_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define BT_PLAY_FORMAT 1
#define BT_PLAY_ID_BYTES 64
#define BT_PLAY_WORD_BYTES 16

// A play interrupted more often than this keeps counting in its last segment.
#define BT_PLAY_MAX_SEGMENTS 16

// Words of bt_end_reason_word that mean something here; any other word is kept as it is.
#define BT_PLAY_END_SCHEDULE "schedule"
#define BT_PLAY_END_WINDOW "window"
#define BT_PLAY_END_PREEMPTED "preempted"
#define BT_PLAY_END_STOPPED "stopped"
#define BT_PLAY_END_POWER_LOST "power lost"  // only the journal's next start writes this

enum bt_clock_trust {
    BT_CLOCK_UNKNOWN,  // wall time is a lower bound: last persisted time + uptime
    BT_CLOCK_SYNCED,   // the kernel says the clock is synchronised, or a signed time was seen
};

enum bt_evidence {
    BT_EVIDENCE_PRESENT,    // handed to the window system
    BT_EVIDENCE_PAGE_FLIP,  // the display's own flip, or vsync that was measured
    BT_EVIDENCE_SIMULATED,  // headless
};

enum bt_sound {
    BT_SOUND_UNKNOWN,
    BT_SOUND_ON,
    BT_SOUND_MUTED,
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

    // What is known of the display beyond our own presents; "" and 0 mean not known.
    char display[BT_PLAY_WORD_BYTES];  // "on", "off", "standby", "none"
    char display_evidence[32];  // who says so: "hpd", "edid", "sender", "mdc", "cec", "sensor"
    int64_t light_percent;      // 1..100 of the display's full light
    int sound;                  // enum bt_sound
    char approval[BT_PLAY_ID_BYTES];  // id of the approval that let the item be shown
};

// What the display loop has presented so far in the present segment.
struct bt_play_counts {
    int64_t shown_ms;   // monotonic, first present of the segment to its last evidence
    int64_t presented;  // distinct frames presented
    int64_t repeated;   // presents of a frame that was already there (evidence of a still)
    int64_t dropped;    // frames that were due and never presented
};

struct bt_play_segment {
    int64_t mono_ns, wall_ms;  // first present
    struct bt_play_counts counts;
};

// A play as far as it has come.
struct bt_play {
    uint64_t id;  // unique among the plays open in one journal, never 0
    struct bt_play_start start;
    struct bt_play_segment segments[BT_PLAY_MAX_SEGMENTS];
    size_t segment_count;                // 1..BT_PLAY_MAX_SEGMENTS
    struct bt_play_counts carried;       // counts of earlier segments merged into the last one
    bool paused;                         // pre-empted, may be resumed
    char why_ended[BT_PLAY_WORD_BYTES];  // "" while open
};

void bt_play_begin(struct bt_play *play, uint64_t id, const struct bt_play_start *start);
void bt_play_count(struct bt_play *play, const struct bt_play_counts *counts);
void bt_play_resume(struct bt_play *play, int64_t mono_ns, int64_t wall_ms);

// BT_PLAY_END_PREEMPTED pauses the play; any other word closes it.
void bt_play_end(struct bt_play *play, const struct bt_play_counts *counts, const char *why);
void bt_play_abandon(struct bt_play *play);  // closes a paused play as pre-empted
bool bt_play_closed(const struct bt_play *play);

// What was known of the display when it began no longer holds; of a play that is open.
void bt_play_set_display(struct bt_play *play, const char *display, const char *evidence);

// All segments together.
struct bt_play_counts bt_play_total(const struct bt_play *play);
int64_t bt_play_end_wall_ms(const struct bt_play *play);

/**
 * Whether the play counts as complete if it ends for the given reason: 98 % of the clip's frames,
 * or of the planned time where there are no frames to expect; what is endless is complete when
 * the schedule closed it.
 */
bool bt_play_complete(const struct bt_play *play, const char *why_ended);

#endif

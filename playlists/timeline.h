/**
 * The timeline: which item a zone shows when. A pure function of (show, anchor, interruptions,
 * time): the same calls give the same slots, so the code that plays live also renders one moment,
 * dry-runs a month and keeps several players in step.
 *
 * One timeline holds the state of all tracks: where each rotation stands, what each campaign has
 * been given, which clip was interrupted inside. bt_timeline_next moves one track forward by one
 * slot; tracks do not know of each other.
 *
 * Rules that embody decisions (docs/architecture.md, "Timeline"):
 * - An item starts at the due end of the one before, never at "now".
 * - A higher priority takes over the instant its window opens and it has something to show. A clip
 *   (or a set, or a card) it interrupts is resumed inside, at its place, when the window closes,
 *   unless its own window or dates have ended meanwhile. The same goes for a track that is left
 *   out of the layout for a while. Endless items are not resumed; they start anew.
 * - Validity, dates and windows are never exceeded. An item is not started if it cannot finish
 *   before them, unless it is longer than the whole window or nothing else fits; then it is cut.
 *   An item that was cut because nothing fitted keeps its turn.
 * - Endless items (clock, crawl, colour) close every full hour of local time and start anew, so
 *   that their plays are counted hourly; nothing is seen of it.
 * - The rules of one zone and one priority: those with a share get that percentage of the time,
 *   the others divide the rest by their weights. Inside a rule's playlist campaigns divide the
 *   time by their weights, where one without a weight counts 1, and so do the items without a
 *   campaign together; when no campaign has a weight, items follow their playlist. Rules that
 *   name the same playlist for a zone go on with it together. Over a day each share is kept within
 *   max(1 %, one longest item / open time).
 * - Clock not trusted: times of day, weekdays and recurrences are ignored, dates hold against the
 *   given (lower bound) time, clock items hide.
 */
#ifndef BT_PLAYLISTS_TIMELINE_H
#define BT_PLAYLISTS_TIMELINE_H

#include "playlists/show.h"

struct bt_moment {
    int64_t wall_ns;  // nanoseconds UTC since 1970
    bool trusted;     // false: the wall clock is a lower bound only
};

enum bt_start_reason {
    BT_START_SCHEDULE,  // its turn
    BT_START_RESUME,    // goes on where a higher priority cut in
    BT_START_PREEMPT,   // cut in itself
    BT_START_FALLBACK,
};

enum bt_end_reason {
    BT_END_SCHEDULE,   // reached its end, or its hour for endless items
    BT_END_PREEMPTED,  // a higher priority cut in; may be resumed
    BT_END_WINDOW,     // its window or validity closed
    BT_END_REMOVED,    // a new publication or a takedown removed it
    BT_END_ERROR,      // could not be shown further
    BT_END_DISPLAY,    // the display went away
    BT_END_POWER,      // power lost; only the journal's next start writes this
    BT_END_STOPPED,    // the player was told to stop
};

/**
 * One stretch of one track. item == NULL means that the track shows nothing (it is not part of
 * the layout in force, or nothing is scheduled and no fallback exists).
 */
struct bt_slot {
    const struct bt_publication *publication;  // borrowed from the show, with all below
    const struct bt_item *item;
    const struct bt_rule *rule;
    size_t card;        // of a set; else 0
    int64_t serial;     // counts the track's slots from 1; 0 is none
    int64_t run;        // number of this showing of the item on this track, from 1;
                        // the cards of one set, and a resumed rest, share it
    int64_t start_ns;   // UTC
    int64_t end_ns;     // UTC, due end, > start_ns; INT64_MAX: nothing will ever change
    int64_t offset_ns;  // how much of the card was shown before (resumed)
    int64_t length_ns;  // the whole card; INT64_MAX when endless
    int64_t limit_ns;   // UTC; the schedule takes over here whatever the item's length
    enum bt_start_reason why_start;
    enum bt_end_reason why_end;  // what end_ns is
};

struct bt_timeline;

// The show must outlive the timeline. The anchor is when the loop starts; before it nothing shows.
struct bt_timeline *bt_timeline_create(const struct bt_show *show,
                                       struct bt_moment anchor) BT_NODISCARD;
void bt_timeline_destroy(struct bt_timeline *timeline);
BT_DEFINE_AUTO(bt_timeline)

/**
 * The track's next slot, starting at `at`, which is the due end of the slot before; later when
 * nothing could be shown for a while; or earlier when the slot before ended early, which then
 * counts as finished and for what was shown of it. Bounded work: microseconds.
 */
void bt_timeline_next(struct bt_timeline *timeline, size_t track_index, struct bt_moment at,
                      struct bt_slot *out);

/**
 * The slot last given for the track was not shown (damaged asset): its time counts for nobody, it
 * is not resumed, and its item is not chosen again before that slot's due end. The next slot may
 * start where it would have. When all items of a priority are skipped, the next lower one shows,
 * and when nothing is left the slot is empty: time for the safe card.
 */
void bt_timeline_skip(struct bt_timeline *timeline, size_t track_index);

/**
 * The slot last given was not ready to be shown: it is skipped likewise, but its item may be chosen
 * again from that instant on.
 */
void bt_timeline_not_yet(struct bt_timeline *timeline, size_t track_index, int64_t again_ns);

/**
 * The slot with that serial is on the screen now, and is the newest given for the track: its state
 * is remembered for a succession. False (and nothing remembered) when it is not the newest.
 */
bool bt_timeline_keep(struct bt_timeline *timeline, size_t track_index, int64_t serial);

// The interrupted run was shown up to that offset, which only the screen knew.
void bt_timeline_interrupted_at(struct bt_timeline *timeline, size_t track_index, int64_t run,
                                int64_t offset_ns);

/**
 * Succession: a track of a new show goes on where a track of the old one stood. Rotations of the
 * same playlist of the same publication keep their place and what their parties are owed, by the
 * ids of the items when the playlist was changed; what was interrupted will be resumed when it is
 * still there, the same, and wanted. A changed publication that is to be activated `now` begins
 * with its own first item; others go on behind what is shown.
 */
struct bt_succession {
    struct bt_timeline *from;  // borrowed for the call
    size_t from_track;
    int64_t serial;    // of the slot on the screen; 0: none
    int64_t shown_ns;  // how long it has been there
    bool urgent;       // what is not in the new show leaves the screen at once
};

enum bt_fate {
    BT_FATE_NONE,        // nothing was on
    BT_FATE_GOES_ON,     // the new show has the item, too, and it is its turn
    BT_FATE_MAY_FINISH,  // it is gone, but may stay to its end
    BT_FATE_PREEMPTED,   // a higher priority cuts in; may be resumed
    BT_FATE_REMOVED,     // it must go now
};

/**
 * What becomes of the slot on the screen; `out` is the new show's slot for it when it goes on. The
 * next slot is then due at its end, otherwise at `at` or, if it may finish, when it does.
 * May be called again for the track, with what is on the screen by then.
 */
enum bt_fate bt_timeline_succeed(struct bt_timeline *timeline, size_t track_index,
                                 const struct bt_succession *succession, struct bt_moment at,
                                 struct bt_slot *out);

const char *bt_start_reason_word(int reason);
const char *bt_end_reason_word(int reason);

#endif

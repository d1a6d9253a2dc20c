/**
 * What a zone shows: a prepared item with its place in time. Decides which frame, which step of a
 * crawl and which face of a clock is on the screen at an instant. Main thread; nothing waits.
 *
 * Frames: each is shown at start + its time. A late frame is still shown, and the next not sooner
 * than half its duration later, so that a short delay is caught up without a gap; frames are
 * dropped only when they are more than two frames late.
 * Stills that move stand at every refresh where their time says.
 * Crawls: each step is exactly speed_px, whatever was late, so that the eye sees no jump.
 */
#ifndef BT_PLAYER_SHOWN_H
#define BT_PLAYER_SHOWN_H

#include "player/grid.h"
#include "player/prepared.h"
#include "render/scene.h"

enum bt_shown_state {
    BT_SHOWN_READY,    // everything due at the instant is there
    BT_SHOWN_WAITING,  // a due frame is not decoded yet
    BT_SHOWN_FAILED,   // the clip or stream broke; prepared->stream or live has the words
};

/**
 * How smoothly it goes, by the clock of what is shown and not by what the decoder brought: a frame
 * that does not come is missing as soon as its time is over. Both only grow.
 */
struct bt_frame_counts {
    int64_t due;      // frames, steps and faces that were to be on the screen by now
    int64_t missing;  // of these, that came more than a refresh late, or not at all
};

struct bt_shown {
    struct bt_prepared *prepared;    // owned; NULL: nothing at all
    int64_t start_ns;                // when it started, on the screen's grid or not
    int64_t planned_end_ns;          // by the schedule
    uint64_t serial;                 // of what it looks like now
    bool is_new;                     // a frame (or still) that no present has shown yet
    int64_t dropped;                 // frames taken since it started and never presented
    struct bt_frame_counts *counts;  // borrowed; NULL: nobody counts
    // Clips.
    struct bt_frame *frame;      // on the screen, owned
    struct bt_frame *old_frame;  // on the screen before; kept until the next present
    int64_t frame_shown_ns;      // when the frame was put up
    int64_t waiting_since_ns;    // since when a due frame is missing; 0: none is
    int64_t owed;                // frames that were counted as missing and have not come yet
    bool counted_missing;        // the frame was
    // Crawls.
    int64_t moved_px;
    int64_t step_due_ns;  // of stills that move, too; INT64_MAX: it has arrived
    // Stills that move.
    int64_t moved_ns;  // of their length
    // Clocks.
    struct bt_image *face, *old_face;  // the next one, owned; the one before, kept likewise
    int64_t face_at_ns;
};

// Takes the item. `previous` may be NULL; an endless item of the same content goes on where it was.
void bt_shown_start(struct bt_shown *shown, struct bt_prepared *prepared, int64_t start_ns,
                    const struct bt_shown *previous);

// It came on the screen that much later than it started: everything of it moves along, up to the
// limit. For what nothing stood before, so that the first item is not cut short by its own making.
void bt_shown_delay(struct bt_shown *shown, int64_t by_ns);

// The next face of a clock; takes it.
void bt_shown_set_face(struct bt_shown *shown, struct bt_image *face, int64_t at_ns);

// When it ends: the schedule's word, or where the clip really ends once that is known.
int64_t bt_shown_end_ns(const struct bt_shown *shown);

// When the picture changes next; INT64_MAX: never by itself. `now_ns` when a frame is missing.
int64_t bt_shown_due_ns(const struct bt_shown *shown, int64_t now_ns);

// Brings it to the instant.
enum bt_shown_state bt_shown_advance(struct bt_shown *shown, const struct bt_grid *grid,
                                     int64_t at_ns);

// What it looks like, in a zone of that size. Borrowed until the next advance but one.
void bt_shown_view(const struct bt_shown *shown, const struct bt_rect *zone, struct bt_visual *out);

// The picture was presented: what was kept for it may go.
void bt_shown_presented(struct bt_shown *shown);

// Position inside the item in milliseconds, for the frame log; -1 for what has none.
int64_t bt_shown_pts_ms(const struct bt_shown *shown);

// Frees the pictures and gives the prepared item back for destruction elsewhere (may be NULL).
struct bt_prepared *bt_shown_finish(struct bt_shown *shown) BT_NODISCARD;

#endif

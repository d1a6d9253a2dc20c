/**
 * What a timeline is made of. Private to timeline.c, which moves tracks forward, and succession.c,
 * which carries their state from one timeline to another.
 */
#ifndef BT_PLAYLISTS_TIMELINE_TRACK_H
#define BT_PLAYLISTS_TIMELINE_TRACK_H

#include "playlists/programme.h"
#include "playlists/rotation.h"
#include "playlists/timeline.h"

#define PRIORITIES (BT_PRIORITY_EMERGENCY + 1)

// What a track shows when it shows nothing, below all priorities.
#define NOTHING (-1)

// A showing of an item, under way or interrupted.
struct run {
    bool active;
    size_t source;
    size_t item, card;
    int64_t offset_ns;
    int64_t number;
    int64_t deadline_ns;  // its window or its dates end then
};

// A feed of a track's zone.
struct source {
    size_t entry;  // of the programme
    int priority;
    struct bt_rotation *rotation;  // shared with sources of the same playlist
};

// What of a rotation moves on.
struct rotation_memory {
    struct bt_party *parties;
    size_t *cursors;
};

/**
 * A track as it stood when the slot on the screen was the newest: the timeline itself is always
 * one slot ahead of the screen, and what it has planned beyond may never be shown.
 */
struct memory {
    bool valid;
    struct bt_party *parties;           // per source
    struct rotation_memory *rotations;  // as many as the track has
    size_t rotation_count;
    struct run pending[PRIORITIES];
    struct run shown;
    struct bt_slot last;
};

struct track {
    size_t index;
    struct source *sources;  // the highest priority first
    size_t source_count, source_capacity;
    struct bt_rotation **rotations;
    size_t rotation_count, rotation_capacity;
    struct bt_party *parties;  // per source; weight 0: does not compete at present

    // The competing sources, as of [from_ns, until_ns).
    size_t *chosen;
    size_t chosen_count;
    int level;  // their priority, or NOTHING
    bool visible, trusted;
    int64_t from_ns, until_ns;

    // When something above `takeover_level` takes the track over, if asked in [from, at).
    int takeover_level;
    bool takeover_trusted;
    int64_t takeover_from_ns, takeover_at_ns;

    struct run pending[PRIORITIES];  // to be gone on with; deeper ones were cut into
    struct run shown;                // what `last` shows
    struct bt_slot last;
    bool settled, skipped;   // `last` is accounted for; could not be shown
    int64_t avoid_until_ns;  // its item, when it was skipped
    int64_t run_count, serial_count;

    bool prefers;     // the next item comes from a preferred source, once
    bool *preferred;  // per source
    struct memory memory;
};

struct bt_timeline {
    const struct bt_show *show;
    struct bt_moment anchor;
    struct bt_programme *programme;
    struct track *tracks;
    size_t track_count;
};

void bt_track_init(struct bt_timeline *timeline, struct track *track, size_t index);
void bt_track_finish(struct track *track);
void bt_track_forget(struct memory *memory);

const struct bt_entry *bt_track_look(struct bt_timeline *timeline, const struct track *track,
                                     size_t source, struct bt_moment at);

// Finds who competes at the instant, unless it is known.
void bt_track_refresh(struct bt_timeline *timeline, struct track *track, struct bt_moment at);

/**
 * Whether something above `level` wants the track, or it is not to be seen at all. From nothing it
 * takes both, something to show and a place in the layout.
 */
bool bt_track_taken_over(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                         int level, int64_t *out_until_ns);

// What follows the slot last given, now that it is known how long it was really shown.
void bt_track_settle(struct track *track, int64_t at_ns);

// Whose turn it is among those who compete.
bool bt_track_pick(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                   bool may_cut, struct run *out);

// The slot that shows the run from the instant on.
void bt_track_fill_slot(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                        const struct run *run, struct bt_slot *out);

#endif

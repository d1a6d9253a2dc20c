// How the state of a track moves from the timeline of one show to that of another.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "playlists/item_same.h"
#include "playlists/timeline_track.h"

// What the steps of one succession work on.
struct heritage {
    struct bt_timeline *timeline;
    struct track *track;
    const struct bt_timeline *old_timeline;
    const struct track *old;
    const struct memory *memory;
    const struct bt_succession *succession;
    struct bt_moment at;
};

void bt_track_forget(struct memory *memory)
{
    for (size_t i = 0; i < memory->rotation_count; i++) {
        free(memory->rotations[i].parties);
        free(memory->rotations[i].cursors);
    }
    free(memory->rotations);
    free(memory->parties);
    *memory = (struct memory){0};
}

static void *copy_of(const void *array, size_t count, size_t size)
{
    void *copy = bt_alloc_array(count, size);
    memcpy(copy, array, count * size);
    return copy;
}

static void remember(struct track *track)
{
    struct memory *memory = &track->memory;
    bt_track_forget(memory);
    memory->valid = true;
    memory->parties = copy_of(track->parties, track->source_count, sizeof(*track->parties));
    memory->rotation_count = track->rotation_count;
    memory->rotations = BT_NEW_ARRAY(struct rotation_memory, track->rotation_count);
    for (size_t i = 0; i < track->rotation_count; i++) {
        const struct bt_rotation *rotation = track->rotations[i];
        size_t parties = rotation->lineup->party_count;
        memory->rotations[i].parties =
            copy_of(rotation->parties, parties, sizeof(*rotation->parties));
        memory->rotations[i].cursors =
            copy_of(rotation->cursors, parties, sizeof(*rotation->cursors));
    }
    memcpy(memory->pending, track->pending, sizeof(memory->pending));
    memory->shown = track->shown;
    memory->last = track->last;
}

bool bt_timeline_keep(struct bt_timeline *timeline, size_t track_index, int64_t serial)
{
    struct track *track = &timeline->tracks[track_index];
    if (serial == 0 || track->last.serial != serial) {
        return false;
    }
    remember(track);
    return true;
}

void bt_timeline_interrupted_at(struct bt_timeline *timeline, size_t track_index, int64_t run,
                                int64_t offset_ns)
{
    struct track *track = &timeline->tracks[track_index];
    for (size_t i = 0; i < PRIORITIES; i++) {
        if (track->pending[i].active && track->pending[i].number == run) {
            track->pending[i].offset_ns = offset_ns;
        }
    }
}

static bool same_playlist_name(const struct bt_lineup *a, const struct bt_lineup *b)
{
    return bt_str_equal(a->publication->id, b->publication->id) &&
           bt_str_equal(a->playlist->name, b->playlist->name);
}

static int find_rotation(const struct track *track, const struct bt_lineup *wanted)
{
    for (size_t i = 0; i < track->rotation_count; i++) {
        if (same_playlist_name(track->rotations[i]->lineup, wanted)) {
            return (int)i;
        }
    }
    return -1;
}

// The same items in the same order, and the same parties among them.
static bool same_lineup(const struct bt_lineup *a, const struct bt_lineup *b)
{
    if (a->playlist->item_count != b->playlist->item_count || a->party_count != b->party_count) {
        return false;
    }
    for (size_t i = 0; i < a->playlist->item_count; i++) {
        if (a->items[i].party != b->items[i].party || a->items[i].next != b->items[i].next ||
            !bt_item_same(a->publication, &a->playlist->items[i], b->publication,
                          &b->playlist->items[i])) {
            return false;
        }
    }
    return true;
}

// An item's place in another version of its playlist, -1 when it is gone. Most keep theirs.
static int find_item(const struct bt_lineup *old, size_t item, const struct bt_lineup *lineup)
{
    const char *id = old->playlist->items[item].id;
    const struct bt_playlist *playlist = lineup->playlist;
    if (item < playlist->item_count && bt_str_equal(playlist->items[item].id, id)) {
        return (int)item;
    }
    for (size_t i = 0; i < playlist->item_count; i++) {
        if (bt_str_equal(playlist->items[i].id, id)) {
            return (int)i;
        }
    }
    return -1;
}

static const struct bt_publication *old_version(const struct heritage *heritage, const char *id)
{
    const struct bt_show *show = heritage->old_timeline->show;
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        if (bt_str_equal(bt_show_publication(show, i)->id, id)) {
            return bt_show_publication(show, i);
        }
    }
    return NULL;
}

static const struct bt_publication *new_version(const struct heritage *heritage, const char *id)
{
    const struct bt_show *show = heritage->timeline->show;
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        if (bt_str_equal(bt_show_publication(show, i)->id, id)) {
            return bt_show_publication(show, i);
        }
    }
    return NULL;
}

// It came with this show and does not wait for a boundary.
static bool is_eager(const struct heritage *heritage, const struct bt_publication *publication)
{
    const struct bt_publication *old = old_version(heritage, publication->id);
    bool changed =
        old == NULL || memcmp(&old->sha256, &publication->sha256, sizeof(old->sha256)) != 0;
    return changed && publication->activate != BT_ACTIVATE_BOUNDARY;
}

// The first item at or behind the old cursor that is still there, of the same party.
static void move_cursor(const struct bt_lineup *old, size_t cursor, struct bt_rotation *rotation)
{
    size_t item = cursor;
    do {
        int found = find_item(old, item, rotation->lineup);
        if (found >= 0) {
            rotation->cursors[rotation->lineup->items[found].party] = (size_t)found;
            return;
        }
        item = old->items[item].next;
    } while (item != cursor);
}

static void inherit_rotation(const struct heritage *heritage, struct bt_rotation *rotation)
{
    int index = find_rotation(heritage->old, rotation->lineup);
    if (index < 0) {
        return;
    }
    const struct bt_lineup *old = heritage->old->rotations[index]->lineup;
    const struct rotation_memory *memory = &heritage->memory->rotations[index];
    if (same_lineup(old, rotation->lineup)) {
        memcpy(rotation->cursors, memory->cursors, old->party_count * sizeof(*memory->cursors));
        for (size_t i = 0; i < old->party_count; i++) {
            rotation->parties[i].lag_ns = memory->parties[i].lag_ns;
        }
    } else if (!is_eager(heritage, rotation->lineup->publication)) {
        for (size_t i = 0; i < old->party_count; i++) {
            move_cursor(old, memory->cursors[i], rotation);
        }
    }
}

static const struct bt_feed *feed_of(const struct bt_timeline *timeline, const struct track *track,
                                     size_t source)
{
    return bt_programme_entry(timeline->programme, track->sources[source].entry)->feed;
}

// The new show's source for one of the old: by its rule, else one with its playlist.
static int find_source(const struct heritage *heritage, size_t old_source)
{
    const struct source *old = &heritage->old->sources[old_source];
    const struct bt_feed *feed = feed_of(heritage->old_timeline, heritage->old, old_source);
    int found = -1;
    for (size_t i = 0; i < heritage->track->source_count; i++) {
        const struct source *source = &heritage->track->sources[i];
        if (source->priority != old->priority ||
            !same_playlist_name(source->rotation->lineup, old->rotation->lineup)) {
            continue;
        }
        if (bt_str_equal(feed_of(heritage->timeline, heritage->track, i)->rule->id,
                         feed->rule->id)) {
            return (int)i;
        }
        found = found < 0 ? (int)i : found;
    }
    return found;
}

// What sources are owed adds up to nothing; where one that is owed is gone all begin anew.
static void inherit_lags(const struct heritage *heritage)
{
    struct track *track = heritage->track;
    for (size_t i = 0; i < heritage->old->source_count; i++) {
        int64_t lag_ns = heritage->memory->parties[i].lag_ns;
        int source = find_source(heritage, i);
        if (source >= 0) {
            track->parties[source].lag_ns += lag_ns;
        } else if (lag_ns != 0) {
            for (size_t j = 0; j < track->source_count; j++) {
                track->parties[j].lag_ns = 0;
            }
            return;
        }
    }
}

// The run as one of the new show; false when its item is gone or another one.
static bool move_run(const struct heritage *heritage, const struct run *old, struct run *out)
{
    int source = find_source(heritage, old->source);
    if (source < 0) {
        return false;
    }
    const struct bt_lineup *old_lineup = heritage->old->sources[old->source].rotation->lineup;
    const struct bt_lineup *lineup = heritage->track->sources[source].rotation->lineup;
    int item = find_item(old_lineup, old->item, lineup);
    if (item < 0 || !bt_item_same(old_lineup->publication, &old_lineup->playlist->items[old->item],
                                  lineup->publication, &lineup->playlist->items[item])) {
        return false;
    }
    const struct bt_entry *entry =
        bt_track_look(heritage->timeline, heritage->track, (size_t)source, heritage->at);
    *out = *old;
    out->source = (size_t)source;
    out->item = (size_t)item;
    out->deadline_ns = BT_MIN(entry->closes_ns, lineup->items[item].until_ns);
    return true;
}

static void inherit_pending(const struct heritage *heritage)
{
    for (size_t i = 0; i < PRIORITIES; i++) {
        const struct run *old = &heritage->memory->pending[i];
        struct run moved;
        if (old->active && move_run(heritage, old, &moved)) {
            heritage->track->pending[i] = moved;
        }
    }
}

static bool still_counts(const struct heritage *heritage, const struct run *run)
{
    const struct source *source = &heritage->track->sources[run->source];
    return bt_track_look(heritage->timeline, heritage->track, run->source, heritage->at)->counts &&
           bt_lineup_item_open(&source->rotation->lineup->items[run->item], heritage->at.wall_ns,
                               heritage->at.trusted);
}

// Changed publications that begin now do so with their own items.
static void prefer_the_eager(const struct heritage *heritage)
{
    struct track *track = heritage->track;
    for (size_t i = 0; i < track->source_count; i++) {
        const struct bt_lineup *lineup = track->sources[i].rotation->lineup;
        int old = find_rotation(heritage->old, lineup);
        bool same = old >= 0 && same_lineup(heritage->old->rotations[old]->lineup, lineup);
        track->preferred[i] = !same && is_eager(heritage, lineup->publication);
        track->prefers = track->prefers || track->preferred[i];
    }
}

// Something of the same priority has come that does not wait, and does not begin with the same.
static bool gives_way(const struct heritage *heritage, const struct run *run)
{
    struct track *track = heritage->track;
    if (!track->prefers) {
        return false;
    }
    bt_track_refresh(heritage->timeline, track, heritage->at);
    struct run first;
    if (!bt_track_pick(heritage->timeline, track, heritage->at, false, &first)) {
        return false;
    }
    return first.item != run->item ||
           track->sources[first.source].rotation != track->sources[run->source].rotation;
}

// What is on is not to be shown any more: at once, or when it is over?
static enum bt_fate fate_of_the_gone(const struct heritage *heritage)
{
    const struct bt_slot *last = &heritage->memory->last;
    const struct bt_publication *now = new_version(heritage, last->publication->id);
    bool at_once = heritage->succession->urgent || last->publication->layer == BT_LAYER_EMERGENCY;
    if (now != NULL) {
        bool changed = memcmp(&now->sha256, &last->publication->sha256, sizeof(now->sha256)) != 0;
        // The same text without the item: it was taken down.
        at_once = at_once || !changed || now->activate != BT_ACTIVATE_BOUNDARY;
    }
    return at_once || heritage->track->prefers ? BT_FATE_REMOVED : BT_FATE_MAY_FINISH;
}

static void interrupt(const struct heritage *heritage, const struct run *run, struct bt_slot *slot)
{
    struct track *track = heritage->track;
    slot->end_ns = heritage->at.wall_ns;
    slot->why_end = BT_END_PREEMPTED;
    track->last = *slot;
    track->shown = *run;
    track->settled = false;
    bt_track_settle(track, heritage->at.wall_ns);
}

static void go_on(const struct heritage *heritage, const struct run *run,
                  const struct bt_slot *slot)
{
    struct track *track = heritage->track;
    track->last = *slot;
    track->shown = *run;
    track->settled = false;
    track->prefers = false;
    remember(track);
}

// The new show's slot for what is on the screen.
static void fill_present_slot(const struct heritage *heritage, const struct run *run,
                              struct bt_slot *out)
{
    const struct bt_slot *last = &heritage->memory->last;
    int64_t shown_ns = heritage->succession->shown_ns;
    struct run rest = *run;
    if (last->length_ns != INT64_MAX) {
        rest.offset_ns = BT_MIN(rest.offset_ns + shown_ns, last->length_ns - 1);
    }
    bt_track_fill_slot(heritage->timeline, heritage->track, heritage->at, &rest, out);
    out->start_ns = heritage->at.wall_ns - shown_ns;
    out->offset_ns = run->offset_ns;
    out->why_start = last->why_start;
    out->serial = last->serial;
}

static enum bt_fate succeed_shown(const struct heritage *heritage, struct bt_slot *out)
{
    const struct memory *memory = heritage->memory;
    struct run run;
    if (memory->last.serial != heritage->succession->serial || memory->last.item == NULL) {
        return BT_FATE_NONE;
    }
    if (!move_run(heritage, &memory->shown, &run) || !still_counts(heritage, &run)) {
        return fate_of_the_gone(heritage);
    }
    int64_t until_ns;
    int priority = heritage->track->sources[run.source].priority;
    fill_present_slot(heritage, &run, out);
    if (bt_track_taken_over(heritage->timeline, heritage->track, heritage->at, priority,
                            &until_ns)) {
        interrupt(heritage, &run, out);
        return BT_FATE_PREEMPTED;
    }
    if (gives_way(heritage, &run)) {
        return BT_FATE_REMOVED;
    }
    go_on(heritage, &run, out);
    return BT_FATE_GOES_ON;
}

enum bt_fate bt_timeline_succeed(struct bt_timeline *timeline, size_t track_index,
                                 const struct bt_succession *succession, struct bt_moment at,
                                 struct bt_slot *out)
{
    struct track *track = &timeline->tracks[track_index];
    struct track *old = &succession->from->tracks[succession->from_track];
    if (old->memory.last.serial != succession->serial) {
        (void)bt_timeline_keep(succession->from, succession->from_track, succession->serial);
    }
    bt_track_finish(track);
    bt_track_init(timeline, track, track_index);
    track->run_count = old->run_count;
    track->serial_count = old->serial_count;
    if (!old->memory.valid) {
        return BT_FATE_NONE;
    }
    const struct heritage heritage = {
        .timeline = timeline,
        .track = track,
        .old_timeline = succession->from,
        .old = old,
        .memory = &old->memory,
        .succession = succession,
        .at = at,
    };
    for (size_t i = 0; i < track->rotation_count; i++) {
        inherit_rotation(&heritage, track->rotations[i]);
    }
    inherit_lags(&heritage);
    inherit_pending(&heritage);
    prefer_the_eager(&heritage);
    return succeed_shown(&heritage, out);
}

/**
 * The show: publications of several authorities merged for one screen. Pure: no I/O but what was
 * read before, no clock, no threads.
 *
 * Merging: of several versions of one publication id the highest counts. Canvas and layouts come
 * from the lowest layer that describes them (screen, province, unit). Rules of all layers that name
 * a zone by the same name feed that zone: the highest priority in force wins; within it rules with
 * a share take it first and the rest divide what remains by weight; all of it as one
 * deterministic order. A rule that names no known zone or layout is left out and noted. The order
 * in which the publications are given does not matter.
 *
 * A publication that is to be activated at a time is not valid before it. Live streams are left
 * out unless every publication of the layer screen allows them, and there is one.
 */
#ifndef BT_PLAYLISTS_SHOW_H
#define BT_PLAYLISTS_SHOW_H

#include "base/civil.h"
#include "playlists/publication.h"

struct bt_show;

#define BT_MAX_PUBLICATIONS 32

/**
 * Takes the publications (also on error) and the time zone; the caller keeps the array itself.
 * Errors: -EINVAL nothing describes a canvas or its zones, a zone lies outside the canvas, or two
 * publications contradict each other.
 */
int bt_show_create(struct bt_publication **publications, size_t count, struct bt_tz *tz,
                   struct bt_show **out, struct bt_error *err) BT_NODISCARD;
void bt_show_destroy(struct bt_show *show);
BT_DEFINE_AUTO(bt_show)

// Borrowed from the show, as all pointers below. Publications stand from the lowest layer up.
const struct bt_canvas *bt_show_canvas(const struct bt_show *show);
const struct bt_output_plan *bt_show_output(const struct bt_show *show);  // NULL: nothing is said
const struct bt_tz *bt_show_tz(const struct bt_show *show);
size_t bt_show_publication_count(const struct bt_show *show);
const struct bt_publication *bt_show_publication(const struct bt_show *show, size_t index);

/**
 * Tracks: every zone of every layout, once per name and rectangle, in stacking order (far to
 * near). A track that stands in two layouts plays on through a change of layout.
 */
struct bt_track {
    char name[BT_ID_BYTES];
    struct bt_rect rect;
    int64_t order;
    int64_t volume_percent;  // of several layouts' the least
};
size_t bt_show_track_count(const struct bt_show *show);
const struct bt_track *bt_show_track(const struct bt_show *show, size_t index);

// What the screen's publications allow; of several the least. Without sound_times:
// playlists/volume.h asks the publications for them.
const struct bt_limits *bt_show_limits(const struct bt_show *show);

/**
 * Feeds: the rules of all publications that found their zone or their layout, in the order of the
 * publications.
 */
struct bt_feed {
    const struct bt_publication *publication;
    const struct bt_rule *rule;
};
size_t bt_show_feed_count(const struct bt_show *show);
const struct bt_feed *bt_show_feed(const struct bt_show *show, size_t index);

// The first layout is the one in force when no rule chooses another. -1: not known.
int bt_show_find_layout(const struct bt_show *show, const char *name);
bool bt_show_layout_has(const struct bt_show *show, size_t layout, size_t track);

// How many stream items were left out since the screen's word does not allow live streams.
size_t bt_show_forbidden_streams(const struct bt_show *show);

// What the merge left out, in words, one line each; "" when nothing.
const char *bt_show_notices(const struct bt_show *show);

#endif

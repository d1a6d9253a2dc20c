/**
 * The programme: all feeds of a show with what is known of them at an instant, shared by the
 * tracks. A feed counts when its window is open and it has something to show then; a rule whose
 * items have all expired stands in nobody's way.
 */
#ifndef BT_PLAYLISTS_PROGRAMME_H
#define BT_PLAYLISTS_PROGRAMME_H

#include "playlists/lineup.h"
#include "playlists/schedule.h"
#include "playlists/timeline.h"

struct bt_entry {
    const struct bt_feed *feed;  // borrowed from the show
    struct bt_schedule *schedule;
    struct bt_lineup *lineup;  // shared by entries with the same playlist; NULL without one
    int layout;                // -1: chooses none
    // As of the last look.
    bool counts;
    bool trusted;
    int64_t opens_ns, closes_ns;  // its window, when it counts
    int64_t from_ns, until_ns;    // nothing changes in here
};

struct bt_programme;

// The show must outlive the programme.
struct bt_programme *bt_programme_create(const struct bt_show *show) BT_NODISCARD;
void bt_programme_destroy(struct bt_programme *programme);
BT_DEFINE_AUTO(bt_programme)

// Index as in bt_show_feed. The entry as it stands.
const struct bt_entry *bt_programme_entry(const struct bt_programme *programme, size_t index);

// The entry as of the instant, valid until the next look at it.
const struct bt_entry *bt_programme_look(struct bt_programme *programme, size_t index,
                                         struct bt_moment at);

/**
 * The layout in force: of the rule with the highest priority, among equals that of the highest
 * layer, then the first; without one the first layout. Nothing changes before *out_until_ns.
 */
size_t bt_programme_layout(struct bt_programme *programme, struct bt_moment at,
                           int64_t *out_until_ns);

#endif

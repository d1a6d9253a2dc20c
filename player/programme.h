/**
 * The programme: the show and its timeline on this player's clocks. Turns the timeline's wall time
 * into monotonic time, knows how far the wall clock is trusted, and notices when it is set.
 *
 * All functions are thread-safe; each takes microseconds.
 */
#ifndef BT_PLAYER_PROGRAMME_H
#define BT_PLAYER_PROGRAMME_H

#include "base/clock.h"
#include "playlists/timeline.h"
#include "plays/play.h"

enum bt_trust_mode {
    BT_TRUST_AUTO,  // the kernel says the clock is synchronised, or there is a hardware clock
    BT_TRUST_ALWAYS,
    BT_TRUST_NEVER,
};

struct bt_programme;

/**
 * Takes the show. `floor_ms` is the last wall time known from before this start (0: none): an
 * untrusted clock never shows less.
 */
struct bt_programme *bt_programme_create(struct bt_show *show, const struct bt_clock *clock,
                                         enum bt_trust_mode trust, int64_t floor_ms) BT_NODISCARD;
void bt_programme_destroy(struct bt_programme *programme);
BT_DEFINE_AUTO(bt_programme)

const struct bt_show *bt_programme_show(const struct bt_programme *programme);

// Starts the loop: the anchor is the monotonic instant given.
void bt_programme_start(struct bt_programme *programme, int64_t anchor_ns);

/**
 * The track's next slot, due to start at the monotonic instant. Slots stay in wall time;
 * bt_programme_to_mono translates them with the *out_offset_ns of the same call.
 */
void bt_programme_next(struct bt_programme *programme, size_t track, int64_t at_ns,
                       struct bt_slot *out, int64_t *out_offset_ns);
void bt_programme_skip(struct bt_programme *programme, size_t track);

// INT64_MAX (never) stays what it is.
int64_t bt_programme_to_mono(int64_t wall_ns, int64_t offset_ns);

/**
 * A number that changes when everything must be planned anew because the wall clock was set or
 * became trusted. Looks at the clocks.
 */
uint64_t bt_programme_generation(struct bt_programme *programme);

// The wall time of a monotonic instant and how far it is trusted, for records and clock faces.
int64_t bt_programme_wall_ms(struct bt_programme *programme, int64_t mono_ns,
                             enum bt_clock_trust *out_trust);

#endif

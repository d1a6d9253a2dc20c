/**
 * The running order: the show and its timeline on this player's clocks. Turns the timeline's wall
 * time into monotonic time, knows how far the wall clock is trusted, and notices when it is set.
 *
 * All functions are thread-safe; each takes microseconds. Shared: whoever may still need an order
 * that is being replaced holds a reference.
 */
#ifndef BT_PLAYER_RUNNING_ORDER_H
#define BT_PLAYER_RUNNING_ORDER_H

#include "base/clock.h"
#include "playlists/timeline.h"
#include "plays/play.h"

enum bt_trust_mode {
    BT_TRUST_AUTO,  // the kernel says the clock is synchronised, or there is a hardware clock
    BT_TRUST_ALWAYS,
    BT_TRUST_NEVER,
};

// Whether the wall clock may be believed now.
bool bt_clock_is_trusted(enum bt_trust_mode mode);

struct bt_running_order;

/**
 * Takes the show. `floor_ms` is the last wall time known from before this start (0: none): an
 * untrusted clock never shows less.
 */
struct bt_running_order *bt_running_order_create(struct bt_show *show, const struct bt_clock *clock,
                                                 enum bt_trust_mode trust,
                                                 int64_t floor_ms) BT_NODISCARD;
struct bt_running_order *bt_running_order_ref(struct bt_running_order *order) BT_NODISCARD;
void bt_running_order_destroy(struct bt_running_order *order);  // gives one reference back
BT_DEFINE_AUTO(bt_running_order)

const struct bt_show *bt_running_order_show(const struct bt_running_order *order);

// Starts the loop: the anchor is the monotonic instant given.
void bt_running_order_start(struct bt_running_order *order, int64_t anchor_ns);

/**
 * The track's next slot, due to start at the monotonic instant. Slots stay in wall time;
 * bt_running_order_to_mono translates them with the *out_offset_ns of the same call.
 */
void bt_running_order_next(struct bt_running_order *order, size_t track, int64_t at_ns,
                           struct bt_slot *out, int64_t *out_offset_ns);
void bt_running_order_skip(struct bt_running_order *order, size_t track);
void bt_running_order_not_yet(struct bt_running_order *order, size_t track, int64_t again_ns);

// See bt_timeline_keep and bt_timeline_interrupted_at.
void bt_running_order_keep(struct bt_running_order *order, size_t track, int64_t serial);
void bt_running_order_interrupted_at(struct bt_running_order *order, size_t track, int64_t run,
                                     int64_t offset_ns);

/**
 * The track goes on where one of another order stood (see bt_timeline_succeed), as of the
 * monotonic instant. `out` and *out_offset_ns are set when the item goes on. Both must have been
 * started.
 */
struct bt_handover {
    struct bt_running_order *from;
    size_t from_track;
    int64_t serial;  // on the screen; 0: nothing
    int64_t shown_ns;
    bool urgent;
};
enum bt_fate bt_running_order_succeed(struct bt_running_order *order, size_t track,
                                      const struct bt_handover *handover, int64_t at_ns,
                                      struct bt_slot *out, int64_t *out_offset_ns);

// INT64_MAX (never) stays what it is.
int64_t bt_running_order_to_mono(int64_t wall_ns, int64_t offset_ns);

/**
 * A number that changes when everything must be planned anew because the wall clock was set or
 * became trusted. Looks at the clocks.
 */
uint64_t bt_running_order_generation(struct bt_running_order *order);

// The moment by what is known of the wall clock. Never waits.
void bt_running_order_look(const struct bt_running_order *order, int64_t mono_ns,
                           struct bt_moment *out);

// The wall time of a monotonic instant and how far it is trusted, for records and clock faces.
int64_t bt_running_order_wall_ms(struct bt_running_order *order, int64_t mono_ns,
                                 enum bt_clock_trust *out_trust);

#endif

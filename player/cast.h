/**
 * A cast: the zones that play one show, each with its loader. One cast is on the stage; when the
 * content changes another is made beside it, prepares what it will show first while the old one
 * plays on, and takes over as a whole, in one present: what both shows have in common is handed
 * over as it stands on the screen and never begins anew.
 *
 * Created and destroyed on any thread (destroying waits for the loaders), used on the main thread.
 */
#ifndef BT_PLAYER_CAST_H
#define BT_PLAYER_CAST_H

#include "player/frame_log.h"
#include "player/zone_player.h"

struct bt_cast;

// What all casts of a stage have in common; borrowed.
struct bt_cast_house {
    struct bt_kitchen *kitchen;
    struct bt_recorder *recorder;  // NULL: nothing is recorded
    const struct bt_grid *grid;
    struct bt_frame_counts *counts;  // of all that is shown; NULL: nobody counts
};

/**
 * Takes the reference to the order, also on error.
 * Errors: -E2BIG more zones than a scene has.
 */
int bt_cast_create(struct bt_running_order *order, const struct bt_cast_house *house,
                   struct bt_cast **out, struct bt_error *err) BT_NODISCARD;
void bt_cast_close(struct bt_cast *cast);  // the loaders stop soon
void bt_cast_destroy(struct bt_cast *cast);
BT_DEFINE_AUTO(bt_cast)

struct bt_running_order *bt_cast_order(const struct bt_cast *cast);  // borrowed
const struct bt_show *bt_cast_show(const struct bt_cast *cast);
size_t bt_cast_count(const struct bt_cast *cast);
struct bt_zone_player *bt_cast_zone(const struct bt_cast *cast, size_t index);

// The loop starts, or goes on where the order stands.
void bt_cast_begin(struct bt_cast *cast, bool anew, int64_t now_ns);

// Takes what the loaders delivered; how many zones have something to show.
size_t bt_cast_receive(struct bt_cast *cast);
void bt_cast_stop(struct bt_cast *cast, enum bt_end_reason why, int64_t at_ns);
void bt_cast_set_evidence(struct bt_cast *cast, enum bt_evidence kind);
void bt_cast_set_panel(struct bt_cast *cast, enum bt_panel panel);  // before it is presented

// The next change of a picture; never sooner than now.
int64_t bt_cast_due_ns(const struct bt_cast *cast, int64_t now_ns);

// Brings all zones to the instant. False while a frame that is due is missing.
bool bt_cast_advance(struct bt_cast *cast, int64_t at_ns);
bool bt_cast_switched(const struct bt_cast *cast);

// Fills the scene's zones. True when nothing at all is shown.
bool bt_cast_view(const struct bt_cast *cast, int64_t at_ns, struct bt_scene *scene);
// Pictures of what comes next in all zones; see bt_zone_player_soon.
size_t bt_cast_soon(const struct bt_cast *cast, const struct bt_image **out, size_t room);
void bt_cast_presented(struct bt_cast *cast, int64_t presented_ns);
// Frames that were due and never presented, of plays that ended.
int64_t bt_cast_dropped(const struct bt_cast *cast);
void bt_cast_log(const struct bt_cast *cast, struct bt_frame_log *frame_log);

// Succession: ask, wait until ready, take over. Afterwards the old cast is to be stopped with the
// next present and destroyed.
void bt_cast_succeed(struct bt_cast *cast, const struct bt_cast *old, bool urgent);
bool bt_cast_can_take_over(struct bt_cast *cast, const struct bt_cast *old, bool urgent,
                           int64_t now_ns);
void bt_cast_take_over(struct bt_cast *cast, struct bt_cast *old);

// Both have the same canvas and the same zones, so that each zone can change at its own boundary.
bool bt_cast_same_stage(const struct bt_cast *a, const struct bt_cast *b);

// When what the largest zone shows ends by itself.
int64_t bt_cast_boundary_ns(const struct bt_cast *cast, int64_t now_ns);

// See bt_zone_player_take_down.
void bt_cast_take_down(struct bt_cast *cast, const struct bt_taken *taken);
bool bt_cast_shows(const struct bt_cast *cast, const struct bt_taken *taken);

#endif

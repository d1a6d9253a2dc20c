/**
 * A zone player: one track on the screen. Holds what is shown now, what comes next, and what is
 * fading out; switches at the due end, never before the next item is ready; reports what was
 * presented. Zones never wait for one another. Main thread; nothing waits.
 */
#ifndef BT_PLAYER_ZONE_PLAYER_H
#define BT_PLAYER_ZONE_PLAYER_H

#include "player/evidence.h"
#include "player/loader.h"
#include "player/shown.h"
#include "playlists/taken.h"

struct bt_zone_player;

// All are borrowed and must outlive it, but the loader, which is taken.
struct bt_zone_player *bt_zone_player_create(const struct bt_track *track, struct bt_loader *loader,
                                             const struct bt_grid *grid) BT_NODISCARD;
void bt_zone_player_close(struct bt_zone_player *zone);  // the loader stops soon

// Where what was due and what was missing is added up: borrowed; NULL, as at first: nowhere.
void bt_zone_player_count_in(struct bt_zone_player *zone, struct bt_frame_counts *counts);
void bt_zone_player_destroy(struct bt_zone_player *zone);
BT_DEFINE_AUTO(bt_zone_player)

// The evidence log belongs to the caller for initialising.
struct bt_evidence_log *bt_zone_player_evidence(struct bt_zone_player *zone);

// Asks for the first item, due at that instant.
void bt_zone_player_begin(struct bt_zone_player *zone, int64_t at_ns);

/**
 * Succession. The zone of a new show prepares what follows what `old` shows (NULL: nothing it could
 * take over), while `old` plays on; asked again whenever that changed. `order` is the old one's.
 */
struct bt_zone_before {
    const struct bt_zone_player *zone;
    struct bt_running_order *order;
    size_t track;
    bool adopts;  // same place and size: what is shown can be taken over
    bool urgent;
};
void bt_zone_player_succeed(struct bt_zone_player *zone, const struct bt_zone_before *before);

// It could take over now. Receive first; asks anew when the old zone has gone on meanwhile.
bool bt_zone_player_can_take_over(struct bt_zone_player *zone, const struct bt_zone_before *before,
                                  int64_t now_ns);

// What `old` shows, its fade and its open plays are this zone's from now on; `old` is left empty.
void bt_zone_player_take_over(struct bt_zone_player *zone, struct bt_zone_player *old,
                              struct bt_running_order *order);

/**
 * What is on the list is not shown from the next present on, nor when the loader brings it; a plain
 * ground bridges the time until something else is ready. The list is borrowed until the next one.
 */
void bt_zone_player_take_down(struct bt_zone_player *zone, const struct bt_taken *taken);
bool bt_zone_player_shows(const struct bt_zone_player *zone, const struct bt_taken *taken);

// Whether what is on is heard.
enum bt_heard bt_zone_player_heard(const struct bt_zone_player *zone);

// When what is on ends by itself; now_ns when nothing is on, or nothing with an end.
int64_t bt_zone_player_end_ns(const struct bt_zone_player *zone, int64_t now_ns);

// Takes what the loader delivered. True when there is an item to show first.
bool bt_zone_player_receive(struct bt_zone_player *zone);

// When the zone's picture changes next; never later than it should be looked at again.
int64_t bt_zone_player_due_ns(const struct bt_zone_player *zone, int64_t now_ns);

// Brings it to the instant. False while a frame that is due there is not decoded yet.
bool bt_zone_player_advance(struct bt_zone_player *zone, int64_t at_ns);

// An item has begun that no present has shown yet: it counts from there, so one is due even when
// the picture stays the same.
bool bt_zone_player_switched(const struct bt_zone_player *zone);

void bt_zone_player_view(const struct bt_zone_player *zone, int64_t at_ns,
                         struct bt_zone_view *out);

// Pictures of what comes next, at most `room` of them; how many. Borrowed until the next receive.
size_t bt_zone_player_soon(const struct bt_zone_player *zone, const struct bt_image **out,
                           size_t room);

// The view was presented at that instant.
void bt_zone_player_presented(struct bt_zone_player *zone, int64_t presented_ns);

// What is on ends here: the display is gone, or the player stops.
void bt_zone_player_stop(struct bt_zone_player *zone, enum bt_end_reason why, int64_t at_ns);

// Frames that were due and never presented, of plays that ended.
int64_t bt_zone_player_dropped(const struct bt_zone_player *zone);

// For the frame log; borrowed until the next advance. NULL when the zone shows nothing.
const struct bt_play_start *bt_zone_player_on(const struct bt_zone_player *zone,
                                              int64_t *out_pts_ms, bool *out_is_new);

#endif

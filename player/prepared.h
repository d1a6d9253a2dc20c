/**
 * A prepared item: a slot of the timeline made ready to be shown. Pictures are decoded, scaled and
 * laid out, a clip is open and its first frames are decoded. Times are monotonic nanoseconds.
 *
 * Made on a loader thread, then owned by the zone that shows it, then given back to the loader,
 * which destroys it (closing a clip may wait for its decode thread; the render thread must not).
 */
#ifndef BT_PLAYER_PREPARED_H
#define BT_PLAYER_PREPARED_H

#include "live/live.h"
#include "media/motion.h"
#include "media/picture.h"
#include "media/stream.h"
#include "media/text.h"
#include "player/mixer.h"
#include "playlists/timeline.h"
#include "playlists/volume.h"
#include "plays/play.h"

struct bt_prepared {
    bool empty;         // the track shows nothing until end_ns
    bool immediate;     // replaces what is on the screen as soon as it is here
    bool anew;          // the timeline begins anew with it: nothing is resumed
    bool relieves;      // what is on only stood in for it; with `immediate`
    bool unrecorded;    // no play: what bridges the time until the next item is ready
    int type;           // enum bt_item_type
    uint64_t ticket;    // the loader's number for it
    int64_t serial;     // of its slot; 0 for what has none
    int64_t start_ns;   // due start
    int64_t end_ns;     // due end; INT64_MAX: until something else comes
    int64_t limit_ns;   // the schedule takes over; INT64_MAX: never
    int64_t offset_ns;  // how much was shown before
    int64_t rest_ns;    // how much is left of it; INT64_MAX: endless
    int priority;       // enum bt_priority
    bool own_length;    // a clip that ends where its last frame ends
    enum bt_start_reason why_start;
    enum bt_end_reason why_end;
    struct bt_transition transition;
    int64_t fade_ns;            // how long it takes; 0 is a cut
    struct bt_play_start play;  // all but the times of the first present
    // The content; what the type does not need is NULL.
    struct bt_colour background;
    struct bt_image *image;  // of the zone's size, unless it moves; for a clock its present face
    struct bt_motion_path path;
    int64_t length_ns;       // of the whole item or card, when it moves; else 0
    struct bt_strip *strip;  // the line once; its width is the crawl's cycle
    struct bt_strip loop;    // the same tiles repeated past the zone's width; borrows them
    struct bt_stream *stream;
    struct bt_live *live;    // held
    struct bt_voice *voice;  // its sound; NULL: it has none that may be heard
    struct bt_volume_wish volume;
    struct bt_item place;  // fit and focus only: what bt_place needs
    int64_t speed_px;
    int towards;                  // of a crawl: enum bt_towards
    const struct bt_item *clock;  // of a clock: its item, borrowed from the show
};

void bt_prepared_destroy(struct bt_prepared *prepared);
BT_DEFINE_AUTO(bt_prepared)

// The same item or card of the same publication: a resumed rest, the next hour of an endless item.
bool bt_prepared_same_content(const struct bt_prepared *a, const struct bt_prepared *b);

#endif

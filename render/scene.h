/**
 * A scene: what the canvas shows at one instant, as plain data. Zones far to near; each shows one
 * visual, or two while one becomes the next. The player builds a scene per present, the
 * compositor draws it. Everything a scene points to is borrowed and must stay alive until the
 * next scene was composed.
 */
#ifndef BT_RENDER_SCENE_H
#define BT_RENDER_SCENE_H

#include "media/frame.h"
#include "media/motion.h"
#include "media/text.h"
#include "playlists/publication.h"

enum bt_visual_kind {
    BT_VISUAL_NONE,    // nothing: what lies behind is seen
    BT_VISUAL_COLOUR,  // the background alone
    BT_VISUAL_IMAGE,   // an image of exactly the zone's size
    BT_VISUAL_STRIP,   // a crawl: the background and a strip moving over it
    BT_VISUAL_DETAIL,  // a window of an image, drawn as large as the zone
    BT_VISUAL_FRAME,   // a clip's frame: `src` of it at `dst`, the background beside it
};

struct bt_visual {
    enum bt_visual_kind kind;
    uint64_t serial;  // changes whenever anything below looks different; never 0
    struct bt_colour background;
    const struct bt_image *image;
    struct bt_detail detail;  // of the image
    const struct bt_strip *strip;
    int strip_x;  // where the strip's left edge stands in the zone, pixels
    const struct bt_frame *frame;
    struct bt_rect src;  // in the frame as decoded, before rotation
    struct bt_rect dst;  // in the zone
    int rotation;        // degrees clockwise
};

// How a zone goes from one visual to the other.
enum bt_way {
    BT_WAY_MIX,    // `mix` of one, the rest of the other
    BT_WAY_SLIDE,  // `to` comes in over `from`, which stands still
    BT_WAY_PUSH,   // and takes it along
    BT_WAY_WIPE,   // both stand still
};

struct bt_zone_view {
    struct bt_rect rect;        // on the canvas
    struct bt_visual from, to;  // `from` only matters while mix < 1000
    int mix;                    // permille of `to`, or of the way to it; 0 and 1000 are one alone
    enum bt_way way;
    // Unless the way is a mixture:
    int towards;  // enum bt_towards
    int edge_px;  // so much of the zone's width or height belongs to `to`
};

// Zones of two layouts, and what the program draws over them itself.
#define BT_SCENE_MAX_TRACKS (BT_MAX_ZONES * 2)
#define BT_SCENE_MAX_OVERLAYS 4
#define BT_SCENE_MAX_ZONES (BT_SCENE_MAX_TRACKS + BT_SCENE_MAX_OVERLAYS)

struct bt_scene {
    struct bt_colour background;  // opaque
    struct bt_zone_view zones[BT_SCENE_MAX_ZONES];
    size_t zone_count;
};

#endif

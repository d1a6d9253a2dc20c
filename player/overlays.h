/**
 * Overlays: what the program itself draws over the show. The card that stands before there is
 * content, the demo mark, the screen's name when it is asked for, and dimming. Main thread.
 */
#ifndef BT_PLAYER_OVERLAYS_H
#define BT_PLAYER_OVERLAYS_H

#include "render/scene.h"

// From far to near.
enum bt_overlay { BT_OVERLAY_CARD, BT_OVERLAY_MARK, BT_OVERLAY_NAME, BT_OVERLAY_DIM };
#define BT_OVERLAY_COUNT (BT_OVERLAY_DIM + 1)

struct bt_overlays {
    struct bt_image *images[BT_OVERLAY_COUNT];  // owned; NULL: not shown. DIM has none
    struct bt_image *old[BT_OVERLAY_COUNT];     // kept until the next present
    uint64_t serials[BT_OVERLAY_COUNT];
    int light_percent;  // 100: not dimmed
};

void bt_overlays_init(struct bt_overlays *overlays);
void bt_overlays_finish(struct bt_overlays *overlays);

// Takes the image; NULL takes the overlay away.
void bt_overlays_set(struct bt_overlays *overlays, enum bt_overlay which, struct bt_image *image);
void bt_overlays_set_light(struct bt_overlays *overlays, int percent);

// Puts them over the zones of the scene. A card hides all else.
void bt_overlays_view(const struct bt_overlays *overlays, int canvas_width, int canvas_height,
                      struct bt_scene *scene);

// The picture was presented: what was kept for it may go.
void bt_overlays_presented(struct bt_overlays *overlays);

#endif

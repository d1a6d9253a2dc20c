/**
 * Questions about visuals and zones that every back-end asks: are two the same, what do they
 * cover, is it opaque.
 */
#ifndef BT_RENDER_VISUAL_H
#define BT_RENDER_VISUAL_H

#include "render/region.h"
#include "render/scene.h"

// A visual without what it needs (no image, no frame) becomes the part that can be drawn.
struct bt_visual bt_visual_sane(const struct bt_visual *visual);

bool bt_visual_same(const struct bt_visual *a, const struct bt_visual *b);
bool bt_colour_same(struct bt_colour a, struct bt_colour b);

// The frame's pixel format has alpha.
bool bt_frame_has_alpha(const struct bt_frame *frame);

// The part of a zone of this size that the visual covers completely; relative to the zone.
struct bt_rect bt_visual_opaque(const struct bt_visual *visual, int width, int height);

// A sane copy: visuals sane, `from` none at mix 1000 and `to` none at mix 0.
struct bt_zone_view bt_zone_view_sane(const struct bt_zone_view *view);
bool bt_zone_view_same(const struct bt_zone_view *a, const struct bt_zone_view *b);
// It shows a mixture; a part of each; else one alone.
bool bt_zone_view_fades(const struct bt_zone_view *view);
bool bt_zone_view_moves(const struct bt_zone_view *view);

// What a zone shows of one visual.
struct bt_part {
    const struct bt_visual *visual;  // the view's
    struct bt_rect clip;             // in the zone, may be empty
    int x, y;                        // where the visual's left top corner stands in the zone
};
// The parts of a zone that does not fade: `from` and `to` where it moves, else one.
size_t bt_zone_view_parts(const struct bt_zone_view *view, struct bt_part out[2]);

// The one visual of a zone that neither fades nor moves.
const struct bt_visual *bt_zone_view_visual(const struct bt_zone_view *view);
// On the canvas.
struct bt_rect bt_zone_view_opaque(const struct bt_zone_view *view);

// A sane copy of a whole scene, its background opaque.
void bt_scene_take(struct bt_scene *out, const struct bt_scene *scene);
bool bt_scene_same(const struct bt_scene *a, const struct bt_scene *b);

#endif

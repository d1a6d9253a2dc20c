/**
 * The course of a transition: what a zone looks like at an instant on its way from one visual to
 * the next. Pure.
 *
 * Mixtures (crossfade, and a fade, which is two of them) and wipes go evenly. Slide and push begin
 * and end slowly: 3t² − 2t³ of the way after t of the time. What moves stands on whole pixels and
 * never goes back.
 */
#ifndef BT_RENDER_TRANSITION_H
#define BT_RENDER_TRANSITION_H

#include "render/scene.h"

/**
 * The view has its rect and both visuals, `from` the old and `to` the new one; after `since_ns` of
 * `length_ns` it has the rest. A fade puts its colour in the place of the visual that is not seen.
 */
void bt_transition_at(const struct bt_transition *transition, int64_t since_ns, int64_t length_ns,
                      struct bt_zone_view *view);

#endif

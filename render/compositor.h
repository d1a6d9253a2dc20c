/**
 * The soft compositor: a scene → BGRA pixels, redrawing only what changed.
 *
 * Each draw compares the scene with the one before and collects *damage*: rectangles that look
 * different now. Everything inside the damage is drawn again, from far to near, except what lies
 * under an opaque nearer zone. So an incremental picture equals a full redraw bit for bit.
 *
 * A clip that fills its place is converted straight into the target. One that lies under
 * something translucent, or over another clip, or fades, keeps a *backing*: its own pixels, so
 * that a crawl moving above does not convert the frame again. Fades mix two backings.
 *
 * Not thread-safe.
 */
#ifndef BT_RENDER_COMPOSITOR_H
#define BT_RENDER_COMPOSITOR_H

#include "render/raster.h"
#include "render/region.h"
#include "render/scene.h"

struct bt_compositor;

struct bt_compositor *bt_compositor_create(int width, int height) BT_NODISCARD;
void bt_compositor_destroy(struct bt_compositor *compositor);
BT_DEFINE_AUTO(bt_compositor)

// The target's pixels are not what was drawn last (another buffer, lost): draw all next time.
void bt_compositor_invalidate(struct bt_compositor *compositor);

/**
 * Brings the target, which has the compositor's size, from the scene before to this one.
 * 1 when pixels changed, 0 when not. After an error the target is undefined until a draw
 * succeeds (which then draws everything).
 */
int bt_compositor_draw(struct bt_compositor *compositor, const struct bt_scene *scene,
                       const struct bt_raster *target, struct bt_error *err) BT_NODISCARD;

// What the last draw touched; borrowed until the next draw.
const struct bt_region *bt_compositor_damage(const struct bt_compositor *compositor);

#endif

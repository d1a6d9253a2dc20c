/**
 * Slices through the three curves: a small OpenGL ES 2 program beside SDL's own, for levels that
 * SDL's renderer cannot look up. Only between SDL's draws, on its thread and context.
 */
#ifndef BT_RENDER_GL_CURVES_H
#define BT_RENDER_GL_CURVES_H

#include <SDL.h>

#include "render/mapping.h"

struct bt_gl_curves;

// With the renderer's context current. A plan without curves leaves levels as they are. Errors:
// -ENOTSUP the driver takes no program of ours.
int bt_gl_curves_create(const struct bt_output_plan *plan, struct bt_gl_curves **out,
                        struct bt_error *err) BT_NODISCARD;
void bt_gl_curves_destroy(struct bt_gl_curves *curves);

int bt_gl_curves_draw(struct bt_gl_curves *curves, SDL_Renderer *renderer,
                      SDL_Texture *const *textures, const struct bt_mapping *mapping, bool window,
                      struct bt_error *err) BT_NODISCARD;

/**
 * The same to a window beside the renderer's own, which is made current and presented without
 * waiting for its display, unless `waits`; black beside the slices. The renderer's window is
 * current afterwards, and nothing of the renderer's may be drawn to a texture.
 */
int bt_gl_curves_show(struct bt_gl_curves *curves, SDL_Window *own, SDL_Window *beside, bool waits,
                      SDL_Texture *const *textures, const struct bt_mapping *mapping,
                      struct bt_error *err) BT_NODISCARD;

// The corners of a slice on the raster, clockwise from the left top, and what of it is there.
void bt_gl_quad(struct bt_rect place, int rotation, SDL_Vertex corners[4]);

#endif

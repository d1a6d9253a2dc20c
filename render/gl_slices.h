/**
 * Slices of the canvas on the GPU: each drawn into a texture of its own, then put on the raster
 * with whole-pixel corners and no filter, so that every pixel of it is one of the slice. So all of
 * them are of the same scene, and the canvas may be wider than any texture.
 *
 * Where levels change on the way (curves, dimming) a program of our own looks them up; SDL's state
 * is put back afterwards. So it does for windows beside the renderer's own, which SDL's renderer
 * cannot draw to.
 */
#ifndef BT_RENDER_GL_SLICES_H
#define BT_RENDER_GL_SLICES_H

#include <SDL.h>

#include "render/mapping.h"

struct bt_gl_curves;

// {0} with a renderer is ready.
struct bt_gl_slices {
    SDL_Renderer *renderer;  // borrowed
    SDL_Texture *textures[BT_MAX_SLICES];
    struct bt_gl_curves *curves;  // NULL: not needed yet
};

// Before the renderer goes, and when the mapping is another.
void bt_gl_slices_finish(struct bt_gl_slices *slices);

// A target of exactly this size, kept until finish.
int bt_gl_slices_texture(struct bt_gl_slices *slices, size_t index, int width, int height,
                         SDL_Texture **out, struct bt_error *err) BT_NODISCARD;

// Puts all textures on the present target; `window`: which is the window, not a texture.
int bt_gl_slices_draw(struct bt_gl_slices *slices, const struct bt_mapping *mapping, bool window,
                      struct bt_error *err) BT_NODISCARD;

// The same on a window beside `own`, the renderer's, and presents it: see bt_gl_curves_show.
int bt_gl_slices_show(struct bt_gl_slices *slices, const struct bt_mapping *mapping,
                      SDL_Window *own, SDL_Window *beside, bool waits,
                      struct bt_error *err) BT_NODISCARD;

#endif

/**
 * A zone that fades, on the GPU: each side is drawn into a texture, and both are added by weight
 * into another, which is put over what lies behind. A zone that is larger than a texture may be
 * fades in parts.
 */
#ifndef BT_RENDER_GL_FADE_H
#define BT_RENDER_GL_FADE_H

#include "render/texture.h"

// {0} is none; finish makes it that again.
struct bt_gl_fade {
    SDL_Texture *layer;             // one side of one part
    struct bt_texture_tile *parts;  // both sides, added
    size_t count, capacity;         // of the parts
    int width, height;              // of the zone they were made for
};

void bt_gl_fade_finish(struct bt_gl_fade *fade);

/**
 * Adds both sides, the textures of what the view fades between, by its mix. Changes the renderer's
 * target, scale and viewport. 1, or 0 when the GPU has no room: then there is no fade.
 */
int bt_gl_fade_add(struct bt_gl_fade *fade, struct bt_texture_context *context,
                   const struct bt_zone_view *view, struct bt_texture *from, struct bt_texture *to,
                   struct bt_error *err) BT_NODISCARD;

static inline bool bt_gl_fade_is_on(const struct bt_gl_fade *fade)
{
    return fade->count > 0;
}

// The sum, its left top corner at the context's origin.
int bt_gl_fade_draw(const struct bt_gl_fade *fade, const struct bt_texture_context *context,
                    struct bt_error *err) BT_NODISCARD;

// A texture that can be drawn to. NULL: SDL says why.
SDL_Texture *bt_gl_target(SDL_Renderer *renderer, int width, int height);

#endif

/**
 * A visual on the GPU: its images as tiles of at most 4096 pixels, or its frame's planes.
 * Uploaded when the visual changes, drawn as often as wanted without it.
 *
 * A clip's frame keeps its planes and is converted by SDL's shaders where these can do it: 8-bit
 * 4:2:0 in BT.601 (limited and full range) and BT.709 limited. Everything else is converted to
 * BGRA at the size it is shown at, and so is everything where the shaders were measured to swap red
 * and blue (SDL 2.32 does, Debian 13's).
 */
#ifndef BT_RENDER_TEXTURE_H
#define BT_RENDER_TEXTURE_H

#include <SDL.h>

#include "media/convert.h"
#include "render/ahead.h"
#include "render/visual.h"

// {0} is an empty texture.
struct bt_texture {
    struct bt_visual shown;  // compared, never followed
    bool valid;              // the textures show `shown`
    struct bt_texture_tile *tiles;
    size_t tile_count, tile_capacity;
    SDL_Texture *planes;  // NULL: tiles
    uint32_t planes_format;
    SDL_YUV_CONVERSION_MODE mode;
    int planes_width, planes_height;
    bool opaque;                 // tiles need no blending
    struct bt_image *converted;  // a frame SDL's shaders cannot show
    struct bt_converter *converter;
};

// What drawing needs; premultiplied `over` is made once by whoever owns the renderer.
struct bt_texture_context {
    SDL_Renderer *renderer;
    SDL_BlendMode over;
    int max_side;            // of a texture, pixels
    int origin_x, origin_y;  // where in the viewport the next visual's left top corner stands
    struct bt_ahead *ahead;  // what was uploaded before it is shown; NULL: nothing
    bool planes_wanted;      // false: SDL's shaders give planes wrong colours here
};

// The most pixels a side of a tile.
int bt_texture_tile_side(int max_side);

void bt_texture_finish(struct bt_texture *texture);

// Makes the texture show the visual; cheap when it does already.
int bt_texture_update(struct bt_texture *texture, const struct bt_texture_context *context,
                      const struct bt_visual *visual, struct bt_error *err) BT_NODISCARD;

// Draws the visual at the context's origin, for a zone of this size. The visual must be the one
// of the last update; what it points to is not looked at.
int bt_texture_draw(struct bt_texture *texture, const struct bt_texture_context *context,
                    const struct bt_visual *visual, int width, int height,
                    struct bt_error *err) BT_NODISCARD;

#endif

#include "render/tile.h"

#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "render/window.h"

// What one tile of a side is for, and what it holds.
struct span {
    int at, length, held_at, held_length;
};

// How much each tile of a side is for, but the last one.
static int step_of(int extent, int side)
{
    return extent <= side ? side : side - 2;
}

static struct span span_at(int extent, int side, int index)
{
    int step = step_of(extent, side), at = index * step;
    int end = BT_MIN(at + step, extent);
    int before = at > 0 ? 1 : 0, after = end < extent ? 1 : 0;
    return (struct span){at, end - at, at - before, end - at + before + after};
}

bool bt_tile_at(int width, int height, int side, size_t index, struct bt_texture_tile *out)
{
    assert(side >= 3);
    int step = step_of(width, side);
    size_t across = (size_t)((width + step - 1) / step);
    if (width < 1 || (int64_t)(index / across) * step_of(height, side) >= height) {
        return false;
    }
    const struct span x = span_at(width, side, (int)(index % across));
    const struct span y = span_at(height, side, (int)(index / across));
    *out = (struct bt_texture_tile){
        .rect = {x.at, y.at, x.length, y.length},
        .held = {x.held_at, y.held_at, x.held_length, y.held_length},
    };
    return true;
}

/*
 * SDL 2.26 binds a texture when it is told its filter, and does not remember that it did: the next
 * draw, if it is of the texture that was drawn last, shows this one instead. So before it is
 * uploaded or drawn, and never again.
 */
int bt_tile_create(SDL_Renderer *renderer, struct bt_texture_tile *tile, struct bt_error *err)
{
    tile->texture = SDL_CreateTexture(renderer, SDL_PIXELFORMAT_ARGB8888, SDL_TEXTUREACCESS_STATIC,
                                      tile->held.width, tile->held.height);
    if (tile->texture == NULL) {
        return bt_fail_sdl(err, -ENOMEM, "Cannot create a texture");
    }
    SDL_SetTextureScaleMode(tile->texture, SDL_ScaleModeLinear);
    return 0;
}

int bt_tile_upload(const struct bt_texture_tile *tile, const struct bt_image *image, int row,
                   int rows, struct bt_error *err)
{
    const SDL_Rect part = {0, row, tile->held.width, rows};
    const uint8_t *pixels =
        image->pixels + (size_t)(tile->held.y + row) * image->stride + (size_t)tile->held.x * 4;
    int r = SDL_UpdateTexture(tile->texture, &part, pixels, (int)image->stride);
    return r < 0 ? bt_fail_sdl(err, -EIO, "Cannot upload a picture") : 0;
}

SDL_Rect bt_tile_source(const struct bt_texture_tile *tile)
{
    return (SDL_Rect){tile->rect.x - tile->held.x, tile->rect.y - tile->held.y, tile->rect.width,
                      tile->rect.height};
}

/**
 * Pictures that are larger than the GPU's largest texture are cut into tiles. No two tiles are for
 * the same pixel, but each also holds the pixels next to its own: what is looked up between the
 * last pixel of one tile and the first of the next is the same mixture in both.
 */
#ifndef BT_RENDER_TILE_H
#define BT_RENDER_TILE_H

#include <SDL.h>

#include "media/frame.h"
#include "render/region.h"

struct bt_texture_tile {
    SDL_Texture *texture;
    struct bt_rect rect;  // in the image or strip: what it is drawn for
    struct bt_rect held;  // what the texture holds: a pixel more where another tile follows
    bool shared;          // another tile's texture, which that one destroys
};

// The tile of that number, row after row, of so many pixels in textures of at most `side` pixels a
// side (3 at least); without its texture. False: there are no more.
bool bt_tile_at(int width, int height, int side, size_t index, struct bt_texture_tile *out);

// Its texture, which looks up between pixels. Nothing lies in it yet.
int bt_tile_create(SDL_Renderer *renderer, struct bt_texture_tile *tile,
                   struct bt_error *err) BT_NODISCARD;

// So many of the rows it holds, from one of them on; its rects are in this image.
int bt_tile_upload(const struct bt_texture_tile *tile, const struct bt_image *image, int row,
                   int rows, struct bt_error *err) BT_NODISCARD;

// What of the texture is drawn at `rect`.
SDL_Rect bt_tile_source(const struct bt_texture_tile *tile);

#endif

/**
 * Each tile draws the part of the zone that looks at its own pixels. Two tiles that meet compute
 * the edge between them from the same numbers, so each pixel of the zone is drawn once; and since
 * a tile holds its neighbours' first pixels, it is drawn as if the picture were one texture.
 */
#include "render/texture_detail.h"

#include "base/mem.h"

// Along one side: the window, and the zone it is drawn as large as.
struct axis {
    int64_t from, length;  // 1/65536 pixels of the picture
    int zone, origin;      // pixels
};

// What of a tile is seen, along one side.
struct seen {
    float at[2];  // in the viewport
    float in[2];  // in the texture, 0 to 1
    bool any;
};

static struct seen seen_of(const struct axis *axis, int at, int length, int held_at,
                           int held_length)
{
    const int64_t ends[2] = {
        BT_MAX((int64_t)at << 16, axis->from),
        BT_MIN((int64_t)(at + length) << 16, axis->from + axis->length),
    };
    struct seen seen = {.any = ends[0] < ends[1]};
    for (int i = 0; i < 2; i++) {
        double along = (double)(ends[i] - axis->from) / (double)axis->length;
        seen.at[i] = (float)(axis->origin + along * axis->zone);
        seen.in[i] = (float)(((double)ends[i] / 65536 - held_at) / held_length);
    }
    return seen;
}

static int draw_tile(const struct bt_texture_context *context, SDL_Texture *texture,
                     const struct seen *x, const struct seen *y)
{
    static const int triangles[] = {0, 1, 2, 2, 1, 3};
    SDL_Vertex corners[4];
    for (int i = 0; i < 4; i++) {
        corners[i] = (SDL_Vertex){
            .position = {x->at[i % 2], y->at[i / 2]},
            .color = {255, 255, 255, 255},
            .tex_coord = {x->in[i % 2], y->in[i / 2]},
        };
    }
    return SDL_RenderGeometry(context->renderer, texture, corners, (int)BT_ARRAY_LEN(corners),
                              triangles, (int)BT_ARRAY_LEN(triangles));
}

int bt_texture_draw_detail(struct bt_texture *texture, const struct bt_texture_context *context,
                           const struct bt_visual *visual, int width, int height)
{
    const struct bt_detail *window = &visual->detail;
    if (window->width <= 0 || window->height <= 0) {
        return 0;
    }
    const struct axis across = {window->x, window->width, width, context->origin_x};
    const struct axis down = {window->y, window->height, height, context->origin_y};
    for (size_t i = 0; i < texture->tile_count; i++) {
        const struct bt_texture_tile *tile = &texture->tiles[i];
        const struct seen x =
            seen_of(&across, tile->rect.x, tile->rect.width, tile->held.x, tile->held.width);
        const struct seen y =
            seen_of(&down, tile->rect.y, tile->rect.height, tile->held.y, tile->held.height);
        if (!x.any || !y.any) {
            continue;
        }
        SDL_SetTextureBlendMode(tile->texture,
                                texture->opaque ? SDL_BLENDMODE_NONE : context->over);
        if (draw_tile(context, tile->texture, &x, &y) < 0) {
            return -1;
        }
    }
    return 0;
}

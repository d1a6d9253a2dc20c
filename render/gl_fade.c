#include "render/gl_fade.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "render/window.h"

// SDL swaps red and blue of planes drawn to a target of any other byte order.
SDL_Texture *bt_gl_target(SDL_Renderer *renderer, int width, int height)
{
    return SDL_CreateTexture(renderer, SDL_PIXELFORMAT_ABGR8888, SDL_TEXTUREACCESS_TARGET, width,
                             height);
}

void bt_gl_fade_finish(struct bt_gl_fade *fade)
{
    for (size_t i = 0; i < fade->count; i++) {
        SDL_DestroyTexture(fade->parts[i].texture);
    }
    if (fade->layer != NULL) {
        SDL_DestroyTexture(fade->layer);
    }
    free(fade->parts);
    *fade = (struct bt_gl_fade){0};
}

static bool make_parts(struct bt_gl_fade *fade, const struct bt_texture_context *context)
{
    struct bt_texture_tile part;
    for (size_t i = 0; bt_tile_at(fade->width, fade->height, context->max_side, i, &part); i++) {
        part.texture = bt_gl_target(context->renderer, part.held.width, part.held.height);
        if (part.texture == NULL) {
            return false;
        }
        BT_GROW(fade->parts, fade->capacity, i + 1);
        fade->parts[fade->count++] = part;
    }
    fade->layer = bt_gl_target(context->renderer, BT_MIN(fade->width, context->max_side),
                               BT_MIN(fade->height, context->max_side));
    return fade->layer != NULL;
}

static bool make(struct bt_gl_fade *fade, const struct bt_texture_context *context,
                 struct bt_rect zone)
{
    if (bt_gl_fade_is_on(fade) && fade->width == zone.width && fade->height == zone.height) {
        return true;
    }
    bt_gl_fade_finish(fade);
    fade->width = zone.width;
    fade->height = zone.height;
    if (!make_parts(fade, context)) {
        bt_gl_fade_finish(fade);
        return false;
    }
    return true;
}

static void draw_to(SDL_Renderer *renderer, SDL_Texture *target)
{
    SDL_SetRenderTarget(renderer, target);
    SDL_SetRenderDrawBlendMode(renderer, SDL_BLENDMODE_NONE);
    SDL_SetRenderDrawColor(renderer, 0, 0, 0, 0);
}

static void weigh(SDL_Texture *layer, int permille)
{
    uint8_t weight = (uint8_t)((permille * 255 + 500) / 1000);
    // Sums premultiplied pixels.
    SDL_SetTextureBlendMode(
        layer, SDL_ComposeCustomBlendMode(SDL_BLENDFACTOR_ONE, SDL_BLENDFACTOR_ONE,
                                          SDL_BLENDOPERATION_ADD, SDL_BLENDFACTOR_ONE,
                                          SDL_BLENDFACTOR_ONE, SDL_BLENDOPERATION_ADD));
    SDL_SetTextureColorMod(layer, weight, weight, weight);
    SDL_SetTextureAlphaMod(layer, weight);
}

// Adds what of one side lies in the part, by weight.
static int add_side(struct bt_gl_fade *fade, struct bt_texture_context *context,
                    const struct bt_texture_tile *part, struct bt_texture *texture,
                    const struct bt_visual *visual, int permille, struct bt_error *err)
{
    draw_to(context->renderer, fade->layer);
    SDL_RenderClear(context->renderer);
    context->origin_x = -part->held.x;
    context->origin_y = -part->held.y;
    int r = bt_texture_draw(texture, context, visual, fade->width, fade->height, err);
    context->origin_x = context->origin_y = 0;
    if (r < 0) {
        return r;
    }
    weigh(fade->layer, permille);
    draw_to(context->renderer, part->texture);
    const SDL_Rect whole = {0, 0, part->held.width, part->held.height};
    r = SDL_RenderCopy(context->renderer, fade->layer, &whole, &whole);
    return r < 0 ? bt_fail_sdl(err, -EIO, "Cannot draw a fade") : 0;
}

int bt_gl_fade_add(struct bt_gl_fade *fade, struct bt_texture_context *context,
                   const struct bt_zone_view *view, struct bt_texture *from, struct bt_texture *to,
                   struct bt_error *err)
{
    if (!make(fade, context, view->rect)) {
        return 0;
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < fade->count; i++) {
        const struct bt_texture_tile *part = &fade->parts[i];
        draw_to(context->renderer, part->texture);
        SDL_RenderClear(context->renderer);
        r = add_side(fade, context, part, from, &view->from, 1000 - view->mix, err);
        r = r < 0 ? r : add_side(fade, context, part, to, &view->to, view->mix, err);
    }
    return r < 0 ? r : 1;
}

int bt_gl_fade_draw(const struct bt_gl_fade *fade, const struct bt_texture_context *context,
                    struct bt_error *err)
{
    for (size_t i = 0; i < fade->count; i++) {
        const struct bt_texture_tile *part = &fade->parts[i];
        const SDL_Rect from = bt_tile_source(part);
        const SDL_Rect to = {context->origin_x + part->rect.x, context->origin_y + part->rect.y,
                             part->rect.width, part->rect.height};
        SDL_SetTextureBlendMode(part->texture, context->over);
        if (SDL_RenderCopy(context->renderer, part->texture, &from, &to) < 0) {
            return bt_fail_sdl(err, -EIO, "Cannot draw a fade");
        }
    }
    return 0;
}

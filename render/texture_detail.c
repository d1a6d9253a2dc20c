#include "render/texture_detail.h"

#include <errno.h>

#include "base/mem.h"
#include "render/sample.h"
#include "render/window.h"

#define FRACTION 65536.0F

// `rect`: of the whole picture, however large the texture is.
static int upload(struct bt_texture *texture, const struct bt_texture_context *context,
                  const struct bt_image *image, struct bt_rect rect, struct bt_error *err)
{
    SDL_Texture *made = SDL_CreateTexture(context->renderer, SDL_PIXELFORMAT_ARGB8888,
                                          SDL_TEXTUREACCESS_STATIC, image->width, image->height);
    if (made == NULL) {
        return bt_fail_sdl(err, -ENOMEM, "Cannot create a texture for a picture that moves");
    }
    BT_GROW(texture->tiles, texture->tile_capacity, texture->tile_count + 1);
    texture->tiles[texture->tile_count++] = (struct bt_texture_tile){made, rect};
    if (SDL_UpdateTexture(made, NULL, image->pixels, (int)image->stride) < 0) {
        return bt_fail_sdl(err, -EIO, "Cannot upload a picture that moves");
    }
    return 0;
}

// Tiles would show their edges between pixels, so what is too large is made smaller.
static int upload_reduced(struct bt_texture *texture, const struct bt_texture_context *context,
                          const struct bt_image *image, struct bt_error *err)
{
    int width = BT_MIN(image->width, context->max_side);
    int height = BT_MIN(image->height, context->max_side);
    BT_AUTO(bt_image) reduced = bt_image_create(width, height);
    if (reduced == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for %d × %d pixels", width, height);
    }
    const struct bt_raster to = bt_raster_of(reduced);
    const struct bt_rect all = {0, 0, width, height};
    const struct bt_detail whole = {0, 0, (int64_t)image->width << 16,
                                    (int64_t)image->height << 16};
    bt_sample(&to, all, image, &whole, all);
    reduced->opaque = image->opaque;
    return upload(texture, context, reduced, (struct bt_rect){0, 0, image->width, image->height},
                  err);
}

int bt_texture_upload_detail(struct bt_texture *texture, const struct bt_texture_context *context,
                             const struct bt_image *image, struct bt_error *err)
{
    const struct bt_rect all = {0, 0, image->width, image->height};
    return image->width <= context->max_side && image->height <= context->max_side
               ? upload(texture, context, image, all, err)
               : upload_reduced(texture, context, image, err);
}

// The whole picture is drawn so that its window covers the zone; the viewport cuts off the rest.
int bt_texture_draw_detail(struct bt_texture *texture, const struct bt_texture_context *context,
                           const struct bt_visual *visual, int width, int height)
{
    const struct bt_detail *window = &visual->detail;
    if (texture->tile_count == 0 || window->width <= 0 || window->height <= 0) {
        return 0;
    }
    float across = (float)width / (float)window->width,
          down = (float)height / (float)window->height;
    const SDL_FRect to = {(float)context->origin_x - (float)window->x * across,
                          (float)context->origin_y - (float)window->y * down,
                          (float)texture->tiles[0].rect.width * FRACTION * across,
                          (float)texture->tiles[0].rect.height * FRACTION * down};
    SDL_Texture *whole = texture->tiles[0].texture;
    SDL_SetTextureBlendMode(whole, texture->opaque ? SDL_BLENDMODE_NONE : context->over);
    SDL_SetTextureScaleMode(whole, SDL_ScaleModeLinear);
    return SDL_RenderCopyF(context->renderer, whole, NULL, &to);
}

#include "render/gl_slices.h"

#include <errno.h>

#include "render/gl_curves.h"
#include "render/gl_fade.h"
#include "render/window.h"

void bt_gl_slices_finish(struct bt_gl_slices *slices)
{
    for (size_t i = 0; i < BT_MAX_SLICES; i++) {
        if (slices->textures[i] != NULL) {
            SDL_DestroyTexture(slices->textures[i]);
            slices->textures[i] = NULL;
        }
    }
    bt_gl_curves_destroy(slices->curves);
    slices->curves = NULL;
}

int bt_gl_slices_texture(struct bt_gl_slices *slices, size_t index, int width, int height,
                         SDL_Texture **out, struct bt_error *err)
{
    if (slices->textures[index] == NULL) {
        SDL_Texture *texture = bt_gl_target(slices->renderer, width, height);
        if (texture == NULL) {
            return bt_fail_sdl(err, -ENOMEM, "The GPU has no room");
        }
        SDL_SetTextureBlendMode(texture, SDL_BLENDMODE_NONE);
        SDL_SetTextureScaleMode(texture, SDL_ScaleModeNearest);
        slices->textures[index] = texture;
    }
    *out = slices->textures[index];
    return 0;
}

void bt_gl_quad(struct bt_rect place, int rotation, SDL_Vertex corners[4])
{
    // Clockwise from the left top one; turning the slice takes its corners around.
    static const SDL_FPoint around[4] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
    for (int i = 0; i < 4; i++) {
        corners[i] = (SDL_Vertex){
            .position = {(float)place.x + around[i].x * (float)place.width,
                         (float)place.y + around[i].y * (float)place.height},
            .color = {255, 255, 255, 255},
            .tex_coord = around[(i + 4 - rotation / 90) % 4],
        };
    }
}

static int draw(struct bt_gl_slices *slices, const struct bt_mapping *mapping)
{
    static const int triangles[] = {0, 1, 2, 0, 2, 3};
    for (size_t i = 0; i < mapping->plan.slice_count; i++) {
        SDL_Vertex corners[4];
        bt_gl_quad(bt_mapping_place(mapping, i), mapping->plan.slices[i].rotation, corners);
        if (SDL_RenderGeometry(slices->renderer, slices->textures[i], corners,
                               (int)BT_ARRAY_LEN(corners), triangles,
                               (int)BT_ARRAY_LEN(triangles)) < 0) {
            return -EIO;
        }
    }
    return 0;
}

static int want_curves(struct bt_gl_slices *slices, const struct bt_mapping *mapping,
                       struct bt_error *err)
{
    return slices->curves != NULL ? 0 : bt_gl_curves_create(&mapping->plan, &slices->curves, err);
}

int bt_gl_slices_draw(struct bt_gl_slices *slices, const struct bt_mapping *mapping, bool window,
                      struct bt_error *err)
{
    if (!mapping->plan.has_curves) {
        int r = draw(slices, mapping);
        return r < 0 ? bt_fail_sdl(err, r, "Cannot draw the slices") : 0;
    }
    int r = want_curves(slices, mapping, err);
    return r < 0 ? r
                 : bt_gl_curves_draw(slices->curves, slices->renderer, slices->textures, mapping,
                                     window, err);
}

int bt_gl_slices_show(struct bt_gl_slices *slices, const struct bt_mapping *mapping,
                      SDL_Window *own, SDL_Window *beside, bool waits, struct bt_error *err)
{
    int r = want_curves(slices, mapping, err);
    return r < 0 ? r
                 : bt_gl_curves_show(slices->curves, own, beside, waits, slices->textures, mapping,
                                     err);
}

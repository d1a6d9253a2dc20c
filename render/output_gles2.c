/**
 * SDL's OpenGL ES 2 renderer. Compose uploads what is new and draws the whole canvas (a GPU's back
 * buffer is undefined after a present); an unchanged picture is drawn again from the textures.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "render/gl_fade.h"
#include "render/gl_slices.h"
#include "render/output_impl.h"
#include "render/texture.h"
#include "render/window.h"

static const struct bt_log logger = {"render/gles2"};

#define GL_RENDERER_NAME 0x1F01

// A quarter of a refresh at 60 Hz.
#define UPLOAD_NS (4 * BT_NS_PER_MS)

struct gpu_zone {
    struct bt_texture from, to;
    struct bt_gl_fade fade;
};

struct gles2_output {
    struct bt_output base;
    struct bt_window window;
    struct bt_texture_context context;
    struct bt_scene scene;  // what the textures show; its pointers are compared, never followed
    bool valid;             // there is such a scene
    size_t upload_bytes;    // at most so much ahead in one call
    bool drawn;             // it is in the back buffer
    struct gpu_zone zones[BT_SCENE_MAX_ZONES];
    struct bt_gl_slices slices;
    struct bt_gl_slices sides[BT_MAX_WINDOWS - 1];  // of the windows beside the first
};

// Where the canvas goes: 1:1 and centred, or scaled down into a window that is too small.
struct placing {
    float scale;
    int x, y;               // before scaling
    struct bt_rect bounds;  // what of the target is drawn to, before scaling
};

static struct placing place_canvas(const struct gles2_output *gles2)
{
    int width = 0, height = 0;
    int canvas_width = gles2->base.canvas_width, canvas_height = gles2->base.canvas_height;
    struct placing placing = {.scale = 1, .bounds = {0, 0, canvas_width, canvas_height}};
    if (bt_mapping_is_on(&gles2->base.mapping)) {
        const struct bt_rect place = bt_mapping_place(&gles2->base.mapping, 0);
        placing.x = place.x;
        placing.y = place.y;
        placing.bounds = place;
        return placing;
    }
    if (gles2->window.fullscreen ||
        SDL_GetRendererOutputSize(gles2->context.renderer, &width, &height) < 0) {
        return placing;
    }
    float fit = BT_MIN((float)width / (float)canvas_width, (float)height / (float)canvas_height);
    placing.scale = BT_MIN(fit, 1.0F);
    placing.x = (int)((float)width / placing.scale - (float)canvas_width) / 2;
    placing.y = (int)((float)height / placing.scale - (float)canvas_height) / 2;
    placing.bounds.x = placing.x;
    placing.bounds.y = placing.y;
    return placing;
}

static void clear(struct gles2_output *gles2, struct bt_colour colour)
{
    SDL_SetRenderDrawBlendMode(gles2->context.renderer, SDL_BLENDMODE_NONE);
    SDL_SetRenderDrawColor(gles2->context.renderer, colour.r, colour.g, colour.b, colour.a);
    SDL_RenderClear(gles2->context.renderer);
}

// Before the canvas is drawn, so that the target changes only once on the way.
static int prepare_fades(struct gles2_output *gles2, struct bt_error *err)
{
    for (size_t i = 0; i < gles2->scene.zone_count; i++) {
        const struct bt_zone_view *view = &gles2->scene.zones[i];
        struct gpu_zone *zone = &gles2->zones[i];
        int r = bt_zone_view_fades(view) ? bt_gl_fade_add(&zone->fade, &gles2->context, view,
                                                          &zone->from, &zone->to, err)
                                         : 0;
        if (r == 0) {
            bt_gl_fade_finish(&zone->fade);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

// Of what is drawn next `seen` is seen, and its left top corner stands at x, y. A viewport may not
// be larger than a texture, but the zone of a ribbon is.
static void look_at(struct gles2_output *gles2, struct bt_rect seen, int x, int y)
{
    const SDL_Rect viewport = {seen.x, seen.y, seen.width, seen.height};
    SDL_RenderSetViewport(gles2->context.renderer, &viewport);
    gles2->context.origin_x = x - seen.x;
    gles2->context.origin_y = y - seen.y;
}

static int draw_parts(struct gles2_output *gles2, struct gpu_zone *zone,
                      const struct bt_zone_view *view, struct bt_rect place,
                      const struct placing *placing, struct bt_error *err)
{
    struct bt_texture *const textures[] = {&zone->from, &zone->to};
    struct bt_part parts[2];
    (void)bt_zone_view_parts(view, parts);
    int r = 0;
    for (int i = 0; i < 2 && r == 0; i++) {
        struct bt_rect clip = parts[i].clip;
        clip.x += place.x;
        clip.y += place.y;
        const struct bt_rect seen = bt_rect_intersect(clip, placing->bounds);
        if (!bt_rect_empty(seen)) {
            look_at(gles2, seen, place.x + parts[i].x, place.y + parts[i].y);
            r = bt_texture_draw(textures[i], &gles2->context, parts[i].visual, place.width,
                                place.height, err);
        }
    }
    return r;
}

static int draw_zone(struct gles2_output *gles2, size_t index, const struct placing *placing,
                     struct bt_error *err)
{
    const struct bt_zone_view *view = &gles2->scene.zones[index];
    struct gpu_zone *zone = &gles2->zones[index];
    const struct bt_rect place = {placing->x + view->rect.x, placing->y + view->rect.y,
                                  view->rect.width, view->rect.height};
    const struct bt_rect seen = bt_rect_intersect(place, placing->bounds);
    if (bt_rect_empty(seen)) {
        return 0;
    }
    if (bt_zone_view_moves(view)) {
        return draw_parts(gles2, zone, view, place, placing, err);
    }
    look_at(gles2, seen, place.x, place.y);
    if (bt_gl_fade_is_on(&zone->fade)) {
        return bt_gl_fade_draw(&zone->fade, &gles2->context, err);
    }
    // Where the GPU has no room for a fade it is a cut in its middle.
    bool from = view->mix < 500;
    return bt_texture_draw(from ? &zone->from : &zone->to, &gles2->context,
                           from ? &view->from : &view->to, view->rect.width, view->rect.height,
                           err);
}

// Draws the scene, with its fades prepared, to a target: the window or a texture.
static int draw_scene(struct gles2_output *gles2, SDL_Texture *target,
                      const struct placing *placing, struct bt_error *err)
{
    SDL_Renderer *renderer = gles2->context.renderer;
    SDL_SetRenderTarget(renderer, target);
    SDL_RenderSetScale(renderer, placing->scale, placing->scale);
    SDL_RenderSetViewport(renderer, NULL);
    clear(gles2, (struct bt_colour){0, 0, 0, 255});
    const SDL_Rect canvas = {placing->bounds.x, placing->bounds.y, placing->bounds.width,
                             placing->bounds.height};
    const struct bt_colour *colour = &gles2->scene.background;
    SDL_SetRenderDrawColor(renderer, colour->r, colour->g, colour->b, 255);
    int r = SDL_RenderFillRect(renderer, &canvas);
    for (size_t i = 0; r >= 0 && i < gles2->scene.zone_count; i++) {
        r = draw_zone(gles2, i, placing, err);
    }
    SDL_RenderSetViewport(renderer, NULL);
    gles2->context.origin_x = gles2->context.origin_y = 0;
    return r;
}

// A slice of the canvas into a texture of its own.
static int draw_slice(struct gles2_output *gles2, struct bt_gl_slices *slices,
                      const struct bt_rect *from, size_t index, struct bt_error *err)
{
    const struct placing placing = {
        .scale = 1, .x = -from->x, .y = -from->y, .bounds = {0, 0, from->width, from->height}};
    SDL_Texture *texture;
    int r = bt_gl_slices_texture(slices, index, from->width, from->height, &texture, err);
    return r < 0 ? r : draw_scene(gles2, texture, &placing, err);
}

static int draw_all_slices(struct gles2_output *gles2, struct bt_gl_slices *slices,
                           const struct bt_mapping *mapping, struct bt_error *err)
{
    for (size_t i = 0; i < mapping->plan.slice_count; i++) {
        int r = draw_slice(gles2, slices, &mapping->plan.slices[i].from, i, err);
        if (r < 0) {
            return bt_fail_in(err, r, "slice %zu", i);
        }
    }
    return 0;
}

static int draw_slices(struct gles2_output *gles2, SDL_Texture *target, struct bt_error *err)
{
    const struct bt_mapping *mapping = &gles2->base.mapping;
    int r = draw_all_slices(gles2, &gles2->slices, mapping, err);
    if (r < 0) {
        return r;
    }
    SDL_SetRenderTarget(gles2->context.renderer, target);
    SDL_RenderSetScale(gles2->context.renderer, 1, 1);
    SDL_RenderSetViewport(gles2->context.renderer, NULL);
    clear(gles2, (struct bt_colour){0, 0, 0, 255});
    return bt_gl_slices_draw(&gles2->slices, mapping, target == NULL, err);
}

// Of the same scene as the first window; they go to their windows when that is presented.
static int draw_sides(struct gles2_output *gles2, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < gles2->window.sides.count; i++) {
        const struct bt_side_window *side = &gles2->window.sides.windows[i];
        if (bt_side_window_is_shown(side)) {
            gles2->sides[i].renderer = gles2->context.renderer;
            r = draw_all_slices(gles2, &gles2->sides[i], &side->mapping, err);
        }
    }
    return r;
}

static void drop_slices(struct gles2_output *gles2)
{
    bt_gl_slices_finish(&gles2->slices);
    for (size_t i = 0; i < BT_ARRAY_LEN(gles2->sides); i++) {
        bt_gl_slices_finish(&gles2->sides[i]);
    }
}

// What the display is given, to the window or a texture of the raster's size.
static int draw_raster(struct gles2_output *gles2, SDL_Texture *target, struct bt_error *err)
{
    int r = prepare_fades(gles2, err);
    r = r < 0 ? r : draw_sides(gles2, err);
    if (r < 0) {
        return r;
    }
    if (bt_mapping_is_on(&gles2->base.mapping) &&
        !bt_mapping_is_plain(&gles2->base.mapping, gles2->base.canvas_width,
                             gles2->base.canvas_height)) {
        return draw_slices(gles2, target, err);
    }
    SDL_SetRenderTarget(gles2->context.renderer, NULL);  // else its size is a fade's
    const struct placing placing = place_canvas(gles2);
    return draw_scene(gles2, target, &placing, err);
}

static int upload_zone(struct gles2_output *gles2, struct gpu_zone *zone,
                       const struct bt_zone_view *view, struct bt_error *err)
{
    int r = bt_texture_update(&zone->from, &gles2->context, &view->from, err);
    return r < 0 ? r : bt_texture_update(&zone->to, &gles2->context, &view->to, err);
}

// What was shown begins to fade out: its textures go along.
static void swap_when_fading_begins(struct gpu_zone *zone, int mix_before, int mix)
{
    if (mix < 1000 && mix_before == 1000) {
        struct bt_texture from = zone->from;
        zone->from = zone->to;
        zone->to = from;
    }
}

static int upload_scene(struct gles2_output *gles2, const struct bt_scene *scene,
                        struct bt_error *err)
{
    for (size_t i = 0; i < scene->zone_count; i++) {
        struct gpu_zone *zone = &gles2->zones[i];
        if (i < gles2->scene.zone_count) {
            swap_when_fading_begins(zone, gles2->scene.zones[i].mix, scene->zones[i].mix);
        }
        int r = upload_zone(gles2, zone, &scene->zones[i], err);
        if (r < 0) {
            return bt_fail_in(err, r, "zone %zu", i);
        }
    }
    for (size_t i = scene->zone_count; i < BT_SCENE_MAX_ZONES; i++) {
        bt_texture_finish(&gles2->zones[i].from);
        bt_texture_finish(&gles2->zones[i].to);
        bt_gl_fade_finish(&gles2->zones[i].fade);
    }
    return 0;
}

static bool gles2_ahead(struct bt_output *output, const struct bt_image *const *images,
                        size_t count)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    if (gles2->window.lost) {
        return false;
    }
    const struct bt_upload_budget budget = {bt_clock_mono_ns(bt_clock_real()) + UPLOAD_NS,
                                            gles2->upload_bytes};
    return bt_ahead_step(gles2->context.ahead, images, count, budget);
}

static int gles2_compose(struct bt_output *output, const struct bt_scene *scene,
                         struct bt_error *err)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    if (gles2->window.lost) {
        return bt_fail(err, -ENODEV, "The display is gone");
    }
    struct bt_scene taken;
    bt_scene_take(&taken, scene);
    if (gles2->valid && bt_scene_same(&taken, &gles2->scene)) {
        return 0;
    }
    gles2->valid = false;
    gles2->drawn = false;
    int r = upload_scene(gles2, &taken, err);
    gles2->scene = taken;
    if (r < 0) {
        return r;
    }
    r = draw_raster(gles2, NULL, err);
    if (r < 0) {
        return r;
    }
    SDL_RenderFlush(gles2->context.renderer);
    gles2->valid = true;
    gles2->drawn = true;
    return 1;
}

static int gles2_resize(struct bt_output *output, struct bt_error *err)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    (void)err;
    gles2->valid = false;
    drop_slices(gles2);
    bt_window_follow(&gles2->window, &output->plan);
    bt_window_describe(&gles2->window, &output->plan, &output->info);
    if (output->follows_canvas) {
        int width, height;
        bt_output_wanted_size(output, &width, &height);
        SDL_SetWindowSize(gles2->window.sdl, width, height);
    }
    return 0;
}

// Only the first window that is there waits for its display. One that cannot be drawn to leaves the
// others as they are.
static void present_windows(struct gles2_output *gles2)
{
    struct bt_window *window = &gles2->window;
    bool waits = window->closed;
    struct bt_error err;
    if (!window->closed) {
        SDL_RenderPresent(gles2->context.renderer);
    }
    for (size_t i = 0; i < window->sides.count && !window->lost; i++) {
        struct bt_side_window *side = &window->sides.windows[i];
        if (bt_side_window_is_shown(side) &&
            bt_gl_slices_show(&gles2->sides[i], &side->mapping, window->sdl, side->sdl, waits,
                              &err) < 0) {
            bt_log_error(&logger, "Window %zu: %s; the others go on without it", i + 2, err.msg);
            side->closed = true;
        }
        waits = waits && !bt_side_window_is_shown(side);
    }
}

// A back buffer is undefined after a present.
static int draw_again(struct gles2_output *gles2, struct bt_error *err)
{
    int r = gles2->drawn || gles2->window.lost ? 0 : draw_raster(gles2, NULL, err);
    gles2->drawn = gles2->drawn || r == 0;
    return r;
}

static int gles2_draw(struct bt_output *output, struct bt_error *err)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    void (*finish)(void) = NULL;
    void *address = SDL_GL_GetProcAddress("glFinish");
    SDL_memcpy(&finish, &address, sizeof(finish));
    int r = draw_again(gles2, err);
    if (r == 0 && !gles2->window.lost && finish != NULL) {
        SDL_RenderFlush(gles2->context.renderer);
        finish();
    }
    return r;
}

static int gles2_present(struct bt_output *output, struct bt_error *err)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    int r = draw_again(gles2, err);
    if (r < 0) {
        return r;
    }
    if (!gles2->window.lost) {
        present_windows(gles2);
    }
    gles2->drawn = false;
    return gles2->window.lost ? bt_fail(err, -ENODEV, "The display is gone") : 0;
}

static int read_target(struct gles2_output *gles2, struct bt_image *into, struct bt_rect at,
                       struct bt_error *err)
{
    const SDL_Rect part = {0, 0, at.width, at.height};
    uint8_t *pixels = into->pixels + (size_t)at.y * into->stride + (size_t)at.x * 4;
    int r = SDL_RenderReadPixels(gles2->context.renderer, &part, SDL_PIXELFORMAT_ARGB8888, pixels,
                                 (int)into->stride);
    return r < 0 ? bt_fail_sdl(err, -EIO, "Cannot read the canvas") : 0;
}

// Part after part, since a canvas may be larger than any texture.
static int read_canvas(struct gles2_output *gles2, SDL_Texture *target, int side,
                       struct bt_image *into, struct bt_error *err)
{
    int r = prepare_fades(gles2, err);
    for (int y = 0; r >= 0 && y < into->height; y += side) {
        for (int x = 0; r >= 0 && x < into->width; x += side) {
            const struct bt_rect part = {x, y, BT_MIN(side, into->width - x),
                                         BT_MIN(side, into->height - y)};
            const struct placing placing = {
                .scale = 1, .x = -x, .y = -y, .bounds = {0, 0, part.width, part.height}};
            r = draw_scene(gles2, target, &placing, err);
            r = r < 0 ? r : read_target(gles2, into, part, err);
        }
    }
    return r;
}

static int read_raster(struct gles2_output *gles2, SDL_Texture *target, int side,
                       struct bt_image *into, struct bt_error *err)
{
    (void)side;
    int r = draw_raster(gles2, target, err);
    return r < 0 ? r
                 : read_target(gles2, into, (struct bt_rect){0, 0, into->width, into->height}, err);
}

static int read_with(struct gles2_output *gles2, struct bt_image *into, int side,
                     int (*read)(struct gles2_output *gles2, SDL_Texture *target, int side,
                                 struct bt_image *into, struct bt_error *err),
                     struct bt_error *err)
{
    if (!gles2->valid) {
        return bt_fail(err, -EAGAIN, "Nothing was composed yet");
    }
    SDL_Texture *target = bt_gl_target(gles2->context.renderer, BT_MIN(into->width, side),
                                       BT_MIN(into->height, side));
    if (target == NULL) {
        return bt_fail_sdl(err, -ENOMEM, "Cannot read the canvas");
    }
    int r = read(gles2, target, side, into, err);
    SDL_SetRenderTarget(gles2->context.renderer, NULL);
    SDL_DestroyTexture(target);
    return r;
}

static int gles2_read(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    return read_with(gles2, into, gles2->context.max_side, read_canvas, err);
}

// No display is larger than a texture may be.
static int gles2_read_raster(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    return read_with((struct gles2_output *)output, into, BT_CANVAS_MAX_PX, read_raster, err);
}

// All that lies in the GPU's memory; the next scene is uploaded anew.
static void drop_textures(struct gles2_output *gles2)
{
    for (size_t i = 0; i < BT_SCENE_MAX_ZONES; i++) {
        bt_texture_finish(&gles2->zones[i].from);
        bt_texture_finish(&gles2->zones[i].to);
        bt_gl_fade_finish(&gles2->zones[i].fade);
    }
    drop_slices(gles2);
    if (gles2->context.ahead != NULL) {
        bt_ahead_forget(gles2->context.ahead);
    }
    gles2->valid = false;
}

static enum bt_output_event gles2_poll(struct bt_output *output)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    enum bt_output_event event = bt_window_poll(&gles2->window);
    if (event == BT_OUTPUT_EXPOSED) {
        gles2->drawn = false;
        bt_window_describe(&gles2->window, &output->plan, &output->info);
    }
    if (gles2->window.reset) {
        gles2->window.reset = false;
        drop_textures(gles2);
    }
    return event;
}

static void gles2_destroy(struct bt_output *output)
{
    struct gles2_output *gles2 = (struct gles2_output *)output;
    if (gles2->window.lost) {
        return;  // as in bt_window_close; GL hangs on the broken connection, too
    }
    drop_textures(gles2);
    bt_ahead_destroy(gles2->context.ahead);
    if (gles2->context.renderer != NULL) {
        SDL_DestroyRenderer(gles2->context.renderer);
    }
    bt_window_close(&gles2->window);
    free(gles2);
}

static const struct bt_output_impl gles2_impl = {
    .resize = gles2_resize,
    .ahead = gles2_ahead,
    .compose = gles2_compose,
    .draw = gles2_draw,
    .present = gles2_present,
    .read = gles2_read,
    .read_raster = gles2_read_raster,
    .poll = gles2_poll,
    .destroy = gles2_destroy,
};

static int find_driver(void)
{
    for (int i = 0; i < SDL_GetNumRenderDrivers(); i++) {
        SDL_RendererInfo info;
        if (SDL_GetRenderDriverInfo(i, &info) == 0 && bt_str_equal(info.name, "opengles2")) {
            return i;
        }
    }
    return -1;
}

static void read_renderer_name(struct bt_output_info *info)
{
    const unsigned char *(*get_string)(unsigned) = NULL;
    void *address = SDL_GL_GetProcAddress("glGetString");
    SDL_memcpy(&get_string, &address, sizeof(get_string));
    const char *name = get_string != NULL ? (const char *)get_string(GL_RENDERER_NAME) : NULL;
    bt_copy_cut(info->renderer, sizeof(info->renderer), name != NULL ? name : "unknown");
}

// Draws planes that are red and looks whether they come out red.
static bool planes_keep_their_colours(struct gles2_output *gles2)
{
    enum { SIDE = 2 };
    static const uint8_t y[SIDE * SIDE] = {81, 81, 81, 81}, u[1] = {90}, v[1] = {240};
    SDL_Renderer *renderer = gles2->context.renderer;
    SDL_Texture *planes =
        SDL_CreateTexture(renderer, SDL_PIXELFORMAT_IYUV, SDL_TEXTUREACCESS_STREAMING, SIDE, SIDE);
    SDL_Texture *target = bt_gl_target(gles2->context.renderer, SIDE, SIDE);
    uint32_t pixels[SIDE * SIDE] = {0};
    bool drawn = planes != NULL && target != NULL &&
                 SDL_UpdateYUVTexture(planes, NULL, y, SIDE, u, 1, v, 1) == 0 &&
                 SDL_SetRenderTarget(renderer, target) == 0 &&
                 SDL_RenderCopy(renderer, planes, NULL, NULL) == 0 &&
                 SDL_RenderReadPixels(renderer, NULL, SDL_PIXELFORMAT_ARGB8888, pixels,
                                      SIDE * (int)sizeof(*pixels)) == 0;
    SDL_SetRenderTarget(renderer, NULL);
    SDL_DestroyTexture(target);
    SDL_DestroyTexture(planes);
    return drawn && (pixels[0] >> 16 & 0xFF) > (pixels[0] & 0xFF);
}

static int open_renderer(struct gles2_output *gles2, const struct bt_output_options *options,
                         struct bt_error *err)
{
    int driver = find_driver();
    if (driver < 0) {
        return bt_fail(err, -ENOTSUP, "SDL has no OpenGL ES 2 renderer");
    }
    SDL_SetHint(SDL_HINT_RENDER_BATCHING, "1");
    SDL_Renderer *renderer =
        SDL_CreateRenderer(gles2->window.sdl, driver, SDL_RENDERER_TARGETTEXTURE);
    if (renderer == NULL) {
        return bt_fail_sdl(err, -ENOTSUP, "There is no OpenGL ES 2 here");
    }
    SDL_RendererInfo info;
    if (SDL_GetRendererInfo(renderer, &info) < 0 || info.max_texture_width < 1) {
        info.max_texture_width = info.max_texture_height = 2048;
    }
    gles2->context.renderer = gles2->slices.renderer = renderer;
    gles2->context.max_side = BT_MIN(info.max_texture_width, info.max_texture_height);
    if (options->max_texture_px > 0) {
        gles2->context.max_side = BT_MIN(gles2->context.max_side, options->max_texture_px);
    }
    gles2->context.ahead = bt_ahead_create(renderer, bt_texture_tile_side(gles2->context.max_side));
    gles2->upload_bytes = options->upload_bytes > 0 ? options->upload_bytes : SIZE_MAX;
    gles2->context.over = SDL_ComposeCustomBlendMode(
        SDL_BLENDFACTOR_ONE, SDL_BLENDFACTOR_ONE_MINUS_SRC_ALPHA, SDL_BLENDOPERATION_ADD,
        SDL_BLENDFACTOR_ONE, SDL_BLENDFACTOR_ONE_MINUS_SRC_ALPHA, SDL_BLENDOPERATION_ADD);
    gles2->context.planes_wanted = planes_keep_their_colours(gles2);
    return 0;
}

static void describe(struct gles2_output *gles2)
{
    struct bt_output_info *info = &gles2->base.info;
    info->backend = "gles2";
    info->video_driver = SDL_GetCurrentVideoDriver();
    info->drives_card = bt_window_drives_card();
    info->display_hz = bt_window_display_hz(&gles2->window);
    bt_window_describe(&gles2->window, &gles2->base.plan, info);
    read_renderer_name(info);
    // Asked of GL itself: the renderer's own flag makes SDL pretend with a sleep.
    gles2->base.may_wait = SDL_GL_SetSwapInterval(1) == 0;
}

int bt_output_open_gles2(const struct bt_output_options *options, struct bt_output **out,
                         struct bt_error *err)
{
    struct gles2_output *gles2 = BT_NEW(struct gles2_output);
    bt_output_init(&gles2->base, &gles2_impl, options);
    int r = bt_window_open(&gles2->window, options, SDL_WINDOW_OPENGL, err);
    if (r == 0) {
        r = open_renderer(gles2, options, err);
    }
    if (r < 0) {
        gles2_destroy(&gles2->base);
        return r;
    }
    describe(gles2);
    *out = &gles2->base;
    return 0;
}

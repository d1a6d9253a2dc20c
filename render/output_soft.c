/**
 * The window's shared-memory surface, drawn by the soft compositor.
 *
 * Where the surface has our pixel format and holds the canvas, the canvas is a part of it and
 * nothing is copied. Otherwise (a preview in a smaller window, an odd pixel format, a display
 * smaller than the canvas) the canvas lies in memory and is copied or scaled at each present.
 *
 * So it does when it is cut, turned, or its levels change on the way: then what changed is copied,
 * and sent to the display as one rectangle, since of several the server may show the first before
 * it has the last. And where there are several windows, one after the other.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/compositor.h"
#include "render/output_impl.h"
#include "render/window.h"

struct side_surface {
    SDL_Surface *surface;     // borrowed from SDL; NULL: the window is not there
    struct bt_image *raster;  // as below
};

struct soft_output {
    struct bt_output base;
    struct bt_window window;
    struct bt_compositor *compositor;
    struct bt_scene scene;        // the last one: its pointers live until the next is composed
    bool composed;                // there is one
    SDL_Surface *surface;         // the window's, borrowed from SDL; NULL: ask SDL again
    struct bt_rect place;         // of the canvas in the surface
    struct bt_image *canvas;      // NULL: the canvas is a part of the surface
    SDL_Surface *canvas_surface;  // a view of `canvas`
    struct bt_image *raster;      // of a mapped canvas on a surface with an odd pixel format
    struct bt_region pending;     // drawn and not presented yet, canvas pixels
    bool all_pending;
    struct side_surface sides[BT_MAX_WINDOWS - 1];
};

static void drop_canvas(struct soft_output *soft)
{
    SDL_FreeSurface(soft->canvas_surface);
    soft->canvas_surface = NULL;
    bt_image_destroy(BT_TAKE(soft->canvas));
    bt_image_destroy(BT_TAKE(soft->raster));
    for (size_t i = 0; i < BT_ARRAY_LEN(soft->sides); i++) {
        soft->sides[i].surface = NULL;
        bt_image_destroy(BT_TAKE(soft->sides[i].raster));
    }
}

static bool is_mapped(const struct soft_output *soft)
{
    return bt_mapping_is_on(&soft->base.mapping);
}

static bool is_plain(const struct soft_output *soft)
{
    return !is_mapped(soft) || bt_mapping_is_plain(&soft->base.mapping, soft->base.canvas_width,
                                                   soft->base.canvas_height);
}

static bool has_our_format(const SDL_Surface *surface)
{
    assert(surface != NULL);
    uint32_t format = surface->format->format;
    return (format == SDL_PIXELFORMAT_RGB888 || format == SDL_PIXELFORMAT_ARGB8888) &&
           !SDL_MUSTLOCK(surface) && surface->pitch % 4 == 0;
}

// The whole canvas in a window that is too small for it, its shape kept.
static struct bt_rect place_scaled(struct bt_rect surface, int width, int height)
{
    struct bt_rect place = surface;
    if ((int64_t)surface.width * height > (int64_t)surface.height * width) {
        place.width = BT_MAX(1, (int)((int64_t)width * surface.height / height));
    } else {
        place.height = BT_MAX(1, (int)((int64_t)height * surface.width / width));
    }
    place.x = (surface.width - place.width) / 2;
    place.y = (surface.height - place.height) / 2;
    return place;
}

static struct bt_rect place_canvas(const struct soft_output *soft)
{
    int width = soft->base.canvas_width, height = soft->base.canvas_height;
    const struct bt_rect surface = {0, 0, soft->surface->w, soft->surface->h};
    if (is_mapped(soft)) {
        struct bt_rect first = bt_mapping_place(&soft->base.mapping, 0);
        return (struct bt_rect){first.x, first.y, width, height};
    }
    if (soft->window.fullscreen) {
        return (struct bt_rect){0, 0, width, height};
    }
    if (surface.width < width || surface.height < height) {
        return place_scaled(surface, width, height);
    }
    return (struct bt_rect){(surface.width - width) / 2, (surface.height - height) / 2, width,
                            height};
}

static int make_canvas(struct soft_output *soft, struct bt_error *err)
{
    int width = soft->base.canvas_width, height = soft->base.canvas_height;
    soft->canvas = bt_image_create(width, height);
    if (soft->canvas == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a canvas of %d × %d", width, height);
    }
    soft->canvas_surface = SDL_CreateRGBSurfaceWithFormatFrom(
        soft->canvas->pixels, width, height, 32, (int)soft->canvas->stride, SDL_PIXELFORMAT_RGB888);
    if (soft->canvas_surface == NULL) {
        return bt_fail_sdl(err, -ENOMEM, "Cannot use the canvas as a surface");
    }
    return 0;
}

// What a window of this surface is given, in our pixel format.
static int make_raster(const SDL_Surface *surface, struct bt_image **out, struct bt_error *err)
{
    if (has_our_format(surface)) {
        return 0;
    }
    *out = bt_image_create(surface->w, surface->h);
    if (*out == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a raster of %d × %d", surface->w,
                       surface->h);
    }
    memset((*out)->pixels, 0, (*out)->stride * (size_t)surface->h);
    return 0;
}

static int take_sides(struct soft_output *soft, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < soft->window.sides.count; i++) {
        const struct bt_side_window *window = &soft->window.sides.windows[i];
        struct side_surface *side = &soft->sides[i];
        side->surface = bt_side_window_is_shown(window) ? SDL_GetWindowSurface(window->sdl) : NULL;
        if (side->surface != NULL) {
            SDL_FillRect(side->surface, NULL, SDL_MapRGB(side->surface->format, 0, 0, 0));
            r = make_raster(side->surface, &side->raster, err);
        }
    }
    return r;
}

// After opening and whenever the window changed: SDL may give another surface.
static int take_surface(struct soft_output *soft, struct bt_error *err)
{
    SDL_Surface *surface = SDL_GetWindowSurface(soft->window.sdl);
    if (surface == NULL) {
        return bt_fail_sdl(err, -ENOTSUP, "The window has no surface in memory");
    }
    soft->surface = surface;
    SDL_FillRect(surface, NULL, SDL_MapRGB(surface->format, 0, 0, 0));
    soft->place = place_canvas(soft);
    soft->all_pending = true;
    bt_compositor_invalidate(soft->compositor);
    drop_canvas(soft);
    const struct bt_rect all = {0, 0, surface->w, surface->h};
    if (has_our_format(surface) && soft->place.width == soft->base.canvas_width && is_plain(soft) &&
        soft->window.sides.count == 0 && bt_rect_contains(all, soft->place)) {
        return 0;
    }
    int r = is_mapped(soft) ? make_raster(surface, &soft->raster, err) : 0;
    r = r < 0 ? r : take_sides(soft, err);
    return r < 0 ? r : make_canvas(soft, err);
}

static struct bt_raster target_of(const struct soft_output *soft)
{
    if (soft->canvas != NULL) {
        return bt_raster_of(soft->canvas);
    }
    assert(soft->surface != NULL);
    size_t stride = (size_t)soft->surface->pitch;
    uint8_t *pixels = (uint8_t *)soft->surface->pixels + (size_t)soft->place.y * stride +
                      (size_t)soft->place.x * 4;
    return (struct bt_raster){pixels, stride, soft->place.width, soft->place.height};
}

static int soft_compose(struct bt_output *output, const struct bt_scene *scene,
                        struct bt_error *err)
{
    struct soft_output *soft = (struct soft_output *)output;
    if (soft->window.lost) {
        return bt_fail(err, -ENODEV, "The display is gone");
    }
    int r = soft->surface == NULL ? take_surface(soft, err) : 0;
    if (r < 0) {
        return r;
    }
    const struct bt_raster target = target_of(soft);
    r = bt_compositor_draw(soft->compositor, scene, &target, err);
    if (r < 0) {
        return r;
    }
    bt_region_add_all(&soft->pending, bt_compositor_damage(soft->compositor));
    if (scene != &soft->scene) {
        soft->scene = *scene;
        soft->composed = true;
    }
    return r;
}

static int soft_resize(struct bt_output *output, struct bt_error *err)
{
    struct soft_output *soft = (struct soft_output *)output;
    (void)err;
    bt_compositor_destroy(soft->compositor);
    soft->compositor = bt_compositor_create(output->canvas_width, output->canvas_height);
    soft->pending = (struct bt_region){0};
    soft->composed = false;
    soft->surface = NULL;
    bt_window_follow(&soft->window, &output->plan);
    bt_window_describe(&soft->window, &output->plan, &output->info);
    if (output->follows_canvas) {
        int width, height;
        bt_output_wanted_size(output, &width, &height);
        SDL_SetWindowSize(soft->window.sdl, width, height);
    }
    return 0;
}

static SDL_Rect sdl_rect(struct bt_rect rect)
{
    return (SDL_Rect){rect.x, rect.y, rect.width, rect.height};
}

static bool is_scaled(const struct soft_output *soft)
{
    return soft->place.width != soft->base.canvas_width ||
           soft->place.height != soft->base.canvas_height;
}

// What changed, to where it stands in one window; *out_bound holds all of it. `odd`: what goes to a
// surface that has not our pixel format.
static int copy_slices(const struct soft_output *soft, const struct bt_mapping *mapping,
                       SDL_Surface *surface, struct bt_image *odd, struct bt_rect *out_bound,
                       struct bt_error *err)
{
    assert(surface != NULL);
    const struct bt_raster canvas = bt_raster_of(soft->canvas);
    const struct bt_raster raster =
        odd != NULL
            ? bt_raster_of(odd)
            : (struct bt_raster){surface->pixels, (size_t)surface->pitch, surface->w, surface->h};
    const struct bt_region all = {{{0, 0, canvas.width, canvas.height}}, 1};
    bt_mapping_copy(mapping, &canvas, soft->all_pending ? &all : &soft->pending, &raster,
                    out_bound);
    if (odd != NULL && SDL_ConvertPixels(surface->w, surface->h, SDL_PIXELFORMAT_RGB888,
                                         odd->pixels, (int)odd->stride, surface->format->format,
                                         surface->pixels, surface->pitch) < 0) {
        return bt_fail_sdl(err, -EIO, "Cannot copy the raster into the window");
    }
    return 0;
}

static int copy_canvas(struct soft_output *soft, struct bt_error *err)
{
    SDL_Rect place = sdl_rect(soft->place);
    int r;
    if (!is_scaled(soft)) {
        r = SDL_BlitSurface(soft->canvas_surface, NULL, soft->surface, &place);
    } else if (has_our_format(soft->surface)) {
        r = SDL_SoftStretchLinear(soft->canvas_surface, NULL, soft->surface, &place);
    } else {
        r = SDL_BlitScaled(soft->canvas_surface, NULL, soft->surface, &place);
    }
    return r < 0 ? bt_fail_sdl(err, -EIO, "Cannot copy the canvas into the window") : 0;
}

static int update_window(struct soft_output *soft, struct bt_rect bound)
{
    if (!soft->all_pending && !bt_rect_empty(bound)) {
        const SDL_Rect rect = sdl_rect(bound);
        return SDL_UpdateWindowSurfaceRects(soft->window.sdl, &rect, 1);
    }
    if (soft->all_pending || soft->canvas != NULL || soft->pending.count == 0) {
        return SDL_UpdateWindowSurface(soft->window.sdl);
    }
    SDL_Rect rects[BT_REGION_MAX_RECTS];
    for (size_t i = 0; i < soft->pending.count; i++) {
        rects[i] = sdl_rect(soft->pending.rects[i]);
        rects[i].x += soft->place.x;
        rects[i].y += soft->place.y;
    }
    return SDL_UpdateWindowSurfaceRects(soft->window.sdl, rects, (int)soft->pending.count);
}

// One that cannot be updated now is exposed soon, or gone; the others do not mind.
static void present_side(const struct soft_output *soft, size_t index)
{
    const struct bt_side_window *window = &soft->window.sides.windows[index];
    const struct side_surface *side = &soft->sides[index];
    struct bt_rect bound = {0};
    if (side->surface == NULL || !bt_side_window_is_shown(window) ||
        copy_slices(soft, &window->mapping, side->surface, side->raster, &bound, NULL) < 0) {
        return;
    }
    const SDL_Rect rect = sdl_rect(bound);
    if (soft->all_pending) {
        (void)SDL_UpdateWindowSurface(window->sdl);
    } else if (!bt_rect_empty(bound)) {
        (void)SDL_UpdateWindowSurfaceRects(window->sdl, &rect, 1);
    }
}

static void present_sides(const struct soft_output *soft)
{
    for (size_t i = 0; i < soft->window.sides.count && !soft->window.lost; i++) {
        present_side(soft, i);
    }
}

static int soft_present(struct bt_output *output, struct bt_error *err)
{
    struct soft_output *soft = (struct soft_output *)output;
    int r = 0;
    if (soft->surface == NULL) {
        // The window changed since the picture was composed.
        r = soft_compose(output, &soft->scene, err);
    }
    if (r < 0) {
        return r;
    }
    struct bt_rect bound = {0};
    if (soft->canvas != NULL) {
        r = is_mapped(soft)
                ? copy_slices(soft, &soft->base.mapping, soft->surface, soft->raster, &bound, err)
                : copy_canvas(soft, err);
        if (r < 0) {
            return r;
        }
    }
    r = update_window(soft, bound);
    present_sides(soft);
    if (soft->window.lost) {
        return bt_fail(err, -ENODEV, "The display is gone");
    }
    if (r < 0) {
        return bt_fail_sdl(err, -EIO, "Cannot update the window");
    }
    soft->pending = (struct bt_region){0};
    soft->all_pending = false;
    return 0;
}

// The canvas as it was composed, wherever it lies.
static int find_canvas(struct soft_output *soft, struct bt_raster *out, struct bt_error *err)
{
    if (soft->surface == NULL && soft->composed) {
        int r = soft_compose(&soft->base, &soft->scene, err);
        if (r < 0) {
            return r;
        }
    }
    if (soft->surface == NULL) {
        return bt_fail(err, -EAGAIN, "Nothing was composed yet");
    }
    *out = target_of(soft);
    return 0;
}

static int soft_read(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    struct bt_raster from = {0};
    int r = find_canvas((struct soft_output *)output, &from, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster to = bt_raster_of(into);
    const struct bt_raster_source source = {from.pixels, from.stride, 0, 0, true};
    bt_raster_draw(&to, (struct bt_rect){0, 0, into->width, into->height}, &source);
    return 0;
}

static int soft_read_raster(struct bt_output *output, struct bt_image *into, struct bt_error *err)
{
    struct bt_raster canvas;
    int r = find_canvas((struct soft_output *)output, &canvas, err);
    if (r == 0) {
        const struct bt_raster raster = bt_raster_of(into);
        bt_mapping_copy_all(&output->mapping, &canvas, &raster);
    }
    return r;
}

static enum bt_output_event soft_poll(struct bt_output *output)
{
    struct soft_output *soft = (struct soft_output *)output;
    enum bt_output_event event = bt_window_poll(&soft->window);
    if (event == BT_OUTPUT_EXPOSED) {
        soft->surface = NULL;
        bt_window_describe(&soft->window, &output->plan, &output->info);
    }
    return event;
}

static void soft_destroy(struct bt_output *output)
{
    struct soft_output *soft = (struct soft_output *)output;
    if (soft->window.lost) {
        return;  // as in bt_window_close
    }
    drop_canvas(soft);
    bt_compositor_destroy(soft->compositor);
    bt_window_close(&soft->window);
    free(soft);
}

static const struct bt_output_impl soft_impl = {
    .resize = soft_resize,
    .compose = soft_compose,
    .present = soft_present,
    .read = soft_read,
    .read_raster = soft_read_raster,
    .poll = soft_poll,
    .destroy = soft_destroy,
};

int bt_output_open_soft(const struct bt_output_options *options, struct bt_output **out,
                        struct bt_error *err)
{
    struct soft_output *soft = BT_NEW(struct soft_output);
    bt_output_init(&soft->base, &soft_impl, options);
    soft->compositor = bt_compositor_create(options->canvas_width, options->canvas_height);
    int r = bt_window_open(&soft->window, options, 0, err);
    if (r == 0) {
        r = take_surface(soft, err);
    }
    if (r < 0) {
        soft_destroy(&soft->base);
        return r;
    }
    soft->base.info.backend = "soft";
    soft->base.info.video_driver = SDL_GetCurrentVideoDriver();
    soft->base.info.drives_card = bt_window_drives_card();
    soft->base.info.display_hz = bt_window_display_hz(&soft->window);
    bt_window_describe(&soft->window, &soft->base.plan, &soft->base.info);
    *out = &soft->base;
    return 0;
}

#include "render/texture.h"

#include <errno.h>
#include <libavutil/frame.h>
#include <stdlib.h>

#include "base/mem.h"
#include "render/texture_detail.h"
#include "render/window.h"

// A picture of 2160p is one tile; GPUs that take less say so.
#define TILE_SIDE 4096
// Up to this many lines a frame that does not say is BT.601; as in media/convert.h.
#define SD_MAX_LINES 576

int bt_texture_tile_side(int max_side)
{
    return BT_MIN(TILE_SIDE, max_side);
}

static void drop_tiles(struct bt_texture *texture)
{
    for (size_t i = 0; i < texture->tile_count; i++) {
        if (!texture->tiles[i].shared) {
            SDL_DestroyTexture(texture->tiles[i].texture);
        }
    }
    texture->tile_count = 0;
}

static void drop_planes(struct bt_texture *texture)
{
    if (texture->planes != NULL) {
        SDL_DestroyTexture(texture->planes);
        texture->planes = NULL;
    }
}

void bt_texture_finish(struct bt_texture *texture)
{
    drop_tiles(texture);
    drop_planes(texture);
    free(texture->tiles);
    bt_image_destroy(texture->converted);
    bt_converter_destroy(texture->converter);
    *texture = (struct bt_texture){0};
}

static SDL_Texture *create_texture(const struct bt_texture_context *context, uint32_t format,
                                   int width, int height)
{
    return SDL_CreateTexture(context->renderer, format, SDL_TEXTUREACCESS_STATIC, width, height);
}

/*
 * SDL 2.26 binds a texture when it is told its filter, and does not remember that it did: the next
 * draw, if it is of the texture that was drawn last, shows this one instead. So only where the
 * filter is another, with nothing queued, and before the texture is uploaded or drawn.
 */
static void set_filter(SDL_Texture *texture, SDL_ScaleMode filter)
{
    SDL_ScaleMode present;
    if (SDL_GetTextureScaleMode(texture, &present) < 0 || present != filter) {
        SDL_SetTextureScaleMode(texture, filter);
    }
}

// Moved to where the image it is of stands.
static void add_tile(struct bt_texture *texture, struct bt_texture_tile tile, int x, int y)
{
    BT_GROW(texture->tiles, texture->tile_capacity, texture->tile_count + 1);
    tile.rect.x += x;
    tile.rect.y += y;
    tile.held.x += x;
    tile.held.y += y;
    texture->tiles[texture->tile_count++] = tile;
}

// The image lies in the GPU's memory already.
static bool take_uploaded(struct bt_texture *texture, const struct bt_texture_context *context,
                          const struct bt_image *image, int x, int y)
{
    struct bt_texture_tile *tiles = NULL;
    size_t count = context->ahead != NULL ? bt_ahead_take(context->ahead, image, &tiles) : 0;
    for (size_t i = 0; i < count; i++) {
        add_tile(texture, tiles[i], x, y);
    }
    free(tiles);
    return count > 0;
}

// Tiles of an image whose left top corner stands at x, y.
static int upload_image(struct bt_texture *texture, const struct bt_texture_context *context,
                        const struct bt_image *image, int x, int y, struct bt_error *err)
{
    int side = bt_texture_tile_side(context->max_side);
    if (take_uploaded(texture, context, image, x, y)) {
        return 0;
    }
    struct bt_texture_tile tile;
    for (size_t i = 0; bt_tile_at(image->width, image->height, side, i, &tile); i++) {
        int r = bt_tile_create(context->renderer, &tile, err);
        if (r < 0) {
            return r;
        }
        add_tile(texture, tile, x, y);
        r = bt_tile_upload(&tile, image, 0, tile.held.height, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static size_t first_like(const struct bt_strip *strip, size_t index)
{
    size_t first = 0;
    while (strip->tiles[first] != strip->tiles[index]) {
        first++;
    }
    return first;
}

// A crawl's line repeats itself: once in the GPU's memory is enough.
static void share_tiles(struct bt_texture *texture, const struct bt_strip *strip, size_t first,
                        int x)
{
    int from = 0;
    for (size_t i = 0; i < first; i++) {
        from += strip->tiles[i]->width;
    }
    int until = from + strip->tiles[first]->width;
    size_t count = texture->tile_count;
    for (size_t i = 0; i < count; i++) {
        struct bt_texture_tile tile = texture->tiles[i];
        if (!tile.shared && tile.rect.x >= from && tile.rect.x < until) {
            tile.shared = true;
            add_tile(texture, tile, x - from, 0);
        }
    }
}

static int upload_strip(struct bt_texture *texture, const struct bt_texture_context *context,
                        const struct bt_strip *strip, struct bt_error *err)
{
    int x = 0;
    for (size_t i = 0; i < strip->tile_count; i++) {
        size_t before = first_like(strip, i);
        int r = 0;
        if (before < i) {
            share_tiles(texture, strip, before, x);
        } else {
            r = upload_image(texture, context, strip->tiles[i], x, 0, err);
        }
        if (r < 0) {
            return r;
        }
        x += strip->tiles[i]->width;
    }
    return 0;
}

static bool is_full_range(const AVFrame *av)
{
    return av->color_range == AVCOL_RANGE_JPEG || av->format == AV_PIX_FMT_YUVJ420P;
}

static bool mode_of(const AVFrame *av, SDL_YUV_CONVERSION_MODE *out)
{
    bool is_601 = av->colorspace == AVCOL_SPC_SMPTE170M || av->colorspace == AVCOL_SPC_BT470BG ||
                  (av->colorspace == AVCOL_SPC_UNSPECIFIED && av->height <= SD_MAX_LINES);
    bool is_709 = av->colorspace == AVCOL_SPC_BT709 ||
                  (av->colorspace == AVCOL_SPC_UNSPECIFIED && av->height > SD_MAX_LINES);
    if (is_full_range(av)) {
        *out = SDL_YUV_CONVERSION_JPEG;
        return is_601;
    }
    *out = is_601 ? SDL_YUV_CONVERSION_BT601 : SDL_YUV_CONVERSION_BT709;
    return is_601 || is_709;
}

static uint32_t planes_format_of(const AVFrame *av)
{
    switch (av->format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
        return SDL_PIXELFORMAT_IYUV;
    case AV_PIX_FMT_NV12:
        return SDL_PIXELFORMAT_NV12;
    default:
        return SDL_PIXELFORMAT_UNKNOWN;
    }
}

static bool is_hdr(const AVFrame *av)
{
    return av->color_trc == AVCOL_TRC_SMPTE2084 || av->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

static bool shaders_can_show(const struct bt_texture_context *context, const AVFrame *av)
{
    SDL_YUV_CONVERSION_MODE mode;
    return context->planes_wanted && !is_hdr(av) &&
           planes_format_of(av) != SDL_PIXELFORMAT_UNKNOWN && mode_of(av, &mode) &&
           av->width <= context->max_side && av->height <= context->max_side &&
           av->linesize[0] > 0 && av->linesize[1] > 0;
}

static int make_planes(struct bt_texture *texture, const struct bt_texture_context *context,
                       const AVFrame *av, struct bt_error *err)
{
    uint32_t format = planes_format_of(av);
    if (texture->planes != NULL && texture->planes_format == format &&
        texture->planes_width == av->width && texture->planes_height == av->height) {
        return 0;
    }
    drop_planes(texture);
    texture->planes = create_texture(context, format, av->width, av->height);
    if (texture->planes == NULL) {
        return bt_fail_sdl(err, -ENOMEM, "Cannot create a texture for a clip");
    }
    texture->planes_format = format;
    texture->planes_width = av->width;
    texture->planes_height = av->height;
    return 0;
}

static int upload_planes(struct bt_texture *texture, const struct bt_texture_context *context,
                         const AVFrame *av, struct bt_error *err)
{
    int r = make_planes(texture, context, av, err);
    if (r < 0) {
        return r;
    }
    if (texture->planes_format == SDL_PIXELFORMAT_NV12) {
        r = SDL_UpdateNVTexture(texture->planes, NULL, av->data[0], av->linesize[0], av->data[1],
                                av->linesize[1]);
    } else {
        r = SDL_UpdateYUVTexture(texture->planes, NULL, av->data[0], av->linesize[0], av->data[1],
                                 av->linesize[1], av->data[2], av->linesize[2]);
    }
    (void)mode_of(av, &texture->mode);
    return r < 0 ? bt_fail_sdl(err, -EIO, "Cannot upload a frame") : 0;
}

static int convert_frame(struct bt_texture *texture, const struct bt_visual *visual,
                         struct bt_error *err)
{
    int width = visual->dst.width, height = visual->dst.height;
    struct bt_image *image = texture->converted;
    if (image == NULL || image->width != width || image->height != height) {
        bt_image_destroy(image);
        image = texture->converted = bt_image_create(width, height);
    }
    if (texture->converter == NULL) {
        texture->converter = bt_converter_create(BT_QUALITY_FAST);
    }
    if (image == NULL || texture->converter == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a frame of %d × %d", width, height);
    }
    const struct bt_crop crop = {visual->src.x, visual->src.y, visual->src.width,
                                 visual->src.height};
    return bt_convert(texture->converter, visual->frame, &crop, visual->rotation, image->pixels,
                      image->stride, width, height, err);
}

// Frame after frame of the same size goes into the same textures.
static int reupload_tiles(struct bt_texture *texture, int x, int y, struct bt_error *err)
{
    for (size_t i = 0; i < texture->tile_count; i++) {
        struct bt_texture_tile tile = texture->tiles[i];
        tile.held.x -= x;
        tile.held.y -= y;
        int r = bt_tile_upload(&tile, texture->converted, 0, tile.held.height, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int upload_frame(struct bt_texture *texture, const struct bt_texture_context *context,
                        const struct bt_visual *visual, struct bt_error *err)
{
    if (shaders_can_show(context, visual->frame->av)) {
        drop_tiles(texture);
        return upload_planes(texture, context, visual->frame->av, err);
    }
    bool had_tiles = texture->planes == NULL && texture->tile_count > 0 &&
                     texture->shown.kind == BT_VISUAL_FRAME &&
                     bt_rect_same(texture->shown.dst, visual->dst);
    drop_planes(texture);
    int r = convert_frame(texture, visual, err);
    if (r < 0) {
        return r;
    }
    if (had_tiles) {
        return reupload_tiles(texture, visual->dst.x, visual->dst.y, err);
    }
    drop_tiles(texture);
    return upload_image(texture, context, texture->converted, visual->dst.x, visual->dst.y, err);
}

static int upload(struct bt_texture *texture, const struct bt_texture_context *context,
                  const struct bt_visual *visual, struct bt_error *err)
{
    switch (visual->kind) {
    case BT_VISUAL_NONE:
    case BT_VISUAL_COLOUR:
        drop_tiles(texture);
        drop_planes(texture);
        return 0;
    case BT_VISUAL_IMAGE:
    case BT_VISUAL_DETAIL:
        drop_tiles(texture);
        drop_planes(texture);
        texture->opaque = visual->image->opaque;
        return upload_image(texture, context, visual->image, 0, 0, err);
    case BT_VISUAL_STRIP:
        drop_tiles(texture);
        drop_planes(texture);
        texture->opaque = false;
        return upload_strip(texture, context, visual->strip, err);
    case BT_VISUAL_FRAME:
        texture->opaque = !bt_frame_has_alpha(visual->frame);
        return upload_frame(texture, context, visual, err);
    }
    return 0;
}

// A crawl or a still that only moved. What the scene before points to is alive until now
// (render/scene.h), so the same address is the same strip, the same image.
static bool only_moved(const struct bt_visual *a, const struct bt_visual *b)
{
    return (a->kind == BT_VISUAL_STRIP && b->kind == BT_VISUAL_STRIP && a->strip == b->strip) ||
           (a->kind == BT_VISUAL_DETAIL && b->kind == BT_VISUAL_DETAIL && a->image == b->image);
}

int bt_texture_update(struct bt_texture *texture, const struct bt_texture_context *context,
                      const struct bt_visual *visual, struct bt_error *err)
{
    if (texture->valid &&
        (bt_visual_same(&texture->shown, visual) || only_moved(&texture->shown, visual))) {
        texture->shown = *visual;
        return 0;
    }
    texture->valid = false;
    int r = upload(texture, context, visual, err);
    texture->valid = r == 0;
    texture->shown = *visual;
    return r;
}

static int fail_draw(struct bt_error *err, int r)
{
    return r < 0 ? bt_fail_sdl(err, -EIO, "Cannot draw") : 0;
}

static int draw_colour(const struct bt_texture_context *context, struct bt_rect rect,
                       struct bt_colour colour)
{
    if (colour.a == 0 || bt_rect_empty(rect)) {
        return 0;
    }
    const SDL_Rect area = {context->origin_x + rect.x, context->origin_y + rect.y, rect.width,
                           rect.height};
    SDL_SetRenderDrawBlendMode(context->renderer, context->over);
    SDL_SetRenderDrawColor(context->renderer, (uint8_t)((colour.r * colour.a + 127) / 255),
                           (uint8_t)((colour.g * colour.a + 127) / 255),
                           (uint8_t)((colour.b * colour.a + 127) / 255), colour.a);
    return SDL_RenderFillRect(context->renderer, &area);
}

static int draw_beside(const struct bt_texture_context *context, const struct bt_visual *visual,
                       struct bt_rect all)
{
    struct bt_region beside = {{all}, 1};
    bt_region_subtract(&beside, visual->dst);
    for (size_t i = 0; i < beside.count; i++) {
        if (draw_colour(context, beside.rects[i], visual->background) < 0) {
            return -1;
        }
    }
    return 0;
}

static int draw_tiles(struct bt_texture *texture, const struct bt_texture_context *context,
                      int offset_x, struct bt_rect all)
{
    for (size_t i = 0; i < texture->tile_count; i++) {
        struct bt_rect place = texture->tiles[i].rect;
        place.x += offset_x;
        if (bt_rect_empty(bt_rect_intersect(place, all))) {
            continue;
        }
        const SDL_Rect to = {context->origin_x + place.x, context->origin_y + place.y, place.width,
                             place.height};
        const SDL_Rect from = bt_tile_source(&texture->tiles[i]);
        SDL_Texture *tile = texture->tiles[i].texture;
        SDL_SetTextureBlendMode(tile, texture->opaque ? SDL_BLENDMODE_NONE : context->over);
        if (SDL_RenderCopy(context->renderer, tile, &from, &to) < 0) {
            return -1;
        }
    }
    return 0;
}

// SDL reads the YUV mode when it flushes, not when it is told to draw.
static int draw_planes(struct bt_texture *texture, const struct bt_texture_context *context,
                       const struct bt_visual *visual)
{
    const SDL_Rect from = {visual->src.x, visual->src.y, visual->src.width, visual->src.height};
    bool sideways = visual->rotation == 90 || visual->rotation == 270;
    float width = (float)(sideways ? visual->dst.height : visual->dst.width);
    float height = (float)(sideways ? visual->dst.width : visual->dst.height);
    float x = (float)(context->origin_x + visual->dst.x);
    float y = (float)(context->origin_y + visual->dst.y);
    const SDL_FRect to = {x + ((float)visual->dst.width - width) / 2,
                          y + ((float)visual->dst.height - height) / 2, width, height};
    bool same_size = visual->src.width == (int)width && visual->src.height == (int)height;
    SDL_SetTextureBlendMode(texture->planes, SDL_BLENDMODE_NONE);
    if (SDL_RenderFlush(context->renderer) < 0) {
        return -1;
    }
    set_filter(texture->planes, same_size ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    SDL_SetYUVConversionMode(texture->mode);
    int r = SDL_RenderCopyExF(context->renderer, texture->planes, &from, &to, visual->rotation,
                              NULL, SDL_FLIP_NONE);
    return r < 0 ? r : SDL_RenderFlush(context->renderer);
}

static int draw_frame(struct bt_texture *texture, const struct bt_texture_context *context,
                      const struct bt_visual *visual, struct bt_rect all)
{
    int r = texture->opaque ? draw_beside(context, visual, all)
                            : draw_colour(context, all, visual->background);
    if (r < 0) {
        return r;
    }
    return texture->planes != NULL ? draw_planes(texture, context, visual)
                                   : draw_tiles(texture, context, 0, all);
}

int bt_texture_draw(struct bt_texture *texture, const struct bt_texture_context *context,
                    const struct bt_visual *visual, int width, int height, struct bt_error *err)
{
    const struct bt_rect all = {0, 0, width, height};
    int r = 0;
    switch (visual->kind) {
    case BT_VISUAL_NONE:
        break;
    case BT_VISUAL_COLOUR:
        r = draw_colour(context, all, visual->background);
        break;
    case BT_VISUAL_IMAGE:
        r = draw_tiles(texture, context, 0, all);
        break;
    case BT_VISUAL_DETAIL:
        r = bt_texture_draw_detail(texture, context, visual, width, height);
        break;
    case BT_VISUAL_STRIP:
        r = draw_colour(context, all, visual->background);
        r = r < 0 ? r : draw_tiles(texture, context, visual->strip_x, all);
        break;
    case BT_VISUAL_FRAME:
        r = draw_frame(texture, context, visual, all);
        break;
    }
    return fail_draw(err, r);
}

#include "workshop/preview.h"

#include <SDL_image.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "media/convert.h"
#include "media/picture.h"
#include "media/stream.h"
#include "playlists/publication.h"

#define JPEG_QUALITY 85
#define FIRST_FRAME_WAIT_NS (10 * INT64_C(1000000000))

// At least one pixel, whatever the shape.
static void fit_inside(const struct bt_media_report *report, int width, int height, int *out_width,
                       int *out_height)
{
    int64_t by_width = (int64_t)report->height * width / report->width;
    if (by_width <= height) {
        *out_width = width;
        *out_height = (int)BT_MAX(by_width, 1);
        return;
    }
    *out_width = (int)BT_MAX((int64_t)report->width * height / report->height, 1);
    *out_height = height;
}

static int draw_picture(const char *path, int width, int height, struct bt_image **out,
                        struct bt_error *err)
{
    struct bt_item item = {.type = BT_ITEM_IMAGE, .fit = BT_FIT_STRETCH};
    return bt_picture_load(path, &item, width, height, out, err);
}

static int draw_frame(struct bt_stream *stream, int width, int height, struct bt_image **out,
                      struct bt_error *err)
{
    const struct bt_frame *frame = NULL;
    if (bt_stream_peek(stream, &frame) != BT_STREAM_FRAME) {
        return bt_fail(err, -EINVAL, "No frame could be decoded");
    }
    BT_AUTO(bt_image) image = bt_image_create(width, height);
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_BEST);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for %d×%d pixels", width, height);
    }
    struct bt_crop whole = {0};
    int r = bt_convert(converter, frame, &whole, bt_stream_info(stream)->rotation, image->pixels,
                       image->stride, width, height, err);
    if (r == 0) {
        *out = BT_TAKE(image);
    }
    return r;
}

static int draw_moment(const char *path, int64_t at_ns, int width, int height,
                       struct bt_image **out, struct bt_error *err)
{
    struct bt_stream_options options = {.start_ns = at_ns, .queue_frames = 1};
    BT_AUTO(bt_stream) stream = NULL;
    int r = bt_stream_open(path, &options, &stream, err);
    if (r < 0) {
        return r;
    }
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + FIRST_FRAME_WAIT_NS;
    r = bt_stream_preroll(stream, until_ns, until_ns, err);
    return r < 0 ? r : draw_frame(stream, width, height, out, err);
}

static bool is_picture(const struct bt_media_report *report)
{
    return strcmp(report->kind, "picture") == 0;
}

static int check_has_picture(const struct bt_media_report *report, struct bt_error *err)
{
    bool has = report->verdict != BT_VERDICT_REFUSED && report->width > 0 && report->height > 0;
    return has ? 0 : bt_fail(err, -EINVAL, "A refused file has no preview");
}

int bt_preview_thumbnail(const char *path, const struct bt_media_report *report,
                         struct bt_image **out, struct bt_error *err)
{
    int r = check_has_picture(report, err);
    if (r < 0) {
        return r;
    }
    int width, height;
    fit_inside(report, BT_THUMBNAIL_PX, BT_THUMBNAIL_PX, &width, &height);
    if (is_picture(report)) {
        return draw_picture(path, width, height, out, err);
    }
    // A little way in: many clips begin with black.
    return draw_moment(path, report->duration_ms * 1000000 / 10, width, height, out, err);
}

static void paste(const struct bt_image *from, struct bt_image *to, int x)
{
    for (int y = 0; y < from->height; y++) {
        memcpy(to->pixels + (size_t)y * to->stride + (size_t)x * 4,
               from->pixels + (size_t)y * from->stride, (size_t)from->width * 4);
    }
}

int bt_preview_filmstrip(const char *path, const struct bt_media_report *report,
                         struct bt_image **out, struct bt_error *err)
{
    int r = check_has_picture(report, err);
    if (r < 0) {
        return r;
    }
    int width, height;
    fit_inside(report, BT_STRIP_HEIGHT_PX * 4, BT_STRIP_HEIGHT_PX, &width, &height);
    BT_AUTO(bt_image) strip = bt_image_create(width * BT_STRIP_FRAMES, height);
    if (strip == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a filmstrip");
    }
    for (int i = 0; i < BT_STRIP_FRAMES; i++) {
        BT_AUTO(bt_image) moment = NULL;
        int64_t at_ns = report->duration_ms * 1000000 * i / BT_STRIP_FRAMES;
        r = draw_moment(path, at_ns, width, height, &moment, err);
        if (r < 0) {
            return bt_fail_in(err, r, "At %lld s", (long long)(at_ns / 1000000000));
        }
        paste(moment, strip, i * width);
    }
    *out = BT_TAKE(strip);
    return 0;
}

int bt_preview_write(const struct bt_image *image, const char *path, struct bt_error *err)
{
    SDL_Surface *surface = SDL_CreateRGBSurfaceWithFormatFrom(
        image->pixels, image->width, image->height, 32, (int)image->stride, SDL_PIXELFORMAT_BGRA32);
    if (surface == NULL) {
        return bt_fail(err, -ENOMEM, "Cannot write '%s': %s", path, SDL_GetError());
    }
    int r = IMG_SaveJPG(surface, path, JPEG_QUALITY);
    SDL_FreeSurface(surface);
    return r == 0 ? 0 : bt_fail(err, -EIO, "Cannot write '%s': %s", path, IMG_GetError());
}

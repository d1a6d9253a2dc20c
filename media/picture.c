#include "media/picture.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <string.h>

#include "media/av.h"
#include "media/convert.h"
#include "media/outside.h"
#include "media/picture_file.h"
#include "media/stream.h"

// The JPEG decoder can give a half, a quarter or an eighth for less time and memory.
#define MAX_LOWRES 3

static int scaled(int64_t length, int64_t by, int64_t of)
{
    return (int)((length * by + of / 2) / of);
}

// Where a cut of `length` out of `whole` begins so that the focus is in its middle, if it can be.
static int cut_start(int whole, int length, int64_t focus_permille)
{
    int64_t focus = whole * BT_CLAMP(focus_permille, 0, 1000) / 1000;
    return (int)BT_CLAMP(focus - length / 2, 0, whole - length);
}

// One line of background beside a picture looks like a mistake; stretching by it is not seen.
static int snap(int length, int box)
{
    return box - length <= 1 ? box : length;
}

static struct bt_placement place_inside(int source_width, int source_height, int width, int height)
{
    struct bt_rect dst = {.width = width, .height = height};
    if ((int64_t)source_width * height > (int64_t)source_height * width) {
        dst.height = snap(BT_MAX(scaled(source_height, width, source_width), 1), height);
        dst.y = (height - dst.height) / 2;
    } else {
        dst.width = snap(BT_MAX(scaled(source_width, height, source_height), 1), width);
        dst.x = (width - dst.width) / 2;
    }
    struct bt_rect src = {.width = source_width, .height = source_height};
    return (struct bt_placement){src, dst};
}

static struct bt_placement place_over(const struct bt_item *item, int source_width,
                                      int source_height, int width, int height)
{
    struct bt_rect src = {.width = source_width, .height = source_height};
    if ((int64_t)source_width * height > (int64_t)source_height * width) {
        src.width = BT_CLAMP(scaled(width, source_height, height), 1, source_width);
        src.x = cut_start(source_width, src.width, item->focus_x);
    } else {
        src.height = BT_CLAMP(scaled(height, source_width, width), 1, source_height);
        src.y = cut_start(source_height, src.height, item->focus_y);
    }
    return (struct bt_placement){src, {.width = width, .height = height}};
}

struct bt_placement bt_place(const struct bt_item *item, int source_width, int source_height,
                             int width, int height)
{
    switch ((enum bt_fit)item->fit) {
    case BT_FIT_CONTAIN:
        return place_inside(source_width, source_height, width, height);
    case BT_FIT_COVER:
        return place_over(item, source_width, source_height, width, height);
    case BT_FIT_STRETCH:
        break;
    }
    return (struct bt_placement){{.width = source_width, .height = source_height},
                                 {.width = width, .height = height}};
}

static void upright_size(int orientation, int *width, int *height)
{
    if (bt_orientation(orientation)->swap) {
        int swapped = *width;
        *width = *height;
        *height = swapped;
    }
}

// How often the decoder may halve the picture and still give every pixel the box can show.
static int choose_lowres(const struct bt_picture_header *header, const struct bt_item *item,
                         int width, int height)
{
    // FFmpeg multiplies black into the wrong part of a CMYK picture that was made smaller.
    if (header->kind != BT_PICTURE_JPEG || header->components == 4) {
        return 0;
    }
    int source_width = header->width;
    int source_height = header->height;
    upright_size(header->orientation, &source_width, &source_height);
    struct bt_placement at = bt_place(item, source_width, source_height, width, height);
    int lowres = 0;
    while (lowres < MAX_LOWRES && at.src.width >> (lowres + 1) >= at.dst.width &&
           at.src.height >> (lowres + 1) >= at.dst.height) {
        lowres++;
    }
    return lowres;
}

// A rectangle of the upright picture, as it lies in the stored one.
static struct bt_crop stored_crop(int orientation, struct bt_rect r, int stored_width,
                                  int stored_height)
{
    struct bt_crop crop = {r.x, r.y, r.width, r.height};
    if (bt_orientation(orientation)->swap) {
        crop = (struct bt_crop){r.y, r.x, r.height, r.width};
    }
    if (bt_orientation(orientation)->flip_x) {
        crop.x = stored_width - crop.x - crop.width;
    }
    if (bt_orientation(orientation)->flip_y) {
        crop.y = stored_height - crop.y - crop.height;
    }
    return crop;
}

static uint8_t *pixel_at(struct bt_image *image, int x, int y)
{
    return image->pixels + (size_t)y * image->stride + (size_t)x * 4;
}

static void mirror(struct bt_image *image, struct bt_rect area)
{
    for (int y = area.y; y < area.y + area.height; y++) {
        uint8_t *left = pixel_at(image, area.x, y);
        uint8_t *right = pixel_at(image, area.x + area.width - 1, y);
        for (; left < right; left += 4, right -= 4) {
            uint8_t pixel[4];
            memcpy(pixel, left, 4);
            memcpy(left, right, 4);
            memcpy(right, pixel, 4);
        }
    }
}

static uint8_t multiply(unsigned a, unsigned b)
{
    return (uint8_t)((a * b + 127) / 255);
}

// The background under everything: seen beside the picture and through it.
static void put_background(struct bt_image *image, struct bt_colour c)
{
    const uint8_t under[4] = {multiply(c.b, c.a), multiply(c.g, c.a), multiply(c.r, c.a), c.a};
    for (int y = 0; y < image->height; y++) {
        uint8_t *pixel = pixel_at(image, 0, y);
        for (int x = 0; x < image->width; x++, pixel += 4) {
            unsigned through = 255U - pixel[3];
            if (through == 255) {
                memcpy(pixel, under, 4);
            } else if (through > 0) {
                for (int i = 0; i < 4; i++) {
                    pixel[i] = (uint8_t)(pixel[i] + multiply(under[i], through));
                }
            }
        }
    }
}

static bool has_alpha(const AVFrame *frame, const struct bt_picture_header *header)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    return header->kind != BT_PICTURE_JPEG && format != NULL &&
           (format->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
}

static int fit_into(AVFrame *frame, const struct bt_picture_header *header,
                    const struct bt_item *item, struct bt_image *image, struct bt_error *err)
{
    int source_width = frame->width;
    int source_height = frame->height;
    upright_size(header->orientation, &source_width, &source_height);
    struct bt_placement at =
        bt_place(item, source_width, source_height, image->width, image->height);
    struct bt_crop crop = stored_crop(header->orientation, at.src, frame->width, frame->height);
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_BEST);
    struct bt_frame picture = {.av = frame};
    int r = bt_convert(converter, &picture, &crop, bt_orientation(header->orientation)->rotation,
                       pixel_at(image, at.dst.x, at.dst.y), image->stride, at.dst.width,
                       at.dst.height, err);
    if (r < 0) {
        return r;
    }
    if (bt_orientation(header->orientation)->mirror) {
        mirror(image, at.dst);
    }
    bool covered = at.dst.width == image->width && at.dst.height == image->height;
    image->opaque = item->background.a == 255 || (covered && !has_alpha(frame, header));
    if (item->background.a > 0 && !(covered && !has_alpha(frame, header))) {
        put_background(image, item->background);
    }
    return 0;
}

// Drawn as large as it will be seen, or smaller when that is more than anybody shows.
static int draw_outside(const char *path, const struct bt_item *item, int width, int height,
                        struct bt_picture_header *header, AVFrame *out, struct bt_error *err)
{
    int r = bt_picture_file_measure(path, header, err);
    if (r < 0) {
        return r;
    }
    struct bt_placement at = bt_place(item, header->width, header->height, width, height);
    int64_t across = scaled(header->width, at.dst.width, at.src.width);
    int64_t down = scaled(header->height, at.dst.height, at.src.height);
    while (across > BT_MEDIA_MAX_SIDE_PX || down > BT_MEDIA_MAX_SIDE_PX ||
           across * down > BT_MEDIA_MAX_PIXELS) {
        across = BT_MAX(across / 2, 1);
        down = BT_MAX(down / 2, 1);
    }
    return bt_outside_draw(path, (int)BT_MAX(across, 1), (int)BT_MAX(down, 1), out, err);
}

static int decode_file(const char *path, const struct bt_item *item, int width, int height,
                       struct bt_picture_header *header, AVFrame *out, struct bt_error *err)
{
    BT_AUTOPACKET *packet = av_packet_alloc();
    if (packet == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a picture");
    }
    int r = bt_picture_file_read(path, packet, header, err);
    if (r < 0) {
        return r;
    }
    if (header->outside) {
        return draw_outside(path, item, width, height, header, out, err);
    }
    int lowres = choose_lowres(header, item, width, height);
    return bt_picture_file_decode(path, packet, header, lowres, out, err);
}

int bt_picture_load(const char *path, const struct bt_item *item, int width, int height,
                    struct bt_image **out, struct bt_error *err)
{
    bt_av_quiet();
    BT_AUTOFRAME *frame = av_frame_alloc();
    BT_AUTO(bt_image) image = bt_image_create(width, height);
    if (frame == NULL || image == NULL) {
        return bt_fail(err, -ENOMEM, "'%s': no memory for a picture of %dx%d", path, width, height);
    }
    struct bt_picture_header header;
    int r = decode_file(path, item, width, height, &header, frame, err);
    if (r < 0 || (r = fit_into(frame, &header, item, image, err)) < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    *out = BT_TAKE(image);
    return 0;
}

bool bt_picture_is_animated(const char *path)
{
    struct bt_picture_header header;
    BT_AUTOPACKET *packet = av_packet_alloc();
    return packet != NULL && bt_picture_file_read(path, packet, &header, NULL) == 0 &&
           bt_picture_header_moves(&header);
}

bool bt_picture_is_reviewable(const char *path)
{
    enum bt_picture_kind kind;
    return bt_picture_file_kind(path, &kind) && bt_picture_kind_is_reviewable(kind);
}

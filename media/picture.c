#include "media/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/pixdesc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/convert.h"
#include "media/header.h"
#include "media/input.h"
#include "media/stream.h"

// A losslessly stored picture of the largest size we show.
#define MAX_FILE_BYTES (256LL * 1024 * 1024)

// The JPEG decoder can give a half, a quarter or an eighth for less time and memory.
#define MAX_LOWRES 3

/*
 * EXIF orientations 1..8: how to turn the stored picture, then whether to mirror it; and what that
 * makes of a rectangle of the upright picture, going back: axes swapped, then counted from the
 * other end.
 */
static const struct {
    int rotation;
    bool mirror;
    bool swap, flip_x, flip_y;
} orientations[] = {
    [1] = {0, false, false, false, false}, [2] = {0, true, false, true, false},
    [3] = {180, false, false, true, true}, [4] = {180, true, false, false, true},
    [5] = {90, true, true, false, false},  [6] = {90, false, true, false, true},
    [7] = {270, true, true, true, true},   [8] = {270, false, true, true, false},
};

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

static struct bt_placement place_inside(int source_width, int source_height, int width, int height)
{
    struct bt_rect dst = {.width = width, .height = height};
    if ((int64_t)source_width * height > (int64_t)source_height * width) {
        dst.height = BT_CLAMP(scaled(source_height, width, source_width), 1, height);
        dst.y = (height - dst.height) / 2;
    } else {
        dst.width = BT_CLAMP(scaled(source_width, height, source_height), 1, width);
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

static int read_all(int fd, uint8_t *out, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, out, size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        out += got;
        size -= (size_t)got;
    }
    return 0;
}

// The whole file as a packet, which is what decoders take.
static int read_file(const char *path, AVPacket *out, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        return bt_fail_errno(err, "Cannot open");
    }
    if (!S_ISREG(info.st_mode) || info.st_size == 0) {
        return bt_fail(err, -EINVAL, "Not a file with a picture in it");
    }
    if (info.st_size > MAX_FILE_BYTES) {
        return bt_fail(err, -EFBIG, "The file has more than %lld bytes", MAX_FILE_BYTES);
    }
    if (av_new_packet(out, (int)info.st_size) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for the file");
    }
    int r = read_all(fd, out->data, (size_t)info.st_size);
    return r < 0 ? bt_fail(err, r, "Cannot read: %s", strerror(-r)) : 0;
}

static int check_supported(const struct bt_picture_header *header, struct bt_error *err)
{
    if (header->unsupported) {
        return bt_fail(err, -ENOTSUP, "A JPEG of a rare kind (arithmetic, lossless or 12 bit)");
    }
    if (header->kind == BT_PICTURE_WEBP && header->frames > 1) {
        return bt_fail(err, -ENOTSUP, "An animated WebP");
    }
    return 0;
}

static enum AVCodecID codec_of(enum bt_picture_kind kind)
{
    static const enum AVCodecID codecs[] = {
        [BT_PICTURE_PNG] = AV_CODEC_ID_PNG,
        [BT_PICTURE_JPEG] = AV_CODEC_ID_MJPEG,
        [BT_PICTURE_WEBP] = AV_CODEC_ID_WEBP,
        [BT_PICTURE_GIF] = AV_CODEC_ID_GIF,
    };
    return codecs[kind];
}

static int decode(const struct bt_picture_header *header, int lowres, const AVPacket *packet,
                  AVFrame *out, struct bt_error *err)
{
    const AVCodec *decoder = avcodec_find_decoder(codec_of(header->kind));
    BT_AUTOCODEC *codec = avcodec_alloc_context3(decoder);
    if (decoder == NULL || codec == NULL) {
        return bt_fail(err, -ENOTSUP, "No decoder for %s", bt_picture_kind_word(header->kind));
    }
    codec->thread_count = 1;
    codec->max_pixels = BT_MEDIA_MAX_PIXELS;
    codec->lowres = lowres;
    int r = avcodec_open2(codec, decoder, NULL);
    if (r < 0 || (r = avcodec_send_packet(codec, packet)) < 0 ||
        ((r = avcodec_receive_frame(codec, out)) < 0 && r != AVERROR(EAGAIN))) {
        return bt_fail_av(err, r, "The %s is damaged", bt_picture_kind_word(header->kind));
    }
    // Some decoders hold their only picture back until they know there is no other.
    if (r == AVERROR(EAGAIN) && ((r = avcodec_send_packet(codec, NULL)) < 0 ||
                                 (r = avcodec_receive_frame(codec, out)) < 0)) {
        return bt_fail_av(err, r, "The %s is damaged", bt_picture_kind_word(header->kind));
    }
    if (out->decode_error_flags != 0 || (out->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
        return bt_fail(err, -EBADMSG, "The %s is damaged", bt_picture_kind_word(header->kind));
    }
    return 0;
}

// GIF's decoder wants its demuxer in front.
static int decode_first_of_gif(const char *path, AVFrame *out, struct bt_error *err)
{
    atomic_bool stop = false;
    BT_AUTO(bt_input) input = NULL;
    int r = bt_input_open(path, 1, &stop, &input, err);
    if (r < 0) {
        return r;
    }
    r = bt_input_read(input, out, err);
    return r == 0 ? bt_fail(err, -EBADMSG, "The GIF has no picture in it") : BT_MIN(r, 0);
}

static void upright_size(int orientation, int *width, int *height)
{
    if (orientations[orientation].swap) {
        int swapped = *width;
        *width = *height;
        *height = swapped;
    }
}

// How often the decoder may halve the picture and still give every pixel the box can show.
static int choose_lowres(const struct bt_picture_header *header, const struct bt_item *item,
                         int width, int height)
{
    if (header->kind != BT_PICTURE_JPEG) {
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
    if (orientations[orientation].swap) {
        crop = (struct bt_crop){r.y, r.x, r.height, r.width};
    }
    if (orientations[orientation].flip_x) {
        crop.x = stored_width - crop.x - crop.width;
    }
    if (orientations[orientation].flip_y) {
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
    int r = bt_convert(converter, &picture, &crop, orientations[header->orientation].rotation,
                       pixel_at(image, at.dst.x, at.dst.y), image->stride, at.dst.width,
                       at.dst.height, err);
    if (r < 0) {
        return r;
    }
    if (orientations[header->orientation].mirror) {
        mirror(image, at.dst);
    }
    bool covered = at.dst.width == image->width && at.dst.height == image->height;
    image->opaque = item->background.a == 255 || (covered && !has_alpha(frame, header));
    if (item->background.a > 0 && !(covered && !has_alpha(frame, header))) {
        put_background(image, item->background);
    }
    return 0;
}

static int decode_file(const char *path, const struct bt_item *item, int width, int height,
                       struct bt_picture_header *header, AVFrame *out, struct bt_error *err)
{
    BT_AUTOPACKET *packet = av_packet_alloc();
    if (packet == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a picture");
    }
    int r = read_file(path, packet, err);
    if (r < 0 ||
        (r = bt_picture_header_read(packet->data, (size_t)packet->size, header, err)) < 0 ||
        (r = check_supported(header, err)) < 0) {
        return r;
    }
    if (header->kind == BT_PICTURE_GIF) {
        return decode_first_of_gif(path, out, err);
    }
    return decode(header, choose_lowres(header, item, width, height), packet, out, err);
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
    if (packet == NULL || read_file(path, packet, NULL) < 0 ||
        bt_picture_header_read(packet->data, (size_t)packet->size, &header, NULL) < 0) {
        return false;
    }
    return header.frames > 1 && (header.kind == BT_PICTURE_GIF || header.kind == BT_PICTURE_PNG);
}

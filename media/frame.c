#include "media/frame.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "media/av.h"

// The canvas and a strip's tiles fit; beyond that a size is a mistake.
#define MAX_SIDE_PX 32768
#define MAX_IMAGE_BYTES (1024LL * 1024 * 1024)

// zlib level of written pictures: screenshots are taken while the player plays.
#define PNG_LEVEL 3

static uint64_t next_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

struct bt_image *bt_image_create(int width, int height)
{
    if (width < 1 || width > MAX_SIDE_PX || height < 1 || height > MAX_SIDE_PX ||
        (int64_t)width * height * 4 > MAX_IMAGE_BYTES) {
        return NULL;
    }
    struct bt_image *image = BT_NEW(struct bt_image);
    image->width = width;
    image->height = height;
    image->stride = (size_t)width * 4;
    image->id = next_id();
    image->pixels = calloc((size_t)height, image->stride);  // allow: large and checked
    if (image->pixels == NULL) {
        free(image);
        return NULL;
    }
    return image;
}

void bt_image_destroy(struct bt_image *image)
{
    if (image != NULL) {
        free(image->pixels);
        free(image);
    }
}

void bt_frame_destroy(struct bt_frame *frame)
{
    if (frame != NULL) {
        av_frame_free(&frame->av);
        free(frame);
    }
}

// PNG wants R, G, B, A with colour not multiplied by alpha.
static void straighten_row(const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++, from += 4, to += 4) {
        unsigned alpha = from[3];
        for (int i = 0; i < 3; i++) {
            unsigned colour = from[2 - i];
            unsigned straight = alpha == 0 ? 0 : (colour * 255 + alpha / 2) / alpha;
            to[i] = (uint8_t)BT_MIN(straight, 255U);
        }
        to[3] = (uint8_t)alpha;
    }
}

static void copy_rgb_row(const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++, from += 4, to += 3) {
        to[0] = from[2];
        to[1] = from[1];
        to[2] = from[0];
    }
}

static AVFrame *image_as_rgb(const struct bt_image *image)
{
    BT_AUTOFRAME *frame = av_frame_alloc();
    if (frame == NULL) {
        return NULL;
    }
    frame->width = image->width;
    frame->height = image->height;
    frame->format = image->opaque ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGBA;
    if (av_frame_get_buffer(frame, 0) < 0) {
        return NULL;
    }
    for (int y = 0; y < image->height; y++) {
        const uint8_t *from = image->pixels + (size_t)y * image->stride;
        uint8_t *to = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        (image->opaque ? copy_rgb_row : straighten_row)(from, to, image->width);
    }
    return BT_TAKE(frame);
}

static int encode_png(const AVFrame *frame, AVPacket *packet, struct bt_error *err)
{
    const AVCodec *png = avcodec_find_encoder(AV_CODEC_ID_PNG);
    if (png == NULL) {
        return bt_fail(err, -ENOTSUP, "This FFmpeg cannot write PNG");
    }
    BT_AUTOCODEC *codec = avcodec_alloc_context3(png);
    if (codec == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for the PNG encoder");
    }
    codec->width = frame->width;
    codec->height = frame->height;
    codec->pix_fmt = frame->format;
    codec->time_base = (AVRational){1, 25};
    codec->compression_level = PNG_LEVEL;
    codec->thread_count = 1;
    int r = avcodec_open2(codec, png, NULL);
    if (r < 0 || (r = avcodec_send_frame(codec, frame)) < 0 ||
        (r = avcodec_receive_packet(codec, packet)) < 0) {
        return bt_fail_av(err, r, "Cannot encode PNG");
    }
    return 0;
}

int bt_image_encode_png(const struct bt_image *image, struct bt_buf *out, struct bt_error *err)
{
    bt_av_quiet();
    BT_AUTOFRAME *frame = image_as_rgb(image);
    BT_AUTOPACKET *packet = av_packet_alloc();
    if (frame == NULL || packet == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a PNG of %d × %d", image->width, image->height);
    }
    int r = encode_png(frame, packet, err);
    if (r < 0) {
        return r;
    }
    r = bt_buf_append(out, packet->data, (size_t)packet->size);
    return r < 0 ? bt_fail(err, r, "The PNG has %d bytes, more than wanted", packet->size) : 0;
}

int bt_image_write_png(const struct bt_image *image, const char *path, struct bt_error *err)
{
    BT_AUTOBUF png;
    bt_buf_init(&png, INT32_MAX);  // as long as a picture can be
    int r = bt_image_encode_png(image, &png, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    return bt_file_replace(path, png.data, png.len, err);
}

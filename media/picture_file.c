#include "media/picture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/av.h"
#include "media/input.h"
#include "media/outside.h"
#include "media/stream.h"

// A losslessly stored picture of the largest size we show.
#define MAX_FILE_BYTES (256LL * 1024 * 1024)

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

// A clip may have gigabytes: its first bytes say that it is no picture.
static bool may_be_picture(int fd)
{
    uint8_t start[BT_PICTURE_SIGNATURE_BYTES];
    ssize_t got = pread(fd, start, sizeof(start), 0);
    return got > 0 && bt_picture_signature(start, (size_t)got);
}

bool bt_picture_file_kind(const char *path, enum bt_picture_kind *out)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t start[BT_PICTURE_SIGNATURE_BYTES];
    ssize_t got = fd < 0 ? -1 : pread(fd, start, sizeof(start), 0);
    return got > 0 && bt_picture_kind_of(start, (size_t)got, out);
}

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
    if (!may_be_picture(fd)) {
        return bt_fail(err, -EINVAL, "Not a picture of a kind we know");
    }
    if (info.st_size > MAX_FILE_BYTES) {
        return bt_fail(err, -EFBIG, "The file has more than %lld bytes", MAX_FILE_BYTES);
    }
    if (av_new_packet(out, (int)info.st_size) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for the file");
    }
    int r = read_all(fd, out->data, (size_t)info.st_size);
    if (r < 0) {
        errno = -r;
        return bt_fail_errno(err, "Cannot read");
    }
    return 0;
}

int bt_picture_file_read(const char *path, AVPacket *out, struct bt_picture_header *out_header,
                         struct bt_error *err)
{
    int r = read_file(path, out, err);
    return r < 0 ? r : bt_picture_header_read(out->data, (size_t)out->size, out_header, err);
}

int bt_picture_file_measure(const char *path, struct bt_picture_header *header,
                            struct bt_error *err)
{
    return header->outside ? bt_outside_measure(path, &header->width, &header->height, err) : 0;
}

static int check_supported(const struct bt_picture_header *header, struct bt_error *err)
{
    if (header->unsupported) {
        return bt_fail(err, -ENOTSUP, "A %s of a rare kind", bt_picture_kind_word(header->kind));
    }
    return 0;
}

static enum AVCodecID codec_of(enum bt_picture_kind kind)
{
    static const enum AVCodecID codecs[] = {
        [BT_PICTURE_PNG] = AV_CODEC_ID_PNG,   [BT_PICTURE_JPEG] = AV_CODEC_ID_MJPEG,
        [BT_PICTURE_WEBP] = AV_CODEC_ID_WEBP, [BT_PICTURE_GIF] = AV_CODEC_ID_GIF,
        [BT_PICTURE_BMP] = AV_CODEC_ID_BMP,   [BT_PICTURE_TIFF] = AV_CODEC_ID_TIFF,
        [BT_PICTURE_SVG] = AV_CODEC_ID_NONE,  [BT_PICTURE_HEIF] = AV_CODEC_ID_NONE,
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

// GIF's decoder wants its demuxer in front, and an animated WebP is not FFmpeg's.
static int decode_first_of_animation(const char *path, AVFrame *out, struct bt_error *err)
{
    BT_AUTO(bt_input) input = NULL;
    struct bt_input_options options = {.threads = 1};
    int r = bt_input_open(path, &options, &input, err);
    if (r < 0) {
        return r;
    }
    r = bt_input_read(input, out, err);
    return r == 0 ? bt_fail(err, -EBADMSG, "There is no picture in it") : BT_MIN(r, 0);
}

// A WebP may say that what stands in its alpha is not to be looked at.
static void ignore_alpha(AVFrame *frame)
{
    static const struct {
        enum AVPixelFormat with, without;
    } formats[] = {
        {AV_PIX_FMT_ARGB, AV_PIX_FMT_0RGB},
        {AV_PIX_FMT_RGBA, AV_PIX_FMT_RGB0},
        {AV_PIX_FMT_BGRA, AV_PIX_FMT_BGR0},
        {AV_PIX_FMT_YUVA420P, AV_PIX_FMT_YUV420P},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(formats); i++) {
        if (frame->format == (int)formats[i].with) {
            frame->format = formats[i].without;
            return;
        }
    }
}

int bt_picture_file_decode(const char *path, const AVPacket *packet,
                           const struct bt_picture_header *header, int lowres, AVFrame *out,
                           struct bt_error *err)
{
    bt_av_quiet();
    int r = check_supported(header, err);
    if (r < 0) {
        return r;
    }
    if (header->kind == BT_PICTURE_GIF || (header->kind == BT_PICTURE_WEBP && header->frames > 1)) {
        return decode_first_of_animation(path, out, err);
    }
    r = decode(header, lowres, packet, out, err);
    if (r == 0 && header->ignore_alpha) {
        ignore_alpha(out);
    }
    return r;
}

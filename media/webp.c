#include "media/webp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <webp/demux.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/stream.h"

// As much as any picture's file may have.
#define MAX_FILE_BYTES (256LL * 1024 * 1024)

struct bt_webp {
    uint8_t *bytes;  // the file; the decoder reads it as it goes
    WebPAnimDecoder *decoder;
    struct bt_webp_info info;
    int64_t at_ms;  // where the next frame begins
};

bool bt_webp_signature(int fd)
{
    char start[12];
    return pread(fd, start, sizeof(start), 0) == (ssize_t)sizeof(start) &&
           memcmp(start, "RIFF", 4) == 0 && memcmp(start + 8, "WEBP", 4) == 0;
}

static int read_file(int fd, struct bt_webp *webp, size_t *out_len, struct bt_error *err)
{
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0 || size > MAX_FILE_BYTES) {
        return bt_fail(err, -EFBIG, "The file has more than %lld bytes", MAX_FILE_BYTES);
    }
    webp->bytes = malloc((size_t)size);  // allow: a file says how much
    if (webp->bytes == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for the file");
    }
    for (off_t at = 0; at < size;) {
        ssize_t got = pread(fd, webp->bytes + at, (size_t)(size - at), at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            errno = got == 0 ? EIO : errno;
            return bt_fail_errno(err, "Cannot read");
        }
        at += got;
    }
    *out_len = (size_t)size;
    return 0;
}

static void read_info(struct bt_webp *webp, const WebPAnimInfo *info)
{
    const WebPDemuxer *demuxer = WebPAnimDecoderGetDemuxer(webp->decoder);
    bool alpha = (WebPDemuxGetI(demuxer, WEBP_FF_FORMAT_FLAGS) & (uint32_t)ALPHA_FLAG) != 0;
    webp->info = (struct bt_webp_info){
        .width = (int)info->canvas_width,
        .height = (int)info->canvas_height,
        .format = alpha ? AV_PIX_FMT_BGRA : AV_PIX_FMT_BGR0,
    };
    WebPIterator frame;
    for (int more = WebPDemuxGetFrame(demuxer, 1, &frame); more;
         more = WebPDemuxNextFrame(&frame)) {
        webp->info.duration_ms += frame.duration;
        webp->info.frames++;
    }
    WebPDemuxReleaseIterator(&frame);
}

static int open_decoder(struct bt_webp *webp, size_t len, struct bt_error *err)
{
    WebPAnimDecoderOptions options;
    if (!WebPAnimDecoderOptionsInit(&options)) {
        return bt_fail(err, -ENOTSUP, "Another libwebp is here than the one this was made with");
    }
    options.color_mode = MODE_BGRA;
    options.use_threads = 0;
    // Sizes first: the decoder reserves two canvases as it opens.
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(webp->bytes, len, &features) != VP8_STATUS_OK) {
        return bt_fail(err, -EBADMSG, "The WebP is damaged");
    }
    if (features.width > BT_MEDIA_MAX_SIDE_PX || features.height > BT_MEDIA_MAX_SIDE_PX ||
        (int64_t)features.width * features.height > BT_MEDIA_MAX_PIXELS) {
        return bt_fail(err, -EFBIG, "%dx%d is more than we show", features.width, features.height);
    }
    const WebPData data = {webp->bytes, len};
    WebPAnimInfo info;
    webp->decoder = WebPAnimDecoderNew(&data, &options);
    if (webp->decoder == NULL || !WebPAnimDecoderGetInfo(webp->decoder, &info)) {
        return bt_fail(err, -EBADMSG, "The WebP is damaged, or no animation");
    }
    read_info(webp, &info);
    return 0;
}

int bt_webp_open(int fd, struct bt_webp **out, struct bt_error *err)
{
    BT_AUTO(bt_webp) webp = BT_NEW(struct bt_webp);
    size_t len = 0;
    int r = read_file(fd, webp, &len, err);
    r = r < 0 ? r : open_decoder(webp, len, err);
    if (r == 0) {
        *out = BT_TAKE(webp);
    }
    return r;
}

void bt_webp_destroy(struct bt_webp *webp)
{
    if (webp == NULL) {
        return;
    }
    WebPAnimDecoderDelete(webp->decoder);
    free(webp->bytes);
    free(webp);
}

const struct bt_webp_info *bt_webp_info(const struct bt_webp *webp)
{
    return &webp->info;
}

static int copy_canvas(const struct bt_webp *webp, const uint8_t *canvas, AVFrame *out,
                       struct bt_error *err)
{
    out->format = webp->info.format;
    out->width = webp->info.width;
    out->height = webp->info.height;
    if (av_frame_get_buffer(out, 0) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for a frame");
    }
    size_t line = (size_t)out->width * 4;
    for (int y = 0; y < out->height; y++) {
        memcpy(out->data[0] + (ptrdiff_t)y * out->linesize[0], canvas + (size_t)y * line, line);
    }
    return 1;
}

int bt_webp_read(struct bt_webp *webp, AVFrame *out, struct bt_error *err)
{
    uint8_t *canvas;
    int end_ms;
    if (!WebPAnimDecoderHasMoreFrames(webp->decoder)) {
        return 0;
    }
    if (!WebPAnimDecoderGetNext(webp->decoder, &canvas, &end_ms)) {
        return bt_fail(err, -EBADMSG, "The WebP is damaged");
    }
    int r = copy_canvas(webp, canvas, out, err);
    if (r > 0) {
        out->pts = out->best_effort_timestamp = webp->at_ms;
        bt_av_set_frame_duration(out, end_ms - webp->at_ms);
        webp->at_ms = end_ms;
    }
    return r;
}

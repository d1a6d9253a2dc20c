/**
 * Decoders in silicon, through FFmpeg. Which of them this FFmpeg and this machine have shows only
 * when they are opened: Debian's FFmpeg has no V4L2 request, Raspberry Pi OS's has.
 *
 *   drm      stateless V4L2 (request API): HEVC on a Raspberry Pi 4 and 5
 *   v4l2m2m  stateful V4L2: H.264 on a Raspberry Pi 4 and older
 *   vaapi    GPUs of PCs
 *
 * Frames are copied into our memory at once: devices have few buffers and want them back.
 */
#include <errno.h>
#include <glob.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/av.h"
#include "media/decoder.h"
#include "media/stream.h"

// Smaller pictures cost the processor next to nothing, and devices dislike them.
#define MIN_PIXELS (640 * 360)

#define RENDER_NODES "/dev/dri/renderD*"

struct hardware {
    struct bt_decoder base;
    AVCodecContext *codec;
    AVBufferRef *device;       // NULL: the codec finds its own
    enum AVPixelFormat given;  // by the device; NONE: any format in memory
};

static bool exists(const char *pattern)
{
    glob_t found = {0};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no ~ in the pattern, so no environment is read
    bool any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
    globfree(&found);
    return any;
}

static bool is_worth_it(const AVCodecParameters *parameters)
{
    return parameters->width % 2 == 0 && parameters->height % 2 == 0 &&
           (int64_t)parameters->width * parameters->height >= MIN_PIXELS;
}

// The codec's own decoder knows the device as an accelerator.
static const AVCodecHWConfig *accelerator(const AVCodec *codec, enum AVHWDeviceType type)
{
    const AVCodecHWConfig *config = NULL;
    for (int i = 0; codec != NULL && (config = avcodec_get_hw_config(codec, i)) != NULL; i++) {
        if (config->device_type == type &&
            (config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0) {
            return config;
        }
    }
    return NULL;
}

static const AVCodec *m2m_codec(const AVCodecParameters *parameters)
{
    char name[64];
    return bt_format(name, sizeof(name), "%s_v4l2m2m", avcodec_get_name(parameters->codec_id)) < 0
               ? NULL
               : avcodec_find_decoder_by_name(name);
}

static bool m2m_takes(const AVCodecParameters *parameters)
{
    return is_worth_it(parameters) && m2m_codec(parameters) != NULL && exists("/dev/video*");
}

static bool accelerated(const AVCodecParameters *parameters, enum AVHWDeviceType type)
{
    return is_worth_it(parameters) && exists(RENDER_NODES) &&
           accelerator(avcodec_find_decoder(parameters->codec_id), type) != NULL;
}

static bool drm_takes(const AVCodecParameters *parameters)
{
    return exists("/dev/media*") && accelerated(parameters, AV_HWDEVICE_TYPE_DRM);
}

static bool vaapi_takes(const AVCodecParameters *parameters)
{
    return accelerated(parameters, AV_HWDEVICE_TYPE_VAAPI);
}

// Without this FFmpeg would quietly decode on the processor, in the device's name.
static enum AVPixelFormat choose_format(AVCodecContext *codec, const enum AVPixelFormat *offered)
{
    const struct hardware *hardware = codec->opaque;
    for (; *offered != AV_PIX_FMT_NONE; offered++) {
        if (*offered == hardware->given) {
            return *offered;
        }
    }
    return AV_PIX_FMT_NONE;
}

static void hardware_destroy(struct bt_decoder *decoder)
{
    struct hardware *hardware = (struct hardware *)decoder;
    avcodec_free_context(&hardware->codec);
    av_buffer_unref(&hardware->device);
    free(hardware);
}

static int set_up(struct hardware *hardware, const AVCodec *codec,
                  const struct bt_decoder_setup *setup, struct bt_error *err)
{
    hardware->codec = avcodec_alloc_context3(codec);
    if (hardware->codec == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a decoder");
    }
    AVCodecContext *context = hardware->codec;
    int r = avcodec_parameters_to_context(context, setup->parameters);
    if (r < 0) {
        return bt_fail_av(err, r, "Cannot set up '%s'", codec->name);
    }
    context->pkt_timebase = setup->time_base;
    context->max_pixels = BT_MEDIA_MAX_PIXELS;
    context->thread_count = 1;
    context->opaque = hardware;
    if (hardware->device != NULL) {
        context->get_format = choose_format;
        context->hw_device_ctx = av_buffer_ref(hardware->device);
    }
    r = avcodec_open2(context, codec, NULL);
    return r < 0 ? bt_fail_av(err, r, "Cannot open the decoder '%s'", codec->name) : 0;
}

static int open_m2m(struct hardware *hardware, const struct bt_decoder_setup *setup,
                    struct bt_error *err)
{
    const AVCodec *codec = m2m_codec(setup->parameters);
    if (codec == NULL) {
        return bt_fail(err, -ENOTSUP, "FFmpeg has no such decoder");
    }
    hardware->given = AV_PIX_FMT_NONE;
    return set_up(hardware, codec, setup, err);
}

static int open_device(enum AVHWDeviceType type, AVBufferRef **out)
{
    glob_t nodes = {0};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no ~ in the pattern, so no environment is read
    int r = glob(RENDER_NODES, 0, NULL, &nodes) == 0 ? AVERROR(ENODEV) : AVERROR(ENOENT);
    for (size_t i = 0; r < 0 && i < nodes.gl_pathc; i++) {
        r = av_hwdevice_ctx_create(out, type, nodes.gl_pathv[i], NULL, 0);
    }
    globfree(&nodes);
    return r;
}

static int open_accelerated(struct hardware *hardware, enum AVHWDeviceType type,
                            const struct bt_decoder_setup *setup, struct bt_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(setup->parameters->codec_id);
    const AVCodecHWConfig *config = accelerator(codec, type);
    if (config == NULL) {
        return bt_fail(err, -ENOTSUP, "FFmpeg has no such decoder");
    }
    hardware->given = config->pix_fmt;
    int r = open_device(type, &hardware->device);
    return r < 0 ? bt_fail_av(err, r, "Cannot open the device")
                 : set_up(hardware, codec, setup, err);
}

static int hardware_send(struct bt_decoder *decoder, const AVPacket *packet)
{
    return avcodec_send_packet(((struct hardware *)decoder)->codec, packet);
}

static int hardware_receive(struct bt_decoder *decoder, AVFrame *frame)
{
    int r = avcodec_receive_frame(((struct hardware *)decoder)->codec, frame);
    if (r == 0 && (r = bt_decoder_fetch(frame, NULL)) < 0) {
        av_frame_unref(frame);
    }
    return r;
}

static void hardware_flush(struct bt_decoder *decoder)
{
    avcodec_flush_buffers(((struct hardware *)decoder)->codec);
}

static int hardware_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                         struct bt_decoder **out, struct bt_error *err)
{
    struct hardware *hardware = BT_NEW(struct hardware);
    hardware->base.impl = impl;
    enum AVHWDeviceType type = (enum AVHWDeviceType)impl->device_type;
    int r = type == AV_HWDEVICE_TYPE_NONE ? open_m2m(hardware, setup, err)
                                          : open_accelerated(hardware, type, setup, err);
    if (r < 0) {
        hardware_destroy(&hardware->base);
        return r;
    }
    *out = &hardware->base;
    return 0;
}

#define HARDWARE(...)                                                                              \
    {                                                                                              \
        .hardware = true, .open = hardware_open, .send = hardware_send,                            \
        .receive = hardware_receive, .flush = hardware_flush, .destroy = hardware_destroy,         \
        __VA_ARGS__                                                                                \
    }

static const struct bt_decoder_impl drm =
    HARDWARE(.name = "drm", .takes = drm_takes, .device_type = AV_HWDEVICE_TYPE_DRM);
static const struct bt_decoder_impl m2m = HARDWARE(.name = "v4l2m2m", .takes = m2m_takes);
static const struct bt_decoder_impl vaapi =
    HARDWARE(.name = "vaapi", .takes = vaapi_takes, .device_type = AV_HWDEVICE_TYPE_VAAPI);

const struct bt_decoder_impl *const bt_decoder_hardware[] = {&drm, &m2m, &vaapi};
const size_t bt_decoder_hardware_count = BT_ARRAY_LEN(bt_decoder_hardware);

static int copy_pixels(AVFrame *to, const AVFrame *from)
{
    to->format = from->format;
    to->width = from->width;
    to->height = from->height;
    int r = av_frame_get_buffer(to, 0);
    return r < 0 ? r : av_frame_copy(to, from);
}

int bt_decoder_fetch(AVFrame *frame, struct bt_error *err)
{
    BT_AUTOFRAME *copy = av_frame_alloc();
    if (copy == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a frame");
    }
    int r = frame->hw_frames_ctx != NULL ? av_hwframe_transfer_data(copy, frame, 0)
                                         : copy_pixels(copy, frame);
    if (r < 0 || (r = av_frame_copy_props(copy, frame)) < 0) {
        return bt_fail_av(err, r, "Cannot fetch a frame from the device");
    }
    av_frame_unref(frame);
    av_frame_move_ref(frame, copy);
    return 0;
}

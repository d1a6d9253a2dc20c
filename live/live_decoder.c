#include "live/live_decoder.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/deinterlace.h"
#include "media/stream.h"

static const enum AVCodecID codecs[] = {
    AV_CODEC_ID_H264,       AV_CODEC_ID_HEVC,       AV_CODEC_ID_AV1,
    AV_CODEC_ID_VP9,        AV_CODEC_ID_VP8,        AV_CODEC_ID_MPEG4,
    AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MJPEG,
};

static bool is_known(enum AVCodecID id)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(codecs); i++) {
        if (codecs[i] == id) {
            return true;
        }
    }
    return false;
}

int bt_live_decoder_open(const AVCodecParameters *parameters, AVRational time_base,
                         struct bt_live_decoder **out, struct bt_error *err)
{
    BT_AUTO(bt_live_decoder) decoder = BT_NEW(struct bt_live_decoder);
    const AVCodec *codec =
        is_known(parameters->codec_id) ? avcodec_find_decoder(parameters->codec_id) : NULL;
    if (codec == NULL) {
        return bt_fail(err, -ENOTSUP, "Pictures of codec '%s' cannot be played",
                       avcodec_get_name(parameters->codec_id));
    }
    decoder->codec = avcodec_alloc_context3(codec);
    if (decoder->codec == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a decoder");
    }
    int r = avcodec_parameters_to_context(decoder->codec, parameters);
    if (r < 0) {
        return bt_fail_av(err, r, "Cannot set up '%s'", codec->name);
    }
    decoder->codec->pkt_timebase = time_base;
    decoder->codec->max_pixels = BT_MEDIA_MAX_PIXELS;
    decoder->codec->thread_count = 1;
    r = avcodec_open2(decoder->codec, codec, NULL);
    if (r < 0) {
        return bt_fail_av(err, r, "Cannot open the decoder '%s'", codec->name);
    }
    *out = BT_TAKE(decoder);
    return 0;
}

void bt_live_decoder_destroy(struct bt_live_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    avcodec_free_context(&decoder->codec);
    free(decoder);
}

void bt_live_decoder_feed(struct bt_live_decoder *decoder, const AVPacket *packet)
{
    decoder->has_key = decoder->has_key || (packet->flags & AV_PKT_FLAG_KEY) != 0;
    if (decoder->has_key) {
        // What it cannot take is lost, as on the wire.
        (void)avcodec_send_packet(decoder->codec, packet);
    }
}

static bool is_sane(const AVFrame *frame)
{
    return frame->width > 0 && frame->height > 0 && frame->width <= BT_MEDIA_MAX_SIDE_PX &&
           frame->height <= BT_MEDIA_MAX_SIDE_PX &&
           (int64_t)frame->width * frame->height <= BT_MEDIA_MAX_PIXELS;
}

bool bt_live_decoder_take(struct bt_live_decoder *decoder, AVFrame *frame)
{
    while (avcodec_receive_frame(decoder->codec, frame) == 0) {
        if (is_sane(frame)) {
            if (bt_frame_is_interlaced(frame)) {
                (void)bt_deinterlace(frame);
            }
            return true;
        }
        av_frame_unref(frame);
    }
    return false;
}

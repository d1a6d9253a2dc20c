#include "media/sound_convert.h"

#include <errno.h>
#include <libswresample/swresample.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "media/sound_ring.h"

static const enum AVCodecID sound_codecs[] = {
    AV_CODEC_ID_AAC,          AV_CODEC_ID_MP3,           AV_CODEC_ID_OPUS,
    AV_CODEC_ID_VORBIS,       AV_CODEC_ID_AC3,           AV_CODEC_ID_EAC3,
    AV_CODEC_ID_MP2,          AV_CODEC_ID_MP1,           AV_CODEC_ID_FLAC,
    AV_CODEC_ID_ALAC,         AV_CODEC_ID_WMAV1,         AV_CODEC_ID_WMAV2,
    AV_CODEC_ID_WMAPRO,       AV_CODEC_ID_AMR_NB,        AV_CODEC_ID_AMR_WB,
    AV_CODEC_ID_DTS,          AV_CODEC_ID_AAC_LATM,      AV_CODEC_ID_PCM_S16LE,
    AV_CODEC_ID_PCM_S16BE,    AV_CODEC_ID_PCM_S24LE,     AV_CODEC_ID_PCM_S24BE,
    AV_CODEC_ID_PCM_S32LE,    AV_CODEC_ID_PCM_S32BE,     AV_CODEC_ID_PCM_F32LE,
    AV_CODEC_ID_PCM_U8,       AV_CODEC_ID_PCM_S8,        AV_CODEC_ID_PCM_MULAW,
    AV_CODEC_ID_PCM_ALAW,     AV_CODEC_ID_PCM_DVD,       AV_CODEC_ID_PCM_BLURAY,
    AV_CODEC_ID_ADPCM_MS,     AV_CODEC_ID_ADPCM_IMA_WAV, AV_CODEC_ID_ADPCM_SWF,
    AV_CODEC_ID_ADPCM_IMA_QT, AV_CODEC_ID_NELLYMOSER,
};

// More channels are no sound track of a clip; rates beyond these no sound at all.
#define MAX_CHANNELS 16
#define MIN_RATE 4000
#define MAX_RATE 384000

// No codec has packets of more than some seconds; what claims to is broken.
#define MAX_BLOCK_FRAMES (30 * BT_SOUND_RATE)

struct bt_sound_convert {
    struct SwrContext *converter;  // NULL: before the first frame
    AVChannelLayout layout;        // what the converter takes
    int format, rate;
    float *stereo;  // owned
    size_t capacity;
};

bool bt_sound_codec_is_known(enum AVCodecID id)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(sound_codecs); i++) {
        if (sound_codecs[i] == id) {
            return true;
        }
    }
    return false;
}

struct bt_sound_convert *bt_sound_convert_create(void)
{
    return BT_NEW(struct bt_sound_convert);
}

void bt_sound_convert_destroy(struct bt_sound_convert *convert)
{
    if (convert == NULL) {
        return;
    }
    swr_free(&convert->converter);
    av_channel_layout_uninit(&convert->layout);
    free(convert->stereo);
    free(convert);
}

void bt_sound_convert_reset(struct bt_sound_convert *convert)
{
    swr_free(&convert->converter);
}

static bool fits(const struct bt_sound_convert *convert, const AVFrame *frame)
{
    return convert->converter != NULL && frame->format == convert->format &&
           frame->sample_rate == convert->rate &&
           av_channel_layout_compare(&frame->ch_layout, &convert->layout) == 0;
}

// Rate or channels may change in mid-stream.
static int set_up(struct bt_sound_convert *convert, const AVFrame *frame)
{
    if (frame->sample_rate < MIN_RATE || frame->sample_rate > MAX_RATE ||
        frame->ch_layout.nb_channels < 1 || frame->ch_layout.nb_channels > MAX_CHANNELS) {
        return -EINVAL;
    }
    AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO;
    AVChannelLayout from = {0};
    int r = frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC
                ? (av_channel_layout_default(&from, frame->ch_layout.nb_channels), 0)
                : av_channel_layout_copy(&from, &frame->ch_layout);
    swr_free(&convert->converter);
    r = r < 0 ? r
              : swr_alloc_set_opts2(&convert->converter, &stereo, AV_SAMPLE_FMT_FLT, BT_SOUND_RATE,
                                    &from, frame->format, frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&from);
    if (r < 0 || swr_init(convert->converter) < 0) {
        swr_free(&convert->converter);
        return -EINVAL;
    }
    convert->format = frame->format;
    convert->rate = frame->sample_rate;
    return av_channel_layout_copy(&convert->layout, &frame->ch_layout);
}

static int make_room(struct bt_sound_convert *convert, int64_t frames)
{
    if (frames > MAX_BLOCK_FRAMES) {
        return -EMSGSIZE;
    }
    if ((size_t)frames > convert->capacity) {
        free(convert->stereo);
        convert->capacity = (size_t)frames;
        convert->stereo = BT_NEW_ARRAY(float, convert->capacity *BT_SOUND_CHANNELS);
    }
    return 0;
}

// `frame` NULL: what the converter still holds at the end.
static void run(struct bt_sound_convert *convert, const AVFrame *frame, struct bt_sound_block *out)
{
    int samples = frame != NULL ? frame->nb_samples : 0;
    int64_t most = swr_get_out_samples(convert->converter, samples);
    if (most < 0 || make_room(convert, most) < 0) {
        return;
    }
    uint8_t *planes[] = {(uint8_t *)convert->stereo};
    // What it takes is not const all the way down in FFmpeg 5.
    const uint8_t **in = NULL;
    if (frame != NULL) {
        memcpy(&in, &frame->extended_data, sizeof(in));
    }
    int got = swr_convert(convert->converter, planes, (int)most, in, samples);
    out->stereo = convert->stereo;
    out->frames = got > 0 ? (size_t)got : 0;
}

void bt_sound_convert_frame(struct bt_sound_convert *convert, const AVFrame *frame,
                            AVRational time_base, struct bt_sound_block *out)
{
    *out = (struct bt_sound_block){.stamp_ns = INT64_MIN};
    if (!fits(convert, frame) && set_up(convert, frame) < 0) {
        return;
    }
    int64_t held = swr_get_delay(convert->converter, BT_SOUND_RATE);
    run(convert, frame, out);
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE) {
        return;
    }
    int64_t stamp_ns =
        av_rescale_q(frame->best_effort_timestamp, time_base, (AVRational){1, 1000000000});
    int64_t held_ns = held * BT_NS_PER_S / BT_SOUND_RATE;
    out->stamp_ns = stamp_ns == INT64_MIN ? INT64_MIN : stamp_ns - held_ns;
}

void bt_sound_convert_rest(struct bt_sound_convert *convert, struct bt_sound_block *out)
{
    *out = (struct bt_sound_block){.stamp_ns = INT64_MIN};
    if (convert->converter != NULL) {
        run(convert, NULL, out);
        swr_free(&convert->converter);
    }
}

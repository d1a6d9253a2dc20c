#include "media/sound_reader.h"

#include <errno.h>
#include <libswresample/swresample.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "media/av.h"
#include "media/input.h"
#include "media/sound_ring.h"

// More channels are no sound track of a clip; rates beyond these no sound at all.
#define MAX_CHANNELS 16
#define MIN_RATE 4000
#define MAX_RATE 384000

// No codec has packets of more than some seconds; what claims to is broken.
#define MAX_BLOCK_FRAMES (30 * BT_SOUND_RATE)

struct bt_sound_reader {
    struct bt_input *input;
    AVFrame *frame;
    struct SwrContext *converter;  // NULL: before the first frame
    AVChannelLayout layout;        // what the converter takes
    int format, rate;
    float *stereo;  // owned
    size_t capacity;
};

int bt_sound_reader_open(const char *path, const atomic_bool *stop, struct bt_sound_reader **out,
                         struct bt_error *err)
{
    BT_AUTO(bt_sound_reader) reader = BT_NEW(struct bt_sound_reader);
    const struct bt_input_options options = {.threads = 1, .stop = stop, .sound = true};
    reader->frame = av_frame_alloc();
    if (reader->frame == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for sound");
    }
    int r = bt_input_open(path, &options, &reader->input, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(reader);
    return 0;
}

void bt_sound_reader_destroy(struct bt_sound_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    bt_input_destroy(reader->input);
    av_frame_free(&reader->frame);
    swr_free(&reader->converter);
    av_channel_layout_uninit(&reader->layout);
    free(reader->stereo);
    free(reader);
}

void bt_sound_reader_seek(struct bt_sound_reader *reader, int64_t stamp_ns)
{
    int64_t stamp =
        av_rescale_q(stamp_ns, (AVRational){1, 1000000000}, reader->input->stream->time_base);
    if (bt_input_seek(reader->input, stamp) == 0) {
        swr_free(&reader->converter);  // what it holds belongs elsewhere
    }
}

static bool fits(const struct bt_sound_reader *reader, const AVFrame *frame)
{
    return reader->converter != NULL && frame->format == reader->format &&
           frame->sample_rate == reader->rate &&
           av_channel_layout_compare(&frame->ch_layout, &reader->layout) == 0;
}

// Rate or channels may change in mid-stream.
static int set_up(struct bt_sound_reader *reader, const AVFrame *frame)
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
    swr_free(&reader->converter);
    r = r < 0 ? r
              : swr_alloc_set_opts2(&reader->converter, &stereo, AV_SAMPLE_FMT_FLT, BT_SOUND_RATE,
                                    &from, frame->format, frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&from);
    if (r < 0 || swr_init(reader->converter) < 0) {
        swr_free(&reader->converter);
        return -EINVAL;
    }
    reader->format = frame->format;
    reader->rate = frame->sample_rate;
    return av_channel_layout_copy(&reader->layout, &frame->ch_layout);
}

static int make_room(struct bt_sound_reader *reader, int64_t frames)
{
    if (frames > MAX_BLOCK_FRAMES) {
        return -EMSGSIZE;
    }
    if ((size_t)frames > reader->capacity) {
        free(reader->stereo);
        reader->capacity = (size_t)frames;
        reader->stereo = BT_NEW_ARRAY(float, reader->capacity *BT_SOUND_CHANNELS);
    }
    return 0;
}

// `frame` NULL: what the converter still holds at the end.
static int convert(struct bt_sound_reader *reader, const AVFrame *frame, struct bt_sound_block *out)
{
    int samples = frame != NULL ? frame->nb_samples : 0;
    int64_t most = swr_get_out_samples(reader->converter, samples);
    int64_t held = swr_get_delay(reader->converter, BT_SOUND_RATE);
    if (most < 0 || make_room(reader, most) < 0) {
        return 0;
    }
    uint8_t *planes[] = {(uint8_t *)reader->stereo};
    // What it takes is not const all the way down in FFmpeg 5.
    const uint8_t **in = NULL;
    if (frame != NULL) {
        memcpy(&in, &frame->extended_data, sizeof(in));
    }
    int got = swr_convert(reader->converter, planes, (int)most, in, samples);
    out->stereo = reader->stereo;
    out->frames = got > 0 ? (size_t)got : 0;
    if (frame != NULL && frame->best_effort_timestamp != AV_NOPTS_VALUE) {
        int64_t stamp_ns =
            av_rescale_q(frame->best_effort_timestamp, reader->input->stream->time_base,
                         (AVRational){1, 1000000000});
        int64_t held_ns = held * BT_NS_PER_S / BT_SOUND_RATE;
        out->stamp_ns = stamp_ns == INT64_MIN ? INT64_MIN : stamp_ns - held_ns;
    }
    return 0;
}

int bt_sound_reader_read(struct bt_sound_reader *reader, struct bt_sound_block *out,
                         struct bt_error *err)
{
    *out = (struct bt_sound_block){.stamp_ns = INT64_MIN};
    int r = bt_input_read(reader->input, reader->frame, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        if (reader->converter != NULL) {
            (void)convert(reader, NULL, out);
            swr_free(&reader->converter);
        }
        return out->frames > 0 ? 1 : 0;
    }
    if (fits(reader, reader->frame) || set_up(reader, reader->frame) == 0) {
        (void)convert(reader, reader->frame, out);
    }
    av_frame_unref(reader->frame);
    return 1;
}

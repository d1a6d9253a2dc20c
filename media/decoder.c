#include "media/decoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/stream.h"

struct software {
    struct bt_decoder base;
    AVCodecContext *codec;
};

int bt_decoder_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                    struct bt_decoder **out, struct bt_error *err)
{
    assert(impl->takes != NULL && impl->open != NULL && impl->send != NULL);
    assert(impl->receive != NULL && impl->flush != NULL && impl->destroy != NULL);
    return impl->open(impl, setup, out, err);
}

void bt_decoder_destroy(struct bt_decoder *decoder)
{
    if (decoder != NULL) {
        decoder->impl->destroy(decoder);
    }
}

static void software_destroy(struct bt_decoder *decoder)
{
    struct software *software = (struct software *)decoder;
    avcodec_free_context(&software->codec);
    free(software);
}

static int open_codec(const struct bt_decoder_setup *setup, AVCodecContext **out,
                      struct bt_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(setup->parameters->codec_id);
    if (codec == NULL) {
        return bt_fail(err, -ENOTSUP, "There is no decoder for '%s'",
                       avcodec_get_name(setup->parameters->codec_id));
    }
    BT_AUTOCODEC *context = avcodec_alloc_context3(codec);
    if (context == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a decoder");
    }
    int r = avcodec_parameters_to_context(context, setup->parameters);
    if (r < 0) {
        return bt_fail_av(err, r, "Cannot set up '%s'", codec->name);
    }
    context->pkt_timebase = setup->time_base;
    context->max_pixels = BT_MEDIA_MAX_PIXELS;
    context->thread_count = setup->threads;
    r = avcodec_open2(context, codec, NULL);
    if (r < 0) {
        return bt_fail_av(err, r, "Cannot open the decoder '%s'", codec->name);
    }
    *out = BT_TAKE(context);
    return 0;
}

static int software_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                         struct bt_decoder **out, struct bt_error *err)
{
    AVCodecContext *codec = NULL;
    int r = open_codec(setup, &codec, err);
    if (r < 0) {
        return r;
    }
    struct software *software = BT_NEW(struct software);
    software->base.impl = impl;
    software->codec = codec;
    *out = &software->base;
    return 0;
}

static bool software_takes(const AVCodecParameters *parameters)
{
    return avcodec_find_decoder(parameters->codec_id) != NULL;
}

static int software_send(struct bt_decoder *decoder, const AVPacket *packet)
{
    return avcodec_send_packet(((struct software *)decoder)->codec, packet);
}

static int software_receive(struct bt_decoder *decoder, AVFrame *frame)
{
    return avcodec_receive_frame(((struct software *)decoder)->codec, frame);
}

static void software_flush(struct bt_decoder *decoder)
{
    avcodec_flush_buffers(((struct software *)decoder)->codec);
}

const struct bt_decoder_impl bt_decoder_software = {
    .name = "software",
    .takes = software_takes,
    .open = software_open,
    .send = software_send,
    .receive = software_receive,
    .flush = software_flush,
    .destroy = software_destroy,
};

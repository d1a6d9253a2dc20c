/**
 * Packets of a live stream → frames, in the format they were decoded in. Damage is concealed by the
 * decoder; before the first key frame nothing is given. Inside live/ only.
 */
#ifndef BT_LIVE_LIVE_DECODER_H
#define BT_LIVE_LIVE_DECODER_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_live_decoder {
    AVCodecContext *codec;
    bool has_key;
};

// Errors: -ENOTSUP a codec that no live stream has.
int bt_live_decoder_open(const AVCodecParameters *parameters, AVRational time_base,
                         struct bt_live_decoder **out, struct bt_error *err) BT_NODISCARD;
void bt_live_decoder_destroy(struct bt_live_decoder *decoder);
BT_DEFINE_AUTO(bt_live_decoder)

void bt_live_decoder_feed(struct bt_live_decoder *decoder, const AVPacket *packet);

// False: it needs more packets.
bool bt_live_decoder_take(struct bt_live_decoder *decoder, AVFrame *frame);

#endif

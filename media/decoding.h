/**
 * The decoding of one clip, which goes on when a hardware decoder does not. Packets since the key
 * frame before the newest frame given are kept; when the device fails, gives no more frames or no
 * answer at all, the software decoder gets them again, frames that were given are dropped, and the
 * rest follows without one missing or twice. Nothing is read again from the file.
 *
 * Hardware gets only clips whose packets each say their own time, since that is how frames are
 * known again: one that does not goes to software as soon as that shows.
 *
 * One thread at a time. Inside media/ only.
 */
#ifndef BT_MEDIA_DECODING_H
#define BT_MEDIA_DECODING_H

#include "media/decoder.h"
#include "media/decoders.h"

struct bt_decoding;

struct bt_decoding_setup {
    struct bt_decoder_setup decoder;  // its parameters must outlive the decoding
    struct bt_decoders *decoders;     // must outlive it too; NULL: software alone
};

int bt_decoding_open(const struct bt_decoding_setup *setup, struct bt_decoding **out,
                     struct bt_error *err) BT_NODISCARD;
void bt_decoding_destroy(struct bt_decoding *decoding);
BT_DEFINE_AUTO(bt_decoding)

// As of a decoder (media/decoder.h); frames lie in memory.
int bt_decoding_send(struct bt_decoding *decoding, const AVPacket *packet);
int bt_decoding_receive(struct bt_decoding *decoding, AVFrame *frame);
void bt_decoding_flush(struct bt_decoding *decoding);

// The present decoder, which may be another after any call.
const struct bt_decoder_impl *bt_decoding_impl(const struct bt_decoding *decoding);

#endif

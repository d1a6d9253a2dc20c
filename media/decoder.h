/**
 * One decoder: packets → frames in memory, in presentation order. Implementations stand in tables
 * (bt_decoders); whether one exists is asked at run time, since one program runs on machines with
 * all kinds of devices.
 *
 * send and receive speak FFmpeg's language: 0, AVERROR(EAGAIN) (receive: more packets first),
 * AVERROR_EOF, or another negative error. One packet is sent only after receive said EAGAIN.
 *
 * One thread at a time. Inside media/ only.
 */
#ifndef BT_MEDIA_DECODER_H
#define BT_MEDIA_DECODER_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_decoder {
    const struct bt_decoder_impl *impl;
};

struct bt_decoder_setup {
    const AVCodecParameters *parameters;  // borrowed while opening
    AVRational time_base;                 // of the packets
    int threads;
};

// Every slot is required of what stands in a table.
struct bt_decoder_impl {
    const char *name;  // as --decoder names it
    bool hardware;     // may fail or hang where software would not
    int device_type;   // enum AVHWDeviceType, for those that FFmpeg opens on a device

    // The device is there and the codec might be decoded. Cheap; touches no device.
    bool (*takes)(const AVCodecParameters *parameters);
    int (*open)(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                struct bt_decoder **out, struct bt_error *err);
    int (*send)(struct bt_decoder *decoder, const AVPacket *packet);  // NULL: no more come
    int (*receive)(struct bt_decoder *decoder, AVFrame *frame);
    void (*flush)(struct bt_decoder *decoder);  // after a seek
    void (*destroy)(struct bt_decoder *decoder);
};

extern const struct bt_decoder_impl bt_decoder_software;

// What there is besides, best first; each is tried before software.
extern const struct bt_decoder_impl *const bt_decoder_hardware[];
extern const size_t bt_decoder_hardware_count;

// -ENOTSUP: no such decoder; and what opening it says.
int bt_decoder_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                    struct bt_decoder **out, struct bt_error *err) BT_NODISCARD;
void bt_decoder_destroy(struct bt_decoder *decoder);
BT_DEFINE_AUTO(bt_decoder)

/**
 * Replaces a frame that lies in a device's memory, or in a buffer that the device wants back, by a
 * copy in ours with the same properties (NV12 where the device gives that).
 */
int bt_decoder_fetch(AVFrame *frame, struct bt_error *err) BT_NODISCARD;

#endif

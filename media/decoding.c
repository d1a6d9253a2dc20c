#include "media/decoding.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/kept.h"
#include "media/watch.h"

// Packets without a frame after which a device will not give any more: more than any decoder holds.
#define MAX_SWALLOWED 64

struct bt_decoding {
    struct bt_decoding_setup setup;
    const struct bt_decoder_impl *impl;
    struct bt_decoder *decoder;
    bool ended;  // there are no more packets

    // While hardware decodes.
    struct bt_kept kept;
    int64_t sent;   // time stamp of the newest packet
    int swallowed;  // packets since the last frame

    int64_t given;  // time stamp of the newest frame; AV_NOPTS_VALUE: none since the last flush

    // After it was replaced.
    bool catching_up;  // frames up to `given` come once more
    size_t replayed;   // how many of the kept packets the software has got
    bool replaying;
    int64_t damaged;                        // packets and frames with errors meanwhile
    struct bt_error why;                    // the replacement
    const struct bt_decoder_impl *suspect;  // NULL: it is nobody's fault, or told already
};

static int open_software(struct bt_decoding *decoding, struct bt_error *err)
{
    decoding->impl = &bt_decoder_software;
    return bt_decoder_open(decoding->impl, &decoding->setup.decoder, &decoding->decoder, err);
}

// Tries the hardware there is, one after the other; what fails is remembered.
static bool open_hardware(struct bt_decoding *decoding)
{
    struct bt_decoders *decoders = decoding->setup.decoders;
    const AVCodecParameters *parameters = decoding->setup.decoder.parameters;
    const struct bt_decoder_impl *impl = NULL;
    while ((impl = bt_decoders_next(decoders, parameters, impl)) != NULL) {
        struct bt_patience patience;
        struct bt_error err = {0};
        bt_decoders_patience(decoders, &patience);
        int r = bt_watch_open(impl, &decoding->setup.decoder, &patience, &decoding->decoder, &err);
        if (r == 0) {
            decoding->impl = impl;
            return true;
        }
        bt_decoders_blame(decoders, impl, parameters,
                          r == -ETIMEDOUT ? BT_FAULT_HANGS : BT_FAULT_ABSENT, err.msg);
    }
    return false;
}

int bt_decoding_open(const struct bt_decoding_setup *setup, struct bt_decoding **out,
                     struct bt_error *err)
{
    BT_AUTO(bt_decoding) decoding = BT_NEW(struct bt_decoding);
    decoding->setup = *setup;
    decoding->given = decoding->sent = AV_NOPTS_VALUE;
    if (!open_hardware(decoding)) {
        int r = open_software(decoding, err);
        if (r < 0) {
            return r;
        }
    }
    *out = BT_TAKE(decoding);
    return 0;
}

void bt_decoding_destroy(struct bt_decoding *decoding)
{
    if (decoding != NULL) {
        bt_decoder_destroy(decoding->decoder);
        bt_kept_finish(&decoding->kept);
        free(decoding);
    }
}

const struct bt_decoder_impl *bt_decoding_impl(const struct bt_decoding *decoding)
{
    return decoding->impl;
}

static void blame(struct bt_decoding *decoding, const struct bt_decoder_impl *impl,
                  enum bt_decoder_fault fault)
{
    bt_decoders_blame(decoding->setup.decoders, impl, decoding->setup.decoder.parameters, fault,
                      decoding->why.msg);
}

/*
 * Software takes over. Who hung is blamed at once; who gave an error only when software gets
 * through the same packets without one, since a damaged clip is not the device's fault.
 */
static int replace(struct bt_decoding *decoding, const struct bt_decoder_impl *suspect, bool hangs)
{
    if (suspect != NULL && hangs) {
        blame(decoding, suspect, BT_FAULT_HANGS);
        suspect = NULL;
    }
    bt_decoder_destroy(BT_TAKE(decoding->decoder));
    int r = open_software(decoding, NULL);
    if (r < 0) {
        return r;
    }
    decoding->suspect = suspect;
    decoding->replaying = true;
    decoding->replayed = 0;
    decoding->damaged = 0;
    decoding->catching_up = decoding->given != AV_NOPTS_VALUE;
    return 0;
}

static int replace_failed(struct bt_decoding *decoding, int av_error)
{
    (void)bt_fail_av(&decoding->why, av_error, "It stops");
    return replace(decoding, decoding->impl, av_error == AVERROR(ETIMEDOUT));
}

static int replace_silent(struct bt_decoding *decoding)
{
    (void)bt_fail(&decoding->why, -EIO, "It gives no frames");
    return replace(decoding, decoding->impl, false);
}

static void end_replay(struct bt_decoding *decoding)
{
    if (decoding->suspect != NULL && decoding->damaged == 0) {
        blame(decoding, decoding->suspect, BT_FAULT_STOPS);
    }
    decoding->suspect = NULL;
    decoding->replaying = false;
    bt_kept_finish(&decoding->kept);
}

// Half a millisecond in the stream's time base: devices count in units of their own.
static int64_t tolerance(const struct bt_decoding *decoding)
{
    const AVRational *base = &decoding->setup.decoder.time_base;
    return base->num > 0 ? base->den / (2000LL * base->num) : 0;
}

static void note_given(struct bt_decoding *decoding, const AVFrame *frame)
{
    decoding->given = frame->best_effort_timestamp;
    decoding->swallowed = 0;
    bt_kept_given(&decoding->kept, decoding->given + tolerance(decoding));
}

static bool was_given(struct bt_decoding *decoding, const AVFrame *frame)
{
    int64_t stamp = frame->best_effort_timestamp;
    decoding->catching_up = decoding->catching_up && stamp != AV_NOPTS_VALUE &&
                            stamp <= decoding->given + tolerance(decoding);
    return decoding->catching_up;
}

// The software got all that the hardware had, and what was sent since.
static int replay_next(struct bt_decoding *decoding)
{
    struct bt_decoder *decoder = decoding->decoder;
    if (decoding->replayed < decoding->kept.count) {
        int r = decoder->impl->send(decoder, decoding->kept.packets[decoding->replayed++]);
        decoding->damaged += r < 0;
        return 0;
    }
    end_replay(decoding);
    return decoding->ended ? decoder->impl->send(decoder, NULL) : 0;
}

static int receive_software(struct bt_decoding *decoding, AVFrame *frame)
{
    struct bt_decoder *decoder = decoding->decoder;
    for (;;) {
        int r = decoder->impl->receive(decoder, frame);
        if (r == 0 && was_given(decoding, frame)) {
            av_frame_unref(frame);
            continue;
        }
        if (r == 0 || r == AVERROR_EOF || !decoding->replaying) {
            return r;
        }
        decoding->damaged += r != AVERROR(EAGAIN);
        r = replay_next(decoding);
        if (r < 0) {
            return r;
        }
    }
}

// A frame that does not say when it is shown could not be known again.
static int check_hardware_frame(struct bt_decoding *decoding, AVFrame *frame)
{
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE) {
        av_frame_unref(frame);
        return replace_silent(decoding);
    }
    note_given(decoding, frame);
    return 0;
}

int bt_decoding_receive(struct bt_decoding *decoding, AVFrame *frame)
{
    struct bt_decoder *decoder = decoding->decoder;
    if (!decoding->impl->hardware) {
        return receive_software(decoding, frame);
    }
    int r = decoder->impl->receive(decoder, frame);
    if (r == 0) {
        r = check_hardware_frame(decoding, frame);
        return r < 0 || decoding->impl->hardware ? r : receive_software(decoding, frame);
    }
    bool silent = r == AVERROR(EAGAIN) && (decoding->ended || decoding->swallowed > MAX_SWALLOWED);
    if (r == AVERROR_EOF || (r == AVERROR(EAGAIN) && !silent)) {
        return r;
    }
    r = silent ? replace_silent(decoding) : replace_failed(decoding, r);
    return r < 0 ? r : receive_software(decoding, frame);
}

// Says its own time, and another than the packet before.
static bool is_timed(const struct bt_decoding *decoding, const AVPacket *packet)
{
    return packet->pts != AV_NOPTS_VALUE && packet->pts != decoding->sent;
}

static int send_hardware(struct bt_decoding *decoding, const AVPacket *packet)
{
    if (packet != NULL) {
        bool timed = is_timed(decoding, packet);
        bt_kept_add(&decoding->kept, packet);
        decoding->sent = packet->pts;
        decoding->swallowed++;
        if (!timed) {
            return replace(decoding, NULL, false);
        }
    }
    int r = decoding->decoder->impl->send(decoding->decoder, packet);
    return r < 0 ? replace_failed(decoding, r) : 0;
}

int bt_decoding_send(struct bt_decoding *decoding, const AVPacket *packet)
{
    decoding->ended = packet == NULL;
    if (decoding->impl->hardware) {
        return send_hardware(decoding, packet);
    }
    return decoding->decoder->impl->send(decoding->decoder, packet);
}

void bt_decoding_flush(struct bt_decoding *decoding)
{
    decoding->ended = false;
    decoding->given = decoding->sent = AV_NOPTS_VALUE;
    decoding->swallowed = 0;
    decoding->catching_up = false;
    bt_kept_finish(&decoding->kept);
    if (decoding->replaying) {
        end_replay(decoding);
    }
    decoding->decoder->impl->flush(decoding->decoder);
}

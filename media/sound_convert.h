/**
 * Decoded sound, whatever its rate and channels → stereo at BT_SOUND_RATE. Rate or channels may
 * change in mid-stream.
 *
 * One thread at a time. Inside media/ and live/ only.
 */
#ifndef BT_MEDIA_SOUND_CONVERT_H
#define BT_MEDIA_SOUND_CONVERT_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_sound_convert;

struct bt_sound_block {
    const float *stereo;  // borrowed until the next one
    size_t frames;        // may be 0
    int64_t stamp_ns;     // the container's time of the first; INT64_MIN: it does not say
};

struct bt_sound_convert *bt_sound_convert_create(void) BT_NODISCARD;
void bt_sound_convert_destroy(struct bt_sound_convert *convert);
BT_DEFINE_AUTO(bt_sound_convert)

// What follows does not belong to what came before.
void bt_sound_convert_reset(struct bt_sound_convert *convert);

// Of a frame that makes no sense nothing comes.
void bt_sound_convert_frame(struct bt_sound_convert *convert, const AVFrame *frame,
                            AVRational time_base, struct bt_sound_block *out);

// What it still holds at the end.
void bt_sound_convert_rest(struct bt_sound_convert *convert, struct bt_sound_block *out);

// Sound that clips and streams have.
bool bt_sound_codec_is_known(enum AVCodecID id);

#endif

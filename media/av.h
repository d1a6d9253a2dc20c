/**
 * What every file that talks to FFmpeg needs: its errors as ours, its objects cleaned up when
 * they leave scope, its chatter off. Compiles against FFmpeg 5.1 (Debian 12) and 7.1 (Debian 13).
 *
 * Inside media/ and live/ only.
 */
#ifndef BT_MEDIA_AV_H
#define BT_MEDIA_AV_H

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

/**
 * Writes "what: FFmpeg's own words" and returns a negative errno: FFmpeg's own codes become
 * -EINVAL, or -ENOTSUP where it says that it does not know the thing.
 */
int bt_fail_av(struct bt_error *err, int av_error, const char *format, ...) BT_PRINTF(3, 4);

// FFmpeg prints to stderr unless told otherwise. Errors reach us as codes; the rest is noise.
// Cheap; every entry into FFmpeg calls it.
void bt_av_quiet(void);

// How long the frame stays by the container's word, in the stream's time base; 0 when unknown.
int64_t bt_av_frame_duration(const AVFrame *frame);
void bt_av_set_frame_duration(AVFrame *frame, int64_t duration);

static inline void bt_av_frame_auto(AVFrame **frame)
{
    av_frame_free(frame);
}
#define BT_AUTOFRAME __attribute__((cleanup(bt_av_frame_auto))) AVFrame

static inline void bt_av_packet_auto(AVPacket **packet)
{
    av_packet_free(packet);
}
#define BT_AUTOPACKET __attribute__((cleanup(bt_av_packet_auto))) AVPacket

static inline void bt_av_codec_auto(AVCodecContext **codec)
{
    avcodec_free_context(codec);
}
#define BT_AUTOCODEC __attribute__((cleanup(bt_av_codec_auto))) AVCodecContext

#endif

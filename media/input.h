/**
 * An opened clip: one regular file, one demuxer, one decoder. What comes in is hostile: only
 * containers and codecs on our lists are tried, nothing but the file itself is ever read (no
 * playlists, references or URLs), sizes are bounded before decoding, and everything ends soon
 * after *stop was set.
 *
 * One thread at a time. Inside media/ only.
 */
#ifndef BT_MEDIA_INPUT_H
#define BT_MEDIA_INPUT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"
#include "media/decoding.h"
#include "media/webp.h"

struct bt_input_options {
    int threads;              // of the decoder; 0: one, two above 1080p60
    const atomic_bool *stop;  // borrowed; gives up when it is set; NULL: nobody stops us
    int64_t until_ns;         // gives up at this monotonic instant; 0: never
    int64_t work_until_ns;  // and once the thread has worked so much (bt_clock_worked_ns); 0: never
    bool thorough;          // learn everything, even what playing does not need
    struct bt_decoders *decoders;  // borrowed; NULL: software alone
    bool sound;                    // its sound track instead of its picture
};

struct bt_input {
    AVFormatContext *format;       // of a WebP: no demuxer's, but with its stream
    struct bt_decoding *decoding;  // of a WebP: NULL
    struct bt_webp *webp;          // NULL: FFmpeg reads it
    AVStream *stream;              // borrowed from format: the picture, or the sound
    unsigned picture_tracks;       // that could be shown; others may choose another than we do
    struct bt_input_options options;
    AVPacket *packet;
    int64_t damaged;  // packets and frames with errors so far
    bool drained;     // the demuxer has no more
    bool mirrored;    // the clip wants its frames turned over; they are
    bool interlaced;  // some frames came as half pictures; they are given joined
    int fd;
};

/**
 * Errors: the errno of opening and reading; -EINVAL not a clip; -ENOTSUP a codec that is not on
 * our list; -EFBIG too large; -ENODATA no picture, or no sound, inside;
 * -ECANCELED stopped.
 */
int bt_input_open(const char *path, const struct bt_input_options *options, struct bt_input **out,
                  struct bt_error *err) BT_NODISCARD;
void bt_input_destroy(struct bt_input *input);
BT_DEFINE_AUTO(bt_input)

/**
 * The next frame in presentation order: 1; 0 at the end. Damage is concealed and counted.
 * Errors: -EIO and the like from the file, -ECANCELED stopped, -EFBIG a frame too large.
 */
int bt_input_read(struct bt_input *input, AVFrame *frame, struct bt_error *err) BT_NODISCARD;

/**
 * The next packet of the track in stored order, not decoded, in input->packet: 1; 0 at the end. Not
 * together with bt_input_read. Errors: as there; -ENOTSUP an animation that is no stream of
 * packets.
 */
int bt_input_read_packet(struct bt_input *input, struct bt_error *err) BT_NODISCARD;

// Goes to the key frame at or before the time stamp (of the stream's time base).
int bt_input_seek(struct bt_input *input, int64_t timestamp) BT_NODISCARD;

// Degrees clockwise until the picture stands upright: 0, 90, 180, 270.
int bt_input_rotation(const struct bt_input *input);

// Nanoseconds of the usual frame; 0 when the container does not say anything sensible.
int64_t bt_input_frame_ns(const struct bt_input *input);

// The container's word for the whole length; 0 when it says nothing.
int64_t bt_input_duration_ns(const struct bt_input *input);

#endif

/**
 * A clip being played: file → frames, decoded ahead on a thread of its own.
 *
 * Opening reads the headers on the calling thread (never the render thread) and starts the decode
 * thread, which keeps a small queue of frames filled. Frames come in presentation order with
 * strictly increasing times that start at 0 with the clip's first frame, whatever the container
 * claims (negative starts, equal timestamps, lying durations). GIF, APNG and WebP animations are
 * clips.
 *
 * Rotation from the display matrix and the sample aspect ratio are in bt_stream_info: frames come
 * as decoded. Dimensions, pixels, probing and waiting are bounded before anything is decoded.
 */
#ifndef BT_MEDIA_STREAM_H
#define BT_MEDIA_STREAM_H

#include "base/queue.h"
#include "media/decoders.h"
#include "media/frame.h"
#include "playlists/publication.h"

struct bt_stream;

// The largest picture we decode: 8K with some room, and its pixels.
#define BT_MEDIA_MAX_SIDE_PX 16384
#define BT_MEDIA_MAX_PIXELS (64LL * 1024 * 1024)

struct bt_stream_options {
    int64_t start_ns;  // begin inside the clip: the first frame given is the one on screen then
    int queue_frames;  // 0: default (3; of hardware up to 16)
    int threads;       // decoder threads; 0: one, two above 1080p60
    bool loop;         // start again at the end, times run on (animations)
    struct bt_decoders *decoders;  // borrowed; NULL: software alone
    // Where it is shown, so that nothing is converted larger than it is seen; width of 0: unknown.
    struct bt_item place;  // fit and focus only
    int width, height;     // of the zone
    struct bt_waker
        waker;  // called from the decode thread after each frame, at the end, on failure
};

struct bt_stream_info {
    int width, height;     // as decoded
    int rotation;          // 0, 90, 180, 270 degrees clockwise to stand upright
    int sar_num, sar_den;  // sample aspect ratio, 1:1 when unknown
    int64_t duration_ns;   // the container's word; 0 when it says nothing
    int64_t frame_ns;      // usual frame duration; 0 when unknown
    bool has_alpha;
    bool many_pictures;  // more than one track could be shown
    char codec[32];
};

// The size people see of such a frame: upright, with square pixels. Never 0.
void bt_stream_upright(const struct bt_stream_info *info, int width, int height, int *out_width,
                       int *out_height);

// Errors: the errno of reading, -EINVAL not a clip we can show, -EFBIG too large.
int bt_stream_open(const char *path, const struct bt_stream_options *options,
                   struct bt_stream **out, struct bt_error *err) BT_NODISCARD;

// close: the decode thread stops soon, returns at once. destroy: joins, then frees (bounded: the
// reader is interrupted).
void bt_stream_close(struct bt_stream *stream);
void bt_stream_destroy(struct bt_stream *stream);
BT_DEFINE_AUTO(bt_stream)

const struct bt_stream_info *bt_stream_info(const struct bt_stream *stream);

/**
 * Waits until the queue is full or the clip has ended; when the clip is due, one frame will do, and
 * when that is over too, it is too late. Both are monotonic instants.
 * 0 when at least one frame is there; -ETIMEDOUT, or the decoder's error with its words in err.
 */
int bt_stream_preroll(struct bt_stream *stream, int64_t due_ns, int64_t until_ns,
                      struct bt_error *err) BT_NODISCARD;

enum bt_stream_state {
    BT_STREAM_FRAME,    // a frame is there
    BT_STREAM_WAITING,  // none yet
    BT_STREAM_ENDED,    // no more will come
    BT_STREAM_FAILED,   // no more will come, because of an error
};

// Never waits. *out is borrowed until the next pop.
enum bt_stream_state bt_stream_peek(struct bt_stream *stream, const struct bt_frame **out);

// Takes the frame that peek showed; the caller destroys it. Never waits.
struct bt_frame *bt_stream_pop(struct bt_stream *stream) BT_NODISCARD;

// Where the clip really ends: the last frame's pts + duration, known once all were decoded; -1
// before that.
int64_t bt_stream_end_ns(struct bt_stream *stream);

// The container's time of our 0, for what belongs to the pictures (sound); known with the first
// frame. False: the container says no times.
bool bt_stream_origin_ns(struct bt_stream *stream, int64_t *out_ns);

// Packets and frames that were damaged so far; what could be concealed was shown.
int64_t bt_stream_damaged(struct bt_stream *stream);

// The failure's words, once peek says BT_STREAM_FAILED.
void bt_stream_error(struct bt_stream *stream, struct bt_error *out);

#endif

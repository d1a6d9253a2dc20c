#include "media/stream.h"

#include <assert.h>
#include <errno.h>
#include <libavutil/pixdesc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/av.h"
#include "media/input.h"
#include "media/pace.h"
#include "media/picture.h"
#include "media/ready.h"

#define DEFAULT_QUEUE_FRAMES 3
#define MAX_QUEUE_FRAMES 16

// So much lies ready of a hardware decoder's frames: while software takes its place (half a second
// at worst, as a rule) they are shown.
#define HARDWARE_QUEUE_NS (600 * BT_NS_PER_MS)
#define HARDWARE_QUEUE_BYTES (48LL * 1024 * 1024)

// A start closer to the beginning is reached sooner by decoding up to it.
#define SEEK_FROM_NS BT_NS_PER_S

// Beyond this a pixel's shape is a mistake.
#define MAX_SAR 8

struct bt_stream {
    char *path;                        // set by open, never changed
    struct bt_stream_options options;  // likewise
    struct bt_stream_info info;        // likewise
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;  // set by close: the reader and the decoder give up

    // Decode thread only, once it runs.
    struct bt_input *input;
    struct bt_ready *ready;
    struct bt_pace pace;
    struct bt_frame *held;  // the newest frame at or before start_ns
    int64_t next_number;
    int64_t pass_start_ns;  // where this round of a loop began
    bool starting;          // frames before start_ns are still being dropped

    pthread_mutex_t lock;   // leaf lock: nothing is called while it is held
    pthread_cond_t room;    // a frame was taken, or stop
    pthread_cond_t filled;  // a frame came, or the end
    // Protected by lock.
    struct bt_frame *frames[MAX_QUEUE_FRAMES];  // a ring
    size_t first, count;
    bool ended;
    int failure;  // negative errno, with the words in `error`
    struct bt_error error;
    int64_t end_ns;     // -1 until all frames were decoded
    bool anchored;      // origin_ns is known
    int64_t origin_ns;  // the container's time of our 0
    int64_t damaged;
};

static void wake(const struct bt_stream *stream)
{
    if (stream->options.waker.wake != NULL) {
        stream->options.waker.wake(stream->options.waker.context);
    }
}

static size_t capacity(const struct bt_stream *stream)
{
    return (size_t)stream->options.queue_frames;
}

void bt_stream_upright(const struct bt_stream_info *info, int width, int height, int *out_width,
                       int *out_height)
{
    int64_t wide = (int64_t)width * info->sar_num / info->sar_den;
    int square_width = (int)BT_CLAMP(wide, 1, BT_MEDIA_MAX_SIDE_PX);
    bool lies = info->rotation == 90 || info->rotation == 270;
    *out_width = lies ? height : square_width;
    *out_height = lies ? square_width : height;
}

// How often the frame may be halved, exactly, and still have every pixel its place can show.
static int halvings(const struct bt_stream *stream, const AVFrame *frame)
{
    const struct bt_stream_options *options = &stream->options;
    int width, height, count = 0;
    if (options->width == 0) {
        return 0;
    }
    bt_stream_upright(&stream->info, frame->width, frame->height, &width, &height);
    struct bt_placement at =
        bt_place(&options->place, width, height, options->width, options->height);
    for (int by = 2; frame->width % by == 0 && frame->height % by == 0 &&
                     at.src.width >= at.dst.width * by && at.src.height >= at.dst.height * by;
         by *= 2) {
        count++;
    }
    return count;
}

// -ECANCELED when the stream was closed while the queue was full; the frame is freed.
static int push_frame(struct bt_stream *stream, struct bt_frame *frame)
{
    bt_ready_make(stream->ready, frame->av, halvings(stream, frame->av));
    pthread_mutex_lock(&stream->lock);
    while (stream->count == capacity(stream) && !atomic_load(&stream->stop)) {
        pthread_cond_wait(&stream->room, &stream->lock);
    }
    bool stopped = atomic_load(&stream->stop);
    if (!stopped) {
        stream->frames[(stream->first + stream->count) % capacity(stream)] = frame;
        stream->count++;
        stream->damaged = stream->input->damaged;
        if (!stream->anchored && stream->pace.anchored) {
            stream->anchored = true;
            stream->origin_ns = stream->pace.offset_ns;
        }
        pthread_cond_signal(&stream->filled);
    }
    pthread_mutex_unlock(&stream->lock);
    if (stopped) {
        bt_frame_destroy(frame);
        return -ECANCELED;
    }
    wake(stream);
    return 0;
}

static int64_t in_ns(const struct bt_stream *stream, int64_t stamp)
{
    if (stamp == AV_NOPTS_VALUE) {
        return BT_PACE_UNKNOWN;
    }
    // On overflow FFmpeg gives INT64_MIN, which is BT_PACE_UNKNOWN.
    return av_rescale_q(stamp, stream->input->stream->time_base, (AVRational){1, 1000000000});
}

// 1 and a new frame, 0 at the end of the file, or an error.
static int next_frame(struct bt_stream *stream, struct bt_frame **out, struct bt_error *err)
{
    BT_AUTO(bt_frame) frame = BT_NEW(struct bt_frame);
    frame->av = av_frame_alloc();
    if (frame->av == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a frame");
    }
    int r = bt_input_read(stream->input, frame->av, err);
    if (r <= 0) {
        return r;
    }
    int64_t duration = av_rescale_q(bt_av_frame_duration(frame->av),
                                    stream->input->stream->time_base, (AVRational){1, 1000000000});
    frame->pts_ns = bt_pace_next(&stream->pace, in_ns(stream, frame->av->best_effort_timestamp),
                                 duration, &frame->duration_ns);
    frame->number = stream->next_number++;
    *out = BT_TAKE(frame);
    return 1;
}

static int open_input(struct bt_stream *stream, struct bt_input **out, struct bt_error *err)
{
    struct bt_input_options options = {.threads = stream->options.threads,
                                       .stop = &stream->stop,
                                       .decoders = stream->options.decoders};
    return bt_input_open(stream->path, &options, out, err);
}

static int reopen(struct bt_stream *stream, struct bt_error *err)
{
    struct bt_input *fresh = NULL;
    int r = open_input(stream, &fresh, err);
    if (r < 0) {
        return r;
    }
    fresh->damaged = stream->input->damaged;
    bt_input_destroy(stream->input);
    stream->input = fresh;
    return 0;
}

// While starting, only the frame that is on screen at start_ns is kept; then everything passes.
static int deliver(struct bt_stream *stream, struct bt_frame *frame)
{
    if (!stream->starting) {
        return push_frame(stream, frame);
    }
    if (frame->pts_ns <= stream->options.start_ns) {
        bt_frame_destroy(stream->held);
        stream->held = frame;
        return 0;
    }
    stream->starting = false;
    int r = stream->held != NULL ? push_frame(stream, BT_TAKE(stream->held)) : 0;
    if (r < 0) {
        bt_frame_destroy(frame);
        return r;
    }
    return push_frame(stream, frame);
}

static void forget_position(struct bt_stream *stream)
{
    bt_pace_init(&stream->pace, stream->info.frame_ns);
    stream->next_number = 0;
    bt_frame_destroy(BT_TAKE(stream->held));
}

// Frames that were jumped over have numbers too, as far as the rate tells.
static void number_by_position(struct bt_stream *stream, struct bt_frame *frame)
{
    if (stream->info.frame_ns > 0) {
        frame->number = (frame->pts_ns + stream->info.frame_ns / 2) / stream->info.frame_ns;
    }
    stream->next_number = frame->number + 1;
}

/*
 * Some containers find the key frame before an instant, some land behind it, some cannot seek at
 * all. Try the instant, then earlier and earlier ones; in the end decode from the beginning.
 */
static int go_to_start(struct bt_stream *stream, struct bt_error *err)
{
    static const int64_t back_ns[] = {0, 2 * BT_NS_PER_S, 10 * BT_NS_PER_S};
    int r = next_frame(stream, &stream->held, err);
    if (r <= 0 || !stream->pace.anchored || stream->options.start_ns < SEEK_FROM_NS) {
        return r;
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(back_ns); i++) {
        int64_t at_ns = stream->options.start_ns - back_ns[i];
        int64_t stamp = av_rescale_q(stream->pace.offset_ns + at_ns, (AVRational){1, 1000000000},
                                     stream->input->stream->time_base);
        if (at_ns <= 0 || bt_input_seek(stream->input, stamp) < 0) {
            break;
        }
        bt_pace_jump(&stream->pace);
        struct bt_frame *landed = NULL;
        r = next_frame(stream, &landed, err);
        if (r == 1 && landed->pts_ns <= stream->options.start_ns) {
            number_by_position(stream, landed);
            bt_frame_destroy(stream->held);
            stream->held = landed;
            return 1;
        }
        bt_frame_destroy(landed);
        if (r < 0) {
            return r;
        }
    }
    forget_position(stream);
    return reopen(stream, err);
}

// Whole rounds of an animation before start_ns need not be decoded.
static void skip_rounds(struct bt_stream *stream)
{
    int64_t length = stream->pace.next_ns - stream->pass_start_ns;
    int64_t frames = stream->next_number;
    if (!stream->starting || length <= 0 || stream->pass_start_ns != 0) {
        return;
    }
    int64_t rounds = (stream->options.start_ns - stream->pace.next_ns) / length;
    if (rounds > 0) {
        stream->pace.next_ns += rounds * length;
        stream->pace.last_ns += rounds * length;
        stream->next_number += rounds * frames;
    }
}

// 1 to go on with another round, 0 when this was the end.
static int next_round(struct bt_stream *stream, struct bt_error *err)
{
    if (!stream->options.loop || stream->pace.next_ns <= stream->pass_start_ns) {
        return 0;
    }
    skip_rounds(stream);
    stream->pass_start_ns = stream->pace.next_ns;
    bt_pace_restart(&stream->pace);
    int r = reopen(stream, err);
    return r < 0 ? r : 1;
}

static int decode_all(struct bt_stream *stream, struct bt_error *err)
{
    int r = 0;
    if (stream->starting) {
        r = go_to_start(stream, err);
    }
    while (r >= 0) {
        struct bt_frame *frame = NULL;
        r = next_frame(stream, &frame, err);
        if (r == 1) {
            r = deliver(stream, frame);
        } else if (r == 0 && (r = next_round(stream, err)) == 0) {
            break;
        }
    }
    // A start behind the end: the last frame is what is on screen then.
    if (r == 0 && stream->held != NULL) {
        r = push_frame(stream, BT_TAKE(stream->held));
    }
    return r;
}

static void report_end(struct bt_stream *stream, int r, const struct bt_error *error)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    stream->end_ns = stream->pace.next_ns;
    stream->damaged = stream->input->damaged;
    if (r < 0) {
        stream->failure = r;
        stream->error = *error;
    } else if (stream->next_number == 0) {
        stream->failure = bt_fail(&stream->error, -EINVAL, "'%s' gives no picture", stream->path);
    }
    pthread_cond_broadcast(&stream->filled);
    pthread_mutex_unlock(&stream->lock);
    wake(stream);
}

static void *decode_main(void *context)
{
    struct bt_stream *stream = context;
    struct bt_error error = {0};
    int r = decode_all(stream, &error);
    report_end(stream, r, &error);
    return NULL;
}

static void fill_sar(const struct bt_input *input, struct bt_stream_info *info)
{
    AVRational sar = av_guess_sample_aspect_ratio(input->format, input->stream, NULL);
    bool sane =
        sar.num > 0 && sar.den > 0 && sar.num / MAX_SAR <= sar.den && sar.den / MAX_SAR <= sar.num;
    info->sar_num = sane ? sar.num : 1;
    info->sar_den = sane ? sar.den : 1;
}

static void fill_info(const struct bt_input *input, struct bt_stream_info *info)
{
    const AVCodecParameters *parameters = input->stream->codecpar;
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(parameters->format);
    info->width = parameters->width;
    info->height = parameters->height;
    info->rotation = bt_input_rotation(input);
    info->duration_ns = bt_input_duration_ns(input);
    info->many_pictures = input->picture_tracks > 1;
    info->frame_ns = bt_input_frame_ns(input);
    info->has_alpha =
        format != NULL && (format->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
    fill_sar(input, info);
    bt_copy_cut(info->codec, sizeof(info->codec), avcodec_get_name(parameters->codec_id));
}

static int queue_length(const struct bt_stream *stream)
{
    const struct bt_decoding *decoding = stream->input->decoding;
    if (stream->options.queue_frames > 0) {
        return BT_MIN(stream->options.queue_frames, MAX_QUEUE_FRAMES);
    }
    if (decoding == NULL || !bt_decoding_impl(decoding)->hardware || stream->info.frame_ns <= 0) {
        return DEFAULT_QUEUE_FRAMES;
    }
    int64_t frame_bytes = (int64_t)stream->info.width * stream->info.height * 3 / 2;
    int64_t wanted = BT_MIN(HARDWARE_QUEUE_NS / stream->info.frame_ns,
                            HARDWARE_QUEUE_BYTES / BT_MAX(frame_bytes, 1LL));
    return (int)BT_CLAMP(wanted, DEFAULT_QUEUE_FRAMES, MAX_QUEUE_FRAMES);
}

static void init_locks(struct bt_stream *stream)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->room, &monotonic);
    pthread_cond_init(&stream->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static int start_thread(struct bt_stream *stream, struct bt_error *err)
{
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&stream->thread, NULL, decode_main, stream);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        errno = r;
        return bt_fail_errno(err, "Cannot start a decode thread");
    }
    stream->has_thread = true;
    pthread_setname_np(stream->thread, "bt-decode");
    return 0;
}

int bt_stream_open(const char *path, const struct bt_stream_options *options,
                   struct bt_stream **out, struct bt_error *err)
{
    BT_AUTO(bt_stream) stream = BT_NEW(struct bt_stream);
    init_locks(stream);
    stream->path = bt_strdup(path);
    stream->options = *options;
    stream->ready = bt_ready_create();
    stream->starting = options->start_ns > 0;
    stream->end_ns = -1;
    int r = open_input(stream, &stream->input, err);
    if (r < 0) {
        return r;
    }
    fill_info(stream->input, &stream->info);
    stream->options.queue_frames = queue_length(stream);
    bt_pace_init(&stream->pace, stream->info.frame_ns);
    r = start_thread(stream, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(stream);
    return 0;
}

void bt_stream_close(struct bt_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    atomic_store(&stream->stop, true);
    pthread_mutex_lock(&stream->lock);
    pthread_cond_broadcast(&stream->room);
    pthread_cond_broadcast(&stream->filled);
    pthread_mutex_unlock(&stream->lock);
}

void bt_stream_destroy(struct bt_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    bt_stream_close(stream);
    if (stream->has_thread) {
        pthread_join(stream->thread, NULL);
    }
    for (; stream->count > 0; stream->count--) {
        bt_frame_destroy(stream->frames[stream->first]);
        stream->first = (stream->first + 1) % capacity(stream);
    }
    bt_frame_destroy(stream->held);
    bt_input_destroy(stream->input);
    bt_ready_destroy(stream->ready);
    pthread_cond_destroy(&stream->room);
    pthread_cond_destroy(&stream->filled);
    pthread_mutex_destroy(&stream->lock);
    free(stream->path);
    free(stream);
}

const struct bt_stream_info *bt_stream_info(const struct bt_stream *stream)
{
    return &stream->info;
}

static struct timespec as_timespec(int64_t ns)
{
    ns = BT_MAX(ns, 0);
    return (struct timespec){.tv_sec = (time_t)(ns / BT_NS_PER_S),
                             .tv_nsec = (long)(ns % BT_NS_PER_S)};
}

int bt_stream_preroll(struct bt_stream *stream, int64_t due_ns, int64_t until_ns,
                      struct bt_error *err)
{
    pthread_mutex_lock(&stream->lock);
    int waited = 0;
    while (stream->count < capacity(stream) && !stream->ended && !atomic_load(&stream->stop) &&
           waited != ETIMEDOUT) {
        struct timespec until =
            as_timespec(stream->count > 0 ? BT_MIN(due_ns, until_ns) : until_ns);
        waited = pthread_cond_timedwait(&stream->filled, &stream->lock, &until);
    }
    int r = 0;
    if (stream->count == 0) {
        r = stream->failure != 0
                ? bt_fail(err, stream->failure, "%s", stream->error.msg)
                : bt_fail(err, -ETIMEDOUT, "'%s' gave no frame in time", stream->path);
    }
    pthread_mutex_unlock(&stream->lock);
    return r;
}

enum bt_stream_state bt_stream_peek(struct bt_stream *stream, const struct bt_frame **out)
{
    enum bt_stream_state state = BT_STREAM_WAITING;
    pthread_mutex_lock(&stream->lock);
    if (stream->count > 0) {
        *out = stream->frames[stream->first];
        state = BT_STREAM_FRAME;
    } else if (stream->ended) {
        state = stream->failure != 0 ? BT_STREAM_FAILED : BT_STREAM_ENDED;
    }
    pthread_mutex_unlock(&stream->lock);
    return state;
}

struct bt_frame *bt_stream_pop(struct bt_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    assert(stream->count > 0);
    struct bt_frame *frame = stream->frames[stream->first];
    stream->first = (stream->first + 1) % capacity(stream);
    stream->count--;
    pthread_cond_signal(&stream->room);
    pthread_mutex_unlock(&stream->lock);
    return frame;
}

bool bt_stream_origin_ns(struct bt_stream *stream, int64_t *out_ns)
{
    pthread_mutex_lock(&stream->lock);
    bool anchored = stream->anchored;
    *out_ns = stream->origin_ns;
    pthread_mutex_unlock(&stream->lock);
    return anchored;
}

int64_t bt_stream_end_ns(struct bt_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    int64_t end_ns = stream->end_ns;
    pthread_mutex_unlock(&stream->lock);
    return end_ns;
}

int64_t bt_stream_damaged(struct bt_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    int64_t damaged = stream->damaged;
    pthread_mutex_unlock(&stream->lock);
    return damaged;
}

void bt_stream_error(struct bt_stream *stream, struct bt_error *out)
{
    pthread_mutex_lock(&stream->lock);
    *out = stream->error;
    pthread_mutex_unlock(&stream->lock);
}

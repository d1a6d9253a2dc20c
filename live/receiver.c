#include "live/receiver.h"

#include <errno.h>
#include <libavutil/frame.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/frames.h"
#include "live/live_decoder.h"
#include "live/live_sound.h"
#include "live/source.h"
#include "live/timing.h"
#include "media/av.h"
#include "media/pace.h"

// What is read ahead at most: a rich stream's 12 s.
#define MAX_PIECES 1024
#define MAX_BYTES (24LL * 1024 * 1024)
#define MAX_AHEAD_NS (12 * BT_NS_PER_S)

// Where a stream does not say it.
#define USUAL_FRAME_NS (BT_NS_PER_S / 25)

// A connection that lasted so long was a good one: the next try comes at once.
#define GOOD_NS (10 * BT_NS_PER_S)
#define MAX_PAUSE_S 60

// A frame that is due so soon is there.
#define SOON_NS (50 * BT_NS_PER_MS)

// A stream without a new frame for so long is not ready any more.
#define STALE_NS BT_NS_PER_S

static const struct bt_log logger = {"live"};

// What goes from the reader to the decoder: a packet, or the news of what follows is made of.
struct piece {
    AVPacket *packet;
    AVCodecParameters *parameters;
    AVRational time_base;
    int64_t frame_ns;
    bool pushed;
    int64_t run;
};

struct bt_receiver {
    const struct bt_live_origin *origin;  // borrowed
    atomic_bool stop;
    pthread_t reader, decoder;
    bool has_reader, has_decoder;
    struct bt_live_sound *sound;

    int64_t reading_run;  // read thread only: counts the kinds

    // Decode thread only.
    int64_t run;
    struct bt_live_decoder *codec;
    AVRational time_base;
    struct bt_pace pace;
    struct bt_live_timing timing;

    pthread_mutex_t lock;    // leaf lock: nothing is called while it is held
    pthread_cond_t changed;  // a piece came or went, or stop
    // Protected by lock.
    struct piece pieces[MAX_PIECES];  // a ring
    size_t first, count;
    int64_t bytes, frame_ns;
    struct bt_live_frames frames;
    struct bt_error why;
    bool said_ready;
    int64_t since_ms;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static struct timespec as_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / BT_NS_PER_S),
                             .tv_nsec = (long)(ns % BT_NS_PER_S)};
}

static void finish_piece(struct piece *piece)
{
    av_packet_free(&piece->packet);
    avcodec_parameters_free(&piece->parameters);
}

static bool is_full(const struct bt_receiver *receiver)
{
    return receiver->count == MAX_PIECES || receiver->bytes > MAX_BYTES ||
           (int64_t)receiver->count * receiver->frame_ns > MAX_AHEAD_NS;
}

// Takes the piece; waits for room. -ECANCELED: stopped.
static int push(struct bt_receiver *receiver, struct piece *piece)
{
    pthread_mutex_lock(&receiver->lock);
    while (is_full(receiver) && !atomic_load(&receiver->stop)) {
        pthread_cond_wait(&receiver->changed, &receiver->lock);
    }
    bool stopped = atomic_load(&receiver->stop);
    if (!stopped) {
        receiver->pieces[(receiver->first + receiver->count++) % MAX_PIECES] = *piece;
        receiver->bytes += piece->packet != NULL ? piece->packet->size : 0;
        receiver->frame_ns = piece->frame_ns > 0 ? piece->frame_ns : receiver->frame_ns;
        *piece = (struct piece){0};
        pthread_cond_broadcast(&receiver->changed);
    }
    pthread_mutex_unlock(&receiver->lock);
    finish_piece(piece);
    return stopped ? -ECANCELED : 0;
}

static bool pop(struct bt_receiver *receiver, struct piece *out)
{
    pthread_mutex_lock(&receiver->lock);
    while (receiver->count == 0 && !atomic_load(&receiver->stop)) {
        pthread_cond_wait(&receiver->changed, &receiver->lock);
    }
    bool there = !atomic_load(&receiver->stop);
    if (there) {
        *out = receiver->pieces[receiver->first];
        receiver->first = (receiver->first + 1) % MAX_PIECES;
        receiver->count--;
        receiver->bytes -= out->packet != NULL ? out->packet->size : 0;
        pthread_cond_broadcast(&receiver->changed);
    }
    pthread_mutex_unlock(&receiver->lock);
    return there;
}

static int64_t usual_frame_ns(const AVStream *stream)
{
    AVRational rate = stream->avg_frame_rate;
    int64_t frame_ns =
        rate.num > 0 && rate.den > 0 ? av_rescale(BT_NS_PER_S, rate.den, rate.num) : USUAL_FRAME_NS;
    return BT_CLAMP(frame_ns, BT_NS_PER_S / 240, BT_NS_PER_S);
}

// What follows is of this kind.
static int push_kind(struct bt_receiver *receiver, const struct bt_source *source)
{
    const AVStream *stream = bt_source_stream(source);
    struct piece piece = {.parameters = avcodec_parameters_alloc(),
                          .time_base = stream->time_base,
                          .frame_ns = usual_frame_ns(stream),
                          .pushed = bt_source_is_pushed(source),
                          .run = ++receiver->reading_run};
    if (piece.parameters == NULL ||
        avcodec_parameters_copy(piece.parameters, stream->codecpar) < 0) {
        finish_piece(&piece);
        return -ENOMEM;
    }
    bt_live_sound_begin(receiver->sound, piece.run, bt_source_sound(source));
    bt_log_info(&logger, "Stream '%s': %s, %dx%d", receiver->origin->name,
                avcodec_get_name(stream->codecpar->codec_id), stream->codecpar->width,
                stream->codecpar->height);
    return push(receiver, &piece);
}

static int push_packet(struct bt_receiver *receiver, const struct bt_source *source,
                       AVPacket *packet)
{
    if (packet->stream_index != bt_source_stream(source)->index) {
        bt_live_sound_push(receiver->sound, packet);
        return 0;
    }
    struct piece piece = {.packet = av_packet_alloc()};
    if (piece.packet == NULL) {
        return -ENOMEM;
    }
    av_packet_move_ref(piece.packet, packet);
    return push(receiver, &piece);
}

// Reads until it breaks; err says why.
static int read_all(struct bt_receiver *receiver, struct bt_source *source, struct bt_error *err)
{
    BT_AUTOPACKET *packet = av_packet_alloc();
    int r = packet != NULL ? push_kind(receiver, source) : -ENOMEM;
    while (r >= 0) {
        r = bt_source_read(source, packet, err);
        if (r == 1) {
            r = push_packet(receiver, source, packet);
        } else if (r == 0 && (r = bt_source_next_run(source, err)) == 0) {
            r = push_kind(receiver, source);
        }
    }
    return r == -ENOMEM ? bt_fail(err, r, "No memory for a packet") : r;
}

static int connect_once(struct bt_receiver *receiver, struct bt_error *err)
{
    BT_AUTO(bt_source) source = NULL;
    const struct bt_source_options options = {
        .url = receiver->origin->url,
        .pins = receiver->origin->pins,
        .local = receiver->origin->local,
        .private_addresses = receiver->origin->private_addresses,
        .stop = &receiver->stop,
    };
    int r = bt_source_open(&options, &source, err);
    return r < 0 ? r : read_all(receiver, source, err);
}

// A quarter more or less, so that many players do not come back at once.
static int64_t pause_ns(int failures)
{
    uint16_t chance = 0;
    int64_t pause_s = BT_MIN(INT64_C(1) << BT_MIN(failures, 6), MAX_PAUSE_S);
    if (failures == 0 || getrandom(&chance, sizeof(chance), 0) < 0) {
        return BT_NS_PER_S / 2;
    }
    return pause_s * BT_NS_PER_S / 2 * 3 / 4 + pause_s * BT_NS_PER_S / 4 * chance / UINT16_MAX;
}

static void pause_reading(struct bt_receiver *receiver, int64_t for_ns)
{
    int64_t until_ns = now_ns() + for_ns;
    struct timespec until = as_timespec(until_ns);
    pthread_mutex_lock(&receiver->lock);
    while (!atomic_load(&receiver->stop) && now_ns() < until_ns) {
        pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until);
    }
    pthread_mutex_unlock(&receiver->lock);
}

static void say_failure(struct bt_receiver *receiver, const struct bt_error *err)
{
    pthread_mutex_lock(&receiver->lock);
    bool is_new = !bt_str_equal(receiver->why.msg, err->msg);
    receiver->why = *err;
    pthread_mutex_unlock(&receiver->lock);
    if (is_new) {
        bt_log_warn(&logger, "Stream '%s': %s; trying again", receiver->origin->name, err->msg);
    }
}

static void *read_main(void *context)
{
    struct bt_receiver *receiver = context;
    int failures = 0;
    while (!atomic_load(&receiver->stop)) {
        struct bt_error err = {0};
        int64_t began_ns = now_ns();
        (void)connect_once(receiver, &err);
        if (atomic_load(&receiver->stop)) {
            break;
        }
        say_failure(receiver, &err);
        failures = now_ns() - began_ns > GOOD_NS ? 0 : failures + 1;
        pause_reading(receiver, pause_ns(failures));
    }
    return NULL;
}

// Begins with enough ahead: what is there already comes at once, what is live takes as long.
static void wait_for_ahead(struct bt_receiver *receiver)
{
    int64_t until_ns = now_ns() + BT_LIVE_AHEAD_NS;
    struct timespec until = as_timespec(until_ns);
    pthread_mutex_lock(&receiver->lock);
    while ((int64_t)receiver->count * receiver->frame_ns < BT_LIVE_AHEAD_NS && !is_full(receiver) &&
           !atomic_load(&receiver->stop) && now_ns() < until_ns) {
        pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until);
    }
    pthread_mutex_unlock(&receiver->lock);
}

static void change_kind(struct bt_receiver *receiver, const struct piece *piece)
{
    struct bt_error err = {0};
    bt_live_decoder_destroy(BT_TAKE(receiver->codec));
    receiver->run = piece->run;
    receiver->time_base = piece->time_base;
    receiver->timing.laid = false;
    receiver->timing.pushed = piece->pushed;
    bt_pace_init(&receiver->pace, piece->frame_ns);
    if (bt_live_decoder_open(piece->parameters, piece->time_base, &receiver->codec, &err) < 0) {
        say_failure(receiver, &err);
    }
}

static int64_t in_ns(const struct bt_receiver *receiver, int64_t stamp)
{
    return stamp == AV_NOPTS_VALUE
               ? BT_PACE_UNKNOWN
               : av_rescale_q(stamp, receiver->time_base, (AVRational){1, 1000000000});
}

static int64_t ahead_ns(struct bt_receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    int64_t ahead = (int64_t)receiver->count * receiver->frame_ns;
    pthread_mutex_unlock(&receiver->lock);
    return ahead;
}

// Sound is heard by the same times.
static void lay_sound(struct bt_receiver *receiver)
{
    int64_t offset_ns;
    if (receiver->pace.anchored &&
        !__builtin_sub_overflow(receiver->timing.offset_ns, receiver->pace.offset_ns, &offset_ns)) {
        bt_live_sound_lay(receiver->sound, receiver->run, offset_ns);
    }
}

static void set_due(struct bt_receiver *receiver, struct bt_frame *frame, bool *out_laid)
{
    int64_t length_ns = in_ns(receiver, bt_av_frame_duration(frame->av));
    int64_t stream_ns =
        bt_pace_next(&receiver->pace, in_ns(receiver, frame->av->best_effort_timestamp),
                     BT_MAX(length_ns, 0), &frame->duration_ns);
    frame->pts_ns = bt_live_timing_next(&receiver->timing, stream_ns, frame->duration_ns,
                                        ahead_ns(receiver), now_ns(), out_laid);
    lay_sound(receiver);
}

// Waits until a frame before it has gone.
static void wait_for_room(struct bt_receiver *receiver)
{
    for (;;) {
        int64_t room_ns = bt_live_frames_room_ns(&receiver->frames), at_ns = now_ns();
        bt_live_frames_drop(&receiver->frames, at_ns);
        if (room_ns <= at_ns || atomic_load(&receiver->stop)) {
            return;
        }
        struct timespec until = as_timespec(room_ns);
        pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until);
    }
}

// What stood still before the times were laid anew is over.
static bool is_stale(const struct bt_live_frames *frames, int64_t at_ns)
{
    const struct bt_frame *last = bt_live_frames_last(frames);
    return last != NULL && last->pts_ns + last->duration_ns + STALE_NS < at_ns;
}

static void give(struct bt_receiver *receiver, struct bt_frame *frame)
{
    bool laid;
    set_due(receiver, frame, &laid);
    pthread_mutex_lock(&receiver->lock);
    if (laid && is_stale(&receiver->frames, now_ns())) {
        bt_live_frames_clear(&receiver->frames);
    }
    wait_for_room(receiver);
    if (atomic_load(&receiver->stop)) {
        bt_frame_destroy(frame);
    } else {
        bt_live_frames_add(&receiver->frames, frame);
    }
    pthread_mutex_unlock(&receiver->lock);
}

static void decode(struct bt_receiver *receiver, const AVPacket *packet)
{
    bt_live_decoder_feed(receiver->codec, packet);
    while (!atomic_load(&receiver->stop)) {
        BT_AUTO(bt_frame) frame = BT_NEW(struct bt_frame);
        frame->av = av_frame_alloc();
        if (frame->av == NULL || !bt_live_decoder_take(receiver->codec, frame->av)) {
            return;
        }
        give(receiver, BT_TAKE(frame));
    }
}

static void *decode_main(void *context)
{
    struct bt_receiver *receiver = context;
    struct piece piece;
    while (pop(receiver, &piece)) {
        if (piece.parameters != NULL) {
            change_kind(receiver, &piece);
            wait_for_ahead(receiver);
        } else if (receiver->codec != NULL) {
            decode(receiver, piece.packet);
        }
        finish_piece(&piece);
    }
    return NULL;
}

static int start_thread(pthread_t *thread, void *(*run)(void *), struct bt_receiver *receiver,
                        const char *name, struct bt_error *err)
{
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(thread, NULL, run, receiver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        errno = r;
        return bt_fail_errno(err, "Cannot start a thread for a stream");
    }
    pthread_setname_np(*thread, name);
    return 0;
}

int bt_receiver_start(const struct bt_live_origin *origin, struct bt_receiver **out,
                      struct bt_error *err)
{
    BT_AUTO(bt_receiver) receiver = BT_NEW(struct bt_receiver);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&receiver->lock, NULL);
    pthread_cond_init(&receiver->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    receiver->origin = origin;
    receiver->frame_ns = USUAL_FRAME_NS;
    receiver->sound = bt_live_sound_create();
    receiver->since_ms = bt_clock_wall_ms(bt_clock_real());
    bt_fail(&receiver->why, 0, "Connecting");
    int r = start_thread(&receiver->reader, read_main, receiver, "live-read", err);
    receiver->has_reader = r == 0;
    r = r < 0 ? r : start_thread(&receiver->decoder, decode_main, receiver, "live-decode", err);
    receiver->has_decoder = r == 0;
    if (r == 0) {
        *out = BT_TAKE(receiver);
    }
    return r;
}

static void stop(struct bt_receiver *receiver)
{
    atomic_store(&receiver->stop, true);
    pthread_mutex_lock(&receiver->lock);
    pthread_cond_broadcast(&receiver->changed);
    pthread_mutex_unlock(&receiver->lock);
    if (receiver->has_reader) {
        pthread_join(receiver->reader, NULL);
    }
    if (receiver->has_decoder) {
        pthread_join(receiver->decoder, NULL);
    }
}

void bt_receiver_destroy(struct bt_receiver *receiver)
{
    if (receiver == NULL) {
        return;
    }
    stop(receiver);
    for (; receiver->count > 0; receiver->count--) {
        finish_piece(&receiver->pieces[receiver->first]);
        receiver->first = (receiver->first + 1) % MAX_PIECES;
    }
    bt_live_frames_clear(&receiver->frames);
    bt_live_decoder_destroy(receiver->codec);
    bt_live_sound_destroy(receiver->sound);
    pthread_cond_destroy(&receiver->changed);
    pthread_mutex_destroy(&receiver->lock);
    free(receiver);
}

static bool is_ready(const struct bt_receiver *receiver, int64_t at_ns)
{
    const struct bt_frame *first = bt_live_frames_first(&receiver->frames);
    return first != NULL && first->pts_ns <= at_ns + SOON_NS && !is_stale(&receiver->frames, at_ns);
}

bool bt_receiver_is_ready(struct bt_receiver *receiver)
{
    int64_t at_ns = now_ns();
    pthread_mutex_lock(&receiver->lock);
    bool ready = is_ready(receiver, at_ns);
    pthread_mutex_unlock(&receiver->lock);
    return ready;
}

void bt_receiver_said(struct bt_receiver *receiver, struct bt_live_said *out)
{
    int64_t at_ns = now_ns();
    *out = (struct bt_live_said){.local = receiver->origin->local};
    memcpy(out->name, receiver->origin->name, sizeof(out->name));
    pthread_mutex_lock(&receiver->lock);
    out->ready = is_ready(receiver, at_ns);
    if (out->ready != receiver->said_ready) {
        receiver->said_ready = out->ready;
        receiver->since_ms = bt_clock_wall_ms(bt_clock_real());
    }
    out->since_ms = receiver->since_ms;
    out->why = receiver->why;
    pthread_mutex_unlock(&receiver->lock);
}

struct bt_frame *bt_receiver_take(struct bt_receiver *receiver, int64_t at_ns, int64_t after)
{
    struct bt_frame *taken = NULL;
    pthread_mutex_lock(&receiver->lock);
    const struct bt_frame *found = bt_live_frames_find(&receiver->frames, at_ns, after);
    AVFrame *copy = found != NULL ? av_frame_clone(found->av) : NULL;
    if (copy != NULL) {
        taken = BT_NEW(struct bt_frame);
        *taken = *found;
        taken->av = copy;
    }
    pthread_mutex_unlock(&receiver->lock);
    return taken;
}

int64_t bt_receiver_due_ns(struct bt_receiver *receiver, int64_t after)
{
    pthread_mutex_lock(&receiver->lock);
    const struct bt_frame *next = bt_live_frames_next(&receiver->frames, after);
    int64_t due_ns = next != NULL ? next->pts_ns : INT64_MAX;
    pthread_mutex_unlock(&receiver->lock);
    return due_ns;
}

int64_t bt_receiver_silent_ns(struct bt_receiver *receiver, int64_t at_ns)
{
    pthread_mutex_lock(&receiver->lock);
    const struct bt_frame *last = bt_live_frames_last(&receiver->frames);
    int64_t end_ns = last != NULL ? last->pts_ns + last->duration_ns : 0;
    pthread_mutex_unlock(&receiver->lock);
    return BT_MAX(at_ns - end_ns, 0);
}

struct bt_sound_ring *bt_receiver_listen(struct bt_receiver *receiver)
{
    return bt_live_sound_listen(receiver->sound);
}

int64_t bt_receiver_sound_shift_ns(const struct bt_receiver *receiver)
{
    return bt_live_sound_shift_ns(receiver->sound);
}

#include "live/live_sound.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "live/joiner.h"
#include "live/listeners.h"
#include "media/av.h"
#include "media/sound_convert.h"

// More than pictures are read ahead (12 s of the shortest packets there are); 8 MiB are 12 s of
// PCM.
#define MAX_PACKETS 4096
#define MAX_BYTES (8 * 1024 * 1024)

// How often a full ring is looked at again; it holds much more.
#define LOOK_NS (20 * BT_NS_PER_MS)

// Nobody hears what is so old (speakers may be delayed by 2 s), and nobody knows what is so far
// ahead: its picture has not come yet, or the stream jumps.
#define OLDEST_NS (3 * BT_NS_PER_S)
#define NEWEST_NS (20 * BT_NS_PER_S)

// What pictures are moved by to follow the sender's clock; more is a jump.
#define LONGEST_STEP_NS (100 * BT_NS_PER_MS)

// Packets of so many runs may be on their way.
#define RUNS 4

static const struct bt_log logger = {"live"};

struct run {
    int64_t number;
    AVCodecParameters *parameters;  // NULL: no sound
    AVRational time_base;
    bool laid;
    int64_t base_ns;  // instant - shift - the stream's time
};

struct piece {
    AVPacket *packet;
    int64_t run;
};

struct bt_live_sound {
    struct bt_listeners *listeners;
    atomic_int_least64_t shift_ns;

    // The sound's thread only.
    AVCodecContext *codec;  // NULL: none that we play
    int64_t codec_run;
    AVFrame *frame;
    struct bt_sound_convert *convert;
    struct bt_joiner joiner;

    pthread_mutex_t lock;    // leaf lock but for the listeners'
    pthread_cond_t changed;  // a packet or a listener came, times were laid, or stop
    // Protected by lock.
    bool stop, has_thread;
    pthread_t thread;
    struct piece *pieces;  // a ring of MAX_PACKETS
    size_t first, count;
    int64_t bytes;
    int64_t reading_run;    // of the packets that come
    struct run runs[RUNS];  // by number % RUNS
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static void wait_until(struct bt_live_sound *sound, int64_t until_ns)
{
    const struct timespec until = {until_ns / BT_NS_PER_S, until_ns % BT_NS_PER_S};
    pthread_cond_timedwait(&sound->changed, &sound->lock, &until);
}

static bool is_stopped(struct bt_live_sound *sound)
{
    pthread_mutex_lock(&sound->lock);
    bool stopped = sound->stop;
    pthread_mutex_unlock(&sound->lock);
    return stopped;
}

static int64_t instant_of(const struct bt_live_sound *sound, int64_t number)
{
    return number / BT_SOUND_RATE * BT_NS_PER_S +
           number % BT_SOUND_RATE * BT_NS_PER_S / BT_SOUND_RATE + atomic_load(&sound->shift_ns);
}

// Waits for room, but not for somebody who has stopped hearing; what is so old nobody needs.
static void write_when_there_is_room(void *context, int64_t first, const float *stereo,
                                     size_t frames)
{
    struct bt_live_sound *sound = context;
    while (frames > 0 && !is_stopped(sound)) {
        int64_t room = bt_listeners_room(sound->listeners);
        if (room < 0 || instant_of(sound, first) < now_ns() - OLDEST_NS) {
            return;
        }
        size_t count = BT_MIN(frames, (size_t)room);
        bt_listeners_write(sound->listeners, first, stereo, count);
        first += (int64_t)count;
        stereo += count * BT_SOUND_CHANNELS;
        frames -= count;
        if (frames > 0) {
            pthread_mutex_lock(&sound->lock);
            if (!sound->stop) {
                wait_until(sound, now_ns() + LOOK_NS);
            }
            pthread_mutex_unlock(&sound->lock);
        }
    }
}

struct bt_live_sound *bt_live_sound_create(void)
{
    struct bt_live_sound *sound = BT_NEW(struct bt_live_sound);
    sound->listeners = bt_listeners_create();
    sound->pieces = BT_NEW_ARRAY(struct piece, MAX_PACKETS);
    bt_joiner_init(&sound->joiner, (struct bt_joiner_sink){sound, write_when_there_is_room});
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&sound->lock, NULL);
    pthread_cond_init(&sound->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return sound;
}

static void drop_oldest(struct bt_live_sound *sound)
{
    struct piece *oldest = &sound->pieces[sound->first];
    sound->bytes -= oldest->packet->size;
    av_packet_free(&oldest->packet);
    sound->first = (sound->first + 1) % MAX_PACKETS;
    sound->count--;
}

static void stop(struct bt_live_sound *sound)
{
    pthread_mutex_lock(&sound->lock);
    sound->stop = true;
    pthread_cond_broadcast(&sound->changed);
    pthread_mutex_unlock(&sound->lock);
    if (sound->has_thread) {
        pthread_join(sound->thread, NULL);
    }
}

void bt_live_sound_destroy(struct bt_live_sound *sound)
{
    if (sound == NULL) {
        return;
    }
    stop(sound);
    bt_listeners_end(sound->listeners);
    bt_listeners_unref(sound->listeners);
    while (sound->count > 0) {
        drop_oldest(sound);
    }
    for (size_t i = 0; i < RUNS; i++) {
        avcodec_parameters_free(&sound->runs[i].parameters);
    }
    avcodec_free_context(&sound->codec);
    av_frame_free(&sound->frame);
    bt_sound_convert_destroy(sound->convert);
    bt_joiner_finish(&sound->joiner);
    pthread_cond_destroy(&sound->changed);
    pthread_mutex_destroy(&sound->lock);
    free(sound->pieces);
    free(sound);
}

void bt_live_sound_begin(struct bt_live_sound *sound, int64_t run, const AVStream *stream)
{
    AVCodecParameters *parameters = stream != NULL ? avcodec_parameters_alloc() : NULL;
    if (parameters != NULL && avcodec_parameters_copy(parameters, stream->codecpar) < 0) {
        avcodec_parameters_free(&parameters);
    }
    pthread_mutex_lock(&sound->lock);
    struct run *place = &sound->runs[run % RUNS];
    avcodec_parameters_free(&place->parameters);
    *place = (struct run){
        .number = run,
        .parameters = parameters,
        .time_base = stream != NULL ? stream->time_base : (AVRational){1, 1},
    };
    sound->reading_run = run;
    pthread_cond_broadcast(&sound->changed);
    pthread_mutex_unlock(&sound->lock);
}

void bt_live_sound_push(struct bt_live_sound *sound, AVPacket *packet)
{
    AVPacket *taken = av_packet_alloc();
    if (taken == NULL || packet->size > MAX_BYTES || (packet->flags & AV_PKT_FLAG_CORRUPT) != 0) {
        av_packet_free(&taken);
        av_packet_unref(packet);
        return;
    }
    av_packet_move_ref(taken, packet);
    pthread_mutex_lock(&sound->lock);
    while (sound->count == MAX_PACKETS ||
           (sound->count > 0 && sound->bytes + taken->size > MAX_BYTES)) {
        drop_oldest(sound);
    }
    sound->pieces[(sound->first + sound->count++) % MAX_PACKETS] =
        (struct piece){taken, sound->reading_run};
    sound->bytes += taken->size;
    pthread_cond_broadcast(&sound->changed);
    pthread_mutex_unlock(&sound->lock);
}

void bt_live_sound_lay(struct bt_live_sound *sound, int64_t run, int64_t offset_ns)
{
    pthread_mutex_lock(&sound->lock);
    struct run *place = &sound->runs[run % RUNS];
    int64_t shift_ns = atomic_load(&sound->shift_ns);
    int64_t moved_ns = 0;
    bool steps = place->number == run && place->laid &&
                 !__builtin_sub_overflow(offset_ns - shift_ns, place->base_ns, &moved_ns) &&
                 moved_ns <= LONGEST_STEP_NS && moved_ns >= -LONGEST_STEP_NS;
    if (steps) {
        atomic_store(&sound->shift_ns, shift_ns + moved_ns);
    } else if (place->number == run) {
        place->base_ns = offset_ns - shift_ns;
        place->laid = true;
        pthread_cond_broadcast(&sound->changed);
    }
    pthread_mutex_unlock(&sound->lock);
}

int64_t bt_live_sound_shift_ns(const struct bt_live_sound *sound)
{
    return atomic_load(&sound->shift_ns);
}

// The picture never came, and is on with what followed.
static bool is_passed(const struct bt_live_sound *sound, int64_t number)
{
    for (size_t i = 0; i < RUNS; i++) {
        if (sound->runs[i].number > number && sound->runs[i].laid) {
            return true;
        }
    }
    return sound->runs[number % RUNS].number != number;
}

// Waits until the times of the run are known; false: they never will be. Called with the lock.
static bool wait_until_laid(struct bt_live_sound *sound, int64_t number)
{
    const struct run *run = &sound->runs[number % RUNS];
    while (!sound->stop && !(run->number == number && run->laid)) {
        if (is_passed(sound, number)) {
            return false;
        }
        pthread_cond_wait(&sound->changed, &sound->lock);
    }
    return !sound->stop;
}

// Waits for a packet that somebody wants to hear, and for its time. False: stop.
static bool pop(struct bt_live_sound *sound, struct piece *out)
{
    pthread_mutex_lock(&sound->lock);
    bool there = false;
    while (!sound->stop && !there) {
        if (sound->count == 0 || bt_listeners_room(sound->listeners) < 0) {
            pthread_cond_wait(&sound->changed, &sound->lock);
        } else if (wait_until_laid(sound, sound->pieces[sound->first].run)) {
            there = true;
        } else if (sound->count > 0) {
            drop_oldest(sound);
        }
    }
    if (there) {
        *out = sound->pieces[sound->first];
        sound->bytes -= out->packet->size;
        sound->first = (sound->first + 1) % MAX_PACKETS;
        sound->count--;
    }
    pthread_mutex_unlock(&sound->lock);
    return there;
}

// A copy: the reader may begin another run in its place.
static bool copy_run(struct bt_live_sound *sound, int64_t number, struct run *out)
{
    bool there = false;
    pthread_mutex_lock(&sound->lock);
    const struct run *run = &sound->runs[number % RUNS];
    if (run->number == number && run->laid && run->parameters != NULL) {
        *out = *run;
        out->parameters = avcodec_parameters_alloc();
        there = out->parameters != NULL &&
                avcodec_parameters_copy(out->parameters, run->parameters) >= 0;
    }
    pthread_mutex_unlock(&sound->lock);
    return there;
}

static void open_codec(struct bt_live_sound *sound, const struct run *run)
{
    const AVCodec *codec = bt_sound_codec_is_known(run->parameters->codec_id)
                               ? avcodec_find_decoder(run->parameters->codec_id)
                               : NULL;
    avcodec_free_context(&sound->codec);
    sound->codec_run = run->number;
    bt_sound_convert_reset(sound->convert);
    AVCodecContext *context = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (context == NULL || avcodec_parameters_to_context(context, run->parameters) < 0) {
        avcodec_free_context(&context);
        return;
    }
    context->pkt_timebase = run->time_base;
    context->thread_count = 1;
    if (avcodec_open2(context, codec, NULL) < 0) {
        avcodec_free_context(&context);
        return;
    }
    sound->codec = context;
}

// When what stands at the stream's time is due, but for the shift; false: nobody will hear it.
static bool due_ns(const struct bt_live_sound *sound, const struct run *run, int64_t stamp_ns,
                   int64_t *out)
{
    int64_t at_ns = now_ns() - atomic_load(&sound->shift_ns);
    return !__builtin_add_overflow(stamp_ns, run->base_ns, out) && *out > at_ns - OLDEST_NS &&
           *out < at_ns + NEWEST_NS;
}

static void give(struct bt_live_sound *sound, const struct run *run,
                 const struct bt_sound_block *block)
{
    int64_t at_ns = 0;
    bool known = block->stamp_ns != INT64_MIN;
    if (!known || due_ns(sound, run, block->stamp_ns, &at_ns)) {
        int64_t first =
            at_ns / BT_NS_PER_S * BT_SOUND_RATE + at_ns % BT_NS_PER_S * BT_SOUND_RATE / BT_NS_PER_S;
        bt_joiner_add(&sound->joiner, known, first, block->stereo, block->frames);
    }
}

static bool is_damaged(const AVFrame *frame)
{
    return frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0;
}

// What the decoder cannot take is lost, as on the wire.
static void decode(struct bt_live_sound *sound, const struct run *run, const AVPacket *packet)
{
    int64_t stamp = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts, at_ns;
    if (stamp != AV_NOPTS_VALUE &&
        !due_ns(sound, run, av_rescale_q(stamp, run->time_base, (AVRational){1, 1000000000}),
                &at_ns)) {
        avcodec_flush_buffers(sound->codec);
        return;
    }
    (void)avcodec_send_packet(sound->codec, packet);
    while (avcodec_receive_frame(sound->codec, sound->frame) == 0) {
        struct bt_sound_block block;
        if (!is_damaged(sound->frame)) {
            bt_sound_convert_frame(sound->convert, sound->frame, run->time_base, &block);
            give(sound, run, &block);
        }
        av_frame_unref(sound->frame);
    }
}

static void *sound_main(void *context)
{
    struct bt_live_sound *sound = context;
    struct piece piece;
    while (pop(sound, &piece)) {
        struct run run = {0};
        if (copy_run(sound, piece.run, &run)) {
            if (sound->codec_run != run.number) {
                open_codec(sound, &run);
            }
            if (sound->codec != NULL) {
                decode(sound, &run, piece.packet);
            }
        }
        avcodec_parameters_free(&run.parameters);
        av_packet_free(&piece.packet);
    }
    return NULL;
}

// Called with the lock.
static void start_once(struct bt_live_sound *sound)
{
    if (sound->has_thread) {
        return;
    }
    sound->frame = av_frame_alloc();
    sound->convert = bt_sound_convert_create();
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sound->has_thread =
        sound->frame != NULL && pthread_create(&sound->thread, NULL, sound_main, sound) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (sound->has_thread) {
        pthread_setname_np(sound->thread, "live-sound");
        return;
    }
    av_frame_free(&sound->frame);
    bt_sound_convert_destroy(BT_TAKE(sound->convert));
    bt_log_warn(&logger, "Cannot start a thread; a stream will not be heard");
}

struct bt_sound_ring *bt_live_sound_listen(struct bt_live_sound *sound)
{
    pthread_mutex_lock(&sound->lock);
    start_once(sound);
    struct bt_sound_ring *ring = bt_listeners_add(sound->listeners);
    pthread_cond_broadcast(&sound->changed);
    pthread_mutex_unlock(&sound->lock);
    return ring;
}

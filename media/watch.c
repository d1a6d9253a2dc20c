#include "media/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "media/av.h"

enum command {
    COMMAND_NONE,
    COMMAND_OPEN,
    COMMAND_SEND,
    COMMAND_RECEIVE,
    COMMAND_FLUSH,
    COMMAND_END,
};

// What caller and thread share; freed by the thread once the caller has left it behind.
struct shared {
    const struct bt_decoder_impl *impl;  // set by open, never changed
    struct bt_decoder_setup setup;       // likewise; its parameters are ours
    AVCodecParameters *parameters;       // likewise
    pthread_t thread;

    // While a command is under way the thread's, else the caller's.
    struct bt_decoder *decoder;
    AVPacket *packet;
    bool has_packet;
    AVFrame *frame;
    struct bt_error error;  // of opening

    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    pthread_cond_t asked, answered;
    // Protected by lock.
    enum command command;  // NONE when it was answered
    int result;
    bool left;  // behind, by the caller: all is the thread's now
};

struct watch {
    struct bt_decoder base;
    struct shared *shared;  // NULL: left behind
    struct bt_patience patience;
    bool seen;  // a frame came
};

static void free_shared(struct shared *shared)
{
    bt_decoder_destroy(shared->decoder);
    avcodec_parameters_free(&shared->parameters);
    av_packet_free(&shared->packet);
    av_frame_free(&shared->frame);
    pthread_cond_destroy(&shared->asked);
    pthread_cond_destroy(&shared->answered);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

static int perform(struct shared *shared, enum command command)
{
    struct bt_decoder *decoder = shared->decoder;
    switch (command) {
    case COMMAND_OPEN:
        return bt_decoder_open(shared->impl, &shared->setup, &shared->decoder, &shared->error);
    case COMMAND_SEND:
        return decoder->impl->send(decoder, shared->has_packet ? shared->packet : NULL);
    case COMMAND_RECEIVE:
        return decoder->impl->receive(decoder, shared->frame);
    case COMMAND_FLUSH:
        decoder->impl->flush(decoder);
        return 0;
    case COMMAND_END:
        bt_decoder_destroy(BT_TAKE(shared->decoder));
        return 0;
    case COMMAND_NONE:
        break;
    }
    return AVERROR_BUG;
}

static void *watch_main(void *context)
{
    struct shared *shared = context;
    pthread_mutex_lock(&shared->lock);
    enum command command = COMMAND_NONE;
    while (!shared->left && command != COMMAND_END) {
        while (shared->command == COMMAND_NONE) {
            pthread_cond_wait(&shared->asked, &shared->lock);
        }
        command = shared->command;
        pthread_mutex_unlock(&shared->lock);
        int r = perform(shared, command);
        pthread_mutex_lock(&shared->lock);
        shared->result = r;
        shared->command = COMMAND_NONE;
        pthread_cond_signal(&shared->answered);
    }
    bool left = shared->left;
    pthread_mutex_unlock(&shared->lock);
    if (left) {
        free_shared(shared);
    }
    return NULL;
}

static struct timespec instant_after(int64_t ns)
{
    int64_t at_ns = bt_clock_mono_ns(bt_clock_real()) + ns;
    return (struct timespec){.tv_sec = (time_t)(at_ns / BT_NS_PER_S),
                             .tv_nsec = (long)(at_ns % BT_NS_PER_S)};
}

// The answer, or AVERROR(ETIMEDOUT): then what was shared is the thread's.
static int ask(struct watch *watch, enum command command)
{
    struct shared *shared = watch->shared;
    if (shared == NULL) {
        return AVERROR(ETIMEDOUT);
    }
    int64_t patience_ns = watch->seen ? watch->patience.answer_ns : watch->patience.open_ns;
    struct timespec until = instant_after(patience_ns);
    pthread_mutex_lock(&shared->lock);
    shared->command = command;
    pthread_cond_signal(&shared->asked);
    int waited = 0;
    while (shared->command != COMMAND_NONE && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&shared->answered, &shared->lock, &until);
    }
    int r = shared->result;
    if (shared->command != COMMAND_NONE) {
        pthread_detach(shared->thread);
        shared->left = true;
        watch->shared = NULL;
        r = AVERROR(ETIMEDOUT);
    }
    pthread_mutex_unlock(&shared->lock);
    return r;
}

static int watch_send(struct bt_decoder *decoder, const AVPacket *packet)
{
    struct watch *watch = (struct watch *)decoder;
    struct shared *shared = watch->shared;
    if (shared == NULL) {
        return AVERROR(ETIMEDOUT);
    }
    shared->has_packet = packet != NULL;
    int r = packet != NULL ? av_packet_ref(shared->packet, packet) : 0;
    r = r < 0 ? r : ask(watch, COMMAND_SEND);
    if (watch->shared != NULL) {
        av_packet_unref(shared->packet);
    }
    return r;
}

static int watch_receive(struct bt_decoder *decoder, AVFrame *frame)
{
    struct watch *watch = (struct watch *)decoder;
    int r = ask(watch, COMMAND_RECEIVE);
    if (r == 0) {
        watch->seen = true;
        av_frame_move_ref(frame, watch->shared->frame);
    }
    return r;
}

static void watch_flush(struct bt_decoder *decoder)
{
    (void)ask((struct watch *)decoder, COMMAND_FLUSH);
}

static void watch_destroy(struct bt_decoder *decoder)
{
    struct watch *watch = (struct watch *)decoder;
    struct shared *shared = watch->shared;
    if (shared != NULL && ask(watch, COMMAND_END) == 0) {
        pthread_join(shared->thread, NULL);
        free_shared(shared);
    }
    free(watch);
}

// Not in any table: opened by bt_watch_open alone.
static const struct bt_decoder_impl watch_impl = {
    .name = "watch",
    .hardware = true,
    .send = watch_send,
    .receive = watch_receive,
    .flush = watch_flush,
    .destroy = watch_destroy,
};

static struct shared *create_shared(const struct bt_decoder_impl *impl,
                                    const struct bt_decoder_setup *setup)
{
    struct shared *shared = BT_NEW(struct shared);
    shared->impl = impl;
    shared->parameters = avcodec_parameters_alloc();
    shared->packet = av_packet_alloc();
    shared->frame = av_frame_alloc();
    shared->setup = *setup;
    shared->setup.parameters = shared->parameters;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->asked, NULL);
    pthread_cond_init(&shared->answered, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return shared;
}

static int start_thread(struct shared *shared, struct bt_error *err)
{
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&shared->thread, NULL, watch_main, shared);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        errno = r;
        return bt_fail_errno(err, "Cannot start a thread for a decoder");
    }
    pthread_setname_np(shared->thread, "bt-device");
    return 0;
}

static int start(struct shared *shared, const struct bt_decoder_setup *setup, struct bt_error *err)
{
    if (shared->parameters == NULL || shared->packet == NULL || shared->frame == NULL ||
        avcodec_parameters_copy(shared->parameters, setup->parameters) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for a decoder");
    }
    return start_thread(shared, err);
}

int bt_watch_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                  const struct bt_patience *patience, struct bt_decoder **out, struct bt_error *err)
{
    struct shared *shared = create_shared(impl, setup);
    int r = start(shared, setup, err);
    if (r < 0) {
        free_shared(shared);
        return r;
    }
    struct watch *watch = BT_NEW(struct watch);
    watch->base.impl = &watch_impl;
    watch->shared = shared;
    watch->patience = *patience;
    r = ask(watch, COMMAND_OPEN);
    if (r == AVERROR(ETIMEDOUT)) {
        r = bt_fail(err, -ETIMEDOUT, "It hangs while it is opened");
    } else if (r < 0) {
        r = bt_fail(err, r, "%s", shared->error.msg);
    }
    if (r < 0) {
        watch_destroy(&watch->base);
        return r;
    }
    *out = &watch->base;
    return 0;
}

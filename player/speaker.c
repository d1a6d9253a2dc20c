#include "player/speaker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"

#define LOOK_NS (20 * BT_NS_PER_MS)
#define IDLE_LOOK_NS (250 * BT_NS_PER_MS)

// How long the player's end waits for a device that hangs.
#define LAST_WAIT_NS (2 * BT_NS_PER_S)

static const struct bt_log logger = {"player/sound"};

struct bt_speaker {
    struct bt_speaker_options options;
    struct bt_mixer *mixer;
    struct bt_loudness *loudness;
    struct bt_queue *rest;          // nothing ever comes through it; closing it ends the thread
    struct bt_sound_keeper keeper;  // the thread looks after it
    pthread_mutex_t lock;
    pthread_cond_t ends;
    // Protected by lock.
    bool has_thread, ended;
    pthread_t thread;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

// The device's thread.
static void fill(void *context, float *stereo, size_t frames, int64_t at_ns)
{
    struct bt_speaker *speaker = context;
    atomic_store(&speaker->keeper.asked_ns, now_ns());
    (void)bt_mixer_mix(speaker->mixer, stereo, frames, at_ns - speaker->options.delay_ns);
}

struct bt_speaker *bt_speaker_create(const struct bt_speaker_options *options)
{
    struct bt_speaker *speaker = BT_NEW(struct bt_speaker);
    speaker->options = *options;
    const struct bt_sound_device_impl *device = options->device;
    bt_sound_keeper_init(&speaker->keeper, device != NULL ? device : &bt_sound_device_sdl,
                         (struct bt_sound_source){speaker, fill});
    speaker->mixer = bt_mixer_create();
    speaker->loudness = bt_loudness_create();
    speaker->rest = bt_queue_create(1, free, (struct bt_waker){0});
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&speaker->lock, NULL);
    pthread_cond_init(&speaker->ends, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return speaker;
}

static void look(struct bt_speaker *speaker)
{
    int64_t at_ns = now_ns();
    bt_sound_keeper_look(&speaker->keeper, bt_mixer_is_wanted(speaker->mixer), at_ns);
    bool sounds = bt_sound_keeper_sounds(&speaker->keeper, at_ns);
    bt_mixer_reap(speaker->mixer, sounds ? 0 : at_ns - speaker->options.delay_ns);
}

static void *run(void *context)
{
    struct bt_speaker *speaker = context;
    while (!bt_queue_closed(speaker->rest)) {
        look(speaker);
        bool idle = speaker->keeper.device == NULL && bt_mixer_count(speaker->mixer) == 0;
        (void)bt_queue_pop_wait(speaker->rest, now_ns() + (idle ? IDLE_LOOK_NS : LOOK_NS));
    }
    bt_sound_keeper_finish(&speaker->keeper);
    pthread_mutex_lock(&speaker->lock);
    speaker->ended = true;
    pthread_cond_signal(&speaker->ends);
    pthread_mutex_unlock(&speaker->lock);
    return NULL;
}

static bool start_once(struct bt_speaker *speaker)
{
    pthread_mutex_lock(&speaker->lock);
    if (!speaker->has_thread) {
        // Signals belong to the main thread.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        speaker->has_thread = pthread_create(&speaker->thread, NULL, run, speaker) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (speaker->has_thread) {
            pthread_setname_np(speaker->thread, "bt-sound");
        }
    }
    bool runs = speaker->has_thread;
    pthread_mutex_unlock(&speaker->lock);
    return runs;
}

struct bt_voice *bt_speaker_add(struct bt_speaker *speaker, struct bt_sound_ring *sound)
{
    if (!start_once(speaker)) {
        bt_log_warn(&logger, "Cannot start a thread; nothing will be heard");
        bt_sound_ring_unref(sound);
        return NULL;
    }
    return bt_mixer_add(speaker->mixer, sound);
}

struct bt_loudness *bt_speaker_loudness(struct bt_speaker *speaker)
{
    return speaker->loudness;
}

void bt_speaker_set_ceiling(struct bt_speaker *speaker, int64_t milli)
{
    bt_mixer_set_ceiling(speaker->mixer, milli);
}

enum bt_speaker_state bt_speaker_state(const struct bt_speaker *speaker)
{
    return (enum bt_speaker_state)atomic_load(&speaker->keeper.state);
}

// False: the device hangs, and so does its thread.
static bool join(struct bt_speaker *speaker)
{
    int64_t at_ns = now_ns() + LAST_WAIT_NS;
    const struct timespec until = {at_ns / BT_NS_PER_S, at_ns % BT_NS_PER_S};
    int r = 0;
    pthread_mutex_lock(&speaker->lock);
    while (speaker->has_thread && !speaker->ended && r != ETIMEDOUT) {
        r = pthread_cond_timedwait(&speaker->ends, &speaker->lock, &until);
    }
    bool joins = speaker->has_thread && speaker->ended;
    bool hangs = speaker->has_thread && !speaker->ended;
    pthread_mutex_unlock(&speaker->lock);
    if (joins) {
        pthread_join(speaker->thread, NULL);
    }
    return !hangs;
}

/*
 * What a process does at its end (streams are flushed, libraries clean up) waits for what the
 * thread left behind holds, for ever; all of ours is saved by then.
 */
static void leave_at_once(int status, void *unused)
{
    (void)unused;
    fflush(stdout);
    fflush(stderr);
    _exit(status);
}

void bt_speaker_destroy(struct bt_speaker *speaker)
{
    if (speaker == NULL) {
        return;
    }
    bt_queue_close(speaker->rest);
    if (!join(speaker)) {
        bt_log_warn(&logger, "The sound device hangs; it is left to itself");
        (void)on_exit(leave_at_once, NULL);
        return;
    }
    bt_mixer_destroy(speaker->mixer);
    bt_loudness_destroy(speaker->loudness);
    bt_queue_destroy(speaker->rest);
    pthread_cond_destroy(&speaker->ends);
    pthread_mutex_destroy(&speaker->lock);
    free(speaker);
}

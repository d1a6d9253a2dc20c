#include "media/sound_file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/sound_reader.h"

// How often a full ring is looked at again; it holds much more.
#define LOOK_NS (50 * BT_NS_PER_MS)

// Stamps are rounded, some to 1/90 of a millisecond, some to whole ones and worse. Less than this
// is no gap.
#define GAP_FRAMES (BT_SOUND_RATE / 50)

// A longer gap, or so much twice, is a mistake of the container's.
#define LONGEST_GAP_FRAMES (INT64_C(600) * BT_SOUND_RATE)
#define LONGEST_OVERLAP_FRAMES (INT64_C(10) * BT_SOUND_RATE)

// Decoders need a little run before they are right.
#define RUN_UP_NS (BT_NS_PER_S / 5)

struct filler {
    char *path;
    struct bt_sound_file_options options;
    struct bt_sound_ring *sound;  // borrowed: it owns us
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;
    int64_t position;  // thread only: number of the next frame; negative before the start
    int64_t shift;     // thread only: what a lying container is put right by
    pthread_mutex_t lock;
    pthread_cond_t stopping;
};

static void wait_a_little(struct filler *filler)
{
    int64_t at_ns = bt_clock_mono_ns(bt_clock_real()) + LOOK_NS;
    const struct timespec until = {at_ns / BT_NS_PER_S, at_ns % BT_NS_PER_S};
    pthread_mutex_lock(&filler->lock);
    if (!atomic_load(&filler->stop)) {
        pthread_cond_timedwait(&filler->stopping, &filler->lock, &until);
    }
    pthread_mutex_unlock(&filler->lock);
}

// `stereo` NULL: silence. Returns when all has been written, or it is to stop.
static void write_all(struct filler *filler, const float *stereo, int64_t frames)
{
    static const float silence[1024 * BT_SOUND_CHANNELS];
    while (frames > 0 && !atomic_load(&filler->stop)) {
        int64_t room = (int64_t)bt_sound_ring_room(filler->sound);
        int64_t now = BT_MIN(frames, stereo != NULL ? room : BT_MIN(room, 1024));
        if (now == 0) {
            wait_a_little(filler);
            continue;
        }
        bt_sound_ring_write(filler->sound, stereo != NULL ? stereo : silence, (size_t)now);
        stereo = stereo != NULL ? stereo + now * BT_SOUND_CHANNELS : NULL;
        frames -= now;
        filler->position += now;
    }
}

// Where the block belongs, by its stamp; right behind the one before when that makes no sense.
static int64_t place(struct filler *filler, const struct bt_sound_block *block, bool first)
{
    int64_t pts_ns;
    if (block->stamp_ns == INT64_MIN ||
        __builtin_sub_overflow(block->stamp_ns, filler->options.origin_ns, &pts_ns) ||
        __builtin_sub_overflow(pts_ns, filler->options.start_ns, &pts_ns)) {
        return filler->position;
    }
    int64_t whole = pts_ns / BT_NS_PER_S, rest = pts_ns % BT_NS_PER_S;
    int64_t number = whole * BT_SOUND_RATE + rest * BT_SOUND_RATE / BT_NS_PER_S + filler->shift;
    int64_t gap = number - filler->position;
    if (first && gap < 0) {
        return number;  // before the start: to be left out, however much it is
    }
    if (gap > LONGEST_GAP_FRAMES || gap < -LONGEST_OVERLAP_FRAMES) {
        filler->shift -= gap;
        return filler->position;
    }
    return gap < GAP_FRAMES && gap > -GAP_FRAMES ? filler->position : number;
}

static void take_block(struct filler *filler, const struct bt_sound_block *block, bool first)
{
    int64_t number = place(filler, block, first);
    if (number > filler->position) {
        write_all(filler, NULL, number - filler->position);
    }
    int64_t skip = BT_MAX(filler->position - number, 0);
    if (skip < (int64_t)block->frames) {
        write_all(filler, block->stereo + skip * BT_SOUND_CHANNELS, (int64_t)block->frames - skip);
    }
}

static void fill(struct filler *filler, struct bt_sound_reader *reader)
{
    struct bt_error ignored;
    struct bt_sound_block block;
    if (filler->options.start_ns > RUN_UP_NS) {
        bt_sound_reader_seek(reader,
                             filler->options.origin_ns + filler->options.start_ns - RUN_UP_NS);
    }
    while (!atomic_load(&filler->stop) && bt_sound_reader_read(reader, &block, &ignored) > 0) {
        take_block(filler, &block, filler->position == 0);
    }
}

static void *fill_main(void *context)
{
    struct filler *filler = context;
    struct bt_error ignored;
    BT_AUTO(bt_sound_reader) reader = NULL;
    if (bt_sound_reader_open(filler->path, &filler->stop, &reader, &ignored) == 0) {
        float gain = 1;
        if (filler->options.loudness != NULL) {
            gain = bt_loudness_gain(filler->options.loudness, filler->path, &filler->stop);
        }
        bt_sound_ring_begin(filler->sound, filler->options.start_ns, gain);
        fill(filler, reader);
    } else {
        bt_sound_ring_begin(filler->sound, filler->options.start_ns, 1);
    }
    bt_sound_ring_end(filler->sound);
    return NULL;
}

static void destroy_filler(void *context)
{
    struct filler *filler = context;
    pthread_mutex_lock(&filler->lock);
    atomic_store(&filler->stop, true);
    pthread_cond_signal(&filler->stopping);
    pthread_mutex_unlock(&filler->lock);
    if (filler->has_thread) {
        pthread_join(filler->thread, NULL);
    }
    pthread_cond_destroy(&filler->stopping);
    pthread_mutex_destroy(&filler->lock);
    free(filler->path);
    free(filler);
}

static struct filler *create_filler(const char *path, const struct bt_sound_file_options *options)
{
    struct filler *filler = BT_NEW(struct filler);
    filler->path = bt_strdup(path);
    filler->options = *options;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&filler->lock, NULL);
    pthread_cond_init(&filler->stopping, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return filler;
}

int bt_sound_file_open(const char *path, const struct bt_sound_file_options *options,
                       struct bt_sound_ring **out, struct bt_error *err)
{
    struct bt_sound_ring *sound = bt_sound_ring_create();
    struct filler *filler = create_filler(path, options);
    filler->sound = sound;
    bt_sound_ring_set_filler(sound, (struct bt_sound_filler){filler, destroy_filler});
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&filler->thread, NULL, fill_main, filler);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        bt_sound_ring_unref(sound);
        errno = r;
        return bt_fail_errno(err, "Cannot start a thread for sound");
    }
    filler->has_thread = true;
    pthread_setname_np(filler->thread, "bt-sound-file");
    *out = sound;
    return 0;
}

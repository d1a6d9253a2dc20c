#include "player/speaker.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

// A device with a thread of its own that asks for samples as fast as it can.
struct bt_sound_device {
    struct bt_sound_source source;
    pthread_t thread;
    atomic_bool stop;
};

static atomic_bool hears, pulled, hangs, is_hanging;
static atomic_int opened, closed;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;  // by who makes the device hang

static void rest(void)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + 5 * BT_NS_PER_MS);
}

static void *ask(void *context)
{
    struct bt_sound_device *device = context;
    float stereo[256 * BT_SOUND_CHANNELS];
    while (!atomic_load(&device->stop)) {
        int64_t at_ns = bt_clock_mono_ns(bt_clock_real());
        device->source.fill(device->source.context, stereo, 256, at_ns);
        for (size_t i = 0; i < BT_ARRAY_LEN(stereo); i++) {
            if (stereo[i] > 0.25F) {
                atomic_store(&hears, true);
            }
        }
        rest();
    }
    return NULL;
}

static int open_device(const struct bt_sound_source *source, struct bt_sound_device **out,
                       struct bt_error *err)
{
    (void)err;
    struct bt_sound_device *device = BT_NEW(struct bt_sound_device);
    device->source = *source;
    assert_int_equal(pthread_create(&device->thread, NULL, ask, device), 0);
    atomic_fetch_add(&opened, 1);
    *out = device;
    return 0;
}

static bool is_there(const struct bt_sound_device *device)
{
    (void)device;
    if (atomic_load(&hangs)) {
        atomic_store(&is_hanging, true);
        pthread_mutex_lock(&held);
        pthread_mutex_unlock(&held);
    }
    return !atomic_load(&pulled);
}

static void close_device(struct bt_sound_device *device)
{
    atomic_store(&device->stop, true);
    pthread_join(device->thread, NULL);
    free(device);
    atomic_store(&pulled, false);
    atomic_fetch_add(&closed, 1);
}

static const struct bt_sound_device_impl impl = {open_device, is_there, close_device};
static const struct bt_speaker_options options = {.device = &impl};

static int set_up(void **state)
{
    (void)state;
    atomic_store(&hears, false);
    atomic_store(&opened, 0);
    atomic_store(&closed, 0);
    return 0;
}

// A third of a second of one level, from now on.
static struct bt_voice *play_something(struct bt_speaker *speaker)
{
    struct bt_sound_ring *ring = bt_sound_ring_create();
    const float loud[BT_SOUND_CHANNELS] = {0.5F, 0.5F};
    bt_sound_ring_begin(ring, 0, 1);
    for (int i = 0; i < BT_SOUND_RATE / 3; i++) {
        bt_sound_ring_write(ring, loud, 1);
    }
    struct bt_voice *voice = bt_speaker_add(speaker, ring);
    bt_voice_set_volume(voice, 1000);
    bt_voice_play(voice, bt_clock_mono_ns(bt_clock_real()));
    return voice;
}

// Plays it again until somebody was there to hear it: the machine may be busy.
static void play_until_heard(struct bt_speaker *speaker)
{
    atomic_store(&hears, false);
    while (!atomic_load(&hears)) {
        struct bt_voice *voice = play_something(speaker);
        for (int i = 0; i < 80 && !atomic_load(&hears); i++) {
            rest();
        }
        bt_voice_leave(voice);
    }
}

static void a_show_without_sound_has_no_thread_and_no_device(void **state)
{
    (void)state;
    BT_AUTO(bt_speaker) speaker = bt_speaker_create(&options);
    assert_int_equal(bt_speaker_state(speaker), BT_SPEAKER_IDLE);
    bt_speaker_destroy(BT_TAKE(speaker));
    assert_int_equal(atomic_load(&opened), 0);
}

static void what_is_to_be_heard_is_heard_also_on_the_next_device(void **state)
{
    (void)state;
    BT_AUTO(bt_speaker) speaker = bt_speaker_create(&options);
    play_until_heard(speaker);
    atomic_store(&pulled, true);
    while (atomic_load(&closed) == 0) {
        rest();
    }
    play_until_heard(speaker);
    assert_int_equal(atomic_load(&opened), 2);
    bt_speaker_destroy(BT_TAKE(speaker));
    assert_int_equal(atomic_load(&closed), 2);
}

static void what_is_muted_opens_no_device_and_makes_room(void **state)
{
    (void)state;
    BT_AUTO(bt_speaker) speaker = bt_speaker_create(&options);
    struct bt_sound_ring *ring = bt_sound_ring_create();
    const float loud[BT_SOUND_CHANNELS] = {0.5F, 0.5F};
    bt_sound_ring_begin(ring, 0, 1);
    bt_sound_ring_write(ring, loud, 1);
    struct bt_voice *voice = bt_speaker_add(speaker, bt_sound_ring_ref(ring));
    bt_voice_play(voice, bt_clock_mono_ns(bt_clock_real()));
    while (bt_sound_ring_room(ring) < BT_SOUND_RING_FRAMES) {
        rest();
    }
    bt_speaker_destroy(BT_TAKE(speaker));
    bt_sound_ring_unref(ring);
    assert_int_equal(atomic_load(&opened), 0);
}

static void wait_for_ever(void)
{
    pause();
}

// What it leaves behind would hang everything that a process does at its end.
static void end_while_the_device_hangs(void)
{
    alarm(60);
    atexit(wait_for_ever);
    pthread_mutex_lock(&held);
    atomic_store(&hangs, true);
    struct bt_speaker *speaker = bt_speaker_create(&options);
    (void)play_something(speaker);
    while (!atomic_load(&is_hanging)) {
        rest();
    }
    bt_speaker_destroy(speaker);
    exit(7);
}

static void a_device_that_hangs_does_not_hold_the_end_of_the_process(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        end_while_the_device_hangs();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_show_without_sound_has_no_thread_and_no_device, set_up),
        cmocka_unit_test_setup(what_is_to_be_heard_is_heard_also_on_the_next_device, set_up),
        cmocka_unit_test_setup(what_is_muted_opens_no_device_and_makes_room, set_up),
        cmocka_unit_test_setup(a_device_that_hangs_does_not_hold_the_end_of_the_process, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

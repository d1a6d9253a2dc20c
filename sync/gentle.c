#include "sync/gentle.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define STAT_MAX_BYTES 4096

// How soon an asker that waits hears that all is to stop.
#define LOOK_NS (200 * BT_NS_PER_MS)

struct bt_gentle {
    pthread_t thread;
    pthread_mutex_t lock;  // of the asker and of the thread alone
    pthread_cond_t changed;
    // Protected by lock.
    bt_gentle_fn work;  // NULL: nothing to do
    bt_gentle_fn let_go;
    void *context;
    bool busy;       // with `work`
    pid_t id;        // the thread's, for the kernel
    bool closed;     // nothing more comes
    bool abandoned;  // nobody joins the thread: it frees this
};

static void be_gentle(void)
{
    const struct sched_param idle = {0};
    const int io_of_this_thread = 1, io_idle = 3 << 13;
    pthread_setschedparam(pthread_self(), SCHED_IDLE, &idle);
    (void)syscall(SYS_ioprio_set, io_of_this_thread, 0, io_idle);
}

static void free_gentle(struct bt_gentle *gentle)
{
    pthread_cond_destroy(&gentle->changed);
    pthread_mutex_destroy(&gentle->lock);
    free(gentle);
}

// With the lock.
static void work_off(struct bt_gentle *gentle)
{
    bt_gentle_fn work = gentle->work;
    void *context = gentle->context;
    gentle->work = NULL;
    pthread_mutex_unlock(&gentle->lock);
    work(context);
    pthread_mutex_lock(&gentle->lock);
    gentle->busy = false;
    pthread_cond_broadcast(&gentle->changed);
}

static void *run(void *argument)
{
    struct bt_gentle *gentle = argument;
    be_gentle();
    pthread_mutex_lock(&gentle->lock);
    gentle->id = gettid();
    while (!gentle->closed || gentle->work != NULL) {
        if (gentle->work != NULL) {
            work_off(gentle);
        } else {
            pthread_cond_wait(&gentle->changed, &gentle->lock);
        }
    }
    bool abandoned = gentle->abandoned;
    pthread_mutex_unlock(&gentle->lock);
    if (abandoned) {
        gentle->let_go(gentle->context);
        free_gentle(gentle);
    }
    return NULL;
}

int bt_gentle_start(struct bt_gentle **out, struct bt_error *err)
{
    struct bt_gentle *gentle = BT_NEW(struct bt_gentle);
    pthread_condattr_t attributes;
    pthread_mutex_init(&gentle->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gentle->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int r = -pthread_create(&gentle->thread, NULL, run, gentle);
    if (r < 0) {
        free_gentle(gentle);
        return bt_fail(err, r, "Cannot start a thread for sticks");
    }
    *out = gentle;
    return 0;
}

void bt_gentle_destroy(struct bt_gentle *gentle)
{
    if (gentle == NULL) {
        return;
    }
    pthread_mutex_lock(&gentle->lock);
    gentle->closed = true;
    pthread_cond_broadcast(&gentle->changed);
    pthread_mutex_unlock(&gentle->lock);
    pthread_join(gentle->thread, NULL);
    free_gentle(gentle);
}

// With the lock.
static void begin(struct bt_gentle *gentle, bt_gentle_fn work, void *context)
{
    assert(!gentle->busy);
    gentle->work = work;
    gentle->context = context;
    gentle->busy = true;
    pthread_cond_broadcast(&gentle->changed);
}

void bt_gentle_do(struct bt_gentle *gentle, bt_gentle_fn work, void *context)
{
    pthread_mutex_lock(&gentle->lock);
    begin(gentle, work, context);
    while (gentle->busy) {
        pthread_cond_wait(&gentle->changed, &gentle->lock);
    }
    pthread_mutex_unlock(&gentle->lock);
}

// With the lock. What is abandoned belongs to the thread.
static void abandon(struct bt_gentle *gentle, bt_gentle_fn let_go)
{
    gentle->let_go = let_go;
    gentle->abandoned = true;
    gentle->closed = true;
    pthread_detach(gentle->thread);
}

#define LATE_LOOKS 3

// Does the thread want to go on, as opposed to waiting for something?
static bool is_runnable(pid_t id)
{
    BT_AUTOBUF text;
    BT_AUTOFREE char *path = bt_strf("/proc/self/task/%d/stat", (int)id);
    bt_buf_init(&text, STAT_MAX_BYTES);
    // "id (name) R …"; the name may have anything in it.
    const char *end = bt_file_read(path, &text, NULL) < 0 ? NULL : strrchr(text.data, ')');
    return id == 0 || (end != NULL && bt_str_starts(end, ") R"));  // 0: it had no turn yet
}

// With the lock. Something else than a busy machine keeps the job.
static bool is_late(const struct bt_gentle *gentle, int64_t waited_ns, int64_t patience_ns)
{
    return waited_ns >= patience_ns && !is_runnable(gentle->id);
}

int bt_gentle_try(struct bt_gentle **gentle, bt_gentle_fn work, bt_gentle_fn let_go, void *context,
                  int64_t patience_ns, const atomic_bool *stop)
{
    struct bt_gentle *own = *gentle;
    int64_t begun_ns = bt_clock_mono_ns(bt_clock_real()), now_ns = begun_ns;
    pthread_mutex_lock(&own->lock);
    begin(own, work, context);
    // Seen late more than once, since it may just wait for us to let go of the lock.
    for (int late = 0; own->busy && !atomic_load(stop) && late < LATE_LOOKS;) {
        int64_t until_ns = now_ns + BT_MIN(LOOK_NS, patience_ns);
        const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                       .tv_nsec = until_ns % BT_NS_PER_S};
        pthread_cond_timedwait(&own->changed, &own->lock, &until);
        now_ns = bt_clock_mono_ns(bt_clock_real());
        late = is_late(own, now_ns - begun_ns, patience_ns) ? late + 1 : 0;
    }
    bool done = !own->busy;
    if (!done) {
        abandon(own, let_go);
        *gentle = NULL;
    }
    pthread_mutex_unlock(&own->lock);
    return done ? 0 : atomic_load(stop) ? -ECANCELED : -ETIMEDOUT;
}

int64_t bt_gentle_kept_ns(struct bt_gentle *gentle)
{
    BT_AUTOBUF text;
    int64_t kept_ns;
    pthread_mutex_lock(&gentle->lock);
    pid_t id = gentle->id;
    pthread_mutex_unlock(&gentle->lock);
    BT_AUTOFREE char *path = bt_strf("/proc/self/task/%d/schedstat", (int)id);
    bt_buf_init(&text, STAT_MAX_BYTES);
    // "ran waited turns", ns.
    char *waited = bt_file_read(path, &text, NULL) < 0 ? NULL : strchr(text.data, ' ');
    char *end = waited != NULL ? strchr(waited + 1, ' ') : NULL;
    if (end == NULL) {
        return 0;
    }
    *end = '\0';
    return bt_parse_int(waited + 1, 0, INT64_MAX, &kept_ns) < 0 ? 0 : kept_ns;
}

#include "player/programme.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

// A clock that was set by less is left alone: durations come from the monotonic clock anyway.
#define STEP_NS (2 * BT_NS_PER_S)

static const struct bt_log logger = {"player/programme"};

struct bt_programme {
    struct bt_show *show;          // set by create, never changed
    const struct bt_clock *clock;  // borrowed
    enum bt_trust_mode mode;       // set by create, never changed
    int64_t floor_ms;              // likewise
    int64_t created_ns;            // monotonic
    pthread_mutex_t lock;          // leaf lock: only the pure timeline is called while it is held
    // Protected by lock.
    struct bt_timeline *timeline;
    int64_t offset_ns;  // wall - monotonic
    bool trusted;
    uint64_t generation;
};

static bool kernel_trusts_clock(void)
{
    struct timex state = {0};
    int r = adjtimex(&state);
    bool synchronised = r >= 0 && r != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    return synchronised || access("/sys/class/rtc/rtc0", F_OK) == 0;
}

static bool is_trusted(const struct bt_programme *programme)
{
    return programme->mode == BT_TRUST_ALWAYS ||
           (programme->mode == BT_TRUST_AUTO && kernel_trusts_clock());
}

static int64_t read_offset(const struct bt_programme *programme, bool trusted)
{
    int64_t mono_ns = bt_clock_mono_ns(programme->clock);
    int64_t wall_ns = bt_clock_wall_ms(programme->clock) * BT_NS_PER_MS;
    int64_t floor_ns = programme->floor_ms * BT_NS_PER_MS + (mono_ns - programme->created_ns);
    return (trusted ? wall_ns : BT_MAX(wall_ns, floor_ns)) - mono_ns;
}

struct bt_programme *bt_programme_create(struct bt_show *show, const struct bt_clock *clock,
                                         enum bt_trust_mode trust, int64_t floor_ms)
{
    struct bt_programme *programme = BT_NEW(struct bt_programme);
    programme->show = show;
    programme->clock = clock;
    programme->mode = trust;
    programme->floor_ms = floor_ms;
    programme->created_ns = bt_clock_mono_ns(clock);
    pthread_mutex_init(&programme->lock, NULL);
    programme->trusted = is_trusted(programme);
    programme->offset_ns = read_offset(programme, programme->trusted);
    if (!programme->trusted) {
        bt_log_warn(&logger, "The clock is not trusted yet; times of day are ignored until it is "
                          "synchronised");
    }
    return programme;
}

void bt_programme_destroy(struct bt_programme *programme)
{
    if (programme == NULL) {
        return;
    }
    bt_timeline_destroy(programme->timeline);
    bt_show_destroy(programme->show);
    pthread_mutex_destroy(&programme->lock);
    free(programme);
}

const struct bt_show *bt_programme_show(const struct bt_programme *programme)
{
    return programme->show;
}

static struct bt_moment moment_at(const struct bt_programme *programme, int64_t mono_ns)
{
    return (struct bt_moment){.wall_ns = mono_ns + programme->offset_ns,
                              .trusted = programme->trusted};
}

static void restart_timeline(struct bt_programme *programme, int64_t anchor_ns)
{
    bt_timeline_destroy(programme->timeline);
    programme->timeline = bt_timeline_create(programme->show, moment_at(programme, anchor_ns));
}

void bt_programme_start(struct bt_programme *programme, int64_t anchor_ns)
{
    pthread_mutex_lock(&programme->lock);
    restart_timeline(programme, anchor_ns);
    pthread_mutex_unlock(&programme->lock);
}

void bt_programme_next(struct bt_programme *programme, size_t track, int64_t at_ns,
                       struct bt_slot *out, int64_t *out_offset_ns)
{
    pthread_mutex_lock(&programme->lock);
    bt_timeline_next(programme->timeline, track, moment_at(programme, at_ns), out);
    *out_offset_ns = programme->offset_ns;
    pthread_mutex_unlock(&programme->lock);
}

void bt_programme_skip(struct bt_programme *programme, size_t track)
{
    pthread_mutex_lock(&programme->lock);
    bt_timeline_skip(programme->timeline, track);
    pthread_mutex_unlock(&programme->lock);
}

int64_t bt_programme_to_mono(int64_t wall_ns, int64_t offset_ns)
{
    return wall_ns == INT64_MAX ? INT64_MAX : wall_ns - offset_ns;
}

uint64_t bt_programme_generation(struct bt_programme *programme)
{
    bool trusted = is_trusted(programme);
    pthread_mutex_lock(&programme->lock);
    int64_t step = read_offset(programme, trusted) - programme->offset_ns;
    bool changed = trusted != programme->trusted || llabs(step) > STEP_NS;
    if (changed) {
        programme->trusted = trusted;
        programme->offset_ns += step;
        programme->generation++;
        restart_timeline(programme, bt_clock_mono_ns(programme->clock));
    }
    uint64_t generation = programme->generation;
    pthread_mutex_unlock(&programme->lock);
    if (changed) {
        bt_log_info(&logger, "The clock was set by %.1f s and is%s trusted; planning anew",
                    (double)step / (double)BT_NS_PER_S, trusted ? "" : " not");
    }
    return generation;
}

int64_t bt_programme_wall_ms(struct bt_programme *programme, int64_t mono_ns,
                             enum bt_clock_trust *out_trust)
{
    pthread_mutex_lock(&programme->lock);
    int64_t wall_ns = mono_ns + programme->offset_ns;
    if (out_trust != NULL) {
        *out_trust = programme->trusted ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN;
    }
    pthread_mutex_unlock(&programme->lock);
    return wall_ns / BT_NS_PER_MS;
}

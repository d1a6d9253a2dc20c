#include "player/running_order.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

// A clock that was set by less is left alone: durations come from the monotonic clock anyway.
#define STEP_NS (2 * BT_NS_PER_S)

static const struct bt_log logger = {"player/running-order"};

struct bt_running_order {
    atomic_int references;
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
    // Copies, for who may not wait.
    atomic_int_least64_t said_offset_ns;
    atomic_bool said_trusted;
};

static bool kernel_trusts_clock(void)
{
    struct timex state = {0};
    int r = adjtimex(&state);
    bool synchronised = r >= 0 && r != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    return synchronised || access("/sys/class/rtc/rtc0", F_OK) == 0;
}

bool bt_clock_is_trusted(enum bt_trust_mode mode)
{
    return mode == BT_TRUST_ALWAYS || (mode == BT_TRUST_AUTO && kernel_trusts_clock());
}

static int64_t read_offset(const struct bt_running_order *order, bool trusted)
{
    int64_t mono_ns = bt_clock_mono_ns(order->clock);
    int64_t wall_ns = bt_clock_wall_ms(order->clock) * BT_NS_PER_MS;
    int64_t floor_ns = order->floor_ms * BT_NS_PER_MS + (mono_ns - order->created_ns);
    return (trusted ? wall_ns : BT_MAX(wall_ns, floor_ns)) - mono_ns;
}

static void say_clock(struct bt_running_order *order)
{
    atomic_store(&order->said_offset_ns, order->offset_ns);
    atomic_store(&order->said_trusted, order->trusted);
}

struct bt_running_order *bt_running_order_create(struct bt_show *show, const struct bt_clock *clock,
                                                 enum bt_trust_mode trust, int64_t floor_ms)
{
    struct bt_running_order *order = BT_NEW(struct bt_running_order);
    atomic_init(&order->references, 1);
    order->show = show;
    order->clock = clock;
    order->mode = trust;
    order->floor_ms = floor_ms;
    order->created_ns = bt_clock_mono_ns(clock);
    pthread_mutex_init(&order->lock, NULL);
    order->trusted = bt_clock_is_trusted(order->mode);
    order->offset_ns = read_offset(order, order->trusted);
    say_clock(order);
    if (!order->trusted) {
        bt_log_warn(&logger, "The clock is not trusted yet; times of day are ignored until it is "
                             "synchronised");
    }
    return order;
}

struct bt_running_order *bt_running_order_ref(struct bt_running_order *order)
{
    atomic_fetch_add(&order->references, 1);
    return order;
}

void bt_running_order_destroy(struct bt_running_order *order)
{
    if (order == NULL || atomic_fetch_sub(&order->references, 1) > 1) {
        return;
    }
    bt_timeline_destroy(order->timeline);
    bt_show_destroy(order->show);
    pthread_mutex_destroy(&order->lock);
    free(order);
}

const struct bt_show *bt_running_order_show(const struct bt_running_order *order)
{
    return order->show;
}

static struct bt_moment moment_at(const struct bt_running_order *order, int64_t mono_ns)
{
    return (struct bt_moment){.wall_ns = mono_ns + order->offset_ns, .trusted = order->trusted};
}

static void restart_timeline(struct bt_running_order *order, int64_t anchor_ns)
{
    bt_timeline_destroy(order->timeline);
    order->timeline = bt_timeline_create(order->show, moment_at(order, anchor_ns));
}

void bt_running_order_start(struct bt_running_order *order, int64_t anchor_ns)
{
    pthread_mutex_lock(&order->lock);
    restart_timeline(order, anchor_ns);
    pthread_mutex_unlock(&order->lock);
}

void bt_running_order_next(struct bt_running_order *order, size_t track, int64_t at_ns,
                           struct bt_slot *out, int64_t *out_offset_ns)
{
    pthread_mutex_lock(&order->lock);
    bt_timeline_next(order->timeline, track, moment_at(order, at_ns), out);
    *out_offset_ns = order->offset_ns;
    pthread_mutex_unlock(&order->lock);
}

void bt_running_order_skip(struct bt_running_order *order, size_t track)
{
    pthread_mutex_lock(&order->lock);
    bt_timeline_skip(order->timeline, track);
    pthread_mutex_unlock(&order->lock);
}

void bt_running_order_not_yet(struct bt_running_order *order, size_t track, int64_t again_ns)
{
    pthread_mutex_lock(&order->lock);
    bt_timeline_not_yet(order->timeline, track, again_ns);
    pthread_mutex_unlock(&order->lock);
}

void bt_running_order_keep(struct bt_running_order *order, size_t track, int64_t serial)
{
    pthread_mutex_lock(&order->lock);
    (void)bt_timeline_keep(order->timeline, track, serial);
    pthread_mutex_unlock(&order->lock);
}

void bt_running_order_interrupted_at(struct bt_running_order *order, size_t track, int64_t run,
                                     int64_t offset_ns)
{
    pthread_mutex_lock(&order->lock);
    bt_timeline_interrupted_at(order->timeline, track, run, offset_ns);
    pthread_mutex_unlock(&order->lock);
}

// Orders follow one another, so their locks are always taken from the newer to the older.
enum bt_fate bt_running_order_succeed(struct bt_running_order *order, size_t track,
                                      const struct bt_handover *handover, int64_t at_ns,
                                      struct bt_slot *out, int64_t *out_offset_ns)
{
    pthread_mutex_lock(&order->lock);
    pthread_mutex_lock(&handover->from->lock);
    const struct bt_succession succession = {
        .from = handover->from->timeline,
        .from_track = handover->from_track,
        .serial = handover->serial,
        .shown_ns = handover->shown_ns,
        .urgent = handover->urgent,
    };
    enum bt_fate fate =
        bt_timeline_succeed(order->timeline, track, &succession, moment_at(order, at_ns), out);
    pthread_mutex_unlock(&handover->from->lock);
    *out_offset_ns = order->offset_ns;
    pthread_mutex_unlock(&order->lock);
    return fate;
}

int64_t bt_running_order_to_mono(int64_t wall_ns, int64_t offset_ns)
{
    return wall_ns == INT64_MAX ? INT64_MAX : wall_ns - offset_ns;
}

uint64_t bt_running_order_generation(struct bt_running_order *order)
{
    bool trusted = bt_clock_is_trusted(order->mode);
    pthread_mutex_lock(&order->lock);
    int64_t step = read_offset(order, trusted) - order->offset_ns;
    bool changed = trusted != order->trusted || llabs(step) > STEP_NS;
    if (changed) {
        order->trusted = trusted;
        order->offset_ns += step;
        say_clock(order);
        order->generation++;
        restart_timeline(order, bt_clock_mono_ns(order->clock));
    }
    uint64_t generation = order->generation;
    pthread_mutex_unlock(&order->lock);
    if (changed) {
        bt_log_info(&logger, "The clock was set by %.1f s and is%s trusted; planning anew",
                    (double)step / (double)BT_NS_PER_S, trusted ? "" : " not");
    }
    return generation;
}

void bt_running_order_look(const struct bt_running_order *order, int64_t mono_ns,
                           struct bt_moment *out)
{
    *out = (struct bt_moment){.wall_ns = mono_ns + atomic_load(&order->said_offset_ns),
                              .trusted = atomic_load(&order->said_trusted)};
}

int64_t bt_running_order_wall_ms(struct bt_running_order *order, int64_t mono_ns,
                                 enum bt_clock_trust *out_trust)
{
    pthread_mutex_lock(&order->lock);
    int64_t wall_ns = mono_ns + order->offset_ns;
    if (out_trust != NULL) {
        *out_trust = order->trusted ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN;
    }
    pthread_mutex_unlock(&order->lock);
    return wall_ns / BT_NS_PER_MS;
}

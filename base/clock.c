#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

struct bt_clock {
    bool simulated;              // set by create, never changed
    _Atomic int64_t *mono_ns;    // simulated only, owned
    _Atomic int64_t *offset_ns;  // simulated only, owned: wall = mono + offset
};

const struct bt_clock *bt_clock_real(void)
{
    static const struct bt_clock real = {.simulated = false};
    return &real;
}

struct bt_clock *bt_clock_create_simulated(int64_t mono_ns, int64_t wall_ms)
{
    struct bt_clock *clock = BT_NEW(struct bt_clock);
    clock->simulated = true;
    clock->mono_ns = bt_alloc(sizeof(*clock->mono_ns));
    clock->offset_ns = bt_alloc(sizeof(*clock->offset_ns));
    atomic_store(clock->mono_ns, mono_ns);
    atomic_store(clock->offset_ns, wall_ms * BT_NS_PER_MS - mono_ns);
    return clock;
}

void bt_clock_destroy(struct bt_clock *clock)
{
    if (clock == NULL) {
        return;
    }
    free(clock->mono_ns);
    free(clock->offset_ns);
    free(clock);
}

void bt_clock_advance(struct bt_clock *clock, int64_t ns)
{
    assert(clock->simulated);
    atomic_fetch_add(clock->mono_ns, ns);
}

void bt_clock_set_wall(struct bt_clock *clock, int64_t wall_ms)
{
    assert(clock->simulated);
    atomic_store(clock->offset_ns, wall_ms * BT_NS_PER_MS - atomic_load(clock->mono_ns));
}

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * BT_NS_PER_S + now.tv_nsec;
}

int64_t bt_clock_mono_ns(const struct bt_clock *clock)
{
    return clock->simulated ? atomic_load(clock->mono_ns) : read_ns(CLOCK_MONOTONIC);
}

int64_t bt_clock_wall_ms(const struct bt_clock *clock)
{
    if (clock->simulated) {
        return (atomic_load(clock->mono_ns) + atomic_load(clock->offset_ns)) / BT_NS_PER_MS;
    }
    return read_ns(CLOCK_REALTIME) / BT_NS_PER_MS;
}

void bt_clock_sleep_until(const struct bt_clock *clock, int64_t mono_ns)
{
    if (clock->simulated) {
        if (mono_ns > atomic_load(clock->mono_ns)) {
            atomic_store(clock->mono_ns, mono_ns);
        }
        return;
    }
    const struct timespec until = {.tv_sec = mono_ns / BT_NS_PER_S,
                                   .tv_nsec = mono_ns % BT_NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

int64_t bt_clock_worked_ns(void)
{
    struct timespec worked;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
    return worked.tv_sec * BT_NS_PER_S + worked.tv_nsec;
}

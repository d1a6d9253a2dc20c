#include "sync/time_floor.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct bt_time_floor {
    const struct bt_clock *clock;  // set by create, never changed
    pthread_mutex_t lock;          // leaf lock: nothing is called while it is held
    // Protected by lock. At mono_ns it was at least wall_ms.
    int64_t wall_ms, mono_ns;
};

struct bt_time_floor *bt_time_floor_create(const struct bt_clock *clock, int64_t known_ms)
{
    struct bt_time_floor *floor = BT_NEW(struct bt_time_floor);
    floor->clock = clock;
    floor->wall_ms = known_ms;
    floor->mono_ns = bt_clock_mono_ns(clock);
    pthread_mutex_init(&floor->lock, NULL);
    return floor;
}

void bt_time_floor_destroy(struct bt_time_floor *floor)
{
    if (floor == NULL) {
        return;
    }
    pthread_mutex_destroy(&floor->lock);
    free(floor);
}

struct bt_instant bt_time_floor_now(struct bt_time_floor *floor)
{
    struct bt_instant now = {.wall_ms = bt_clock_wall_ms(floor->clock),
                             .mono_ns = bt_clock_mono_ns(floor->clock)};
    pthread_mutex_lock(&floor->lock);
    int64_t least_ms = floor->wall_ms + (now.mono_ns - floor->mono_ns) / BT_NS_PER_MS;
    pthread_mutex_unlock(&floor->lock);
    now.wall_ms = BT_MAX(now.wall_ms, least_ms);
    return now;
}

void bt_time_floor_raise(struct bt_time_floor *floor, int64_t wall_ms)
{
    int64_t mono_ns = bt_clock_mono_ns(floor->clock);
    pthread_mutex_lock(&floor->lock);
    if (wall_ms > floor->wall_ms + (mono_ns - floor->mono_ns) / BT_NS_PER_MS) {
        floor->wall_ms = wall_ms;
        floor->mono_ns = mono_ns;
    }
    pthread_mutex_unlock(&floor->lock);
}

int64_t bt_time_floor_hear(struct bt_time_floor *floor, int64_t server_ms, int64_t bound_ms)
{
    if (server_ms <= bound_ms) {
        bt_time_floor_raise(floor, server_ms);
    }
    return bt_clock_wall_ms(floor->clock) - server_ms;
}

int64_t bt_time_floor_known_ms(struct bt_time_floor *floor)
{
    int64_t mono_ns = bt_clock_mono_ns(floor->clock);
    pthread_mutex_lock(&floor->lock);
    int64_t known_ms = floor->wall_ms + (mono_ns - floor->mono_ns) / BT_NS_PER_MS;
    pthread_mutex_unlock(&floor->lock);
    return known_ms;
}

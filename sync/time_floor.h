/**
 * The time as a player may believe it: its own clock, but never earlier than what it once knew for
 * sure. Servers move it forward only, and not beyond the expiry of the metadata that is trusted.
 * Thread-safe.
 */
#ifndef BT_SYNC_TIME_FLOOR_H
#define BT_SYNC_TIME_FLOOR_H

#include <stdint.h>

#include "base/clock.h"
#include "sync/emergencies.h"

struct bt_time_floor;

struct bt_time_floor *bt_time_floor_create(const struct bt_clock *clock, int64_t known_ms);
void bt_time_floor_destroy(struct bt_time_floor *floor);
BT_DEFINE_AUTO(bt_time_floor)

struct bt_instant bt_time_floor_now(struct bt_time_floor *floor);

// It is at least this late: from what was trusted and kept.
void bt_time_floor_raise(struct bt_time_floor *floor, int64_t wall_ms);

// What a server says; counts up to `bound_ms`. Returns how far our own clock is from it, in ms.
int64_t bt_time_floor_hear(struct bt_time_floor *floor, int64_t server_ms, int64_t bound_ms);

// To be kept for the next start.
int64_t bt_time_floor_known_ms(struct bt_time_floor *floor);

#endif

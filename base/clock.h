/**
 * Clocks. Times inside the program are int64_t nanoseconds of the monotonic clock; wall clock
 * (milliseconds UTC since 1970) appears only in the schedule and the journal.
 *
 * A struct bt_clock is passed to whoever needs the time, so that a test can move it. The real
 * clock is shared and needs no destroying. All functions are thread-safe.
 */
#ifndef BT_BASE_CLOCK_H
#define BT_BASE_CLOCK_H

#include <stdint.h>

#include "base/compiler.h"

#define BT_NS_PER_US 1000LL
#define BT_NS_PER_MS 1000000LL
#define BT_NS_PER_S 1000000000LL
#define BT_MS_PER_DAY 86400000LL

struct bt_clock;

const struct bt_clock *bt_clock_real(void);

// Starts at the given instants and moves only by bt_clock_advance.
struct bt_clock *bt_clock_create_simulated(int64_t mono_ns, int64_t wall_ms) BT_NODISCARD;
void bt_clock_destroy(struct bt_clock *clock);
BT_DEFINE_AUTO(bt_clock)

// What the calling thread has worked so far, whatever else the machine had to do.
int64_t bt_clock_worked_ns(void);

// Simulated clocks only: both hands move, or the wall clock alone is set (an NTP step).
void bt_clock_advance(struct bt_clock *clock, int64_t ns);
void bt_clock_set_wall(struct bt_clock *clock, int64_t wall_ms);

int64_t bt_clock_mono_ns(const struct bt_clock *clock);
int64_t bt_clock_wall_ms(const struct bt_clock *clock);

/**
 * Sleeps until the monotonic instant, or returns at once when it has passed. A simulated clock
 * moves itself to the instant instead. Interrupted sleeps are resumed.
 */
void bt_clock_sleep_until(const struct bt_clock *clock, int64_t mono_ns);

#endif

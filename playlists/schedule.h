/**
 * When a rule is in force: struct bt_when, made ready for questions about single instants.
 *
 * Days, times of day and recurrences are local; each local window becomes a stretch of UTC by its
 * two ends, so that it opens once and closes once also on the days the clock changes: a window
 * from 02:30 to 02:45 in an hour that comes twice is open the first time, one in an hour that is
 * left out is not open at all, and 22:00 to 06:00 is an hour longer or shorter that night.
 * Windows that touch are one window.
 *
 * An untrusted clock: times of day, weekdays and recurrences hold always, dates as they stand.
 */
#ifndef BT_PLAYLISTS_SCHEDULE_H
#define BT_PLAYLISTS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/compiler.h"
#include "playlists/publication.h"

/**
 * What is known at one instant, ns UTC. INT64_MIN: since longer ago, and INT64_MAX: later, than
 * anything that plays is long (or never).
 */
struct bt_window {
    bool open;
    int64_t opens_ns, closes_ns;  // when open
    int64_t changes_ns;           // ask again then: nothing changes before; > the instant
};

struct bt_schedule;

/**
 * `when` and `tz` must outlive the schedule. A recurrence that bt_recurrence_check refuses never
 * opens.
 */
struct bt_schedule *bt_schedule_create(const struct bt_when *when,
                                       const struct bt_tz *tz) BT_NODISCARD;
void bt_schedule_destroy(struct bt_schedule *schedule);
BT_DEFINE_AUTO(bt_schedule)

// Not for two threads at once. Bounded work: looks at most 400 days ahead.
void bt_schedule_at(struct bt_schedule *schedule, int64_t at_ns, bool trusted,
                    struct bt_window *out);

// Milliseconds to nanoseconds; what does not fit becomes INT64_MIN or INT64_MAX.
int64_t bt_ns_from_ms(int64_t ms);

#endif

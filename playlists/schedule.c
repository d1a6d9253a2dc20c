#include "playlists/schedule.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "playlists/recurrence.h"

#define DAY_S INT64_C(86400)

// Covers every yearly event; a rarer one is found when its year has come.
#define LOOK_AHEAD_S (400 * DAY_S)

// No window is longer than 7 days. What opened within the last 8 days is known exactly when we look
// back far enough to see a window that touches it from before.
#define EXACT_BACK_S (8 * DAY_S)
#define LOOK_BACK_S (16 * DAY_S)

#define ALL_WEEKDAYS 0x7FU

struct bt_schedule {
    const struct bt_when *when;
    const struct bt_tz *tz;
    struct bt_recurrence *recurrence;  // NULL without one
    bool never;                        // the recurrence was refused
};

int64_t bt_ns_from_ms(int64_t ms)
{
    int64_t limit = INT64_MAX / BT_NS_PER_MS;
    return ms > limit ? INT64_MAX : ms < -limit ? INT64_MIN : ms * BT_NS_PER_MS;
}

static int64_t ns_from_s(int64_t s)
{
    int64_t limit = INT64_MAX / BT_NS_PER_S;
    return s > limit ? INT64_MAX : s < -limit ? INT64_MIN : s * BT_NS_PER_S;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t ns_from_local(const struct bt_schedule *schedule, int64_t local_s)
{
    bool bound = local_s == INT64_MIN || local_s == INT64_MAX;
    return bound ? local_s : ns_from_s(bt_tz_to_utc_s(schedule->tz, local_s));
}

static int64_t local_from_ns(const struct bt_schedule *schedule, int64_t ns)
{
    return bt_tz_to_local_s(schedule->tz, floor_div(ns, BT_NS_PER_S));
}

// One stretch from `from_ns` to before `until_ns`.
static struct bt_window range_at(int64_t from_ns, int64_t until_ns, int64_t at_ns)
{
    if (at_ns < from_ns && from_ns < until_ns) {
        return (struct bt_window){.changes_ns = from_ns};
    }
    if (at_ns >= until_ns || from_ns >= until_ns) {
        return (struct bt_window){.changes_ns = INT64_MAX};
    }
    return (struct bt_window){true, from_ns, until_ns, until_ns};
}

static bool has_day_windows(const struct bt_when *when)
{
    return when->time_from_s != 0 || when->time_until_s != DAY_S ||
           (when->weekdays & ALL_WEEKDAYS) != ALL_WEEKDAYS;
}

// Where the windows of one kind start, ascending; false when none does before until_s.
typedef bool (*next_start_fn)(const struct bt_schedule *schedule, int64_t from_s, int64_t until_s,
                              int64_t *out_s);

static bool next_day_start(const struct bt_schedule *schedule, int64_t from_s, int64_t until_s,
                           int64_t *out_s)
{
    const struct bt_when *when = schedule->when;
    from_s = BT_MAX(from_s - when->time_from_s, when->date_from_s);
    until_s = BT_MIN(until_s - when->time_from_s, when->date_until_s);
    for (int64_t day_s = -floor_div(-from_s, DAY_S) * DAY_S; day_s < until_s; day_s += DAY_S) {
        if ((when->weekdays >> bt_civil_weekday(day_s) & 1) != 0) {
            *out_s = day_s + when->time_from_s;
            return true;
        }
    }
    return false;
}

static bool next_occurrence(const struct bt_schedule *schedule, int64_t from_s, int64_t until_s,
                            int64_t *out_s)
{
    return bt_recurrence_next(schedule->recurrence, from_s, until_s, out_s);
}

struct windows {
    const struct bt_schedule *schedule;
    next_start_fn next_start;
    int64_t length_s;
    int64_t next_s, end_s;  // local: where to look on, and where to stop
};

// The next window that is not empty, as [*from_ns, *until_ns).
static bool next_window(struct windows *w, int64_t *from_ns, int64_t *until_ns)
{
    int64_t start_s;
    while (w->next_start(w->schedule, w->next_s, w->end_s, &start_s)) {
        w->next_s = start_s + 1;
        *from_ns = ns_from_local(w->schedule, start_s);
        *until_ns = ns_from_local(w->schedule, start_s + w->length_s);
        if (*from_ns < *until_ns) {
            return true;
        }
    }
    return false;
}

// The first stretch of touching windows that ends after the instant.
static struct bt_window windows_at(struct windows *w, int64_t at_ns)
{
    int64_t horizon_ns = BT_MAX(ns_from_local(w->schedule, w->end_s), at_ns + 1);
    int64_t from_ns = 0, until_ns = 0, next_from = 0, next_until = 0;
    bool any = next_window(w, &from_ns, &until_ns);
    while (any) {
        bool more = next_window(w, &next_from, &next_until);
        if (more && next_from <= until_ns) {
            until_ns = BT_MAX(until_ns, next_until);
            continue;
        }
        if (from_ns > at_ns) {
            return (struct bt_window){.changes_ns = from_ns};
        }
        if (until_ns > at_ns) {
            bool exact = from_ns > at_ns - EXACT_BACK_S * BT_NS_PER_S;
            bool ends = more || until_ns < horizon_ns;
            return (struct bt_window){true, exact ? from_ns : INT64_MIN,
                                      ends ? until_ns : INT64_MAX, ends ? until_ns : horizon_ns};
        }
        any = more;
        from_ns = next_from;
        until_ns = next_until;
    }
    return (struct bt_window){.changes_ns = horizon_ns};
}

static struct bt_window search(const struct bt_schedule *schedule, next_start_fn next_start,
                               int64_t length_s, int64_t at_ns)
{
    int64_t local_s = local_from_ns(schedule, at_ns);
    struct windows w = {
        .schedule = schedule,
        .next_start = next_start,
        .length_s = length_s,
        .next_s = local_s - LOOK_BACK_S,
        .end_s = local_s + LOOK_AHEAD_S,
    };
    return windows_at(&w, at_ns);
}

static struct bt_window days_at(const struct bt_schedule *schedule, int64_t at_ns)
{
    const struct bt_when *when = schedule->when;
    struct bt_window range = range_at(ns_from_local(schedule, when->date_from_s),
                                      ns_from_local(schedule, when->date_until_s), at_ns);
    int64_t length_s = when->time_until_s - when->time_from_s;
    // Before the dates nothing opens; the night after the last day still belongs to it.
    bool later = !range.open && range.changes_ns != INT64_MAX;
    bool over =
        !range.open && !later && local_from_ns(schedule, at_ns) - when->date_until_s >= 2 * DAY_S;
    if (later || over || length_s <= 0) {
        return (struct bt_window){.changes_ns =
                                      over || length_s <= 0 ? INT64_MAX : range.changes_ns};
    }
    return search(schedule, next_day_start, length_s, at_ns);
}

// In force when both are.
static struct bt_window both(struct bt_window a, struct bt_window b)
{
    if (a.open && b.open) {
        return (struct bt_window){true, BT_MAX(a.opens_ns, b.opens_ns),
                                  BT_MIN(a.closes_ns, b.closes_ns),
                                  BT_MIN(a.changes_ns, b.changes_ns)};
    }
    // A closed one keeps the whole closed until it changes itself.
    return (struct bt_window){
        .changes_ns = BT_MAX(a.open ? INT64_MIN : a.changes_ns, b.open ? INT64_MIN : b.changes_ns)};
}

void bt_schedule_at(struct bt_schedule *schedule, int64_t at_ns, bool trusted,
                    struct bt_window *out)
{
    const struct bt_when *when = schedule->when;
    struct bt_window result =
        range_at(bt_ns_from_ms(when->from_ms), bt_ns_from_ms(when->until_ms), at_ns);
    bool days = trusted && has_day_windows(when);
    result = both(result, days ? days_at(schedule, at_ns)
                               : range_at(ns_from_local(schedule, when->date_from_s),
                                          ns_from_local(schedule, when->date_until_s), at_ns));
    if (schedule->never) {
        result = (struct bt_window){.changes_ns = INT64_MAX};
    } else if (trusted && schedule->recurrence != NULL) {
        result = both(result, search(schedule, next_occurrence, when->rrule_length_s, at_ns));
    }
    *out = result;
}

struct bt_schedule *bt_schedule_create(const struct bt_when *when, const struct bt_tz *tz)
{
    struct bt_schedule *schedule = BT_NEW(struct bt_schedule);
    schedule->when = when;
    schedule->tz = tz;
    if (when->rrule != NULL) {
        schedule->never =
            bt_recurrence_create(when->rrule, when->rrule_start_s, &schedule->recurrence, NULL) < 0;
    }
    return schedule;
}

void bt_schedule_destroy(struct bt_schedule *schedule)
{
    if (schedule == NULL) {
        return;
    }
    bt_recurrence_destroy(schedule->recurrence);
    free(schedule);
}

/**
 * RFC 5545 recurrence (the text after "RRULE:") on floating local time: on which days, and at
 * which times of those days, something starts again.
 *
 * Calendar libraries walk from one occurrence to the next, and for a rule that never comes true
 * (30 February) they walk for centuries. We ask the other way round: does this day belong to the
 * rule? The answer costs a few table look-ups whatever the rule says, so the work of a search is
 * the number of days the caller lets it look at, and no rule needs to be refused for being empty.
 *
 * What it takes: FREQ DAILY, WEEKLY, MONTHLY, YEARLY with INTERVAL, COUNT, UNTIL, WKST, BYMONTH,
 * BYWEEKNO, BYYEARDAY, BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE, BYSECOND, BYSETPOS where RFC 5545
 * allows them. What it refuses: more often than daily, more than 24 starts a day, BYSETPOS among
 * several times of one day, RSCALE and SKIP. Where the standard leaves a choice:
 * - the start itself counts only when it fits the rule;
 * - UNTIL is local time as well, a final Z changes nothing, and a date includes its whole day;
 * - BYWEEKNO counts years by their weeks: 29 December may belong to next year's week 1;
 * - COUNT ends after BT_RECURRENCE_COUNT_YEARS at the latest.
 */
#ifndef BT_PLAYLISTS_RECURRENCE_H
#define BT_PLAYLISTS_RECURRENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// Longer than any rule a calendar writes; enough for a list of all days of a year.
#define BT_RECURRENCE_MAX_BYTES 2048
#define BT_RECURRENCE_MAX_TIMES 24
#define BT_RECURRENCE_COUNT_YEARS 50

struct bt_recurrence;

/**
 * Says in plain words what is wrong with a rule: "'BYMONTH' is 13, outside 1..12".
 * Errors: -EINVAL. Thread-safe.
 */
int bt_recurrence_check(const char *rrule, struct bt_error *err) BT_NODISCARD;

// start_s is DTSTART in local seconds. Errors: as bt_recurrence_check.
int bt_recurrence_create(const char *rrule, int64_t start_s, struct bt_recurrence **out,
                         struct bt_error *err) BT_NODISCARD;
void bt_recurrence_destroy(struct bt_recurrence *recurrence);
BT_DEFINE_AUTO(bt_recurrence)

/**
 * The first occurrence in [from_s, until_s), local seconds; false when there is none. Looks at
 * each day of the span once at most, so the caller bounds the work. Remembers the last period a
 * BYSETPOS was counted in: not for two threads at once.
 */
bool bt_recurrence_next(struct bt_recurrence *recurrence, int64_t from_s, int64_t until_s,
                        int64_t *out_s);

#endif

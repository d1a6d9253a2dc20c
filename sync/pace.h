/**
 * When to try again. Spread by chance, so that a thousand players that lost one server do not come
 * back to it in the same second.
 */
#ifndef BT_SYNC_PACE_H
#define BT_SYNC_PACE_H

#include <stdint.h>

// 0 .. bound - 1, evenly; 0 for a bound of 0.
int64_t bt_chance(int64_t bound);

/**
 * Full jitter: the `failures`th wait in a row (from 1) lies anywhere between 0 and the bound
 * 1 s · 2^failures, at most `longest_ns`, and is at least `shortest_ns`.
 */
int64_t bt_pace_backoff_ns(unsigned failures, int64_t shortest_ns, int64_t longest_ns);

// The period, give or take a fifth.
int64_t bt_pace_about_ns(int64_t period_ns);

#endif

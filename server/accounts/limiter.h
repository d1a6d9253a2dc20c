/**
 * Token buckets by name: each name may try `burst` times at once and then once every `refill_ms`.
 * There is a fixed number of buckets, found by a keyed hash, so that nobody can make it forget
 * another's tries by inventing names; two names that share a bucket by chance share its tries.
 * Thread-safe.
 */
#ifndef BT_SERVER_ACCOUNTS_LIMITER_H
#define BT_SERVER_ACCOUNTS_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_limiter;
struct bt_limiter *bt_limiter_create(int burst, int64_t refill_ms) BT_NODISCARD;
void bt_limiter_destroy(struct bt_limiter *limiter);

// `tries` of them at once; false, and nothing taken, when not as many are left.
bool bt_limiter_take(struct bt_limiter *limiter, const char *name, int tries, int64_t now_ns);

// As many did no harm and do not count.
void bt_limiter_return(struct bt_limiter *limiter, const char *name, int tries);

#endif

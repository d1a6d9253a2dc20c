#include "sync/pace.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/compiler.h"

int64_t bt_chance(int64_t bound)
{
    uint64_t bits = 0;
    if (bound <= 0 || getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        return 0;
    }
    return (int64_t)(bits % (uint64_t)bound);
}

int64_t bt_pace_backoff_ns(unsigned failures, int64_t shortest_ns, int64_t longest_ns)
{
    int64_t bound_ns = BT_NS_PER_S;
    for (unsigned i = 0; i < failures && bound_ns < longest_ns; i++) {
        bound_ns *= 2;
    }
    int64_t pause_ns = bt_chance(BT_MIN(bound_ns, longest_ns) + 1);
    return BT_MAX(pause_ns, shortest_ns);
}

int64_t bt_pace_about_ns(int64_t period_ns)
{
    return period_ns - period_ns / 5 + bt_chance(period_ns / 5 * 2 + 1);
}

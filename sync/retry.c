#include "sync/retry.h"

#include "base/clock.h"
#include "sync/pace.h"

#define SHORTEST_NS (100 * BT_NS_PER_MS)

void bt_retry_failed(struct bt_retry *retry, int64_t now_ns, int64_t longest_ns)
{
    retry->at_ns = now_ns + bt_pace_backoff_ns(++retry->failures, SHORTEST_NS, longest_ns);
}

void bt_retry_refused(struct bt_retry *retry, int64_t now_ns, int64_t longest_ns)
{
    if (retry->renewed) {
        bt_retry_failed(retry, now_ns, longest_ns);
    }
    retry->renewed = true;
}

void bt_retry_well(struct bt_retry *retry)
{
    retry->failures = 0;
    retry->renewed = false;
}

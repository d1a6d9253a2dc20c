/**
 * When the channel tries again: after a failure later each time (sync/pace.h), so that a server
 * that is down is not beaten. A token that is refused is no failure: the server is there and has
 * forgotten its sessions, as after a restore, and whoever found that out has waited for it already.
 * So a new token is asked for at once; but when that one is refused, too, before anything went
 * well, it counts.
 *
 * Plain data of one thread. All 0: nothing has failed.
 */
#ifndef BT_SYNC_RETRY_H
#define BT_SYNC_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct bt_retry {
    int64_t at_ns;      // not before; of the clock that `now_ns` is of
    unsigned failures;  // since it went well
    bool renewed;       // a token was refused since then
};

// `longest_ns`: no wait is longer.
void bt_retry_failed(struct bt_retry *retry, int64_t now_ns, int64_t longest_ns);
void bt_retry_refused(struct bt_retry *retry, int64_t now_ns, int64_t longest_ns);
void bt_retry_well(struct bt_retry *retry);

#endif

// Asks a listener of one's own, as anybody does: does its loop still turn?
#ifndef BT_SERVER_HTTP_KNOCK_H
#define BT_SERVER_HTTP_KNOCK_H

#include <stdint.h>

#include "base/error.h"

/**
 * Connects to where the listening socket listens and waits for a byte, or for the connection's
 * end: what is sent is a request that needs no worker, and to TLS, which is not spoken here, a
 * mistake; both are answered at once. -ETIMEDOUT when nothing comes.
 */
int bt_knock(int listener_fd, int64_t patience_ns, struct bt_error *err) BT_NODISCARD;

#endif

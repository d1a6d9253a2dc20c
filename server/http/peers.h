/**
 * What libmicrohttpd does not watch over. Every connection's deadline: a client that dribbles its
 * request is cut off, however often it sends a byte. And who has gone: a parked connection is not
 * looked at at all, and 0.9.75 overlooks an end that arrives together with the last bytes of half a
 * body. One thread looks at all of them once a second.
 */
#ifndef BT_SERVER_HTTP_PEERS_H
#define BT_SERVER_HTTP_PEERS_H

#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

#define BT_PEER_HEADERS_NS (30 * BT_NS_PER_S)  // from the connection, or the end of the last answer
#define BT_PEER_IDLE_NS (75 * BT_NS_PER_S)
#define BT_PEER_BODY_NS (30 * BT_NS_PER_S)
#define BT_PEER_BODY_BYTES_PER_S 1024  // and as much longer as its length takes at this speed

struct bt_peers;
int bt_peers_start(const struct bt_clock *clock, struct bt_peers **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_peers_destroy(struct bt_peers *peers);
BT_DEFINE_AUTO(bt_peers)

struct bt_peer;
struct bt_peer *bt_peers_add(struct bt_peers *peers, int fd) BT_NODISCARD;
void bt_peers_remove(struct bt_peers *peers, struct bt_peer *peer);

// We wait for the other side, for so long: then, or within two seconds of its having closed the
// connection, it is cut off. INT64_MAX: we do not wait. Any thread.
void bt_peer_allow(struct bt_peers *peers, struct bt_peer *peer, int64_t ns);

/**
 * The connection is parked: calls `lost` once (with the list's lock held), within eight seconds of
 * the other side's closing it. Until unwatch returns.
 */
void bt_peer_watch(struct bt_peers *peers, struct bt_peer *peer, void (*lost)(void *context),
                   void *context);
void bt_peer_unwatch(struct bt_peers *peers, struct bt_peer *peer);

#endif

/**
 * Gives parked connections back to libmicrohttpd. Each time it is given any it looks through all
 * that are parked, under its lock: with ten thousand streams that was a fifth of the server's work.
 * So they are given in bundles, with pauses in between that grow with the number of streams; the
 * first after a pause goes at once, and few streams make no pause worth the name.
 *
 * Any thread. No lock is held while libmicrohttpd's is taken.
 */
#ifndef BT_SERVER_HTTP_RESUMING_H
#define BT_SERVER_HTTP_RESUMING_H

#include <microhttpd.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_resuming;

int bt_resuming_start(struct bt_resuming **out, struct bt_error *err) BT_NODISCARD;

// From now on everything goes at once; what waited has gone when this returns.
void bt_resuming_stop(struct bt_resuming *resuming);
void bt_resuming_destroy(struct bt_resuming *resuming);
BT_DEFINE_AUTO(bt_resuming)

// The connection is suspended, and is not suspended again before it has been given back.
void bt_resuming_add(struct bt_resuming *resuming, struct MHD_Connection *connection);

// A stream has opened (1) or closed (-1).
void bt_resuming_count(struct bt_resuming *resuming, int streams);

#endif

/**
 * The channel thread: pairing, logging in, the hint stream, orders, pings, and everything the
 * player says. It writes to the disk only after it has told the main loop what is to go, and waits
 * for nothing else, so that "connected" means "obeys".
 */
#ifndef BT_SYNC_CHANNEL_H
#define BT_SYNC_CHANNEL_H

#include "sync/inside.h"

// create makes it (also when it fails, for destroy), run starts the thread.
int bt_channel_create(struct bt_sync *sync, struct bt_channel **out,
                      struct bt_error *err) BT_NODISCARD;
int bt_channel_run(struct bt_channel *channel, struct bt_error *err) BT_NODISCARD;
void bt_channel_close(struct bt_channel *channel);
void bt_channel_join(struct bt_channel *channel);  // until its thread has ended
void bt_channel_destroy(struct bt_channel *channel);

// From other threads; none waits.
void bt_channel_moved(struct bt_channel *channel);  // another server: connect anew
void bt_channel_look(struct bt_channel *channel);   // content or templates changed
void bt_channel_done(struct bt_channel *channel, int64_t number, enum bt_order_state state,
                     const char *detail);
void bt_channel_flushed(struct bt_channel *channel);  // what was taken is on the disk
void bt_channel_pong(struct bt_channel *channel, int64_t ping);
void bt_channel_screenshot(struct bt_channel *channel, int64_t number, void *bytes, size_t len);
void bt_channel_status(struct bt_channel *channel, const char *json);

#endif

/**
 * What the kernel says the moment something is plugged or unplugged (NETLINK_KOBJECT_UEVENT; the
 * kernel's own messages, before udev has seen them). Only a hint to look: render/connectors.h says
 * what is there. Where there are none (no such socket is allowed) looking now and then must do.
 */
#ifndef BT_RENDER_UEVENTS_H
#define BT_RENDER_UEVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct bt_uevents;

int bt_uevents_open(struct bt_uevents **out, struct bt_error *err) BT_NODISCARD;
void bt_uevents_destroy(struct bt_uevents *uevents);
BT_DEFINE_AUTO(bt_uevents)

int bt_uevents_fd(const struct bt_uevents *uevents);  // readable when there is something to take

/**
 * Takes what has come, a bounded number of messages; never waits. True when one is about graphics
 * cards, or when some were lost. What others than the kernel sent is not believed.
 */
bool bt_uevents_take(struct bt_uevents *uevents);

/**
 * Whether a message is about graphics cards: "change@/devices/…" and then KEY=VALUE, each ended by
 * NUL, with SUBSYSTEM=drm; or about the console's picture, SUBSYSTEM=graphics. Anything else, such
 * as udev's own messages, is not.
 */
bool bt_uevent_is_of_cards(const char *message, size_t len);

#endif

/**
 * The USB thread: sticks that are handed over in a directory (docs/usb.md), one after the other.
 * Asks the repository thread to take metadata and documents, copies the assets that are missing,
 * gently, and writes what is to come back. It may wait for a stick as long as that takes; nobody
 * waits for it.
 *
 * NAME.go beside the mounted stick NAME is the wish; NAME.back gets the answer, `done` in it last.
 * To a stick itself nothing is ever written here.
 */
#ifndef BT_SYNC_USB_H
#define BT_SYNC_USB_H

#include "sync/inside.h"

// create makes it (also when it fails, for destroy), run starts the thread. Without a directory in
// the options it has nothing to do.
int bt_usb_create(struct bt_sync *sync, struct bt_usb **out, struct bt_error *err) BT_NODISCARD;
int bt_usb_run(struct bt_usb *usb, struct bt_error *err) BT_NODISCARD;
void bt_usb_close(struct bt_usb *usb);
void bt_usb_join(struct bt_usb *usb);  // until its thread has ended
void bt_usb_destroy(struct bt_usb *usb);

#endif

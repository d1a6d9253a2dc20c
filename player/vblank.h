/**
 * The refreshes of the display as the kernel counts them, whoever draws (KMSDRM, X11, Wayland): the
 * evidence that presents really reached the glass one refresh each. Needs the right to open
 * /dev/dri/card*, and a driver that counts; virtual cards often do not.
 */
#ifndef BT_PLAYER_VBLANK_H
#define BT_PLAYER_VBLANK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct bt_vblank;

// Of the first card with a display. Errors: -ENOTSUP nothing counts here. Main thread.
int bt_vblank_open(const char *root, struct bt_vblank **out, struct bt_error *err) BT_NODISCARD;
void bt_vblank_destroy(struct bt_vblank *vblank);
BT_DEFINE_AUTO(bt_vblank)

// How many refreshes there were since some moment of the past. False: not known now.
bool bt_vblank_count(const struct bt_vblank *vblank, int64_t *out_count);

#endif

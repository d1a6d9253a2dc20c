/**
 * One moment of a show: what every track shows at an instant, worked out from the anchor on and
 * drawn through the same compositor that plays. Nothing is recorded.
 */
#ifndef BT_PLAYER_MOMENT_H
#define BT_PLAYER_MOMENT_H

#include "player/prepare.h"

enum bt_moment_picture { BT_MOMENT_CANVAS, BT_MOMENT_RASTER };

/**
 * Draws the canvas of that moment, or the raster with the canvas where the screen has it, (UTC
 * nanoseconds) for a loop that started at the anchor. Items that cannot be shown are skipped as
 * they would be on the screen.
 */
int bt_moment_draw(struct bt_kitchen *kitchen, const struct bt_show *show, int64_t anchor_ns,
                   int64_t at_ns, enum bt_moment_picture picture, struct bt_image **out,
                   struct bt_error *err) BT_NODISCARD;

#endif

/**
 * One moment of a show: what every track shows at an instant, worked out from the anchor on and
 * drawn through the same compositor that plays. Nothing is recorded.
 */
#ifndef BT_PLAYER_MOMENT_H
#define BT_PLAYER_MOMENT_H

#include "player/prepare.h"

/**
 * Draws the canvas of that moment (UTC nanoseconds) for a loop that started at the anchor.
 * Items that cannot be shown are skipped as they would be on the screen.
 */
int bt_moment_draw(struct bt_kitchen *kitchen, const struct bt_show *show, int64_t anchor_ns,
                   int64_t at_ns, struct bt_image **out, struct bt_error *err) BT_NODISCARD;

#endif

/**
 * What a player has to see to where a screen says where its canvas stands: whether the display has
 * the mode that was asked for, and where an LCD's picture is to stand now. Pure.
 */
#ifndef BT_PLAYER_RASTER_WATCH_H
#define BT_PLAYER_RASTER_WATCH_H

#include "playlists/output_plan.h"
#include "render/output.h"

// "asked 1366 × 768, got 1280 × 720"; "" where the display obeys, or nothing was asked. Of several
// windows the first that is not as it should be: "window 'phai': closed, or its display is
// missing".
#define BT_WRONG_MODE_BYTES 192
void bt_wrong_mode(const struct bt_output_plan *plan, const struct bt_output_info *info,
                   char out[BT_WRONG_MODE_BYTES]);

// Says why not all windows of the plan are shown; NULL: they are, as far as it is up to us.
const char *bt_windows_refused(const struct bt_output_plan *plan,
                               const struct bt_output_info *info);

// The position in a walk around the middle; a step begins every shift_minutes.
int64_t bt_pixel_shift_step(const struct bt_output_plan *plan, int64_t since_ns);
void bt_pixel_shift_at(const struct bt_output_plan *plan, int64_t step, int *out_x, int *out_y);

#endif

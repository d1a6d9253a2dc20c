/**
 * What a player has to see to where a screen says where its canvas stands: whether the display has
 * the mode that was asked for, and where an LCD's picture is to stand now. Pure.
 */
#ifndef BT_PLAYER_RASTER_WATCH_H
#define BT_PLAYER_RASTER_WATCH_H

#include "playlists/output_plan.h"
#include "render/output.h"

// "asked 1366 × 768, got 1280 × 720"; "" where the display obeys, or nothing was asked.
#define BT_WRONG_MODE_BYTES 96
void bt_wrong_mode(const struct bt_output_plan *plan, const struct bt_output_info *info,
                   char out[BT_WRONG_MODE_BYTES]);

// The position in a walk around the middle; a step begins every shift_minutes.
int64_t bt_pixel_shift_step(const struct bt_output_plan *plan, int64_t since_ns);
void bt_pixel_shift_at(const struct bt_output_plan *plan, int64_t step, int *out_x, int *out_y);

#endif

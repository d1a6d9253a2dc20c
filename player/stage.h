/**
 * The stage: the loop that presents. Waits for a display, starts the zones, and then at every
 * instant something is due composes ahead, sleeps until the instant, and presents.
 *
 * When nothing changes nothing is drawn, but the same picture is presented again every 2 s: it
 * feeds the watchdog and is the evidence that a still was on the screen.
 */
#ifndef BT_PLAYER_STAGE_H
#define BT_PLAYER_STAGE_H

#include "player/frame_log.h"
#include "player/prepare.h"
#include "player/running_order.h"
#include "plays/recorder.h"
#include "render/output.h"

struct bt_stage_options {
    struct bt_output_options output;
    int64_t refresh_hz;  // a grid of our own; 0: the display's, or none
    int64_t run_ns;      // stop after so long on a display; 0: never
};

/**
 * Plays until told to stop (*stop becomes non-zero, the window is closed, the time is over). All
 * is borrowed; recorder and frame_log may be NULL.
 *
 * 0 when it ended as asked; an error only when a display exists but cannot be used, or a fixed
 * part of the installation is missing.
 */
int bt_stage_play(const struct bt_stage_options *options, struct bt_running_order *order,
                  struct bt_kitchen *kitchen, struct bt_recorder *recorder,
                  struct bt_frame_log *frame_log, const volatile int *stop,
                  struct bt_error *err) BT_NODISCARD;

#endif

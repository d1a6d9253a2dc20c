/**
 * An SDL window for a back-end: video subsystem, window, events. One at a time, on the main
 * thread. SDL is initialised by open and left by close, so that a display that appears later
 * can be tried again.
 *
 * An X server that goes away: Xlib ends the process by default. Here it only sets `lost`, so
 * that the player can put its journal in order. The broken connection cannot be closed, nor
 * another opened (-ENOTSUP): whoever supervises the process starts a new one.
 *
 * A plan with several windows has this one moved to where the first stands, and the others opened
 * beside it; on KMS, where SDL knows one display, it stays alone.
 */
#ifndef BT_RENDER_WINDOW_H
#define BT_RENDER_WINDOW_H

#include <SDL.h>

#include "render/output.h"
#include "render/side_windows.h"

struct bt_window {
    SDL_Window *sdl;
    bool fullscreen;
    bool closed;                   // one of several, hidden by whoever closed it
    bool placed;                   // as a plan's first window
    uint32_t flags;                // of all windows
    struct bt_side_windows sides;  // the plan's others
    bool lost;                     // the connection to the display broke
    bool reset;                    // the GPU has lost its memory; whoever draws clears this
};

// `flags` of SDL_CreateWindow in addition. Errors: -ENODEV no display now.
int bt_window_open(struct bt_window *window, const struct bt_output_options *options,
                   uint32_t flags, struct bt_error *err) BT_NODISCARD;
void bt_window_close(struct bt_window *window);

// The windows that this plan has from now on; only on a full screen.
void bt_window_follow(struct bt_window *window, const struct bt_output_plan *plan);

// The sizes of all windows as they are.
void bt_window_describe(const struct bt_window *window, const struct bt_output_plan *plan,
                        struct bt_output_info *info);

enum bt_output_event bt_window_poll(struct bt_window *window);

bool bt_window_drives_card(void);  // whether SDL uses KMS: no desktop
// Before anything is open: whether that is what it will use, if anything.
bool bt_window_expects_card(void);

// Nobody places windows here. Without one SDL waits in vain for its answer when a window becomes
// full screen: 0.1 s.
bool bt_window_lacks_manager(void);

// The display mode's claim, 0 when it says nothing.
double bt_window_display_hz(const struct bt_window *window);

// Negative errno with SDL's own words.
int bt_fail_sdl(struct bt_error *err, int code, const char *what);

#endif

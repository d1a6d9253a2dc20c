/**
 * The windows of an output beside the first one: other connectors of the same machine. Each has its
 * part of the canvas that the first one shows a part of, and is given it right after the first one
 * was presented. One that cannot be opened or is closed leaves the others as they are.
 *
 * Where a window that covers a display is asked for and there is no such display, there is none.
 */
#ifndef BT_RENDER_SIDE_WINDOWS_H
#define BT_RENDER_SIDE_WINDOWS_H

#include <SDL.h>

#include "render/mapping.h"

struct bt_side_window {
    SDL_Window *sdl;            // NULL: there is none
    bool closed;                // by somebody; hidden until they are opened anew
    struct bt_mapping mapping;  // of its own raster
};

struct bt_side_windows {
    struct bt_side_window windows[BT_MAX_WINDOWS - 1];
    size_t count;  // of the plan's windows but the first
};

// A window that covers a display, or stands on the desktop.
struct bt_window_place {
    int x, y, width, height;
    uint32_t flags;  // of SDL_CreateWindow
};

// False: there is no such display.
bool bt_window_place_of(const struct bt_output_window *wanted, struct bt_window_place *out);

// Closes what is open first. `flags` as in bt_window_open.
void bt_side_windows_open(struct bt_side_windows *sides, const struct bt_output_plan *plan,
                          const char *title, uint32_t flags);
void bt_side_windows_close(struct bt_side_windows *sides);

static inline bool bt_side_window_is_shown(const struct bt_side_window *side)
{
    return side->sdl != NULL && !side->closed;
}

#endif

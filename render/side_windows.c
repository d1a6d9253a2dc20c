#include "render/side_windows.h"

#include "base/log.h"
#include "render/window.h"

static const struct bt_log logger = {"render/windows"};

bool bt_window_place_of(const struct bt_output_window *wanted, struct bt_window_place *out)
{
    SDL_Rect display;
    int index = wanted->display - 1;
    *out = (struct bt_window_place){wanted->x, wanted->y, wanted->width, wanted->height,
                                    SDL_WINDOW_BORDERLESS};
    if (index < 0) {
        return true;
    }
    if (index >= SDL_GetNumVideoDisplays() || SDL_GetDisplayBounds(index, &display) < 0) {
        return false;
    }
    // As with one window: a display that nobody manages is covered by a window of its size.
    *out = (struct bt_window_place){display.x, display.y, display.w, display.h,
                                    bt_window_lacks_manager() ? SDL_WINDOW_BORDERLESS
                                                              : SDL_WINDOW_FULLSCREEN_DESKTOP};
    return true;
}

static void open_one(struct bt_side_window *side, const struct bt_output_window *wanted,
                     const char *title, uint32_t flags)
{
    struct bt_window_place place;
    if (!bt_window_place_of(wanted, &place)) {
        bt_log_error(&logger, "Window '%s': there is no display %d; the others go on without it",
                     wanted->name, wanted->display);
        return;
    }
    side->sdl =
        SDL_CreateWindow(title, place.x, place.y, place.width, place.height, place.flags | flags);
    if (side->sdl == NULL) {
        bt_log_error(&logger, "Window '%s': %s; the others go on without it", wanted->name,
                     SDL_GetError());
    }
}

void bt_side_windows_open(struct bt_side_windows *sides, const struct bt_output_plan *plan,
                          const char *title, uint32_t flags)
{
    bt_side_windows_close(sides);
    for (size_t i = 1; i < plan->window_count; i++) {
        struct bt_side_window *side = &sides->windows[sides->count++];
        *side = (struct bt_side_window){0};
        bt_output_plan_window(plan, i, &side->mapping.plan);
        open_one(side, &plan->windows[i], title, flags);
    }
}

void bt_side_windows_close(struct bt_side_windows *sides)
{
    for (size_t i = 0; i < sides->count; i++) {
        if (sides->windows[i].sdl != NULL) {
            SDL_DestroyWindow(sides->windows[i].sdl);
        }
    }
    sides->count = 0;
}

#include "render/window.h"

#include <errno.h>
#include <stdlib.h>

#ifdef BT_HAVE_X11
#include <SDL_syswm.h>
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#endif

#include "base/log.h"
#include "base/str.h"
#include "render/connectors.h"
#include "render/output_impl.h"

int bt_fail_sdl(struct bt_error *err, int code, const char *what)
{
    return bt_fail(err, code, "%s: %s", what, SDL_GetError());
}

// These two accept everything and show nothing: only who names them gets them.
static bool is_pretended(const char *driver)
{
    const char *asked = SDL_getenv("SDL_VIDEODRIVER");
    return (bt_str_equal(driver, "offscreen") || bt_str_equal(driver, "dummy")) &&
           !bt_str_equal(driver, asked);
}

static const struct bt_log logger = {"render/window"};

#ifdef BT_HAVE_X11
/*
 * The connection breaks while SDL still opens it. Xlib would call exit(), which takes libraries
 * down under the feet of threads that use them: they crash, or the process never ends. Whoever is
 * killed at any time may leave at once; the supervisor starts us again.
 */
static int leave_at_once(Display *display)
{
    (void)display;
    bt_log_error(&logger, "The display broke while it was opened; ending");
    _Exit(EXIT_FAILURE);
}

static void watch_opening(void)
{
    XSetIOErrorHandler(leave_at_once);
}
#else
static void watch_opening(void)
{
}
#endif

bool bt_window_drives_card(void)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    return driver != NULL && SDL_strcasecmp(driver, "kmsdrm") == 0;
}

bool bt_window_expects_card(void)
{
    const char *asked = SDL_getenv("SDL_VIDEODRIVER");
    if (asked != NULL) {
        return SDL_strcasecmp(asked, "kmsdrm") == 0;
    }
    return SDL_getenv("DISPLAY") == NULL && SDL_getenv("WAYLAND_DISPLAY") == NULL;
}

static int check_board(const char *root, struct bt_error *err)
{
    SDL_version sdl;
    SDL_GetVersion(&sdl);
    const struct bt_sdl_version version = {sdl.major, sdl.minor, sdl.patch};
    return bt_window_drives_card() ? bt_kms_check_board(root, version, err) : 0;
}

static int start_video(const char *root, struct bt_error *err)
{
    watch_opening();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    SDL_SetHint(SDL_HINT_VIDEO_DOUBLE_BUFFER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) < 0) {
        return bt_fail_sdl(err, -ENODEV, "There is no display");
    }
    if (is_pretended(SDL_GetCurrentVideoDriver())) {
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
        return bt_fail(err, -ENODEV, "There is no display: no X11, Wayland or KMS device answers");
    }
    int r = check_board(root, err);
    if (r < 0) {
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
    }
    return r;
}

#ifdef BT_HAVE_X11
static void handle_display_lost(Display *display, void *user)
{
    (void)display;
    struct bt_window *window = user;
    window->lost = true;
}

// Xlib's own prints and ends the process.
static int ignore_io_error(Display *display)
{
    (void)display;
    return 0;
}

// Since libX11 1.7 both handlers may return; the calls that failed then return as well.
static void survive_display_loss(struct bt_window *window)
{
    SDL_SysWMinfo info;
    SDL_VERSION(&info.version);
    if (SDL_GetWindowWMInfo(window->sdl, &info) && info.subsystem == SDL_SYSWM_X11) {
        XSetIOErrorHandler(ignore_io_error);
        XSetIOErrorExitHandler(info.info.x11.display, handle_display_lost, window);
    }
}

// Asks the display something, so that a connection that broke unnoticed is known to be lost.
static void notice_display_loss(struct bt_window *window)
{
    SDL_SysWMinfo info;
    SDL_VERSION(&info.version);
    if (SDL_GetWindowWMInfo(window->sdl, &info) && info.subsystem == SDL_SYSWM_X11) {
        XSync(info.info.x11.display, False);
    }
}

bool bt_window_lacks_manager(void)
{
    if (!bt_str_equal(SDL_GetCurrentVideoDriver(), "x11")) {
        return false;
    }
    Display *display = XOpenDisplay(NULL);
    if (display == NULL) {
        return false;
    }
    Atom check = XInternAtom(display, "_NET_SUPPORTING_WM_CHECK", True);
    Atom type = None;
    int format;
    unsigned long count, left;
    unsigned char *value = NULL;
    if (check != None) {
        XGetWindowProperty(display, DefaultRootWindow(display), check, 0, 1, False, XA_WINDOW,
                           &type, &format, &count, &left, &value);
    }
    if (value != NULL) {
        XFree(value);
    }
    XCloseDisplay(display);
    return type == None;
}
#else
static void survive_display_loss(struct bt_window *window)
{
    (void)window;
}

static void notice_display_loss(struct bt_window *window)
{
    (void)window;
}

bool bt_window_lacks_manager(void)
{
    return false;
}
#endif

static const char *root_of(const struct bt_output_options *options)
{
    return options->root != NULL ? options->root : "";
}

/*
 * SDL takes the mode that the console has. After another display was plugged in that may still be
 * the old one's: the one it prefers is asked for, unless the kernel was told a mode.
 *
 * Every window covers a card's display, and its size is the mode. One that is made full screen
 * loses its buffers with the first present, which shows an empty one: black.
 */
static bool cover_card(const struct bt_output_options *options, struct bt_window_place *out)
{
    struct bt_connectors found;
    SDL_DisplayMode mode;
    if (!options->fullscreen || !bt_window_drives_card() || SDL_GetNumVideoDisplays() != 1 ||
        SDL_GetDesktopDisplayMode(0, &mode) < 0 || bt_connectors_mode_is_forced(root_of(options))) {
        return false;
    }
    bt_connectors_look(root_of(options), &found);
    bool known = found.preferred_width > 0;
    *out = (struct bt_window_place){.width = known ? found.preferred_width : mode.w,
                                    .height = known ? found.preferred_height : mode.h};
    return true;
}

// KMS gives SDL one display.
static bool has_windows(bool fullscreen, const struct bt_output_plan *plan)
{
    return fullscreen && plan->window_count > 0 && !bt_window_drives_card();
}

static struct bt_window_place place_window(const struct bt_output_options *options)
{
    int width, height;
    bt_output_default_size(options, &width, &height);
    struct bt_window_place placement = {
        .x = options->window_x >= 0 ? options->window_x : (int)SDL_WINDOWPOS_UNDEFINED,
        .y = options->window_y >= 0 ? options->window_y : (int)SDL_WINDOWPOS_UNDEFINED,
        .width = options->window_width > 0 ? options->window_width : width,
        .height = options->window_height > 0 ? options->window_height : height,
    };
    bool windows = options->plan != NULL && has_windows(options->fullscreen, options->plan);
    if (cover_card(options, &placement) ||
        (windows && bt_window_place_of(&options->plan->windows[0], &placement))) {
        return placement;
    }
    SDL_Rect display;
    if (options->fullscreen && bt_window_lacks_manager() &&
        SDL_GetDisplayBounds(0, &display) == 0) {
        return (struct bt_window_place){display.x, display.y, display.w, display.h,
                                        SDL_WINDOW_BORDERLESS};
    }
    placement.flags = options->fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0;
    return placement;
}

static int create_window(struct bt_window *window, const struct bt_output_options *options,
                         uint32_t flags, struct bt_error *err)
{
    if ((flags & SDL_WINDOW_OPENGL) != 0) {
        // What SDL's renderer wants: otherwise it makes the window a second time.
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_ES);
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, 2);
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, 0);
    }
    struct bt_window_place placement = place_window(options);
    const char *title = options->title != NULL ? options->title : "Bangtin";
    window->sdl = SDL_CreateWindow(title, placement.x, placement.y, placement.width,
                                   placement.height, placement.flags | flags);
    if (window->sdl == NULL) {
        int r = bt_fail_sdl(err, -ENODEV, "Cannot open a window");
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
        return r;
    }
    return 0;
}

static int try_card(const char *index, struct bt_window *window,
                    const struct bt_output_options *options, uint32_t flags, struct bt_error *err)
{
    SDL_SetHint(SDL_HINT_KMSDRM_DEVICE_INDEX, index);
    int r = start_video(root_of(options), err);
    return r < 0 ? r : create_window(window, options, flags, err);
}

/*
 * Without a desktop SDL takes the first card it likes, which may be one that cannot show anything:
 * each card that something is plugged into is tried. Whoever sets the variable has chosen.
 */
static int try_cards(struct bt_window *window, const struct bt_output_options *options,
                     uint32_t flags, struct bt_error *err)
{
    struct bt_connectors found = {.card_count = 0};
    if (SDL_getenv(SDL_HINT_KMSDRM_DEVICE_INDEX) == NULL) {
        bt_connectors_look(root_of(options), &found);
    }
    int r = -ENODEV;
    for (size_t i = 0; i < found.card_count && r == -ENODEV; i++) {
        char index[8];
        SDL_snprintf(index, sizeof(index), "%d", found.cards[i]);
        r = try_card(index, window, options, flags, err);
        if (r < 0) {
            bt_log_info(&logger, "Card %s: %s", index, err != NULL ? err->msg : "cannot be used");
        }
    }
    return r == -ENODEV ? try_card("", window, options, flags, err) : r;
}

int bt_window_open(struct bt_window *window, const struct bt_output_options *options,
                   uint32_t flags, struct bt_error *err)
{
    if (SDL_WasInit(SDL_INIT_VIDEO) != 0) {
        return bt_fail(err, -ENOTSUP, "The display was lost; only a new process can open another");
    }
    int r = try_cards(window, options, flags, err);
    if (r < 0) {
        return r;
    }
    window->fullscreen = options->fullscreen;
    window->flags = flags;
    if (options->plan != NULL && has_windows(options->fullscreen, options->plan)) {
        window->placed = true;
        bt_side_windows_open(&window->sides, options->plan, SDL_GetWindowTitle(window->sdl), flags);
    }
    survive_display_loss(window);
    SDL_ShowCursor(SDL_DISABLE);
    SDL_DisableScreenSaver();
    return 0;
}

// It need not be the display's size any more, nor on the display it was opened on.
static void move(struct bt_window *window, const struct bt_window_place *place)
{
    SDL_SetWindowFullscreen(window->sdl, 0);
    SDL_SetWindowBordered(window->sdl, SDL_FALSE);
    SDL_SetWindowSize(window->sdl, place->width, place->height);
    SDL_SetWindowPosition(window->sdl, place->x, place->y);
    SDL_SetWindowFullscreen(window->sdl, place->flags & SDL_WINDOW_FULLSCREEN_DESKTOP);
}

void bt_window_follow(struct bt_window *window, const struct bt_output_plan *plan)
{
    static const struct bt_output_window whole_display = {.display = 1};
    struct bt_window_place place;
    bool windows = has_windows(window->fullscreen, plan);
    if (!windows && !window->placed) {
        return;
    }
    const struct bt_output_window *first = windows ? &plan->windows[0] : &whole_display;
    if (bt_window_place_of(first, &place) || bt_window_place_of(&whole_display, &place)) {
        move(window, &place);
    }
    if (window->closed) {
        SDL_ShowWindow(window->sdl);
        window->closed = false;
    }
    window->placed = windows;
    bt_side_windows_open(&window->sides, plan, SDL_GetWindowTitle(window->sdl), window->flags);
}

void bt_window_describe(const struct bt_window *window, const struct bt_output_plan *plan,
                        struct bt_output_info *info)
{
    SDL_GetWindowSize(window->sdl, &info->width, &info->height);
    info->window_count = plan->window_count > 0 ? 1 + window->sides.count : 0;
    info->windows[0] =
        window->closed ? (struct bt_size){0, 0} : (struct bt_size){info->width, info->height};
    for (size_t i = 0; i < window->sides.count; i++) {
        const struct bt_side_window *side = &window->sides.windows[i];
        struct bt_size *size = &info->windows[i + 1];
        *size = (struct bt_size){0, 0};
        if (bt_side_window_is_shown(side)) {
            SDL_GetWindowSize(side->sdl, &size->width, &size->height);
        }
    }
}

void bt_window_close(struct bt_window *window)
{
    // Closing a broken connection ends the process or waits for ever (SDL keeps a second one that
    // we cannot reach), so what hangs on it is left to the end of the process.
    if (window->sdl == NULL || window->lost) {
        return;
    }
    notice_display_loss(window);
    if (window->lost) {
        return;
    }
    bt_side_windows_close(&window->sides);
    SDL_DestroyWindow(window->sdl);
    window->sdl = NULL;
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

static enum bt_output_event meaning_of(const struct bt_window *window, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_QUIT:
        return BT_OUTPUT_QUIT;
    case SDL_KEYDOWN:
        return !window->fullscreen && event->key.keysym.sym == SDLK_ESCAPE ? BT_OUTPUT_QUIT
                                                                           : BT_OUTPUT_NONE;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        return BT_OUTPUT_EXPOSED;
    case SDL_WINDOWEVENT:
        break;
    default:
        return BT_OUTPUT_NONE;
    }
    switch (event->window.event) {
    case SDL_WINDOWEVENT_CLOSE:
        return BT_OUTPUT_QUIT;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
        return BT_OUTPUT_EXPOSED;
    default:
        return BT_OUTPUT_NONE;
    }
}

static bool hide(SDL_Window *sdl, uint32_t id, bool *closed)
{
    if (sdl != NULL && SDL_GetWindowID(sdl) == id) {
        *closed = true;
        SDL_HideWindow(sdl);
    }
    return sdl != NULL && !*closed;
}

// One of several windows is hidden, and the others go on. False: there are no others.
static bool close_one(struct bt_window *window, uint32_t id)
{
    bool goes_on = hide(window->sdl, id, &window->closed);
    for (size_t i = 0; i < window->sides.count; i++) {
        struct bt_side_window *side = &window->sides.windows[i];
        goes_on = hide(side->sdl, id, &side->closed) || goes_on;
    }
    if (goes_on) {
        bt_log_warn(&logger, "One of the windows was closed; the others go on");
    }
    return goes_on;
}

static bool is_closing(const SDL_Event *event)
{
    return event->type == SDL_WINDOWEVENT && event->window.event == SDL_WINDOWEVENT_CLOSE;
}

enum bt_output_event bt_window_poll(struct bt_window *window)
{
    if (window->lost) {
        return BT_OUTPUT_LOST;
    }
    enum bt_output_event happened = BT_OUTPUT_NONE;
    SDL_Event event;
    while (!window->lost && SDL_PollEvent(&event)) {
        enum bt_output_event meaning = meaning_of(window, &event);
        if (is_closing(&event) && close_one(window, event.window.windowID)) {
            meaning = BT_OUTPUT_EXPOSED;
        }
        window->reset = window->reset || event.type == SDL_RENDER_DEVICE_RESET;
        bool more_urgent = meaning == BT_OUTPUT_QUIT || happened == BT_OUTPUT_NONE;
        happened = more_urgent && meaning != BT_OUTPUT_NONE ? meaning : happened;
    }
    return window->lost ? BT_OUTPUT_LOST : happened;
}

double bt_window_display_hz(const struct bt_window *window)
{
    SDL_DisplayMode mode;
    int display = SDL_GetWindowDisplayIndex(window->sdl);
    if (display < 0 || SDL_GetCurrentDisplayMode(display, &mode) < 0) {
        return 0;
    }
    return mode.refresh_rate;
}

/**
 * An output: scenes → a screen, a window or memory. Two back-ends behind one interface:
 * *soft* draws into the window's shared-memory surface (or plain memory, headless) and is what
 * golden pictures come from; *gles2* draws with SDL's OpenGL ES renderer.
 *
 * compose draws ahead of time and shows nothing; present shows what was composed. Main thread
 * only (SDL). Nothing here waits, except present on a display with real vsync.
 */
#ifndef BT_RENDER_OUTPUT_H
#define BT_RENDER_OUTPUT_H

#include "playlists/output_plan.h"
#include "render/scene.h"

struct bt_output;

enum bt_backend { BT_BACKEND_AUTO, BT_BACKEND_SOFT, BT_BACKEND_GLES2 };

struct bt_output_options {
    int canvas_width, canvas_height;
    const struct bt_output_plan *plan;  // as in bt_output_resize; borrowed for open
    enum bt_backend backend;            // AUTO: gles2 on a real GPU or KMSDRM, soft otherwise
    bool headless;                      // no window: memory only
    bool fullscreen;
    int window_x, window_y;           // < 0: the window manager's choice
    int window_width, window_height;  // 0: the size of the canvas, or of the raster it stands on
    const char *title;
    const char *root;  // of the kernel's files; NULL but for tests

    // For tests: a GPU that takes no larger textures, and what may be uploaded ahead in one call.
    int max_texture_px;   // 0: what the GPU says
    size_t upload_bytes;  // 0: what takes 4 ms
};

struct bt_size {
    int width, height;
};

struct bt_output_info {
    const char *backend;                     // "soft", "gles2"
    const char *video_driver;                // SDL's word: "x11", "kmsdrm", ...; "none" headless
    char renderer[128];                      // GL_RENDERER for gles2, else ""
    int width, height;                       // pixels of the display, or of the window; 0 headless
    struct bt_size windows[BT_MAX_WINDOWS];  // of the plan, as they are; 0: not there, or closed
    size_t window_count;                     // so many of the plan's are shown here at all
    double display_hz;                       // what the display mode claims; 0 when it says nothing
    bool vsync;                              // present was measured to wait for the display;
                                             // known after the first one
    bool drives_card;                        // there is no desktop between us and the graphics card
};

// Whether opening one would, as far as one can tell, drive a graphics card: there is no desktop.
bool bt_output_expects_card(void);

// Errors: -ENODEV no display now (try again later), -ENOTSUP back-end not possible here.
int bt_output_open(const struct bt_output_options *options, struct bt_output **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_output_destroy(struct bt_output *output);
BT_DEFINE_AUTO(bt_output)

const struct bt_output_info *bt_output_info(const struct bt_output *output);

/**
 * From the next compose on the canvas has another size, and stands where the plan says; what is on
 * the screen stays until the next present. A window that was opened without a size takes the new
 * one.
 *
 * The plan is copied. With one the canvas is drawn 1:1 whatever the display's size is, all slices
 * with the same present, and all else is black; without (NULL) it stands in the left top corner of
 * a full screen, and in the middle of a window, scaled down where that is too small.
 *
 * A plan with windows has its part of the canvas in each of them, all with the same present; a
 * display that is waited for is the first one's. KMS shows the first window alone; in a window
 * instead of the full screen the canvas is shown as without a plan.
 */
int bt_output_resize(struct bt_output *output, int canvas_width, int canvas_height,
                     const struct bt_output_plan *plan, struct bt_error *err) BT_NODISCARD;

// Everything moves by so many pixels of the raster, from the next compose on. Only with a plan.
int bt_output_shift(struct bt_output *output, int x, int y, struct bt_error *err) BT_NODISCARD;

/**
 * Pictures that will be shown soon, the first ones first: some of their rows go to the GPU now, in
 * 4 ms at most, so that nothing is late when a scene has them. To be called once a refresh with
 * all that is expected then; what is not named any more is forgotten, and nothing is looked at
 * after the call. True when there is more to do.
 */
bool bt_output_ahead(struct bt_output *output, const struct bt_image *const *images, size_t count);

/**
 * Draws the scene into the back buffer; only what differs from the scene before is redrawn.
 * 1 when something changed, 0 when the picture is the same as the last one.
 */
int bt_output_compose(struct bt_output *output, const struct bt_scene *scene,
                      struct bt_error *err) BT_NODISCARD;

/**
 * Shows the composed picture (again, when nothing changed). *out_ns: monotonic, when it was handed
 * to the display. The first one may take ten refreshes: the picture is presented again and again to
 * see whether the display makes us wait.
 * Errors: -ENODEV the display went away, -EAGAIN nothing was composed yet.
 */
int bt_output_present(struct bt_output *output, int64_t *out_ns, struct bt_error *err) BT_NODISCARD;

// A copy of the composed canvas, for `render`, golden pictures and screenshots.
int bt_output_read(struct bt_output *output, struct bt_image **out,
                   struct bt_error *err) BT_NODISCARD;

/**
 * A copy of the raster with the composed canvas on it, as the next present gives it to the display;
 * without a plan the canvas itself. Of several windows on a display it is the first one's; headless
 * all of them stand beside each other.
 */
int bt_output_read_raster(struct bt_output *output, struct bt_image **out,
                          struct bt_error *err) BT_NODISCARD;

enum bt_output_event {
    BT_OUTPUT_NONE,
    BT_OUTPUT_QUIT,     // the window was closed, or the last of several; or Escape in a window
    BT_OUTPUT_EXPOSED,  // the window's content was lost, or one of several: present again
    BT_OUTPUT_LOST,     // the display is gone: destroy, end the process, be started anew
};

// Drains SDL's events; never waits. The most urgent of what happened.
enum bt_output_event bt_output_poll(struct bt_output *output);

#endif

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

#include "render/scene.h"

struct bt_output;

enum bt_backend { BT_BACKEND_AUTO, BT_BACKEND_SOFT, BT_BACKEND_GLES2 };

struct bt_output_options {
    int canvas_width, canvas_height;
    enum bt_backend backend;  // AUTO: gles2 on a real GPU or KMSDRM, soft otherwise
    bool headless;            // no window: memory only
    bool fullscreen;
    int window_x, window_y;           // < 0: the window manager's choice
    int window_width, window_height;  // 0: the canvas's size
    const char *title;
    const char *root;  // of the kernel's files; NULL but for tests
};

struct bt_output_info {
    const char *backend;       // "soft", "gles2"
    const char *video_driver;  // SDL's word: "x11", "kmsdrm", ...; "none" headless
    char renderer[128];        // GL_RENDERER for gles2, else ""
    int width, height;         // pixels of the display, or of the window; 0 headless
    double display_hz;         // what the display mode claims; 0 when it says nothing
    bool vsync;                // present was measured to wait for the display
    bool drives_card;          // there is no desktop between us and the graphics card
};

// Errors: -ENODEV no display now (try again later), -ENOTSUP back-end not possible here.
int bt_output_open(const struct bt_output_options *options, struct bt_output **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_output_destroy(struct bt_output *output);
BT_DEFINE_AUTO(bt_output)

const struct bt_output_info *bt_output_info(const struct bt_output *output);

/**
 * The canvas has another size from the next compose on; what is on the screen stays until the next
 * present. A window that was opened in the canvas's size takes the new one.
 */
int bt_output_resize(struct bt_output *output, int canvas_width, int canvas_height,
                     struct bt_error *err) BT_NODISCARD;

/**
 * Draws the scene into the back buffer; only what differs from the scene before is redrawn.
 * 1 when something changed, 0 when the picture is the same as the last one.
 */
int bt_output_compose(struct bt_output *output, const struct bt_scene *scene,
                      struct bt_error *err) BT_NODISCARD;

// Shows the composed picture (again, when nothing changed). *out_ns: monotonic, when it was handed
// to the display. Errors: -ENODEV the display went away.
int bt_output_present(struct bt_output *output, int64_t *out_ns, struct bt_error *err) BT_NODISCARD;

// A copy of the composed canvas, for `render`, golden pictures and screenshots.
int bt_output_read(struct bt_output *output, struct bt_image **out,
                   struct bt_error *err) BT_NODISCARD;

enum bt_output_event {
    BT_OUTPUT_NONE,
    BT_OUTPUT_QUIT,     // the window was closed, or Escape in a window
    BT_OUTPUT_EXPOSED,  // the window's content was lost: present again
    BT_OUTPUT_LOST,     // the display is gone: destroy, end the process, be started anew
};

// Drains SDL's events; never waits. The most urgent of what happened.
enum bt_output_event bt_output_poll(struct bt_output *output);

#endif

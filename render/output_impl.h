// What an output is made of; for the back-ends only.
#ifndef BT_RENDER_OUTPUT_IMPL_H
#define BT_RENDER_OUTPUT_IMPL_H

#include "render/mapping.h"
#include "render/output.h"

// Every slot but `ahead` and `draw` is required. As in output.h, except that `read` fills an image
// of the canvas's size, and `read_raster`, called only when there is a mapping, one of the raster's
// size.
struct bt_output_impl {
    // The output's canvas_width, canvas_height, plan and mapping are the new ones already.
    int (*resize)(struct bt_output *output, struct bt_error *err);
    bool (*ahead)(struct bt_output *output, const struct bt_image *const *images, size_t count);
    int (*compose)(struct bt_output *output, const struct bt_scene *scene, struct bt_error *err);
    // When it returns, all that the next present shows is drawn.
    int (*draw)(struct bt_output *output, struct bt_error *err);
    int (*present)(struct bt_output *output, struct bt_error *err);
    int (*read)(struct bt_output *output, struct bt_image *into, struct bt_error *err);
    int (*read_raster)(struct bt_output *output, struct bt_image *into, struct bt_error *err);
    enum bt_output_event (*poll)(struct bt_output *output);
    void (*destroy)(struct bt_output *output);
};

// Embedded first in each back-end's own struct.
struct bt_output {
    const struct bt_output_impl *impl;
    struct bt_output_info info;
    int canvas_width, canvas_height;
    struct bt_output_plan plan;  // as it was asked for; no slices: there is none
    struct bt_mapping mapping;   // the plan's; of several windows on a display the first one's
    bool headless, fullscreen;
    bool composed;        // there is a scene for this canvas; else nothing is presented
    bool follows_canvas;  // the window has the canvas's size, or the raster's
    bool may_wait;        // present may wait for the display: the first ones show whether it does,
                          // since flags and swap intervals are promises that drivers break
};

// A window's size when it is given none.
void bt_output_default_size(const struct bt_output_options *options, int *out_width,
                            int *out_height);

// The same for an output that is open.
void bt_output_wanted_size(const struct bt_output *output, int *out_width, int *out_height);

void bt_output_init(struct bt_output *output, const struct bt_output_impl *impl,
                    const struct bt_output_options *options);

int bt_output_open_memory(const struct bt_output_options *options, struct bt_output **out,
                          struct bt_error *err) BT_NODISCARD;
int bt_output_open_soft(const struct bt_output_options *options, struct bt_output **out,
                        struct bt_error *err) BT_NODISCARD;
int bt_output_open_gles2(const struct bt_output_options *options, struct bt_output **out,
                         struct bt_error *err) BT_NODISCARD;

// GL_RENDERER names a software rasteriser, which costs more than the soft back-end.
bool bt_output_is_software_gl(const char *renderer);

#endif

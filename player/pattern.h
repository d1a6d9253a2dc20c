/**
 * A test pattern for whoever puts a screen up: border and corners, the modules with their numbers,
 * the slices and windows with theirs, levels of grey with the darkest ones apart, colour bars, and
 * words to focus by. It is drawn on the canvas and goes through the same mapping as everything
 * else.
 *
 * Lines that move (bt_pattern_scene) show tearing and doubled refreshes.
 */
#ifndef BT_PLAYER_PATTERN_H
#define BT_PLAYER_PATTERN_H

#include "media/text.h"
#include "render/scene.h"

struct bt_pattern {
    int width, height;                  // of the canvas
    int module_width, module_height;    // of an LED module; 0: no grid
    const struct bt_output_plan *plan;  // NULL: the canvas is one piece
};

int bt_pattern_draw(const struct bt_pattern *pattern, struct bt_text *text, struct bt_image **out,
                    struct bt_error *err) BT_NODISCARD;

// The picture, and over it an upright and a level line that move one pixel with each step.
void bt_pattern_scene(const struct bt_pattern *pattern, const struct bt_image *image, int64_t step,
                      struct bt_scene *out);

#endif

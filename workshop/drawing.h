/**
 * `bangtin-media draw`: the readers of pictures that the player does not trust inside itself. The
 * process binds itself first: time, memory, no network, no other program, nothing written but the
 * answer (media/outside.h).
 */
#ifndef BT_WORKSHOP_DRAWING_H
#define BT_WORKSHOP_DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

// What a reader gives; pixels are blue, green, red, alpha (not multiplied), without gaps.
struct bt_drawing {
    int width, height;
    uint8_t *pixels;  // owned; NULL: only measured
};
void bt_drawing_finish(struct bt_drawing *drawing);

/**
 * Reads the bytes of a file. width and height of 0: measures. An SVG is drawn exactly so large,
 * anything else as it is. Errors: -EBADMSG, -ENOTSUP, -EFBIG, -ENOMEM.
 */
int bt_draw_svg(const uint8_t *bytes, size_t len, int width, int height, struct bt_drawing *out,
                struct bt_error *err) BT_NODISCARD;
int bt_draw_heif(const uint8_t *bytes, size_t len, int width, int height, struct bt_drawing *out,
                 struct bt_error *err) BT_NODISCARD;

// A size within what is shown at all: -EBADMSG none, -EFBIG.
int bt_drawing_measured(struct bt_drawing *out, int width, int height,
                        struct bt_error *err) BT_NODISCARD;

// And memory for its pixels.
int bt_drawing_reserve(struct bt_drawing *out, int width, int height,
                       struct bt_error *err) BT_NODISCARD;

// Answers on standard output; the process's exit status. It is bound from then on. "-" is
// standard input.
int bt_drawing_answer(const char *file, int width, int height);

#endif

/**
 * Pictures in memory.
 *
 * bt_image: BGRA, premultiplied, 8 bit, sRGB: what text, stills and the canvas are made of.
 * bt_frame: one decoded frame of a clip in the format it was decoded in, with its place in time.
 */
#ifndef BT_MEDIA_FRAME_H
#define BT_MEDIA_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

struct AVFrame;

struct bt_image {
    int width, height;  // pixels, 1..
    size_t stride;      // bytes from row to row, a multiple of 4
    uint8_t *pixels;    // B, G, R, A; colour never above alpha
    bool opaque;        // every alpha is 255
    uint64_t id;        // of this picture alone, never given twice; 0: none
};

// Cleared to transparent. NULL when memory is gone or the size is out of 1..32768 (canvas, strip).
struct bt_image *bt_image_create(int width, int height) BT_NODISCARD;
void bt_image_destroy(struct bt_image *image);
BT_DEFINE_AUTO(bt_image)

// Appends the picture as PNG. -EMSGSIZE: longer than the buffer's limit.
int bt_image_encode_png(const struct bt_image *image, struct bt_buf *out,
                        struct bt_error *err) BT_NODISCARD;
int bt_image_write_png(const struct bt_image *image, const char *path,
                       struct bt_error *err) BT_NODISCARD;

struct bt_frame {
    struct AVFrame *av;   // owned
    int64_t number;       // 0 for the clip's first frame
    int64_t pts_ns;       // since the start of the clip's first frame
    int64_t duration_ns;  // > 0; until the next frame's pts, as far as the container knows
};

void bt_frame_destroy(struct bt_frame *frame);
BT_DEFINE_AUTO(bt_frame)

#endif

/**
 * Frames → pixels of the canvas. One converter per place that shows a clip: it keeps what depends
 * on size, format, matrix and range, and rebuilds it when a frame differs (mid-stream changes).
 *
 * Colour: BT.601, BT.709 and BT.2020 matrices, limited and full range, taken from each frame;
 * unknown: 601 up to 576 lines, else 709, limited (yuvj: full). HDR (PQ, HLG) is mapped to what a
 * screen without it shows. Not thread-safe; use one per thread.
 */
#ifndef BT_MEDIA_CONVERT_H
#define BT_MEDIA_CONVERT_H

#include "media/frame.h"

struct bt_converter;

enum bt_quality {
    BT_QUALITY_FAST,  // bilinear, for moving pictures
    BT_QUALITY_BEST,  // area when shrinking, Lanczos or bicubic when growing, for stills
};

struct bt_converter *bt_converter_create(enum bt_quality quality) BT_NODISCARD;
void bt_converter_destroy(struct bt_converter *converter);
BT_DEFINE_AUTO(bt_converter)

struct bt_crop {
    int x, y, width, height;  // of the frame as decoded, pixels; all 0: the whole frame
};

/**
 * Scales the cropped frame to width × height BGRA at `pixels` (row after row, `stride` bytes
 * apart), turned clockwise by rotation (0, 90, 180, 270). Frames with alpha come out premultiplied.
 */
int bt_convert(struct bt_converter *converter, const struct bt_frame *frame,
               const struct bt_crop *crop, int rotation, uint8_t *pixels, size_t stride, int width,
               int height, struct bt_error *err) BT_NODISCARD;

// The whole frame, at its own size, upright as it was decoded; alpha is not multiplied. Of frames
// that are not YUV planes alone.
int bt_convert_straight(struct bt_converter *converter, const struct bt_frame *frame,
                        uint8_t *pixels, size_t stride, struct bt_error *err) BT_NODISCARD;

#endif

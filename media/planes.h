/**
 * The YUV planes of a frame as 8 bit, the form that is scaled (libyuv) and converted fast on every
 * machine we run on. Deeper samples are rounded to 8 bit first.
 *
 * Inside media/ only.
 */
#ifndef BT_MEDIA_PLANES_H
#define BT_MEDIA_PLANES_H

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "media/yuv.h"

// Memory that only grows, for what lies between two steps.
struct bt_scratch {
    uint8_t *bytes;
    size_t size;
};
uint8_t *bt_scratch_get(struct bt_scratch *scratch, size_t size);  // NULL when memory is gone
void bt_scratch_finish(struct bt_scratch *scratch);

enum bt_plane_layout {
    BT_PLANES_PLANAR,  // Y, U, V
    BT_PLANES_SEMI,    // Y, UV interleaved (NV12)
    BT_PLANES_GREY,    // Y
};

struct bt_planes {
    enum bt_plane_layout layout;
    int shift_x, shift_y;  // chroma is so many times halved
    int depth_shift;       // 0: 8 bit; else 16-bit samples, to be shifted right so far
    int width, height;     // of luma
    const uint8_t *data[3];
    int stride[3];  // bytes
    enum bt_yuv_matrix matrix;
    bool full;  // range
};

// False when the frame is not YUV of a kind handled here. Borrows the frame's memory.
bool bt_planes_of(const AVFrame *frame, struct bt_planes *out);

// A part of the planes; x and y are moved down to where a chroma sample begins.
void bt_planes_crop(struct bt_planes *planes, int x, int y, int width, int height);

// Rounds deeper samples to 8 bit, into scratch. -ENOMEM.
int bt_planes_to_8bit(struct bt_planes *planes, struct bt_scratch *scratch) BT_NODISCARD;

// The same into planes of that layout which the caller has; only of deeper samples.
void bt_planes_round(const struct bt_planes *planes, uint8_t *const data[], const int stride[]);

// Scales 8-bit planes into scratch: averages when shrinking, bilinear when growing. -ENOMEM.
int bt_planes_scale(struct bt_planes *planes, int width, int height,
                    struct bt_scratch *scratch) BT_NODISCARD;

// Grows the chroma of 8-bit planes to luma's size, interpolated; for stills. -ENOMEM.
int bt_planes_smooth(struct bt_planes *planes, struct bt_scratch *scratch) BT_NODISCARD;

// 8-bit planes → opaque BGRA of the same size.
void bt_planes_to_bgra(const struct bt_planes *planes, uint8_t *pixels, int stride);

#endif

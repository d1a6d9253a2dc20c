/**
 * Scaling stills well: bicubic (Catmull-Rom), its window widened when shrinking so that every
 * pixel of the source counts. Rows are pushed from the top, so a huge source never has to stand
 * in memory as BGRA. Whole numbers only: every machine and every build gives the same picture.
 *
 * Pixels are premultiplied BGRA. One thread. Inside media/ only.
 */
#ifndef BT_MEDIA_RESAMPLE_H
#define BT_MEDIA_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_resample;

/**
 * Results go to `pixels` (width × height, rows `stride` bytes apart), which must outlive this.
 * Sizes are 1..32768. NULL when memory is gone.
 */
struct bt_resample *bt_resample_create(int source_width, int source_height, uint8_t *pixels,
                                       size_t stride, int width, int height) BT_NODISCARD;
void bt_resample_destroy(struct bt_resample *resample);
BT_DEFINE_AUTO(bt_resample)

// The source's next row; after the last one the result is complete.
void bt_resample_push(struct bt_resample *resample, const uint8_t *bgra);

#endif
